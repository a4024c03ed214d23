"""The request road of a server: sessions and links above, log below.

1. A write is prepared, appended to the log and put at the end of `_proposals`; nothing else happens to it until it is
   committed: until the log of a standalone server, or the logs of a quorum, have it durably. `committed` then applies
   in zxid order.
2. On a learner a write is sent to the leader; what the leader proposes is put at the end of `_proposals` instead, and
   committed when the leader says so.
3. When one of these steps fails in a way that nobody thought of, memory and log may not agree any more: the service
   stops for good, and the surroundings hear of it.
4. Replies, notifications and reads that waited are written while a batch is applied, and sent once at its end. A long
   batch is applied in slices; what is read between two of them is a state that the log went through.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, cast, final

from mypy_extensions import i64

from zkeeper.database.acls import Identity
from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database
from zkeeper.database.sessions import OWN, Session, SessionTracker
from zkeeper.database.watches import NO_LIMIT
from zkeeper.errors import OK
from zkeeper.pipeline.expiry import SessionExpiry
from zkeeper.pipeline.forwarder import Forwarder, Uplink
from zkeeper.pipeline.handshake import Handshake
from zkeeper.pipeline.large_requests import LargeRequests
from zkeeper.pipeline.learners import claim_session
from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.local_sessions import LocalSessions
from zkeeper.pipeline.prepare import PrepareOptions, Preparer
from zkeeper.pipeline.proposals import NOBODY, History, Proposal, TxnSink
from zkeeper.pipeline.reads import ReadAnswers
from zkeeper.pipeline.requests import DeleteRequest, RefusedRequest, SessionRequest, WriteRequest
from zkeeper.pipeline.settings import NO_LOCAL_SESSIONS, ServiceSettings
from zkeeper.pipeline.surroundings import Surroundings, WordAnswers
from zkeeper.pipeline.sync_queue import SyncQueue
from zkeeper.wire import protocol
from zkeeper.wire.txns import CreateSessionBody, Txn
from zkeeper.wire.zxids import follows

APPLY_SLICE_CHANGES: Final = 1000
"""Transactions, and znodes that they change, after which applying lets others have their turn: a few milliseconds."""


NO_LAST_ZXID: Final = 0x7FFFFFFFFFFFFFFF
MAX_OUTSTANDING_BYTES: Final = 1 << 25
"""Transactions on their way to the disk may be this long together, beside globalOutstandingLimit."""


@final
class Service:
    """`links` are those that hold a session, by its id."""

    def __init__(
        self, database: Database, auth: AuthRules, settings: ServiceSettings, prepare_options: PrepareOptions,
        first_session_id: int, around: Surroundings,
    ) -> None:  # fmt: skip
        self.database = database
        database.watches.most = settings.max_watches if settings.max_watches else NO_LIMIT
        self.auth = auth
        self.settings = settings
        self.required_schemes = settings.required_schemes
        self.preparer = Preparer(database, auth, prepare_options)
        self.preparer.reconfigs.tell = around.tell_reconfig
        self.reads = ReadAnswers(database, auth)
        self.tracker = SessionTracker(settings.tick_ms)
        self.large_requests = LargeRequests(settings.large_request_max_bytes)
        self.stats = around.stats
        self.wall_ms = around.wall_ms
        self.now_ms = around.now_ms
        self.tell = around.tell
        self.tell_expired = around.tell_expired
        self.tell_over_limit = around.tell_over_limit
        self.later = around.later
        self.audit = around.audit
        self.session_lines = around.session_lines
        self.words: WordAnswers | None = None
        self.links: dict[int, ClientLink] = {}
        self.dirty: list[ClientLink] = []
        self.syncs = SyncQueue(self)
        self.is_read_only = False
        self.forwarder: Forwarder | None = None
        self.history: History | None = None
        self.handshake = Handshake(self, first_session_id, around.tell_refused, around.admit_connection)
        self.local_sessions: LocalSessions | None = None
        if settings.local_session_server_id != NO_LOCAL_SESSIONS:
            self.local_sessions = LocalSessions(self, settings.local_session_server_id, settings.upgrades_sessions)
        self._on_broken = around.on_broken
        self._sink: TxnSink | None = None
        self._wake: Callable[[], None] | None = None
        self._proposals: deque[Proposal] = deque()
        self._outstanding_bytes: i64 = 0
        self._paused: dict[ClientLink, None] = {}
        self._committed_zxid: i64 = database.last_zxid
        self._slice_wall_ms: i64 = 0
        self._is_applying = False
        self._serving = True
        self._last_usable_zxid: i64 = NO_LAST_ZXID
        self._used_up: Callable[[], None] | None = None
        self._is_proposing = True
        self._expiry = SessionExpiry(self)

    def connect_log(self, sink: TxnSink, wake: Callable[[], None]) -> None:
        """Where transactions go; `wake` is called when the first of a batch was appended."""
        self._sink = sink
        self._wake = wake

    def limit_zxids(self, last_usable_zxid: i64, used_up: Callable[[], None]) -> None:
        """Nothing is proposed behind that zxid; whoever tries makes `used_up` called, and is not answered."""
        self._last_usable_zxid = last_usable_zxid
        self._used_up = used_up

    def forward_to(self, uplink: Uplink) -> None:
        """Makes this the service of a learner."""
        self.forwarder = Forwarder(self, uplink)
        self.tracker.note_touched()

    def serve_reads_only(self) -> None:
        """Makes this the service of a server that has no quorum; instead of `start`."""
        self.is_read_only = True
        self.stop_proposing()

    def start(self, owner: i64 = OWN) -> None:
        """Tracks the sessions that the database knows, each with its full timeout, as sessions of `owner`.

        Ephemerals whose session is not known, as a crash of an old server may leave them, are closed with it.
        """
        now_ms = self.now_ms()
        for session_id, timeout_ms in self.database.sessions.items():
            self.tracker.add(session_id, timeout_ms, now_ms).owner = owner
        for session_id in sorted(self.database.tree.owners.ephemerals):
            if session_id not in self.tracker.sessions:
                self.propose(None, session_id, 0, SessionRequest(protocol.CLOSE_SESSION, 0), now_ms)

    def serves(self) -> bool:
        return self._serving

    def stop(self) -> None:
        """From now on nothing is accepted, applied or answered."""
        self._serving = False
        self._is_proposing = False

    def stop_proposing(self) -> None:
        """What is on its way is still applied and answered; nothing new comes."""
        self._is_proposing = False

    def broken(self, error: Exception) -> None:
        """Something failed that nobody thought of, here or where the service is used (rule 3)."""
        self.stop()
        if self._on_broken is not None:
            self._on_broken(error)

    # Connections and sessions.

    def link_closed(self, link: ClientLink) -> None:
        self._paused.pop(link, None)
        if self.forwarder is not None:
            self.forwarder.link_closed(link)
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
        if session.is_local and self.local_sessions is not None:
            self.local_sessions.end(session)
            return
        self.propose(None, session.session_id, 0, SessionRequest(protocol.CLOSE_SESSION, 0), now_ms)

    def delete_container(self, path: bytes) -> None:
        """The reaper's deletion of an empty container, or of a znode whose ttl is over."""
        self.propose(None, 0, 0, DeleteRequest(protocol.DELETE_CONTAINER, path, -1), self.now_ms())

    # Writes.

    def create_session(self, link: ClientLink, now_ms: i64) -> None:
        """Has the session of `link` created."""
        if self.forwarder is not None:
            self.forwarder.create_session(link, now_ms)
        else:
            request = SessionRequest(protocol.CREATE_SESSION, link.timeout_ms)
            self.propose(link, link.session_id, 0, request, now_ms)

    def propose_own(
        self, link: ClientLink, session: Session, cxid: i64, request: WriteRequest, received_ms: i64, refusal: i64 = OK
    ) -> None:  # fmt: skip
        """Proposes what a client of this server asks for; with a `refusal` it may have no ephemerals. A session may be
        ended wherever it is held (`learners.py`, rule 3)."""
        if session.owner != OWN and request.op != protocol.CLOSE_SESSION:
            code = claim_session(session, OWN)
            if code != OK:
                request = RefusedRequest(request.op, code)
        if refusal != OK:
            self.preparer.refuse_ephemerals(refusal)
        self.propose(link, session.session_id, cxid, request, received_ms, link.credentials)
        if refusal != OK:
            self.preparer.refuse_ephemerals(OK)

    def propose(
        self, link: ClientLink | None, session_id: i64, cxid: i64, request: WriteRequest, received_ms: i64,
        credentials: list[Identity] | None = None,
    ) -> None:  # fmt: skip
        if not self._is_proposing:
            return
        if self.preparer.last_zxid >= self._last_usable_zxid:
            assert self._used_up is not None
            self._used_up()
            return
        try:
            self._propose(link, session_id, cxid, request, received_ms, NOBODY if credentials is None else credentials)
        except Exception as error:
            self.broken(error)

    def _propose(
        self, link: ClientLink | None, session_id: i64, cxid: i64, request: WriteRequest, received_ms: i64,
        credentials: list[Identity],
    ) -> None:  # fmt: skip
        txn = self.preparer.prepare(session_id, cxid, request, credentials, self.wall_ms())
        self.stats.proposals += 1
        payload = self.preparer.payload
        changes = self.preparer.pending.take_changes()
        proposal = Proposal(txn, len(payload), changes, request.op, link, received_ms)
        if self.audit is not None:
            proposal.request = request
            proposal.credentials = list(credentials)
        self._add(proposal, payload)

    def proposed(self, txn: Txn, payload: bytes) -> None:
        """Takes what the leader of this server proposes."""
        try:
            self._add(Proposal(txn, len(payload), [], txn.txn_type, None, self.now_ms()), payload)
        except Exception as error:
            self.broken(error)

    def _add(self, proposal: Proposal, payload: bytes) -> None:
        assert self._sink is not None
        assert self._wake is not None
        if self.history is not None:
            proposal.payload = payload
        self._outstanding_bytes += proposal.size_bytes
        self._proposals.append(proposal)
        if self._sink.append(proposal.txn.zxid, payload):
            self._wake()

    # Commits.

    def outstanding(self) -> int:
        return len(self._proposals)

    def outstanding_proposals(self) -> list[Proposal]:
        """In the order of their zxids; the first ones may be committed, and are about to be applied."""
        return list(self._proposals)

    def last_proposed_zxid(self) -> int:
        """Of what is not applied yet."""
        return self._proposals[-1].txn.zxid

    def answers_next(self) -> bool:
        """Whether a client of this server waits for the oldest of what is not applied yet."""
        return len(self._proposals) > 0 and self._proposals[0].link is not None

    def is_applying(self) -> bool:
        """Whether a batch is being applied in slices."""
        return self._is_applying

    def committed_zxid(self) -> int:
        return self._committed_zxid

    def is_overloaded(self) -> bool:
        count = len(self._proposals) + (self.forwarder.waiting() if self.forwarder is not None else 0)
        return count >= self.settings.outstanding_limit or self._outstanding_bytes >= MAX_OUTSTANDING_BYTES

    def is_full(self) -> bool:
        """Whether the limit of the requests in process is reached, where there is one."""
        return 0 < self.settings.max_requests <= len(self._proposals)

    def wait_for_room(self, link: ClientLink) -> None:
        """Has `link` resumed when the next slice was applied."""
        self._paused[link] = None

    def committed(self, zxid: i64) -> None:
        """Everything up to `zxid` is committed: applies and answers it, the end of a long batch a little later."""
        self._committed_zxid = max(self._committed_zxid, zxid)
        if not self._is_applying:
            self._apply_more()

    def apply_committed(self) -> None:
        """Applies and answers at once what is committed, to the end of a long batch."""
        while self.database.last_zxid < self._committed_zxid and self._serving:
            self._apply_more()

    def _apply_more(self) -> None:
        try:
            self._apply_slice()
        except Exception as error:
            self.broken(error)

    def apply_rest(self) -> None:
        """Once the service was stopped and its log closed: applies what was logged and not committed, so that elections
        hear of it (storage, section 8.7). Nobody is answered."""
        while self._proposals:
            proposal = self._proposals.popleft()
            if proposal.txn.zxid > self.database.last_zxid:
                self.database.apply(proposal.txn)
                if self.history is not None and proposal.payload is not None:
                    self.history.add(proposal.txn.zxid, proposal.payload)

    def _apply_slice(self) -> None:
        self._is_applying = False
        now_ms = self.now_ms()
        if self.forwarder is not None:
            self._slice_wall_ms = self.wall_ms()
        changes: i64 = 0
        while self.database.last_zxid < self._committed_zxid and self._serving:
            if self.later is not None and changes >= APPLY_SLICE_CHANGES:
                self._is_applying = True
                self.later(self._apply_more)
                break
            proposal = self._proposals.popleft()
            self._outstanding_bytes -= proposal.size_bytes
            changes += 1 + len(proposal.changes)
            self._apply(proposal, now_ms)
            self.syncs.applied(proposal.txn.zxid, now_ms)
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
        if self.forwarder is not None:
            self._claim(proposal)
        link = proposal.link
        assert follows(txn.zxid, self.database.last_zxid), "transactions are applied in order, without a gap"
        code = self.database.apply(txn, link is not None, proposal.changes)
        self.preparer.pending.applied(proposal.changes)
        if self.history is not None and proposal.payload is not None:
            self.history.add(txn.zxid, proposal.payload)
        self._count(proposal, now_ms)
        if self.audit is not None:
            self.audit.applied(proposal, code)
        if txn.txn_type == protocol.CLOSE_SESSION:
            self.tracker.remove(txn.session_id)
            if self.session_lines is not None and link is not None:
                self.session_lines.closed(txn.session_id, link)
        if link is not None:
            link.written(proposal, code if code == OK or proposal.refusal == OK else proposal.refusal, now_ms)
        elif txn.txn_type == protocol.CLOSE_SESSION:
            holder = self.links.get(txn.session_id)
            if holder is not None:
                holder.close_silently()

    def _count(self, proposal: Proposal, now_ms: i64) -> None:
        latency_ms = now_ms - proposal.received_ms
        if proposal.link is not None:
            self.stats.count_write(latency_ms)
        if self.forwarder is None:
            self.stats.count_commit(latency_ms)
        elif self._slice_wall_ms >= proposal.txn.time_ms:
            self.stats.propagation.add(self._slice_wall_ms - proposal.txn.time_ms)
        else:
            self.stats.propagation.add(0)  # The leader's clock is ahead of this one.

    def _claim(self, proposal: Proposal) -> None:
        """Finds out whether one of this server's clients waits for the transaction."""
        assert self.forwarder is not None
        own = self.forwarder.claim(proposal.txn)
        if own is not None:
            proposal.op = own.op
            proposal.link = own.link
            proposal.received_ms = own.received_ms
            proposal.refusal = own.refusal
        elif proposal.txn.txn_type == protocol.CREATE_SESSION and self.tracker.touched is not None:
            # The leader starts to hear of a new session from every learner (quorum, section 10.2).
            self.tracker.touched[proposal.txn.session_id] = cast(CreateSessionBody, proposal.txn.body).timeout_ms

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
