"""One client connection, without its socket: frames in, replies and notifications out.

1. Requests of a connection are answered in the order they came. A read waits for the writes before it that are still on
   their way to the disk; with none on the way it is answered on the spot (wire, section 11).
2. What is out of order by ZooKeeper's own rules is: auth and sasl packets, and the refusal of an unknown opcode.
3. A notification of a transaction is written before any reply that shows the transaction's effect.
4. What a client sends is bounded before it is kept: the length of a frame, the requests outstanding, the replies
   unread. A client over a bound is not read from until it is below, and nobody else waits for it.
5. Requests that were read and then held back by a bound have an age. Where the settings limit it, one that is older is
   refused, not executed; a read that waits behind a write of its own session is not held back, it has begun.
"""

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, final

from librt.strings import BytesWriter, read_i32_be, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, mypyc_attr

from zkeeper.database.acls import AclList
from zkeeper.database.auth import IP, Identity
from zkeeper.database.sessions import Session
from zkeeper.database.watches import STANDARD, Watcher
from zkeeper.errors import (
    OK,
    AuthFailedError,
    DecodeError,
    MarshallingError,
    SessionClosedRequireSaslAuthError,
    ThrottledOpError,
    UnimplementedError,
    ZooKeeperError,
)
from zkeeper.pipeline.large_requests import LargeFrames
from zkeeper.pipeline.reads import is_read, watched_path
from zkeeper.pipeline.requests import UndecodableRequest, WriteRequest, decode_write
from zkeeper.wire import protocol
from zkeeper.wire.jute import Reader, java_string, put_i32, write_bool, write_buffer

if TYPE_CHECKING:
    from zkeeper.pipeline.service import Proposal, Service

NEW: Final = 0
WAITING_FOR_SESSION: Final = 1
CONNECTED: Final = 2
CLOSING: Final = 3
CLOSED: Final = 4

MAX_OUTSTANDING: Final = 2000
"""Requests of one connection that may be on their way at once."""
OUT_CHUNK_BYTES: Final = 1 << 18
"""Replies are handed to the socket when they are this long, at the latest."""
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


@mypyc_attr(acyclic=True)
@final
class Waiting:
    """A request that is answered in its turn, after write number `turn` of its connection; `code` if it failed."""

    def __init__(self, turn: i64, xid: i64, op: i64, reader: Reader, code: i64, received_ms: i64) -> None:
        self.turn: i64 = turn
        self.xid: i64 = xid
        self.op: i64 = op
        self.reader = reader
        self.code: i64 = code
        self.received_ms: i64 = received_ms


