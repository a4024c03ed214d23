"""What a connection is about to send: replies and notifications, gathered until the link hands them to the socket.

1. A frame begins with a length that is filled in when its body is there. One that was begun is ended, or cut off with
   all that followed, before the next begins.
2. Every frame that is ended is counted, for its connection and for the server.
"""

from typing import Final, final

from librt.strings import BytesWriter, write_i32_be, write_i64_be
from mypy_extensions import i32, i64

from zkeeper.errors import OK
from zkeeper.pipeline.link_stats import LinkStats
from zkeeper.pipeline.stats import ServiceStats
from zkeeper.wire import protocol
from zkeeper.wire.jute import put_i32, write_bool, write_buffer

OUT_CHUNK_BYTES: Final = 1 << 18
"""Replies are handed to the socket when they are this long, at the latest."""


@final
class ReplyWriter:
    """`now_ms` is when what is being answered arrived or became durable; `out` is replaced when it has become large.

    `written_bytes` counts all frames that were ended.
    """

    def __init__(self, link_stats: LinkStats, service_stats: ServiceStats) -> None:
        self.out = BytesWriter()
        self.now_ms: i64 = 0
        self.written_bytes: i64 = 0
        self._link_stats = link_stats
        self._service_stats = service_stats

    def begin(self, xid: i64, zxid: i64, code: i64) -> i64:
        """Writes a reply's header and returns where the frame starts, for `end`."""
        out = self.out
        start: i64 = len(out)
        write_i32_be(out, 0)
        write_i32_be(out, i32(xid))
        write_i64_be(out, zxid)
        write_i32_be(out, i32(code))
        self._link_stats.last_zxid = zxid
        return start

    def end(self, start: i64) -> None:
        """Ends the reply to a request, begun at `start`."""
        self._service_stats.response_bytes += self.end_aside(start)

    def end_aside(self, start: i64) -> i64:
        """Ends what Java does not count as a response: pings, notifications, authentication. The size in bytes."""
        out = self.out
        size_bytes = len(out) - start - 4
        put_i32(out, start, size_bytes)
        self.written_bytes += size_bytes
        stats = self._link_stats
        stats.sent += 1
        stats.last_response_ms = self.now_ms
        self._service_stats.count_sent(size_bytes)
        return size_bytes

    def plain(self, xid: i64, zxid: i64, code: i64) -> None:
        """A reply without a body."""
        self.end(self.begin(xid, zxid, code))

    def aside(self, xid: i64, zxid: i64, code: i64) -> None:
        """The same for what is not counted as a response."""
        self.end_aside(self.begin(xid, zxid, code))

    def rewrite_error(self, start: i64, xid: i64, zxid: i64, op: i64, code: i64) -> None:
        """Turns the reply begun at `start` into an error; only multiRead keeps its body."""
        if op == protocol.MULTI_READ:
            put_i32(self.out, start + 16, code)
            self.end(start)
        else:
            self.out.truncate(start)
            self.plain(xid, zxid, code)

    def connect_response(
        self, timeout_ms: i64, session_id: i64, password: bytes, sends_read_only: bool, is_read_only: bool
    ) -> None:
        """The answer to a handshake; `is_read_only` is told to clients that know of it."""
        out = self.out
        size_bytes: i64 = 37 if sends_read_only else 36
        write_i32_be(out, i32(size_bytes))
        write_i32_be(out, 0)
        write_i32_be(out, i32(timeout_ms))
        write_i64_be(out, session_id)
        write_buffer(out, password)
        if sends_read_only:
            write_bool(out, is_read_only)
        self._link_stats.sent += 1
        self._service_stats.packets_sent += 1

    def event(self, event: i64, path: bytes, zxid: i64) -> None:
        """A notification; its zxid is -1 where no transaction of now is behind it."""
        out = self.out
        start: i64 = len(out)
        write_i32_be(out, 0)
        write_i32_be(out, protocol.NOTIFICATION_XID)
        write_i64_be(out, zxid)
        write_i32_be(out, OK)
        write_i32_be(out, i32(event))
        write_i32_be(out, protocol.STATE_SYNC_CONNECTED)
        write_buffer(out, path)
        self._service_stats.watch_bytes += self.end_aside(start)

    def take(self) -> bytes:
        """All that was written; the writer is empty afterwards."""
        data = self.out.getvalue()
        if len(data) > OUT_CHUNK_BYTES:
            self.out = BytesWriter()
        else:
            self.out.truncate(0)
        return data
