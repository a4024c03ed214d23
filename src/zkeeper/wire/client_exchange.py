"""The exchange of a client with its servers: requests become bytes to send, bytes received complete their futures.

1. Replies complete futures in the order of the requests; a reply that does not belong to the oldest request in flight
   is a `DecodeError`, and so the end of the connection.
2. A notification reaches its watchers before the reply behind it completes its future, and the watch that a reply sets
   is in the table before anything behind that reply is looked at.
3. At most `MAX_IN_FLIGHT` requests are on their way to a server that has not answered; the others wait in the `Outbox`.
4. `touched_s` is a time at which the server certainly had not forgotten the session: it answered a request that was
   sent then. It expires the session no earlier than the session timeout after that.
5. Requests that wait outlive the connection; those in flight do not.
6. `last_zxid` never goes back.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, final

from mypy_extensions import i64

from zkeeper.errors import DecodeError, TransactionFailed, error_of
from zkeeper.wire import protocol
from zkeeper.wire.client_inflow import Inflow
from zkeeper.wire.client_outbox import Outbox
from zkeeper.wire.client_pending import Pending, lost, too_long
from zkeeper.wire.client_replies import read_string, read_value
from zkeeper.wire.client_watches import Watcher, WatchTable, kind_set_by
from zkeeper.wire.jute import Reader

MAX_IN_FLIGHT: Final = 4096
MAX_REPLY_BYTES: Final = 1 << 26
"""The longest reply that is taken. It bounds what a broken server can make a client keep."""
AUTH_XID: Final = -4
SET_WATCHES_XID: Final = -8
HEADER_BYTES: Final = 16
CREATES: Final = (protocol.CREATE, protocol.CREATE2, protocol.CREATE_CONTAINER, protocol.CREATE_TTL)


@final
class Exchange:
    """`new_future` makes futures, `wake` asks for a `take` soon, `on_error` takes what a watch callback raises,
    `on_special` what is answered outside the order: xid and error code of pings, auth and setWatches."""

    def __init__(
        self, new_future: Callable[[], Any], wake: Callable[[], object], on_error: Callable[[Exception], object],
        on_special: Callable[[int, int], object], max_frame_bytes: i64,
    ) -> None:  # fmt: skip
        self.watches = WatchTable()
        self.last_zxid: i64 = 0
        self.touched_s = 0.0
        self.outbox = Outbox(new_future, wake, max_frame_bytes)
        self._on_error = on_error
        self._on_special = on_special
        self._inflow = Inflow()
        self._in_flight: deque[Pending] = deque()
        self._sent: i64 = 0
        self._answered: i64 = 0
        self._sendings: deque[tuple[int, int, float]] = deque()

    # Sending.

    def take(self, now_s: float) -> bytes:
        """What is to be sent now, at `now_s`: at most one chunk, and nothing while too much is in flight."""
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            return b""
        chunk = self.outbox.take()
        if chunk is None:
            return b""
        self._in_flight.extend(chunk.requests)
        before = self._sent
        self._sent += len(chunk.requests)
        self._sendings.append((before, self._sent, now_s))
        return chunk.out.getvalue()

    def in_flight(self) -> int:
        return len(self._in_flight)

    # Receiving.

    def feed(self, data: bytes) -> None:
        """Handles every whole frame. Raises `DecodeError` when the connection cannot be trusted any more."""
        data = self._inflow.add(data)
        if data:
            self._frames(data)
            self._note_touched()

    def _frames(self, data: bytes) -> None:
        reader = Reader(data, 0, -1, MAX_REPLY_BYTES)
        total: i64 = len(data)
        position: i64 = 0
        while total - position >= 4:
            reader.position = position
            reader.end = total
            length = reader.int32()
            if length < HEADER_BYTES or length > MAX_REPLY_BYTES:
                raise self._bad_length(length)
            end = position + 4 + length
            if end > total:
                self._inflow.keep(data[position:], 4 + length)
                return
            reader.end = end
            self._frame(reader)
            position = end
        self._inflow.keep(data[position:], 4)

    def _bad_length(self, length: i64) -> DecodeError:
        if length > MAX_REPLY_BYTES and self._in_flight:
            pending = self._in_flight.popleft()
            reason = f"the reply has {length} bytes, but at most {MAX_REPLY_BYTES} are taken"
            pending.fail(too_long(pending.path, reason))
        return DecodeError(f"a frame claims {length} bytes")

    def _frame(self, reader: Reader) -> None:
        xid = reader.int32()
        zxid = reader.int64()
        code = reader.int32()
        if xid == protocol.NOTIFICATION_XID:
            self._notification(reader, zxid)
            return
        if zxid > self.last_zxid:
            self.last_zxid = zxid
        if xid < 0:
            self._on_special(int(xid), int(code))
            return
        if not self._in_flight:
            raise DecodeError(f"a reply with xid {xid} that nobody waits for")
        pending = self._in_flight.popleft()
        self._answered += 1
        if pending.xid != xid:
            self._in_flight.appendleft(pending)
            raise DecodeError(f"a reply with xid {xid} where {pending.xid} is due")
        self._reply(reader, pending, code)

    def _notification(self, reader: Reader, zxid: i64) -> None:
        event_type = reader.int32()
        reader.int32()
        path = read_string(reader)
        for watcher in self.watches.take_fired(event_type, path):
            watcher.tell(event_type, path, zxid, self._on_error)

    def _reply(self, reader: Reader, pending: Pending, code: i64) -> None:
        watcher = pending.watcher
        if watcher is not None:
            kind = kind_set_by(pending.op, code)
            if kind >= 0:
                self.watches.add(kind, pending.watched, watcher)
        future = pending.future
        if future.done():
            return
        if code == 0:
            self._succeed(reader, pending)
        elif code == -101 and pending.op == protocol.EXISTS:
            future.set_result(None)
        else:
            future.set_exception(error_of(int(code), pending.path, pending.op in CREATES))

    def _succeed(self, reader: Reader, pending: Pending) -> None:
        try:
            value = read_value(reader, pending.shape, pending.root_length, pending.path)
        except TransactionFailed as failure:
            pending.future.set_exception(failure)
            return
        except DecodeError as error:
            pending.fail(lost(pending, f"its reply does not decode: {error}"))
            raise
        pending.future.set_result(value)

    def _note_touched(self) -> None:
        """Invariant 4: a sending of which anything was answered has reached the server after it was sent."""
        while self._sendings:
            before, last, sent_s = self._sendings[0]
            if self._answered <= before:
                return
            if sent_s > self.touched_s:
                self.touched_s = sent_s
            if self._answered < last:
                return
            self._sendings.popleft()

    # The end of a connection and of a session.

    def connection_lost(self, reason: str) -> None:
        """What is in flight fails; what waits goes on waiting."""
        in_flight = list(self._in_flight)
        self._in_flight.clear()
        self._sendings.clear()
        self._sent = 0
        self._answered = 0
        self._inflow.clear()
        for pending in in_flight:
            pending.fail(lost(pending, reason))

    def take_back(self, path: str, watcher: Watcher) -> None:
        """A one-shot watch tells this watcher nothing any more, nor will one whose read is not answered yet."""
        self.watches.take_back(path, watcher)
        for pending in [*self._in_flight, *self.outbox.waiting()]:
            if pending.watched == path and pending.watcher is not None and pending.watcher.is_for(watcher):
                pending.watcher = None

    def tell(self, watcher: Watcher, event_type: int, path: str) -> None:
        """An event that no server sent: of the type NONE when what the watcher knows of the path may be outdated."""
        watcher.tell(event_type, path, -1, self._on_error)
