"""Listening: a server in the simulated network."""

import asyncio
import socket
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from .life import Life

if TYPE_CHECKING:
    from .loop import SimulatedLoop
    from .transport import SimulatedTransport


class ListeningSocket:
    """What of a socket is asked for in `server.sockets`."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM

    def __init__(self, name: tuple[str, int]) -> None:
        self._name = name

    def getsockname(self) -> tuple[str, int]:
        return self._name


class SimulatedServer(asyncio.AbstractServer):
    """As `asyncio.Server` since Python 3.12: `wait_closed` waits for the connections, too."""

    def __init__(
        self,
        loop: "SimulatedLoop",
        life: Life,
        context: Context,
        factory: Callable[[], asyncio.BaseProtocol],
        places: list[tuple[str, int]],
    ) -> None:
        self.life = life
        self._loop = loop
        self._context = context
        self._factory = factory
        self._places = places
        self._names: list[tuple[str, int]] = []
        self._transports: dict[SimulatedTransport, None] = {}
        self._is_closed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._forever: asyncio.Future[None] | None = None

    @property
    def sockets(self) -> tuple[ListeningSocket, ...]:
        return tuple(ListeningSocket(name) for name in self._names)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def is_serving(self) -> bool:
        return self in self.life.servers

    def bind(self) -> None:
        """Takes the ports, or none of them."""
        try:
            for address, port in self._places:
                self._names.append(self.life.host.bind(address, port))
        except OSError:
            self.close()
            raise

    async def start_serving(self) -> None:
        if self._is_closed:
            raise RuntimeError("the server is closed")
        for name in self._names:
            self.life.host.listeners[name] = self
        self.life.servers[self] = None

    async def serve_forever(self) -> None:
        await self.start_serving()
        self._forever = self._loop.create_future()
        try:
            await self._forever
        finally:
            self._forever = None
            self.close()
            await self.wait_closed()

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self.life.servers.pop(self, None)
        for name in self._names:
            self.life.host.listeners.pop(name, None)
        self._names = []
        if self._forever is not None:
            self._forever.cancel()
        self._maybe_wake()

    def close_clients(self) -> None:
        for transport in list(self._transports):
            transport.close()

    def abort_clients(self) -> None:
        for transport in list(self._transports):
            transport.abort()

    async def wait_closed(self) -> None:
        if self._is_closed and not self._transports:
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    def accept(self, make_transport: "Callable[[Context], SimulatedTransport]") -> "SimulatedTransport":
        """Makes the server's end of a connection. The protocol is made as the machine that listens."""
        context = self._context.copy()
        transport = make_transport(context)
        self._transports[transport] = None
        transport.begin(context.run(self._factory), self)
        return transport

    def detach(self, transport: "SimulatedTransport") -> None:
        self._transports.pop(transport, None)
        self._maybe_wake()

    def _maybe_wake(self) -> None:
        if not self._is_closed or self._transports:
            return
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()


def places_of(resolve: Callable[[Any], str], host: Any, port: Any) -> list[tuple[str, int]]:
    """The addresses and ports to listen on; `host` is a name, an address, a sequence of them, or empty for all."""
    hosts = [host] if host is None or isinstance(host, str) else list(host)
    return [(resolve(each), int(port or 0)) for each in hosts]
