"""The exchange of a client with its servers: requests become bytes to send, bytes received complete their futures.

1. Replies complete futures in the order of the requests; a reply that does not belong to the oldest request in flight
   is a `DecodeError`, and so the end of the connection.
2. A notification reaches its watchers before the reply behind it completes its future, and the watch that a reply sets
   is in the table before anything behind that reply is looked at.
3. At most `MAX_IN_FLIGHT` requests are on their way to a server that has not answered; the others wait here, encoded.
   What waits is bounded by `MAX_WAITING_BYTES`.
4. `touched_s` is a time at which the server certainly had not forgotten the session: it answered a request that was
   sent then. It expires the session no earlier than the session timeout after that.
5. Requests that wait outlive the connection; those in flight do not.
6. `last_zxid` never goes back.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, final

from librt.strings import BytesWriter, write_i32_be
from mypy_extensions import i32, i64

from zkeeper.errors import (
    ClosedError,
    ConnectionLossError,
    DecodeError,
    FrameTooLongError,
    Outcome,
    TransactionFailed,
    ZooKeeperError,
    error_of,
)
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import full_path
from zkeeper.wire.client_replies import read_string, read_value
from zkeeper.wire.client_watches import Watcher, WatchTable, kind_set_by
from zkeeper.wire.jute import Reader, put_i32, write_bool, write_buffer

MAX_IN_FLIGHT: Final = 4096
MAX_CHUNK_BYTES: Final = 1 << 16
MAX_CHUNK_REQUESTS: Final = 1024
MAX_WAITING_BYTES: Final = 1 << 27
MAX_REPLY_BYTES: Final = 1 << 26
"""The longest reply that is taken. It bounds what a broken server can make a client keep."""
AUTH_XID: Final = -4
SET_WATCHES_XID: Final = -8
MAX_XID: Final = 0x7FFFFFFF
HEADER_BYTES: Final = 16

RISKY: Final = 0
"""A write whose repetition may apply it twice."""
CONDITIONAL: Final = 1
"""A write of one version: repeated, it is refused if it was applied."""
READ: Final = 2


@final
class Pending:
    """A request without a reply. `watcher` is of a read that sets a watch, `watched` the full path of it."""

    def __init__(
        self, xid: i64, op: i64, shape: i64, risk: i64, path: str | None, root_length: i64, future: Any
    ) -> None:
        self.xid: i64 = xid
        self.op: i64 = op
        self.shape: i64 = shape
        self.risk: i64 = risk
        self.path = path
        self.root_length: i64 = root_length
        self.future: Any = future
        self.watcher: Watcher | None = None
        self.watched = ""

    def fail(self, error: ZooKeeperError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@final
class Chunk:
    """Encoded requests that wait to be sent together."""

    def __init__(self) -> None:
        self.out = BytesWriter()
        self.requests: list[Pending] = []

    def is_full(self) -> bool:
        return len(self.out) >= MAX_CHUNK_BYTES or len(self.requests) >= MAX_CHUNK_REQUESTS


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
        self.max_frame_bytes: i64 = max_frame_bytes
        self.is_asleep = True
        """Whether a new request calls `wake`; False while it was called, or there is nobody to send to."""
        self.refusal: ZooKeeperError | None = ClosedError("the client is not started")
        """What new requests are refused with; None while they are taken."""
        self._new_future = new_future
        self._wake = wake
        self._on_error = on_error
        self._on_special = on_special
        self._xid: i64 = 0
        self._chunk = Chunk()
        self._full_chunks: deque[Chunk] = deque()
        self._waiting_bytes: i64 = 0
        self._in_flight: deque[Pending] = deque()
        self._sent: i64 = 0
        self._answered: i64 = 0
        self._sendings: deque[tuple[int, int, float]] = deque()
        self._received: list[bytes] = []
        self._received_bytes: i64 = 0
        self._needed_bytes: i64 = 4

    # Requests.

    def read(self, op: i64, shape: i64, root: str, path: str, watcher: Watcher | None = None) -> Any:
        """exists, getData, getChildren or getChildren2."""
        watched = full_path(root, path)
        raw = watched.encode()
        if len(raw) + 13 > self.max_frame_bytes:
            raise _too_long(path, len(raw) + 13, self.max_frame_bytes)
        future = self._begin(op)
        out = self._chunk.out
        start = len(out)
        write_i32_be(out, 0)
        write_i32_be(out, i32(self._xid))
        write_i32_be(out, i32(op))
        write_buffer(out, raw)
        write_bool(out, watcher is not None)
        pending = Pending(self._xid, op, shape, READ, path, len(root), future)
        if watcher is not None:
            pending.watcher = watcher
            pending.watched = watched
        self._end(start, pending)
        return future

    def request(self, op: i64, shape: i64, risk: i64, root_length: i64, path: str | None, body: bytes) -> Any:
        """Any other one. `path` is the caller's, for errors."""
        if len(body) + 8 > self.max_frame_bytes:
            raise _too_long(path, len(body) + 8, self.max_frame_bytes)
        future = self._begin(op)
        out = self._chunk.out
        start = len(out)
        write_i32_be(out, 0)
        write_i32_be(out, i32(self._xid))
        write_i32_be(out, i32(op))
        out.write(body)
        self._end(start, Pending(self._xid, op, shape, risk, path, root_length, future))
        return future

    def _begin(self, op: i64) -> Any:
        if self.refusal is not None:
            raise _copy(self.refusal)
        if self._waiting_bytes > MAX_WAITING_BYTES:
            error = ConnectionLossError(f"{self._waiting_bytes} bytes of requests wait to be sent; no more are taken")
            error.is_repeatable = True
            raise error
        self._xid = self._xid + 1 if self._xid < MAX_XID else 1
        return self._new_future()

    def _end(self, start: i64, pending: Pending) -> None:
        chunk = self._chunk
        put_i32(chunk.out, start, len(chunk.out) - start - 4)
        chunk.requests.append(pending)
        if chunk.is_full():
            self._waiting_bytes += len(chunk.out)
            self._full_chunks.append(chunk)
            self._chunk = Chunk()
        if self.is_asleep:
            self.is_asleep = False
            self._wake()

    # Sending.

    def take(self, now_s: float) -> bytes:
        """What is to be sent now, at `now_s`: at most one chunk, and nothing while too much is in flight."""
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            return b""
        if self._full_chunks:
            chunk = self._full_chunks.popleft()
            self._waiting_bytes -= len(chunk.out)
        else:
            chunk = self._chunk
            if not chunk.requests:
                return b""
            self._chunk = Chunk()
        self._in_flight.extend(chunk.requests)
        before = self._sent
        self._sent += len(chunk.requests)
        self._sendings.append((before, self._sent, now_s))
        return chunk.out.getvalue()

    def has_waiting(self) -> bool:
        return len(self._full_chunks) > 0 or len(self._chunk.requests) > 0

    def in_flight(self) -> int:
        return len(self._in_flight)

    # Receiving.

    def feed(self, data: bytes) -> None:
        """Handles every whole frame. Raises `DecodeError` when the connection cannot be trusted any more."""
        if self._received_bytes > 0:
            self._received.append(data)
            self._received_bytes += len(data)
            if self._received_bytes < self._needed_bytes:
                return
            data = b"".join(self._received)
            self._received.clear()
            self._received_bytes = 0
        rest = self._frames(data)
        if rest < len(data):
            self._received.append(data[rest:])
            self._received_bytes = len(data) - rest
        self._note_touched()

    def _frames(self, data: bytes) -> i64:
        """Handles the whole frames in `data` and returns where they end."""
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
                self._needed_bytes = 4 + length
                return position
            reader.end = end
            self._frame(reader)
            position = end
        self._needed_bytes = 4
        return position

    def _bad_length(self, length: i64) -> DecodeError:
        if length > MAX_REPLY_BYTES and self._in_flight:
            pending = self._in_flight.popleft()
            pending.fail(_too_long(pending.path, length, MAX_REPLY_BYTES))
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
            future.set_exception(error_of(int(code), pending.path))

    def _succeed(self, reader: Reader, pending: Pending) -> None:
        try:
            value = read_value(reader, pending.shape, pending.root_length, pending.path)
        except TransactionFailed as failure:
            pending.future.set_exception(failure)
            return
        except DecodeError as error:
            lost = _lost(pending, f"its reply does not decode: {error}")
            pending.fail(lost)
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
        lost = list(self._in_flight)
        self._in_flight.clear()
        self._sendings.clear()
        self._sent = 0
        self._answered = 0
        self._received.clear()
        self._received_bytes = 0
        self._needed_bytes = 4
        for pending in lost:
            pending.fail(_lost(pending, reason))

    def fail_waiting(self, error: ZooKeeperError) -> None:
        """Nothing of what waits will be sent."""
        waiting = [one for chunk in self._full_chunks for one in chunk.requests] + self._chunk.requests
        self._full_chunks.clear()
        self._chunk = Chunk()
        self._waiting_bytes = 0
        for pending in waiting:
            own = _copy(error)
            own.path = pending.path
            pending.fail(own)

    def tell(self, watcher: Watcher, event_type: int, path: str) -> None:
        """An event that no server sent: of the type NONE when what the watcher knows of the path may be outdated."""
        watcher.tell(event_type, path, -1, self._on_error)


def _lost(pending: Pending, reason: str) -> ZooKeeperError:
    error = ConnectionLossError(f"{pending.path}: {reason}" if pending.path else reason)
    error.path = pending.path
    error.outcome = Outcome.NOT_APPLIED if pending.risk == READ else Outcome.UNKNOWN
    error.is_repeatable = pending.risk != RISKY
    return error


def _copy(error: ZooKeeperError) -> ZooKeeperError:
    """An exception of one's own for each request: tracebacks grow on what is raised."""
    own = type(error)(*error.args)
    own.outcome = error.outcome
    own.is_repeatable = error.is_repeatable
    return own


def _too_long(path: str | None, length: i64, limit: i64) -> ZooKeeperError:
    error = FrameTooLongError(f"{path}: {length} bytes, but at most {limit} are allowed")
    error.path = path
    return error
