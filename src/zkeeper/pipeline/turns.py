"""The requests of one connection, answered in their turn.

1. Requests are answered in the order they came. A read waits for the writes before it that are still on their way to
   the disk; with none on the way it is answered on the spot (wire, section 11).
2. A sync is answered after everything that was proposed before it, by whichever connection: what a lost connection
   left on its way is seen behind it. It takes a turn as a write does.
3. What is out of order by ZooKeeper's own rules is: auth and sasl packets, and the refusal of an unknown opcode.
4. A request that fails before it is proposed is answered in its turn like a read.
5. The link is given with each call and never kept, here and in `Intake`: without cycles of references a connection that
   ends is freed at once, however many come and go before the garbage collector runs.
"""

from collections import deque
from typing import TYPE_CHECKING, final

from mypy_extensions import i64, mypyc_attr

from zkeeper.database.sessions import Session, shown_session_id
from zkeeper.database.watches import TooManyWatchesError
from zkeeper.errors import (
    OK,
    DecodeError,
    MarshallingError,
    NotReadOnlyError,
    QuotaExceededError,
    SessionClosedRequireSaslAuthError,
    SessionMovedError,
    UnimplementedError,
    ZooKeeperError,
)
from zkeeper.pipeline.authentication import answer_auth, answer_sasl
from zkeeper.pipeline.link_state import CLOSED, CLOSING
from zkeeper.pipeline.link_stats import LinkStats
from zkeeper.pipeline.op_kinds import is_write, needs_quorum
from zkeeper.pipeline.reads import ReplyTooLargeError, is_read
from zkeeper.pipeline.replies import OUT_CHUNK_BYTES, ReplyWriter
from zkeeper.pipeline.requests import RefusedRequest, WriteRequest, decode_write
from zkeeper.pipeline.rewatch import set_watches
from zkeeper.pipeline.write_results import write_result
from zkeeper.wire import protocol
from zkeeper.wire.jute import Reader

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink
    from zkeeper.pipeline.proposals import Proposal
    from zkeeper.pipeline.service import Service


@mypyc_attr(acyclic=True)
@final
class Waiting:
    """A request that is answered in its turn, after write number `turn` of its connection; `code` if it failed."""

    def __init__(
        self, turn: i64, xid: i64, op: i64, reader: Reader, code: i64, received_ms: i64, effort: i64
    ) -> None:  # fmt: skip
        self.turn: i64 = turn
        self.xid: i64 = xid
        self.op: i64 = op
        self.reader = reader
        self.code: i64 = code
        self.received_ms: i64 = received_ms
        self.effort: i64 = effort