@final
class LinkStats:
    """What the four-letter word cons shows; times in ms."""

    def __init__(self, established_ms: i64) -> None:
        self.established_ms: i64 = established_ms
        self.reset()

    def reset(self) -> None:
        self.received: i64 = 0
        self.sent: i64 = 0
        self.last_op: i64 = 0
        self.last_xid: i64 = -1
        self.last_zxid: i64 = -1
        self.last_response_ms: i64 = 0
        self.last_latency_ms: i64 = 0
        self.min_latency_ms: i64 = -1
        self.max_latency_ms: i64 = 0
        self.latency_count: i64 = 0
        self.latency_total_ms: i64 = 0

    def answered(self, latency_ms: i64, times: i64 = 1) -> None:
        self.last_latency_ms = latency_ms
        if self.min_latency_ms < 0 or latency_ms < self.min_latency_ms:
            self.min_latency_ms = latency_ms
        if latency_ms > self.max_latency_ms:
            self.max_latency_ms = latency_ms
        self.latency_count += times
        self.latency_total_ms += latency_ms * times


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
        self._out = BytesWriter()
        self._dirty = False
        self._chunks: list[bytes] = []
        self._chunk_bytes: i64 = 0
        self._needed_bytes: i64 = 0
        self._held_bytes: i64 = 0
        self._held_since_ms: i64 = 0
        self._large: LargeFrames | None = None
        self._in_flight: i64 = 0
        self._writes_done: i64 = 0
        self._waiting: deque[Waiting] = deque()
        self._paused = False
        self._unread = False
        self._now_ms: i64 = 0
        self._answered_at_once: i64 = 0

    # Frames in.

    def receive(self, data: bytes) -> None:
        """Takes what arrived, cut anywhere."""
        if self.state >= CLOSING:
            return
        self.service.stats.bytes_received += len(data)
        if self._chunks:
            self._chunks.append(data)
            self._chunk_bytes += len(data)
            if self._chunk_bytes < self._needed_bytes or self._paused:
                return
            data = b"".join(self._chunks)
            self._chunks.clear()
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Handles every whole frame of `data` and keeps the rest."""
        self._now_ms = self.service.now_ms()
        session = self.session
        if session is not None and not self.service.tracker.touch(session, self._now_ms):
            return  # The session is closing: what still arrives for it is dropped.
        size: i64 = len(data)
        position: i64 = 0
        needed: i64 = 4
        limit = self.service.settings.max_frame_bytes
        large = self.service.settings.large_request_threshold_bytes
        overdue = self._overdue_bytes() if self._held_bytes else 0
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
        if self._large is not None:
            self._large_parsed(needed - 4)
        self._held_bytes = max(0, self._held_bytes - position)
        if position < size:
            self._keep(data[position:] if position else data, needed)
        if self._answered_at_once:
            self.stats.answered(0, self._answered_at_once)
            self.service.stats.count_reads(0, self._answered_at_once)
            self._answered_at_once = 0
        self.flush()

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
        outstanding = self.outstanding()
        if outstanding and (outstanding >= MAX_OUTSTANDING or self.service.is_overloaded()):
            self._pause()
            self.service.wait_for_room(self)
            return True
        return False

    def outstanding(self) -> i64:
        return self._in_flight + len(self._waiting)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self.outlet.pause()

    def maybe_resume(self) -> None:
        """Goes on reading if nothing forbids it any more."""
        if not self._paused or self.state >= CLOSING or self.state == WAITING_FOR_SESSION or self._unread:
            return
        if self.outstanding() >= MAX_OUTSTANDING // 2:
            self.service.wait_for_room(self)
            return
        self._paused = False
        self.outlet.resume()
        if self._chunks:
            data = b"".join(self._chunks)
            self._chunks.clear()
            self._parse(data)

    def _keep(self, rest: bytes, needed: i64) -> None:
        self._chunks.append(rest)
        self._chunk_bytes = len(rest)
        self._needed_bytes = needed
        if not self._paused:
            self._held_bytes = 0
        elif self._held_bytes == 0:
            self._held_bytes = self._chunk_bytes
            self._held_since_ms = self._now_ms

    def _overdue_bytes(self) -> i64:
        """How much of what was kept has been held back for too long (rule 5)."""
        limit_ms = self.service.settings.throttled_op_wait_ms
        return self._held_bytes if 0 < limit_ms < self._now_ms - self._held_since_ms else 0

    def _overdue_frame(self, data: bytes, start: i64, end: i64) -> None:
        """Refuses a request; pings, authentication and the end of a session are served all the same."""
        op = i64(read_i32_be(data, start + 4)) if end - start >= 8 else protocol.PING
        if op == protocol.PING or op == protocol.CLOSE_SESSION or not (is_read(op) or is_write(op)):
            self._frame(data, start, end)
            return
        self.stats.received += 1
        self.service.stats.packets_received += 1
        self.service.stats.throttled_ops += 1
        self._fail(i64(read_i32_be(data, start)), op, Reader(data, start, end), ThrottledOpError.code)

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
        self._large.parsed(unfinished_bytes if is_large else 0, self._writes_done + self._in_flight)
        self._large.answered(self._writes_done)

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
            self._out.write(self.service.answer_word(word, argument, self))
            self.close()
            return
        self.service.tell(f"connection from {self.peer}: {word!r} is no frame length that is allowed; closed")
        self.close()

    def _frame(self, data: bytes, start: i64, end: i64) -> None:
        self.stats.received += 1
        self.service.stats.packets_received += 1
        reader = Reader(data, start, end, self.service.settings.max_field_bytes)
        if self.state == NEW:
            self.service.handshake(self, reader)
            return
        if end - start < 8:
            self.service.tell(f"connection from {self.peer}: a frame is shorter than a request header; closed")
            self.close()
            return
        xid = reader.int32()
        op = reader.int32()
        self._request(xid, op, reader)

    def _request(self, xid: i64, op: i64, reader: Reader) -> None:
        service = self.service
        if service.required_schemes and op != protocol.AUTH and op != protocol.SASL and not self._is_authenticated():
            self._reply_now(xid, 0, SessionClosedRequireSaslAuthError.code)
            self.close()
            return
        self.stats.last_op = op
        if xid >= 0:
            self.stats.last_xid = xid
        if is_read(op):
            if self._in_flight:
                self._wait(xid, op, reader, OK)
            else:
                self._answer(xid, op, reader)
                self._answered_at_once += 1
                if len(self._out) >= OUT_CHUNK_BYTES:
                    self.flush()
        elif is_write(op):
            self._write(xid, op, reader)
        elif op == protocol.AUTH:
            self._auth(xid, reader)
        elif op == protocol.SASL:
            self._sasl(xid, reader)
        else:
            self._reply_now(xid, -1, UnimplementedError.code)
            self.close()

    def _is_authenticated(self) -> bool:
        return any(scheme in self.service.required_schemes for scheme, _ in self.credentials)

    # Writes.

    def expect_write(self) -> None:
        """A write is proposed on behalf of this connection."""
        self._in_flight += 1

    def _write(self, xid: i64, op: i64, reader: Reader) -> None:
        request: WriteRequest
        try:
            request = decode_write(op, reader)
        except DecodeError:
            if op != protocol.MULTI:
                self._fail(xid, op, reader, MarshallingError.code)
                return
            request = UndecodableRequest()
        except MarshallingError:
            self._fail(xid, op, reader, MarshallingError.code)
            return
        session = self.session
        assert session is not None
        self.expect_write()
        self.service.propose(self, session.session_id, xid, request, self._now_ms)
        if op == protocol.CLOSE_SESSION:
            self.service.tracker.close(session)
            self.state = CLOSING

    def _fail(self, xid: i64, op: i64, reader: Reader, code: i64) -> None:
        if self._in_flight:
            self._wait(xid, op, reader, code)
        else:
            self.reply_plain(xid, self.service.database.last_zxid, code)

    def _wait(self, xid: i64, op: i64, reader: Reader, code: i64) -> None:
        turn = self._writes_done + self._in_flight
        self._waiting.append(Waiting(turn, xid, op, reader, code, self._now_ms))

    def written(self, proposal: "Proposal", code: i64, now_ms: i64) -> None:
        """One of this connection's writes was applied with `code`: replies, then answers what waited for it."""
        self._in_flight -= 1
        self._writes_done += 1
        self._now_ms = now_ms
        self.mark_dirty()
        if self.state == CLOSED:
            return
        if proposal.op == protocol.CREATE_SESSION:
            self.service.session_created(self)
            return
        self._reply_write(proposal, code)
        self.stats.answered(now_ms - proposal.received_ms)
        if proposal.op == protocol.CLOSE_SESSION:
            self.flush()
            self.close()
            return
        waiting = self._waiting
        while waiting and waiting[0].turn <= self._writes_done and self.state != CLOSED:
            self._answer_waiting(waiting.popleft(), now_ms)
        if self._large is not None:
            self._large.answered(self._writes_done)

    def _answer_waiting(self, item: Waiting, now_ms: i64) -> None:
        if item.code != OK:
            self.reply_plain(item.xid, self.service.database.last_zxid, item.code)
        else:
            self._answer(item.xid, item.op, item.reader)
        latency_ms = now_ms - item.received_ms
        self.stats.answered(latency_ms)
        self.service.stats.count_reads(latency_ms, 1)

    def _reply_write(self, proposal: "Proposal", code: i64) -> None:
        zxid = proposal.txn.zxid
        if code != OK:
            self.reply_plain(proposal.txn.cxid, zxid, code)
            return
        out = self._out
        start = self._begin(proposal.txn.cxid, zxid, OK)
        self.service.write_result(proposal, out)
        self._end(start)

    # Reads.

    def _answer(self, xid: i64, op: i64, reader: Reader) -> None:
        zxid = self.service.database.last_zxid
        if op == protocol.PING:
            xid = protocol.PING_XID
        elif op == protocol.SET_WATCHES or op == protocol.SET_WATCHES2:
            self._set_watches(xid, op, reader)
            return
        out = self._out
        start = self._begin(xid, zxid, OK)
        try:
            self.service.reads.answer(op, reader, out, self, self.credentials)
        except ZooKeeperError as error:
            self._rewrite_error(start, xid, zxid, op, error.code)
            return
        except DecodeError:
            out.truncate(start)
            self.reply_plain(xid, zxid, MarshallingError.code)
            return
        self._end(start)

    def _rewrite_error(self, start: i64, xid: i64, zxid: i64, op: i64, code: i64) -> None:
        """Turns the reply begun at `start` into an error; only multiRead keeps its body."""
        out = self._out
        if op == protocol.MULTI_READ:
            put_i32(out, start + 16, code)
            self._end(start)
        else:
            out.truncate(start)
            self.reply_plain(xid, zxid, code)

    def _set_watches(self, xid: i64, op: i64, reader: Reader) -> None:
        """Events that the client missed are written before the reply; a null in a list stops half way, as with Java."""
        try:
            relative_zxid = reader.int64()
            lists = [reader.strings() for _ in range(5 if op == protocol.SET_WATCHES2 else 3)]
            self._renew_data_watches(_need_strings(lists[0]), relative_zxid)
            self._renew_exist_watches(_need_strings(lists[1]))
            self._renew_child_watches(_need_strings(lists[2]), relative_zxid)
            if op == protocol.SET_WATCHES2:
                self._renew_persistent_watches(_need_strings(lists[3]), False)
                self._renew_persistent_watches(_need_strings(lists[4]), True)
        except DecodeError:
            self.reply_plain(xid, self.service.database.last_zxid, MarshallingError.code)
            return
        self.reply_plain(xid, self.service.database.last_zxid, OK)

    def _renew_persistent_watches(self, paths: list[bytes | None], recursive: bool) -> None:
        for path in paths:
            self.service.database.watches.add_watch(self, watched_path(path), recursive)

    def _renew_data_watches(self, paths: list[bytes | None], relative_zxid: i64) -> None:
        for name in paths:
            path = _need_string(name)
            node = self.service.database.tree.lookup(path)
            if node is None:
                self._write_event(protocol.NODE_DELETED, path, -1)
            elif node.mzxid > relative_zxid:
                self._write_event(protocol.NODE_DATA_CHANGED, path, -1)
            else:
                self.service.database.watches.data.add(self, path, STANDARD)

    def _renew_exist_watches(self, paths: list[bytes | None]) -> None:
        for name in paths:
            path = _need_string(name)
            if self.service.database.tree.lookup(path) is not None:
                self._write_event(protocol.NODE_CREATED, path, -1)
            else:
                self.service.database.watches.data.add(self, path, STANDARD)

    def _renew_child_watches(self, paths: list[bytes | None], relative_zxid: i64) -> None:
        for name in paths:
            path = _need_string(name)
            node = self.service.database.tree.lookup(path)
            if node is None:
                self._write_event(protocol.NODE_DELETED, path, -1)
            elif node.pzxid > relative_zxid:
                self._write_event(protocol.NODE_CHILDREN_CHANGED, path, -1)
            else:
                self.service.database.watches.child.add(self, path, STANDARD)

    # Authentication.

    def _auth(self, xid: i64, reader: Reader) -> None:
        try:
            reader.int32()
            scheme = reader.buffer()
            auth = reader.buffer()
        except DecodeError:
            self.service.tell(f"connection from {self.peer}: an auth packet does not decode; closed")
            self.close()
            return
        earned = self.service.auth.authenticate(scheme, auth, self.address)
        if earned is None:
            self.service.stats.auth_failed += 1
            self.service.tell(f"connection from {self.peer}: authentication by scheme {scheme!r} failed; closed")
            self._reply_now(xid, 0, AuthFailedError.code)
            self.close()
            return
        for identity in earned:
            if identity not in self.credentials:
                self.credentials.append(identity)
        self._reply_now(xid, 0, OK)

    def _sasl(self, xid: i64, reader: Reader) -> None:
        """Without a SASL configuration Java answers a null token and authenticates nobody."""
        try:
            reader.need_buffer()
        except DecodeError:
            self.service.tell(f"connection from {self.peer}: a sasl packet does not decode; closed")
            self.close()
            return
        start = self._begin(xid, 0, OK)
        write_buffer(self._out, None)
        self._end(start)

    # Replies out.

    def _begin(self, xid: i64, zxid: i64, code: i64) -> i64:
        """Writes a reply's header and returns where the frame starts, for `_end`."""
        out = self._out
        start: i64 = len(out)
        write_i32_be(out, 0)
        write_i32_be(out, i32(xid))
        write_i64_be(out, zxid)
        write_i32_be(out, i32(code))
        self.stats.last_zxid = zxid
        return start

    def _end(self, start: i64) -> None:
        size_bytes = len(self._out) - start - 4
        put_i32(self._out, start, size_bytes)
        self.stats.sent += 1
        self.stats.last_response_ms = self._now_ms
        self.service.stats.count_response(size_bytes)

    def reply_plain(self, xid: i64, zxid: i64, code: i64) -> None:
        self._end(self._begin(xid, zxid, code))

    def _reply_now(self, xid: i64, zxid: i64, code: i64) -> None:
        self.reply_plain(xid, zxid, code)
        self.flush()

    def send_connect_response(self, timeout_ms: i64, session_id: i64, password: bytes) -> None:
        out = self._out
        write_i32_be(out, 37 if self.sends_read_only else 36)
        write_i32_be(out, 0)
        write_i32_be(out, i32(timeout_ms))
        write_i64_be(out, session_id)
        write_buffer(out, password)
        if self.sends_read_only:
            write_bool(out, False)
        self.stats.sent += 1
        self.service.stats.count_response(37 if self.sends_read_only else 36)
        self.flush()

    def notify(self, event: i64, path: bytes, zxid: i64, acl: AclList) -> None:
        if self.state >= CLOSED:
            return
        if acl.world_permissions & protocol.READ or self.service.auth.allows(acl, protocol.READ, self.credentials):
            self._write_event(event, path, zxid)
            self.mark_dirty()

    def _write_event(self, event: i64, path: bytes, zxid: i64) -> None:
        out = self._out
        start: i64 = len(out)
        write_i32_be(out, 0)
        write_i32_be(out, protocol.NOTIFICATION_XID)
        write_i64_be(out, zxid)
        write_i32_be(out, OK)
        write_i32_be(out, i32(event))
        write_i32_be(out, protocol.STATE_SYNC_CONNECTED)
        write_buffer(out, path)
        self._end(start)

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
        size: i64 = len(self._out)
        if size == 0 or self.state == CLOSED:
            return
        data = self._out.getvalue()
        if size > OUT_CHUNK_BYTES:
            self._out = BytesWriter()
        else:
            self._out.truncate(0)
        self.service.stats.response_bytes += size
        if not self.outlet.send(data):
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
        self._out.truncate(0)
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
        self._waiting.clear()
        self._chunks.clear()
        if self._large is not None:
            self._large.forget()
            self._large = None
        self.service.link_closed(self)


def is_write(op: i64) -> bool:
    """Whether clients may ask for `op` and it becomes a transaction."""
    return (
        op == protocol.SET_DATA
        or op == protocol.CREATE
        or op == protocol.DELETE
        or op == protocol.SET_ACL
        or (op >= protocol.MULTI and op <= protocol.RECONFIG)
        or op == protocol.CREATE_CONTAINER
        or op == protocol.CREATE_TTL
        or op == protocol.CLOSE_SESSION
    )


def _need_strings(strings: list[bytes | None] | None) -> list[bytes | None]:
    if strings is None:
        raise DecodeError("a list of watches is null")
    return strings


def _need_string(string: bytes | None) -> bytes:
    if string is None:
        raise DecodeError("the path of a watch is null")
    return java_string(string)
