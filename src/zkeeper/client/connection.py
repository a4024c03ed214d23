"""One connection to one server: the handshake, then frames into the exchange and out of it.

1. Nothing but the connect request is sent before its answer has come.
2. `ended` is done exactly once, with the reason, when nothing more will arrive.
"""

import asyncio
from typing import TYPE_CHECKING, Final, cast

from zkeeper.client.hosts import Host
from zkeeper.errors import DecodeError
from zkeeper.wire.client_exchange import Exchange
from zkeeper.wire.client_replies import Welcome, read_welcome
from zkeeper.wire.client_requests import frame

if TYPE_CHECKING:
    from random import Random
    from ssl import SSLContext

MAX_WELCOME_BYTES: Final = 1024
HIGH_WATER_BYTES: Final = 1 << 20


class Connection(asyncio.Protocol):
    """Made before it is connected. `welcome` is the server's answer to the connect request."""

    def __init__(self, exchange: Exchange, connect_request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.welcome: asyncio.Future[Welcome] = loop.create_future()
        self.ended: asyncio.Future[str] = loop.create_future()
        self.sent_s = self.heard_s = self.began_s = loop.time()
        self._loop = loop
        self._exchange = exchange
        self._connect_request = connect_request
        self._greeting = b""
        self._is_open = False
        self._is_full = False
        self._transport: asyncio.Transport | None = None

    # Sending.

    def flush(self) -> None:
        """Sends what waits in the exchange, as far as it and the transport let it go."""
        exchange, transport = self._exchange, self._transport
        if transport is None or not self._is_open:
            return
        exchange.outbox.is_asleep = True
        if self._is_full:
            return
        now_s = self._loop.time()
        while data := exchange.take(now_s):
            self.sent_s = now_s
            transport.write(data)
            if self._is_full:
                return

    def send_special(self, xid: int, op: int, body: bytes = b"") -> None:
        """A request whose answer is told by its xid: a ping, auth, setWatches. It goes ahead of what waits."""
        if self._transport is not None and self._is_open:
            self.sent_s = self._loop.time()
            self._transport.write(frame(xid, op, body))

    def open(self) -> None:
        """From now on requests are sent."""
        self._is_open = True
        early, self._greeting = self._greeting, b""
        if early:
            self.data_received(early)

    def abort(self, reason: str) -> None:
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    # Receiving.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.ended.done():
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        self.began_s = self._loop.time()
        self._transport.write(self._connect_request)

    def data_received(self, data: bytes) -> None:
        self.heard_s = self._loop.time()
        if self.ended.done():
            return
        try:
            if self._is_open:
                self._exchange.feed(data)
            else:
                self._greet(data)
        except DecodeError as error:
            self.abort(f"the server sent what cannot be understood: {error}")
            return
        outbox = self._exchange.outbox
        if outbox.has_waiting() and outbox.is_asleep:
            self.flush()

    def _greet(self, data: bytes) -> None:
        self._greeting += data
        if self.welcome.done() or len(self._greeting) < 4:
            return
        length = int.from_bytes(self._greeting[:4])
        if length > MAX_WELCOME_BYTES:
            raise DecodeError(f"an answer of {length} bytes to the connect request")
        if len(self._greeting) >= 4 + length:
            welcome = read_welcome(self._greeting[4 : 4 + length])
            self._greeting = self._greeting[4 + length :]
            self.welcome.set_result(welcome)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection broke: {exc}" if exc else "the server closed the connection")

    def _end(self, reason: str) -> None:
        self._is_open = False
        if not self.ended.done():
            self.ended.set_result(reason)
        if not self.welcome.done():
            self.welcome.set_exception(ConnectionError(reason))
            self.welcome.exception()  # Nobody may be waiting any more.


async def open_connection(host: Host, connection: Connection, random: "Random", ssl: "SSLContext | None") -> None:
    """Resolves the name, takes one of its addresses by chance, and connects. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    address = host.name if host.is_address else await _resolve(loop, host, random)
    name = host.name if ssl is not None else None
    await loop.create_connection(lambda: connection, address, host.port, ssl=ssl, server_hostname=name)


async def _resolve(loop: asyncio.AbstractEventLoop, host: Host, random: "Random") -> str:
    found = await loop.getaddrinfo(host.name, host.port)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    return addresses[random.randrange(len(addresses))]