@final
class Turns:
    """`in_flight` counts the writes on their way, `done` those that were applied; `waiting_effort` is about what the
    requests that wait will cost (`ReadAnswers.effort`)."""

    def __init__(self, service: "Service", stats: LinkStats, replies: ReplyWriter) -> None:
        self.in_flight: i64 = 0
        self.done: i64 = 0
        self.waiting_effort: i64 = 0
        self._service = service
        self._replies = replies
        self._stats = stats
        self._waiting: deque[Waiting] = deque()
        self._answered_at_once: i64 = 0
        self._told_of_watches = False

    def outstanding(self) -> i64:
        return self.in_flight + len(self._waiting)

    def last(self) -> i64:
        """The number of the write after which a request that comes now is answered."""
        return self.done + self.in_flight

    def clear(self) -> None:
        self._waiting.clear()
        self.waiting_effort = 0

    # Requests in.

    def request(self, link: "ClientLink", xid: i64, op: i64, reader: Reader) -> None:
        """Takes a request whose header was read."""
        if self._service.required_schemes and self._is_stranger(link, op):
            link.reply_now(xid, 0, SessionClosedRequireSaslAuthError.code)
            link.close()
            return
        self._stats.last_op = op
        if xid >= 0:
            self._stats.last_xid = xid
        if self._service.is_read_only and needs_quorum(op):
            self.fail(link, xid, op, reader, NotReadOnlyError.code)
        elif is_read(op):
            self._read(link, xid, op, reader)
        elif is_write(op):
            self._write(link, xid, op, reader)
        elif op == protocol.AUTH:
            answer_auth(link, xid, reader)
        elif op == protocol.SASL:
            answer_sasl(link, xid, reader)
        else:
            link.reply_now(xid, -1, UnimplementedError.code)
            link.close()

    def _is_stranger(self, link: "ClientLink", op: i64) -> bool:
        """Whether the client would have to authenticate before it asks for `op`."""
        if op == protocol.AUTH or op == protocol.SASL:
            return False
        return all(scheme not in self._service.required_schemes for scheme, _ in link.credentials)

    def _read(self, link: "ClientLink", xid: i64, op: i64, reader: Reader) -> None:
        if op == protocol.SYNC and self._service.syncs.must_wait():
            self.expect_write()
            self._service.syncs.sync(link, Waiting(0, xid, op, reader, OK, self._replies.now_ms, 0))
            return
        if self.in_flight:
            self._wait(link, xid, op, reader, OK)
            return
        self._answer(link, xid, op, reader)
        self._answered_at_once += 1
        if len(self._replies.out) >= OUT_CHUNK_BYTES:
            link.flush()

    def _write(self, link: "ClientLink", xid: i64, op: i64, reader: Reader) -> None:
        request: WriteRequest
        start = reader.position
        try:
            request = decode_write(op, reader)
        except DecodeError:
            if op != protocol.MULTI:
                self.fail(link, xid, op, reader, MarshallingError.code)
                return
            request = RefusedRequest(op, MarshallingError.code)
        except MarshallingError:
            self.fail(link, xid, op, reader, MarshallingError.code)
            return
        session = link.session
        assert session is not None
        service, now_ms = self._service, self._replies.now_ms
        refusal: i64 = OK
        if session.is_local:
            if op == protocol.CLOSE_SESSION:
                self._close_local_session(link, session, xid, reader)
                return
            assert service.local_sessions is not None
            refusal = service.local_sessions.before_write(session, request, now_ms)
        self.expect_write()
        if service.forwarder is None:
            service.propose_own(link, session, xid, request, now_ms, refusal)
        else:
            reader.position = start
            service.forwarder.write(link, session.session_id, xid, op, reader.rest(), now_ms, refusal)
        if op == protocol.CLOSE_SESSION:
            service.tracker.close(session)
            link.state = CLOSING

    def _close_local_session(self, link: "ClientLink", session: Session, xid: i64, reader: Reader) -> None:
        """Has it answered in its turn; nothing that comes behind it counts any more."""
        self._service.tracker.close(session)
        link.state = CLOSING
        if self.in_flight:
            self._wait(link, xid, protocol.CLOSE_SESSION, reader, OK)
        else:
            self._answer(link, xid, protocol.CLOSE_SESSION, reader)

    def fail(self, link: "ClientLink", xid: i64, op: i64, reader: Reader, code: i64) -> None:
        """Answers a request with `code`, in its turn."""
        if self.in_flight:
            self._wait(link, xid, op, reader, code)
        else:
            self._replies.plain(xid, self._service.database.last_zxid, code)

    def _wait(self, link: "ClientLink", xid: i64, op: i64, reader: Reader, code: i64) -> None:
        effort = self._service.reads.effort(op, reader, link) if code == OK else 0
        self.waiting_effort += effort
        self._waiting.append(Waiting(self.last(), xid, op, reader, code, self._replies.now_ms, effort))

    def count_answered_at_once(self) -> None:
        """Counts the reads that waited for nothing since the last call."""
        if self._answered_at_once:
            self._stats.answered(0, self._answered_at_once)
            self._service.stats.count_reads(0, self._answered_at_once)
            self._answered_at_once = 0

    # Answers out.

    def expect_write(self) -> None:
        """A write is proposed on behalf of the connection."""
        self.in_flight += 1

    def write_done(self) -> None:
        """The oldest of the writes on their way was applied."""
        self.in_flight -= 1
        self.done += 1

    def answer_write(self, link: "ClientLink", proposal: "Proposal", code: i64, now_ms: i64) -> None:
        """Replies to the write that is done, then answers what waited for it."""
        self._reply_write(proposal, code)
        self._stats.answered(now_ms - proposal.received_ms)
        if proposal.op == protocol.CLOSE_SESSION or code == SessionMovedError.code:
            # With the session gone, or held by another server, this connection has no purpose any more.
            link.flush()
            link.close()
            return
        self._answer_what_waited(link, now_ms)

    def answer_sync(self, link: "ClientLink", item: Waiting, now_ms: i64) -> None:
        """Replies to the sync whose turn it is, then answers what waited for it."""
        self._answer_waiting(link, item, now_ms)
        self._answer_what_waited(link, now_ms)

    def _answer_what_waited(self, link: "ClientLink", now_ms: i64) -> None:
        waiting = self._waiting
        while waiting and waiting[0].turn <= self.done and link.state != CLOSED:
            item = waiting.popleft()
            self.waiting_effort -= item.effort
            self._answer_waiting(link, item, now_ms)
            if len(self._replies.out) >= OUT_CHUNK_BYTES:
                link.flush()

    def _reply_write(self, proposal: "Proposal", code: i64) -> None:
        replies = self._replies
        zxid = proposal.txn.zxid
        if code != OK:
            replies.plain(proposal.txn.cxid, zxid, code)
            return
        start = replies.begin(proposal.txn.cxid, zxid, OK)
        write_result(proposal, self._service.database, replies.out)
        replies.end(start)

    def _answer_waiting(self, link: "ClientLink", item: Waiting, now_ms: i64) -> None:
        if item.code != OK:
            self._replies.plain(item.xid, self._service.database.last_zxid, item.code)
        else:
            self._answer(link, item.xid, item.op, item.reader)
        latency_ms = now_ms - item.received_ms
        self._stats.answered(latency_ms)
        self._service.stats.count_reads(latency_ms, 1)

    def _answer(self, link: "ClientLink", xid: i64, op: i64, reader: Reader) -> None:
        replies = self._replies
        zxid = self._service.database.last_zxid
        if op == protocol.PING:
            replies.aside(protocol.PING_XID, zxid, OK)
            return
        if op == protocol.SET_WATCHES or op == protocol.SET_WATCHES2:
            self._set_watches(link, xid, op, reader)
            return
        if op == protocol.CLOSE_SESSION:
            self._local_session_closed(link, xid)
            return
        start = replies.begin(xid, zxid, OK)
        try:
            self._service.reads.answer(op, reader, replies.out, link, link.credentials)
        except ZooKeeperError as error:
            replies.rewrite_error(start, xid, zxid, op, error.code)
            return
        except DecodeError:
            replies.out.truncate(start)
            replies.plain(xid, zxid, MarshallingError.code)
            return
        except TooManyWatchesError:
            self._tell_of_watches(link, "refused what would set more")
            replies.rewrite_error(start, xid, zxid, op, QuotaExceededError.code)
            return
        except ReplyTooLargeError as error:
            replies.out.truncate(start)
            self._service.tell(f"connection from {link.peer}: {error}; closed")
            link.close()
            return
        replies.end(start)

    def _set_watches(self, link: "ClientLink", xid: i64, op: i64, reader: Reader) -> None:
        database = self._service.database
        code: i64 = OK
        try:
            set_watches(op, reader, database, link, self._replies)
        except DecodeError:
            code = MarshallingError.code
        except TooManyWatchesError:
            self._tell_of_watches(link, "closed, since it brings more again")
            link.close()
            return
        self._replies.plain(xid, database.last_zxid, code)

    def _local_session_closed(self, link: "ClientLink", xid: i64) -> None:
        service = self._service
        assert service.local_sessions is not None
        service.local_sessions.closed(link)
        self._replies.plain(xid, service.database.last_zxid, OK)
        link.close()

    def _tell_of_watches(self, link: "ClientLink", consequence: str) -> None:
        """Once for a connection: a client that forgets its watches asks for more and more."""
        if not self._told_of_watches:
            self._told_of_watches = True
            self._service.tell_over_limit(
                f"connection from {link.peer}: session {shown_session_id(link.session_id)} has {link.watched} watches, "
                f"maxWatchesPerConnection allows no more; {consequence}"
            )
