"""One client connection, without its socket: frames in, replies and notifications out.

1. What a client sends is bounded before it is kept: the length of a frame, the requests outstanding, the replies
   unread, the work that both mean. A client over a bound is not read from until it is below. One whose requests take
   more than `TURN_EFFORT` goes on when the others have had their turn.
2. Requests that were read and then held back by a bound have an age. Where the settings limit it, one that is older is
   refused, not executed; a read that waits behind a write of its own session is not held back, it has begun.
3. A notification of a transaction is written before any reply that shows the transaction's effect.
"""

from typing import TYPE_CHECKING, Final, Protocol, final

from librt.strings import read_i32_be
from mypy_extensions import i64

from zkeeper.database.acls import AclList
from zkeeper.database.auth import IP, Identity
from zkeeper.database.sessions import Session
from zkeeper.database.watches import Watcher
from zkeeper.errors import ThrottledOpError
from zkeeper.pipeline.inbox import Inbox
from zkeeper.pipeline.large_requests import LargeFrames
from zkeeper.pipeline.link_state import CLOSED, CLOSING, NEW, WAITING_FOR_SESSION
from zkeeper.pipeline.link_stats import LinkStats
from zkeeper.pipeline.reads import is_read
from zkeeper.pipeline.replies import ReplyWriter
from zkeeper.pipeline.turns import Turns, Waiting, is_write
from zkeeper.wire import protocol
from zkeeper.wire.jute import Reader

if TYPE_CHECKING:
    from zkeeper.pipeline.service import Proposal, Service

MAX_OUTSTANDING: Final = 2000
"""Requests of one connection that may be on their way at once."""
TURN_EFFORT: Final = 5000
"""What a connection may take of one turn of the loop, and what it may have waiting behind its writes: steps of about a
microsecond, one for each request, each 4 KiB of replies, and what `ReadAnswers` counts."""
STMK: Final = b"stmk"
STMK_ARGUMENT_BYTES: Final = 8


