"""The first frame of a connection: it asks for a new session, or for one that it had (wire, section 3).

1. A session is held by at most one link; a link that a session leaves is closed.
2. A client that has seen what this server has not is refused: it would see time run backwards.
3. A new session is told to its client once its transaction is durable, never before; a local one has none.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64

from zkeeper.database.sessions import OWN, following_session_id, session_password
from zkeeper.errors import DecodeError
from zkeeper.pipeline.link_state import CONNECTED, WAITING_FOR_SESSION
from zkeeper.pipeline.read_only import reason_to_turn_away
from zkeeper.wire import protocol
from zkeeper.wire.jute import Reader

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink
    from zkeeper.pipeline.service import Service

NO_PASSWORD: Final = bytes(protocol.PASSWORD_BYTES)


@final
class Handshake:
    """`tell_refused` and `admit_connection` are those of the surroundings. `takes_clients` is False for a leader that
    only leads."""

    def __init__(
        self, service: "Service", first_session_id: int, tell_refused: Callable[[str], None],
        admit_connection: Callable[[int], bool] | None,
    ) -> None:  # fmt: skip
        self._service = service
        self.next_session_id = first_session_id
        self.takes_clients = True
        self.tell_refused = tell_refused
        self.admit_connection = admit_connection

    def take(self, link: "ClientLink", reader: Reader) -> None:
        """Takes the connect request of `link`."""
        service = self._service
        try:
            reader.int32()
            last_zxid_seen = reader.int64()
            wanted_ms = reader.int32()
            session_id = reader.int64()
            password = reader.buffer()
        except DecodeError:
            self._refuse(link, "its connect request does not decode")
            return
        link.sends_read_only = reader.remaining() > 0
        if not service.serves():
            self._refuse(link, "this server has no leader with whom it could serve")
            return
        if not self.takes_clients:
            self._refuse(link, "this server leads, and leaderServes=no leaves clients to the others")
            return
        if self.admit_connection is not None and not self.admit_connection(int(session_id)):
            service.stats.connections_rejected += 1
            self._refuse(link, "the connection throttle has no token left")
            return
        service.stats.connection_requests += 1
        if service.is_read_only:
            reason = reason_to_turn_away(service, link.sends_read_only and reader.boolean(), session_id)
            if reason:
                self._refuse(link, reason)
                return
        last_zxid = service.database.last_zxid
        if last_zxid_seen > last_zxid:
            self._refuse(link, f"it has seen zxid 0x{last_zxid_seen:x}, this server only 0x{last_zxid:x}")
            return
        link.timeout_ms = max(service.settings.min_timeout_ms, min(wanted_ms, service.settings.max_timeout_ms))
        if session_id == 0:
            self._open_session(link)
        else:
            self._resume_session(link, session_id, password)

    def _refuse(self, link: "ClientLink", reason: str) -> None:
        self.tell_refused(f"connection from {link.peer} refused: {reason}")
        link.close()

    def _open_session(self, link: "ClientLink") -> None:
        service = self._service
        session_id = self.next_session_id
        self.next_session_id = following_session_id(session_id)
        link.session_id = session_id
        link.state = WAITING_FOR_SESSION
        service.links[session_id] = link
        now_ms = service.now_ms()
        is_local = service.local_sessions is not None
        link.session = service.tracker.add(session_id, link.timeout_ms, now_ms, is_local)
        if is_local:
            self.session_created(link)
            return
        link.expect_write()
        service.create_session(link, now_ms)

    def session_created(self, link: "ClientLink") -> None:
        """The session of `link` is durable, or need not be."""
        session = link.session
        assert session is not None
        if session.closing:
            link.close()
            return
        if self._service.session_lines is not None:
            self._service.session_lines.created(link)
        self._attach(link)

    def _resume_session(self, link: "ClientLink", session_id: i64, password: bytes | None) -> None:
        service = self._service
        service.stats.revalidations += 1
        holder = service.links.get(session_id)
        if holder is not None:
            holder.close()
        if password != session_password(session_id):
            self._refuse_session(link)
            return
        session = service.tracker.sessions.get(session_id)
        if service.forwarder is None or (session is not None and session.is_local):
            self._take_session(link, session_id, session is not None and not session.closing)
        else:
            link.session_id = session_id
            link.state = WAITING_FOR_SESSION
            service.forwarder.revalidate(link, session_id)

    def revalidated(self, session_id: i64, is_valid: bool) -> None:
        """The leader has answered for a session that a client brought."""
        assert self._service.forwarder is not None
        link = self._service.forwarder.take_returning(session_id)
        if link is not None and link.state == WAITING_FOR_SESSION:
            self._take_session(link, session_id, is_valid)

    def _take_session(self, link: "ClientLink", session_id: i64, is_valid: bool) -> None:
        if not is_valid:
            self._refuse_session(link)
            return
        service = self._service
        session = service.tracker.add(session_id, link.timeout_ms, service.now_ms())
        session.owner = OWN
        link.session_id = session_id
        link.session = session
        service.links[session_id] = link
        if service.session_lines is not None:
            service.session_lines.resumed(link)
        self._attach(link)

    def _refuse_session(self, link: "ClientLink") -> None:
        link.send_connect_response(0, 0, NO_PASSWORD)
        link.close()

    def _attach(self, link: "ClientLink") -> None:
        link.state = CONNECTED
        link.stats.last_op = protocol.CREATE_SESSION
        link.stats.last_xid = 0
        link.send_connect_response(link.timeout_ms, link.session_id, session_password(link.session_id))
        link.maybe_resume()
