"""What a connection sends, from bytes cut anywhere to whole frames, and what holds it back.

1. What a client sends is bounded before it is kept: the length of a frame, the requests outstanding, the replies
   unread, the work that both mean. A client over a bound is not read from until it is below. One whose requests take
   more than `TURN_EFFORT` goes on when the others have had their turn.
2. Requests that were read and then held back by a bound have an age. Where the settings limit it, one that is older is
   refused, not executed; a read that waits behind a write of its own session is not held back, it has begun.
"""

from typing import TYPE_CHECKING, Final, final

from librt.strings import read_i32_be
from mypy_extensions import i64

from zkeeper.pipeline.inbox import Inbox
from zkeeper.pipeline.large_requests import LargeFrames
from zkeeper.pipeline.link_state import CLOSING, WAITING_FOR_SESSION
from zkeeper.pipeline.replies import ReplyWriter
from zkeeper.pipeline.turns import Turns

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink
    from zkeeper.pipeline.service import Service

MAX_OUTSTANDING: Final = 2000
"""Requests of one connection that may be on their way at once."""
TURN_EFFORT: Final = 5000
"""What a connection may take of one turn of the loop, and what it may have waiting behind its writes: steps of about a
microsecond, one for each request, each 4 KiB of replies, and what `ReadAnswers` counts."""


@final
class Intake:
    """`is_paused` while the socket is not read from; `is_unread` while the client does not read its replies."""

    def __init__(self, service: "Service", turns: Turns, replies: ReplyWriter) -> None:
        self.is_paused = False
        self.is_unread = False
        self._service = service
        self._turns = turns
        self._replies = replies
        self._inbox = Inbox()
        self._large: LargeFrames | None = None

    def receive(self, link: "ClientLink", data: bytes) -> None:
        """Takes what arrived, cut anywhere."""
        if link.state >= CLOSING:
            return
        self._service.stats.bytes_received += len(data)
        inbox = self._inbox
        if not inbox.is_empty():
            inbox.add(data)
            if self.is_paused or not inbox.has_enough():
                return
            data = inbox.take()
        self._parse(link, data)

    def _parse(self, link: "ClientLink", data: bytes) -> None:
        """Handles every whole frame of `data` and keeps the rest."""
        service = self._service
        now_ms: i64 = service.now_ms()
        self._replies.now_ms = now_ms
        session = link.session
        if session is not None and not service.tracker.touch(session, now_ms):
            return  # The session is closing: what still arrives for it is dropped.
        size: i64 = len(data)
        position: i64 = 0
        needed: i64 = 4
        limit = service.settings.max_frame_bytes
        large = service.settings.large_request_threshold_bytes
        inbox = self._inbox
        reads, replies = service.reads, self._replies
        effort_limit = reads.spent() + (replies.written_bytes >> 12) + TURN_EFFORT
        overdue = inbox.overdue_bytes(service.settings.throttled_op_wait_ms, now_ms) if inbox.held_bytes else 0
        while size - position >= 4:
            if self._must_wait(link):
                break
            length = i64(read_i32_be(data, position))
            if length < 0 or length > limit:
                needed = link.odd_length(data, position)
                if needed:
                    self._keep(data[position:], needed)
                return
            if length > large and not self._admit_large(link, length):
                return
            needed = length + 4
            if size - position < needed:
                break
            end = position + needed
            if position < overdue:
                link.overdue_frame(data, position + 4, end)
            else:
                link.frame(data, position + 4, end)
            if link.state >= CLOSING:
                return
            position = end
            needed = 4
            effort_limit -= 1
            if reads.spent() + (replies.written_bytes >> 12) > effort_limit and service.later is not None:
                self._pause(link)
                service.later(link.maybe_resume)
                break
        if self._large is not None:
            self._large_parsed(needed - 4)
        inbox.parsed(position)
        if position < size:
            self._keep(data[position:] if position else data, needed)
        self._turns.count_answered_at_once()
        link.flush()

    def _must_wait(self, link: "ClientLink") -> bool:
        """Whether the next frame has to wait, because of the session, of requests on their way or of unread replies."""
        service = self._service
        if link.state == WAITING_FOR_SESSION or self.is_unread:
            self._pause(link)
            return True
        if service.settings.max_requests and service.is_full():
            service.stats.request_throttle_waits += 1
            self._pause(link)
            service.wait_for_room(link)
            return True
        outstanding = self._turns.outstanding()
        if outstanding and (
            outstanding >= MAX_OUTSTANDING or self._turns.waiting_effort >= TURN_EFFORT or service.is_overloaded()
        ):
            self._pause(link)
            service.wait_for_room(link)
            return True
        return False

    def _pause(self, link: "ClientLink") -> None:
        if not self.is_paused:
            self.is_paused = True
            link.outlet.pause()

    def maybe_resume(self, link: "ClientLink") -> None:
        """Goes on reading if nothing forbids it any more."""
        state = link.state
        if not self.is_paused or state >= CLOSING or state == WAITING_FOR_SESSION or self.is_unread:
            return
        if self._turns.outstanding() >= MAX_OUTSTANDING // 2 or self._turns.waiting_effort >= TURN_EFFORT:
            self._service.wait_for_room(link)
            return
        self.is_paused = False
        link.outlet.resume()
        if not self._inbox.is_empty():
            self._parse(link, self._inbox.take())

    def _keep(self, rest: bytes, needed_bytes: i64) -> None:
        self._inbox.keep(rest, needed_bytes, self.is_paused, self._replies.now_ms)

    # Large requests.

    def _admit_large(self, link: "ClientLink", length: i64) -> bool:
        service = self._service
        if self._large is None:
            self._large = LargeFrames(service.large_requests)
        if self._large.admit(length):
            return True
        service.stats.large_requests_rejected += 1
        service.tell(f"connection from {link.peer}: no room for another large request of {length} bytes; closed")
        link.close()
        return False

    def _large_parsed(self, unfinished_bytes: i64) -> None:
        """A frame of `unfinished_bytes` is still arriving, if that is a large one."""
        assert self._large is not None
        is_large = unfinished_bytes > self._service.settings.large_request_threshold_bytes
        self._large.parsed(unfinished_bytes if is_large else 0, self._turns.last())
        self.answered()

    def answered(self) -> None:
        """What was answered gives back the room that it took."""
        if self._large is not None:
            self._large.answered(self._turns.done)

    def forget(self) -> None:
        """The connection is gone."""
        self._inbox.clear()
        if self._large is not None:
            self._large.forget()
            self._large = None