class Outlet(Protocol):
    """The socket behind a link."""

    def send(self, data: bytes) -> bool:
        """Writes or buffers `data`; False when the client is behind in reading and no more should be made for it."""
        ...

    def pause(self) -> None:
        """Stops delivering what the client sends."""
        ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Closes the connection once what was sent has left."""
        ...


@final
class ClientLink(Watcher):
    """`address` is the client's, as ACLs of scheme ip know it; `peer` is host and port for people."""

    def __init__(self, service: "Service", outlet: Outlet, address: bytes, peer: str) -> None:
        super().__init__()
        self.service = service
        self.outlet = outlet
        self.address = address
        self.peer = peer
        self.credentials: list[Identity] = [(IP, address)]
        self.state: i64 = NEW
        self.session: Session | None = None
        self.timeout_ms: i64 = 0
        self.sends_read_only = False
        self.stats = LinkStats(service.wall_ms())
        self.replies = ReplyWriter(self.stats, service.stats)
        self._inbox = Inbox()
        self._large: LargeFrames | None = None
        self._dirty = False
        self._paused = False
        self._unread = False
        self._turns = Turns(self, service, self.replies)

    # Frames in.

    def receive(self, data: bytes) -> None:
        """Takes what arrived, cut anywhere."""
        if self.state >= CLOSING:
            return
        self.service.stats.bytes_received += len(data)
        inbox = self._inbox
        if not inbox.is_empty():
            inbox.add(data)
            if self._paused or not inbox.has_enough():
                return
            data = inbox.take()
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Handles every whole frame of `data` and keeps the rest."""
        now_ms: i64 = self.service.now_ms()
        self.replies.now_ms = now_ms
        session = self.session
        if session is not None and not self.service.tracker.touch(session, now_ms):
            return  # The session is closing: what still arrives for it is dropped.
        size: i64 = len(data)
        position: i64 = 0
        needed: i64 = 4
        limit = self.service.settings.max_frame_bytes
        large = self.service.settings.large_request_threshold_bytes
        inbox = self._inbox
        effort_limit = self._effort() + TURN_EFFORT
        overdue = inbox.overdue_bytes(self.service.settings.throttled_op_wait_ms, now_ms) if inbox.held_bytes else 0
        while size - position >= 4:
            if self._must_wait():
                break
            length = i64(read_i32_be(data, position))
            if length < 0 or length > limit:
                self._odd_length(data, position)
                return
            if length > large and not self._admit_large(length):
                return
            needed = length + 4
            if size - position < needed:
                break
            end = position + needed
            if position < overdue:
                self._overdue_frame(data, position + 4, end)
            else:
                self._frame(data, position + 4, end)
            if self.state >= CLOSING:
                return
            position = end
            needed = 4
            effort_limit -= 1
            if self._effort() > effort_limit and self.service.later is not None:
                self._pause()
                self.service.later(self.maybe_resume)
                break
        if self._large is not None:
            self._large_parsed(needed - 4)
        inbox.parsed(position)
        if position < size:
            self._keep(data[position:] if position else data, needed)
        self._turns.count_answered_at_once()
        self.flush()

    def _effort(self) -> i64:
        return self.service.reads.spent() + (self.replies.written_bytes >> 12)

    def _must_wait(self) -> bool:
        """Whether the next frame has to wait, because of the session, of requests on their way or of unread replies."""
        if self.state == WAITING_FOR_SESSION or self._unread:
            self._pause()
            return True
        if self.service.settings.max_requests and self.service.is_full():
            self.service.stats.request_throttle_waits += 1
            self._pause()
            self.service.wait_for_room(self)
            return True
        outstanding = self._turns.outstanding()
        if outstanding and (
            outstanding >= MAX_OUTSTANDING or self._turns.waiting_effort >= TURN_EFFORT or self.service.is_overloaded()
        ):
            self._pause()
            self.service.wait_for_room(self)
            return True
        return False

    def outstanding(self) -> i64:
        return self._turns.outstanding()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self.outlet.pause()

    def maybe_resume(self) -> None:
        """Goes on reading if nothing forbids it any more."""
        if not self._paused or self.state >= CLOSING or self.state == WAITING_FOR_SESSION or self._unread:
            return
        if self.outstanding() >= MAX_OUTSTANDING // 2 or self._turns.waiting_effort >= TURN_EFFORT:
            self.service.wait_for_room(self)
            return
        self._paused = False
        self.outlet.resume()
        if not self._inbox.is_empty():
            self._parse(self._inbox.take())

    def _keep(self, rest: bytes, needed_bytes: i64) -> None:
        self._inbox.keep(rest, needed_bytes, self._paused, self.replies.now_ms)

    def _overdue_frame(self, data: bytes, start: i64, end: i64) -> None:
        """Refuses a request; pings, authentication and the end of a session are served all the same."""
        op = i64(read_i32_be(data, start + 4)) if end - start >= 8 else protocol.PING
        if op == protocol.PING or op == protocol.CLOSE_SESSION or not (is_read(op) or is_write(op)):
            self._frame(data, start, end)
            return
        self.stats.received += 1
        self.service.stats.packets_received += 1
        self.service.stats.throttled_ops += 1
        self._turns.fail(i64(read_i32_be(data, start)), op, Reader(data, start, end), ThrottledOpError.code)

    def _admit_large(self, length: i64) -> bool:
        if self._large is None:
            self._large = LargeFrames(self.service.large_requests)
        if self._large.admit(length):
            return True
        self.service.stats.large_requests_rejected += 1
        self.service.tell(f"connection from {self.peer}: no room for another large request of {length} bytes; closed")
        self.close()
        return False

    def _large_parsed(self, unfinished_bytes: i64) -> None:
        """A frame of `unfinished_bytes` is still arriving, if that is a large one."""
        assert self._large is not None
        is_large = unfinished_bytes > self.service.settings.large_request_threshold_bytes
        self._large.parsed(unfinished_bytes if is_large else 0, self._turns.last())
        self._large.answered(self._turns.done)

    def _odd_length(self, data: bytes, position: i64) -> None:
        """A length that cannot be: a four-letter word, or the end of the connection."""
        word = data[position : position + 4]
        if self.state == NEW and self.service.knows_word(word):
            argument = data[position + 4 :]
            if word == STMK and len(argument) < STMK_ARGUMENT_BYTES:
                self._keep(data[position:], 4 + STMK_ARGUMENT_BYTES)
                return
            self.service.stats.packets_received += 1
            self.stats.received += 1
            self.replies.out.write(self.service.answer_word(word, argument, self))
            self.close()
            return
        self.service.tell(f"connection from {self.peer}: {word!r} is no frame length that is allowed; closed")
        self.close()

    def _frame(self, data: bytes, start: i64, end: i64) -> None:
        self.stats.received += 1
        self.service.stats.packets_received += 1
        reader = Reader(data, start, end, self.service.settings.max_field_bytes)
        if self.state == NEW:
            self.service.handshake.take(self, reader)
            return
        if end - start < 8:
            self.service.tell(f"connection from {self.peer}: a frame is shorter than a request header; closed")
            self.close()
            return
        xid = reader.int32()
        op = reader.int32()
        self._turns.request(xid, op, reader)

    # Writes.

    def expect_write(self) -> None:
        """A write is proposed on behalf of this connection."""
        self._turns.expect_write()

    def written(self, proposal: "Proposal", code: i64, now_ms: i64) -> None:
        """One of this connection's writes was applied with `code`: replies, then answers what waited for it."""
        self.replies.now_ms = now_ms
        self._turns.write_done()
        self.mark_dirty()
        if self.state == CLOSED:
            return
        if proposal.op == protocol.CREATE_SESSION:
            self.service.handshake.session_created(self)
            return
        self._turns.answer_write(proposal, code, now_ms)
        if self._large is not None:
            self._large.answered(self._turns.done)

    def synced(self, item: Waiting, now_ms: i64) -> None:
        """What was proposed before a sync of this connection's was applied."""
        self.replies.now_ms = now_ms
        self._turns.write_done()
        self.mark_dirty()
        if self.state != CLOSED:
            self._turns.answer_sync(item, now_ms)

    # Replies out.

    def reply_now(self, xid: i64, zxid: i64, code: i64) -> None:
        """A reply out of turn."""
        self.replies.plain(xid, zxid, code)
        self.flush()

    def send_connect_response(self, timeout_ms: i64, session_id: i64, password: bytes) -> None:
        self.replies.connect_response(timeout_ms, session_id, password, self.sends_read_only)
        self.flush()

    def notify(self, event: i64, path: bytes, zxid: i64, acl: AclList) -> None:
        if self.state >= CLOSED:
            return
        if acl.world_permissions & protocol.READ or self.service.auth.allows(acl, protocol.READ, self.credentials):
            self.replies.event(event, path, zxid)
            self.mark_dirty()

    def is_paused(self) -> bool:
        """Whether the client is not read from for now."""
        return self._paused

    def mark_dirty(self) -> None:
        """Has what was written sent at the end of the batch."""
        if not self._dirty:
            self._dirty = True
            self.service.dirty.append(self)

    def flush(self) -> None:
        """Hands what was written to the socket."""
        self._dirty = False
        if len(self.replies.out) == 0 or self.state == CLOSED:
            return
        if not self.outlet.send(self.replies.take()):
            self._unread = True

    def stalled(self) -> None:
        """The client does not read what was sent."""
        self._unread = True

    def drained(self) -> None:
        """The client has read what was sent."""
        self._unread = False
        self.maybe_resume()

    # The end.

    def close_silently(self) -> None:
        """Closes without sending what an expired session's ephemerals caused, as Java does."""
        self.replies.out.truncate(0)
        self.close()

    def close(self) -> None:
        """Sends what was written, then closes; the session lives on unless it was closed by a transaction."""
        if self.state != CLOSED:
            self.flush()
            self.state = CLOSED
            self.outlet.close()
            self.forget()

    def lost(self) -> None:
        """The connection is gone."""
        if self.state != CLOSED:
            self.state = CLOSED
            self.forget()

    def forget(self) -> None:
        self._turns.clear()
        self._inbox.clear()
        if self._large is not None:
            self._large.forget()
            self._large = None
        self.service.link_closed(self)
