"""The request road of a server: sessions and links above, log below.

1. A write is prepared, appended to the log and put at the end of `_proposals`; nothing else happens to it until the log
   says that it is durable. `committed` then applies in zxid order: memory never runs ahead of the disk.
2. Replies, notifications and reads that waited are written while a batch is applied, and sent once at its end. A long
   batch is applied in slices; what is read between two of them is a state that the log went through.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, final

from mypy_extensions import i64, mypyc_attr

from zkeeper.database.auth import AuthRules, Identity
from zkeeper.database.database import Database
from zkeeper.database.foreseen import Pending
from zkeeper.database.sessions import Session, SessionTracker
from zkeeper.database.watches import NO_LIMIT
from zkeeper.pipeline.expiry import SessionExpiry
from zkeeper.pipeline.handshake import Handshake
from zkeeper.pipeline.large_requests import LargeRequests
from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.prepare import PrepareOptions, Preparer
from zkeeper.pipeline.reads import ReadAnswers
from zkeeper.pipeline.requests import DeleteRequest, SessionRequest, WriteRequest
from zkeeper.pipeline.session_lines import SessionLines
from zkeeper.pipeline.settings import ServiceSettings
from zkeeper.pipeline.stats import ServiceStats
from zkeeper.pipeline.turns import Waiting
from zkeeper.wire import protocol
from zkeeper.wire.txns import Txn

APPLY_SLICE_CHANGES: Final = 1000
"""Transactions, and znodes that they change, after which applying lets others have their turn: a few milliseconds."""


MAX_OUTSTANDING_BYTES: Final = 1 << 25
"""Transactions on their way to the disk may be this long together, beside globalOutstandingLimit."""


class TxnSink(Protocol):
    """Where transactions go to become durable; `Service.committed` is called in return."""

    def append(self, zxid: int, payload: bytes) -> None: ...


class WordAnswers(Protocol):
    """The four-letter words."""

    def knows(self, word: bytes) -> bool: ...

    def answer(self, word: bytes, argument: bytes, link: ClientLink) -> bytes: ...


class Audit(Protocol):
    """The audit log."""

    def applied(self, proposal: "Proposal", code: int) -> None: ...


@mypyc_attr(acyclic=True)
@final
class Proposal:
    """A transaction on its way, with what is pending for it; `link` is None for those that the server itself made.

    `request` and the `credentials` that it came with are there when an audit log wants them.
    """

    def __init__(
        self, txn: Txn, size_bytes: i64, changes: list[Pending], op: i64, link: ClientLink | None, received_ms: i64
    ) -> None:  # fmt: skip
        self.txn = txn
        self.size_bytes: i64 = size_bytes
        self.changes = changes
        self.op: i64 = op
        self.link = link
        self.received_ms: i64 = received_ms
        self.request: WriteRequest | None = None
        self.credentials: list[Identity] = _NOBODY


@final
class Sync:
    """A sync that is answered when everything up to `zxid` is applied."""

    def __init__(self, zxid: i64, link: ClientLink, item: Waiting) -> None:
        self.zxid: i64 = zxid
        self.link = link
        self.item = item


@final
class Service:
    """`wall_ms` is the wall clock, `now_ms` a monotonic one; `tell` takes sentences for the server's log.

    `tell_expired` and `tell_over_limit` take those of which a storm of clients causes many. `later` calls what it is
    given after others have had their turn; without it nothing is sliced. `links` are those that hold a session, by its
    id.
    """

    def __init__(
        self, database: Database, auth: AuthRules, settings: ServiceSettings, prepare_options: PrepareOptions,
        first_session_id: int, wall_ms: Callable[[], int], now_ms: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.database = database
        database.watches.most = settings.max_watches if settings.max_watches else NO_LIMIT
        self.auth = auth
        self.settings = settings
        self.preparer = Preparer(database, auth, prepare_options)
        self.reads = ReadAnswers(database, auth)
        self.tracker = SessionTracker(settings.tick_ms)
        self.stats = ServiceStats()
        self.wall_ms = wall_ms
        self.now_ms = now_ms
        self.tell = tell
        self.tell_expired = tell
        self.tell_over_limit = tell
        self.later: Callable[[Callable[[], None]], object] | None = None
        self.audit: Audit | None = None
        self.session_lines: SessionLines | None = None
        self.large_requests = LargeRequests(settings.large_request_max_bytes)
        self.required_schemes: frozenset[bytes] = frozenset()
        self.words: WordAnswers | None = None
        self.links: dict[int, ClientLink] = {}
        self.dirty: list[ClientLink] = []
        self._sink: TxnSink | None = None
        self._wake: Callable[[], None] | None = None
        self._proposals: deque[Proposal] = deque()
        self._syncs: deque[Sync] = deque()
        self._outstanding_bytes: i64 = 0
        self._paused: dict[ClientLink, None] = {}
        self._durable_zxid: i64 = database.last_zxid
        self._is_applying = False
        self._serving = True
        self.handshake = Handshake(self, first_session_id)
        self._expiry = SessionExpiry(self)

    def connect_log(self, sink: TxnSink, wake: Callable[[], None]) -> None:
        """Where transactions go; `wake` is called when the first of a batch was appended."""
        self._sink = sink
        self._wake = wake

    def start(self) -> None:
        """Tracks the sessions that the database knows, each with its full timeout.

        Ephemerals whose session is not known, as a crash of an old server may leave them, are closed with it.
        """
        now_ms = self.now_ms()
        for session_id, timeout_ms in self.database.sessions.items():
            self.tracker.add(session_id, timeout_ms, now_ms)
        for owner in sorted(self.database.tree.owners.ephemerals):
            if owner not in self.tracker.sessions:
                self.propose(None, owner, 0, SessionRequest(protocol.CLOSE_SESSION, 0), now_ms)

    def serves(self) -> bool:
        return self._serving

    def stop(self) -> None:
        """From now on nothing is accepted, applied or answered."""
        self._serving = False

    # Connections and sessions.

    def link_closed(self, link: ClientLink) -> None:
        self._paused.pop(link, None)
        if self.links.get(link.session_id) is link:
            del self.links[link.session_id]

    def expire_sessions(self) -> None:
        """To be called once a tick: closes what has not been heard of."""
        self._expiry.run()

    def is_held_back(self, session_id: i64) -> bool:
        """Whether the server itself does not read what the holder of a session sends, until there is room."""
        link = self.links.get(session_id)
        return link is not None and link in self._paused

    def end_session(self, session: Session, now_ms: i64) -> None:
        self.tracker.close(session)
        self.propose(None, session.session_id, 0, SessionRequest(protocol.CLOSE_SESSION, 0), now_ms)

    def delete_container(self, path: bytes) -> None:
        """The reaper's deletion of an empty container, or of a znode whose ttl is over."""
        self.propose(None, 0, 0, DeleteRequest(protocol.DELETE_CONTAINER, path, -1), self.now_ms())

    # Writes.

    def propose(
        self, link: ClientLink | None, session_id: i64, cxid: i64, request: WriteRequest, received_ms: i64
    ) -> None:
        if not self._serving:
            return
        credentials = link.credentials if link is not None else _NOBODY
        txn = self.preparer.prepare(session_id, cxid, request, credentials, self.wall_ms())
        assert self._sink is not None
        assert self._wake is not None
        payload = txn.encode()
        self._sink.append(txn.zxid, payload)
        changes = self.preparer.pending.take_changes()
        proposal = Proposal(txn, len(payload), changes, request.op, link, received_ms)
        self._outstanding_bytes += proposal.size_bytes
        if self.audit is not None:
            proposal.request = request
            proposal.credentials = list(credentials)
        self._proposals.append(proposal)
        if txn.zxid == self._durable_zxid + 1:
            self._wake()

    def answer_behind_proposals(self, link: ClientLink, item: Waiting) -> None:
        """Has `link.synced` called once all that is proposed now is applied."""
        self._syncs.append(Sync(self.preparer.last_zxid, link, item))

    def outstanding(self) -> int:
        return len(self._proposals)

    def is_overloaded(self) -> bool:
        return (
            len(self._proposals) >= self.settings.outstanding_limit or self._outstanding_bytes >= MAX_OUTSTANDING_BYTES
        )

    def is_full(self) -> bool:
        """Whether the limit of the requests in process is reached, where there is one."""
        return 0 < self.settings.max_requests <= len(self._proposals)

    def wait_for_room(self, link: ClientLink) -> None:
        """Has `link` resumed when the next slice was applied."""
        self._paused[link] = None

    def committed(self, zxid: i64) -> None:
        """Everything up to `zxid` is durable: applies and answers it, the end of a long batch a little later."""
        self._durable_zxid = max(self._durable_zxid, zxid)
        if not self._is_applying:
            self._apply_slice()

    def _apply_slice(self) -> None:
        self._is_applying = False
        now_ms = self.now_ms()
        changes: i64 = 0
        while self.database.last_zxid < self._durable_zxid and self._serving:
            if self.later is not None and changes >= APPLY_SLICE_CHANGES:
                self._is_applying = True
                self.later(self._apply_slice)
                break
            proposal = self._proposals.popleft()
            self._outstanding_bytes -= proposal.size_bytes
            changes += 1 + len(proposal.changes)
            self._apply(proposal, now_ms)
            while self._syncs and self._syncs[0].zxid <= proposal.txn.zxid:
                sync = self._syncs.popleft()
                sync.link.synced(sync.item, now_ms)
        self.flush()
        self._resume_paused()

    def _resume_paused(self) -> None:
        if self._paused:
            paused = list(self._paused)
            self._paused.clear()
            for link in paused:
                link.maybe_resume()

    def _apply(self, proposal: Proposal, now_ms: i64) -> None:
        txn = proposal.txn
        link = proposal.link
        assert txn.zxid == self.database.last_zxid + 1, "transactions are applied in order, without a gap"
        code = self.database.apply(txn, link is not None, proposal.changes)
        self.preparer.pending.applied(proposal.changes)
        self.stats.count_write(now_ms - proposal.received_ms)
        if self.audit is not None:
            self.audit.applied(proposal, code)
        if txn.txn_type == protocol.CLOSE_SESSION:
            self.tracker.remove(txn.session_id)
            if self.session_lines is not None and link is not None:
                self.session_lines.closed(txn.session_id, link)
        if link is not None:
            link.written(proposal, code, now_ms)
        elif txn.txn_type == protocol.CLOSE_SESSION:
            holder = self.links.get(txn.session_id)
            if holder is not None:
                holder.close_silently()

    def flush(self) -> None:
        """Sends what was written to any link."""
        dirty = self.dirty
        self.dirty = []
        for link in dirty:
            link.flush()

    # Four-letter words.

    def knows_word(self, word: bytes) -> bool:
        return self.words is not None and self.words.knows(word)

    def answer_word(self, word: bytes, argument: bytes, link: ClientLink) -> bytes:
        assert self.words is not None
        return self.words.answer(word, argument, link)


_NOBODY: Final[list[Identity]] = []
