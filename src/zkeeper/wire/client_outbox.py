"""What a client asks: requests become bytes behind those that wait already, and leave in chunks.

1. What waits is in the order of the calls; it outlives connections.
2. What waits is bounded by `MAX_WAITING_BYTES`, one request by `max_frame_bytes`.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, final

from librt.strings import BytesWriter, write_i32_be
from mypy_extensions import i32, i64

from zkeeper.errors import ClosedError, ConnectionLossError, ZooKeeperError
from zkeeper.wire.client_paths import full_path
from zkeeper.wire.client_pending import READ, Pending, copy_of, too_long
from zkeeper.wire.client_watches import Watcher
from zkeeper.wire.jute import put_i32, write_bool, write_buffer

MAX_CHUNK_BYTES: Final = 1 << 16
MAX_CHUNK_REQUESTS: Final = 1024
MAX_WAITING_BYTES: Final = 1 << 27
MAX_XID: Final = 0x7FFFFFFF


@final
class Chunk:
    """Encoded requests that wait to be sent together."""

    def __init__(self) -> None:
        self.out = BytesWriter()
        self.requests: list[Pending] = []

    def is_full(self) -> bool:
        return len(self.out) >= MAX_CHUNK_BYTES or len(self.requests) >= MAX_CHUNK_REQUESTS


@final
class Outbox:
    """`new_future` makes futures, `wake` asks for a `take` soon."""

    def __init__(self, new_future: Callable[[], Any], wake: Callable[[], object], max_frame_bytes: i64) -> None:
        self.max_frame_bytes: i64 = max_frame_bytes
        self.is_asleep = True
        """Whether a new request calls `wake`; False while it was called, or there is nobody to send to."""
        self.refusal: ZooKeeperError | None = ClosedError("the client is not started")
        """What new requests are refused with; None while they are taken."""
        self._new_future = new_future
        self._wake = wake
        self._xid: i64 = 0
        self._chunk = Chunk()
        self._full_chunks: deque[Chunk] = deque()
        self._waiting_bytes: i64 = 0

    def read(self, op: i64, shape: i64, root: str, path: str, watcher: Watcher | None = None) -> Any:
        """exists, getData, getChildren or getChildren2."""
        watched = full_path(root, path)
        raw = watched.encode()
        self._check_length(path, len(raw) + 13)
        future = self._begin()
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
        self._check_length(path, len(body) + 8)
        future = self._begin()
        out = self._chunk.out
        start = len(out)
        write_i32_be(out, 0)
        write_i32_be(out, i32(self._xid))
        write_i32_be(out, i32(op))
        out.write(body)
        self._end(start, Pending(self._xid, op, shape, risk, path, root_length, future))
        return future

    def _check_length(self, path: str | None, length: i64) -> None:
        if length > self.max_frame_bytes:
            limit = f"at most {self.max_frame_bytes} are sent (max_frame_bytes here, jute.maxbuffer of the servers)"
            raise too_long(path, f"the request has {length} bytes, but {limit}")

    def _begin(self) -> Any:
        if self.refusal is not None:
            raise copy_of(self.refusal)
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

    def take(self) -> Chunk | None:
        """The chunk that is to be sent next."""
        chunk = self._chunk
        if self._full_chunks:
            chunk = self._full_chunks.popleft()
            self._waiting_bytes -= len(chunk.out)
        elif chunk.requests:
            self._chunk = Chunk()
        else:
            return None
        return chunk

    def has_waiting(self) -> bool:
        return len(self._full_chunks) > 0 or len(self._chunk.requests) > 0

    def waiting(self) -> list[Pending]:
        return [one for chunk in self._full_chunks for one in chunk.requests] + self._chunk.requests

    def fail_waiting(self, error: ZooKeeperError) -> None:
        """Nothing of what waits will be sent."""
        waiting = self.waiting()
        self._full_chunks.clear()
        self._chunk = Chunk()
        self._waiting_bytes = 0
        for pending in waiting:
            own = copy_of(error)
            own.path = pending.path
            pending.fail(own)
