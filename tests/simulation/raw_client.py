"""A ZooKeeper client for tests: one connection, everything pipelined, every frame kept in the order it came.

1. Replies are matched to requests first in, first out; one that does not fit is an `AssertionError` and fails the run.
2. It never does anything by itself but ping, and that only when asked to with `keep_alive`.
3. When the connection ends, what has no reply has an unknown outcome: futures fail with `ConnectionError`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

from .codec import NO_PASSWORD, Cursor, connect_request, frame, i32
from .requests import PING_XID, Ping, Request

PORT = 2181
NOTIFICATION_XID = -1
HEADER_BYTES = 16


class SessionExpiredError(Exception):
    """The server does not know the session, or its password is wrong."""


class Session(NamedTuple):
    session_id: int
    password: bytes
    timeout_ms: int


NO_SESSION = Session(0, NO_PASSWORD, 0)


class Event(NamedTuple):
    """A notification."""

    zxid: int
    kind: int
    path: str


class Sent:
    """A request, and its reply once there is one; without one its outcome is unknown."""

    __slots__ = ("on_reply", "reply", "request", "sent_s", "session_id", "xid")

    def __init__(self, request: Request, xid: int, session_id: int, sent_s: float) -> None:
        self.request = request
        self.xid = xid
        self.session_id = session_id
        self.sent_s = sent_s
        self.reply: Reply | None = None
        self.on_reply: Callable[[Reply], object] | None = None

    def __repr__(self) -> str:
        return f"{self.request} (session 0x{self.session_id:x}, xid {self.xid})"


@dataclass
class Reply:
    """`value` is what the request's `read_reply` makes of the body; None with an error."""

    sent: Sent
    zxid: int
    code: int
    came_s: float
    body: bytes

    @cached_property
    def value(self) -> Any:
        if self.code != 0:
            return None
        cursor = Cursor(self.body)
        value = self.sent.request.read_reply(cursor)
        assert cursor.position == len(self.body), f"the reply to {self.sent} has bytes left over"
        return value


class RawClient(asyncio.Protocol):
    """One connection. `frames` has all replies and events; `last_zxid` is the highest that was seen."""

    def __init__(self, first_xid: int = 1) -> None:
        loop = asyncio.get_running_loop()
        self.session = NO_SESSION
        self.opened: asyncio.Future[Session] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.frames: list[Reply | Event] = []
        self.last_zxid = 0
        self.next_xid = first_xid
        self.is_deaf = False
        """Whether it ignores what comes, after a test has sent something odd over it."""
        self.pending: deque[Sent] = deque()
        self._futures: dict[Sent, asyncio.Future[Reply]] = {}
        self._rest = b""
        self._loop = loop
        self.transport: asyncio.Transport

    @property
    def is_open(self) -> bool:
        return not self.lost.done()

    @property
    def events(self) -> list[Event]:
        return [frame for frame in self.frames if isinstance(frame, Event)]

    @property
    def replies(self) -> list[Reply]:
        return [frame for frame in self.frames if isinstance(frame, Reply)]

    # Sending.

    def post(self, request: Request, on_reply: Callable[[Reply], object] | None = None) -> Sent:
        """Sends without waiting; `on_reply` is called with the reply, never if there is none."""
        xid = PING_XID if isinstance(request, Ping) else self.next_xid
        if xid == self.next_xid:
            self.next_xid += 1
        sent = Sent(request, xid, self.session.session_id, self._loop.time())
        sent.on_reply = on_reply
        self.pending.append(sent)
        self.transport.write(frame(i32(xid) + i32(request.code()) + request.body()))
        return sent

    def request(self, request: Request) -> asyncio.Future[Reply]:
        """As `post`; the future fails with `ConnectionError` when the outcome stays unknown."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        if not self.is_open:
            future.set_exception(ConnectionError("the connection is gone"))
            return future
        self._futures[self.post(request)] = future
        return future

    async def call(self, request: Request) -> Reply:
        return await self.request(request)

    def keep_alive(self) -> None:
        """Pings three times in every session timeout, as long as the connection is there."""
        if self.is_open:
            self.post(Ping())
            self._loop.call_later(self.session.timeout_ms / 3000, self.keep_alive)

    def abort(self) -> None:
        self.transport.abort()

    # Receiving.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.is_deaf:
            return
        data = self._rest + data
        position = 0
        while len(data) - position >= 4:
            end = position + 4 + int.from_bytes(data[position : position + 4])
            if end > len(data):
                break
            self._frame(data[position + 4 : end])
            position = end
        self._rest = data[position:]

    def _frame(self, payload: bytes) -> None:
        if not self.opened.done():
            self._connected(Cursor(payload))
            return
        cursor = Cursor(payload)
        xid, zxid, code = cursor.i32(), cursor.i64(), cursor.i32()
        self.last_zxid = max(self.last_zxid, zxid)
        if xid == NOTIFICATION_XID:
            self._notified(zxid, cursor)
        else:
            self._replied(xid, zxid, code, payload[HEADER_BYTES:])

    def _connected(self, cursor: Cursor) -> None:
        assert cursor.i32() == 0
        timeout_ms, session_id, password = cursor.i32(), cursor.i64(), cursor.buffer()
        if timeout_ms <= 0:
            self.opened.set_exception(SessionExpiredError())
            return
        assert password is not None
        assert len(password) == len(NO_PASSWORD)
        self.session = Session(session_id, password, timeout_ms)
        self.opened.set_result(self.session)

    def _notified(self, zxid: int, cursor: Cursor) -> None:
        kind, state, path = cursor.i32(), cursor.i32(), cursor.string()
        assert state == 3, "servers send events in the state SyncConnected only"
        self.frames.append(Event(zxid, kind, path))

    def _replied(self, xid: int, zxid: int, code: int, body: bytes) -> None:
        assert self.pending, f"a reply with xid {xid} that nobody waits for"
        sent = self.pending.popleft()
        assert sent.xid == xid, f"a reply with xid {xid}, but the next is due to {sent}"
        reply = sent.reply = Reply(sent, zxid, code, self._loop.time(), body)
        self.frames.append(reply)
        future = self._futures.pop(sent, None)
        if future is not None and not future.done():
            future.set_result(reply)
        if sent.on_reply is not None:
            sent.on_reply(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the server closed the connection"))
        for future in self._futures.values():
            if not future.done():
                future.set_exception(ConnectionError("the outcome is unknown"))
        self._futures.clear()


async def open_connection(host: str, first_xid: int = 1, port: int = PORT) -> RawClient:
    """A connection on which nothing was sent yet. `OSError` when there is none."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: RawClient(first_xid), host, port)
    # An answer that nobody waits for any more is no mistake of the test.
    client.opened.add_done_callback(lambda opened: opened.cancelled() or opened.exception())
    return client


async def connect(
    host: str, timeout_ms: int = 10_000, session: Session = NO_SESSION, last_zxid: int = 0, first_xid: int = 1
) -> RawClient:
    """Opens a session, or resumes `session`. `SessionExpiredError` when it is not known, `OSError` for the rest."""
    client = await open_connection(host, first_xid)
    client.transport.write(connect_request(timeout_ms, session.session_id, session.password, last_zxid))
    await asyncio.shield(client.opened)
    return client
