"""What a learner sends to its leader for its clients, and how it knows the answers when they come.

1. Transactions of this server's own clients come back in the order in which they were sent, so the next one of them is
   always the oldest that waits. It is recognised by session and cxid (quorum, section 11), and by its type: what a
   leader does with a session by itself has cxid 0, as a client's request may have.
2. A sync is answered after everything that the leader had committed when it said so.
3. A session that a client brings from another server is its own again once the leader has agreed.
"""

from collections import deque
from typing import TYPE_CHECKING, Protocol, final

from librt.strings import BytesWriter, write_i32_be
from mypy_extensions import i32, i64

from zkeeper.database.acls import Identity
from zkeeper.database.sessions import Session
from zkeeper.errors import OK
from zkeeper.pipeline.turns import Waiting
from zkeeper.wire import protocol
from zkeeper.wire.txns import Txn

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink
    from zkeeper.pipeline.service import Service


class Uplink(Protocol):
    """The connection to the leader."""

    def request(self, session_id: int, cxid: int, op: int, body: bytes, credentials: list[Identity] | None) -> None: ...

    def revalidate(self, session_id: int, timeout_ms: int) -> None: ...


@final
class OwnWrite:
    """A write of one of this server's clients, on its way through the leader. If that refuses it, the client is told
    `refusal`, unless that is `OK`: the leader does not know as well why."""

    def __init__(
        self, session_id: i64, cxid: i64, op: i64, link: "ClientLink", received_ms: i64, refusal: i64 = OK
    ) -> None:  # fmt: skip
        self.session_id: i64 = session_id
        self.cxid: i64 = cxid
        self.op: i64 = op
        self.link = link
        self.received_ms: i64 = received_ms
        self.refusal: i64 = refusal


@final
class Forwarder:
    def __init__(self, service: "Service", uplink: Uplink) -> None:
        self._service = service
        self._uplink = uplink
        self._writes: deque[OwnWrite] = deque()
        self._syncs: deque[tuple[ClientLink, Waiting]] = deque()
        self._returning: dict[int, ClientLink] = {}

    def waiting(self) -> int:
        return len(self._writes)

    def write(
        self, link: "ClientLink", session_id: i64, cxid: i64, op: i64, body: bytes, received_ms: i64, refusal: i64 = OK
    ) -> None:  # fmt: skip
        """Sends a write whose answer comes as a transaction."""
        self._writes.append(OwnWrite(session_id, cxid, op, link, received_ms, refusal))
        self._uplink.request(session_id, cxid, op, body, link.credentials)

    def create_session(self, link: "ClientLink", received_ms: i64) -> None:
        self._writes.append(OwnWrite(link.session_id, 0, protocol.CREATE_SESSION, link, received_ms))
        self._create_session(link.session_id, link.timeout_ms)

    def upgrade_session(self, session: Session) -> None:
        """Has all servers know a session that only this one knew; nobody waits for the answer."""
        self._create_session(session.session_id, session.timeout_ms)

    def _create_session(self, session_id: i64, timeout_ms: i64) -> None:
        body = BytesWriter()
        write_i32_be(body, i32(timeout_ms))
        self._uplink.request(session_id, 0, protocol.CREATE_SESSION, body.getvalue(), None)

    def claim(self, txn: Txn) -> OwnWrite | None:
        """The write that `txn` answers, if it is one of this server's clients (rule 1)."""
        writes = self._writes
        if not writes:
            return None
        own = writes[0]
        if own.cxid != txn.cxid or own.session_id != txn.session_id:
            return None
        if own.op != txn.txn_type and txn.txn_type != protocol.ERROR:
            return None
        return writes.popleft()

    def sync(self, link: "ClientLink", cxid: i64, item: Waiting) -> None:
        self._syncs.append((link, item))
        self._uplink.request(link.session_id, cxid, protocol.SYNC, item.reader.rest(), link.credentials)

    def take_sync(self) -> "tuple[ClientLink, Waiting] | None":
        """The oldest sync, which the leader has answered; None when none was asked for."""
        return self._syncs.popleft() if self._syncs else None

    def revalidate(self, link: "ClientLink", session_id: i64) -> None:
        """Asks the leader for a session that the client of `link` brings."""
        earlier = self._returning.get(session_id)
        if earlier is not None:
            earlier.close()
        self._returning[session_id] = link
        self._uplink.revalidate(session_id, link.timeout_ms)

    def take_returning(self, session_id: i64) -> "ClientLink | None":
        """Whose session the leader has answered for; None when nobody waits for it any more."""
        return self._returning.pop(session_id, None)

    def link_closed(self, link: "ClientLink") -> None:
        if self._returning.get(link.session_id) is link:
            del self._returning[link.session_id]
