"""Opening a connection: the request travels, is answered by an accepting server or refused, and the answer travels.

What meets a blocked link or a host that is down waits, until the connecting side gives up.
"""

import asyncio
import errno
import os
from contextvars import Context
from typing import TYPE_CHECKING

from .host import LOOPBACK, Address, Host
from .life import Life
from .pipe import RETRANSMIT_S, Pipe
from .server import SimulatedServer
from .transport import SimulatedTransport

if TYPE_CHECKING:
    from .network import Network

CONNECT_TIMEOUT_S = 127.0


class Handshake:
    """One attempt to connect; `transport` resolves to the client's end, which has no protocol yet."""

    def __init__(self, network: "Network", life: Life, context: Context, target: Host, place: Address) -> None:
        self.transport: asyncio.Future[SimulatedTransport] = network.loop.create_future()
        self._network = network
        self._life = life
        self._context = context
        self._target = target
        self._place = place
        self._there = network.link(life.host, target)
        self._back = network.link(target, life.host)
        self._alarm = network.after(CONNECT_TIMEOUT_S, self._fail, errno.ETIMEDOUT)

    def request(self) -> None:
        self._network.after(self._there.latency_s(self._network.random), self._arrive)

    def abandon(self) -> None:
        """The connecting side was cancelled, maybe just after it was connected."""
        self._alarm.cancel()
        if self.transport.done() and not self.transport.cancelled() and self.transport.exception() is None:
            self.transport.result().abort()

    def _arrive(self) -> None:
        for way in (self._there, self._back):
            if way.is_blocked:
                way.waiting.append(self._repeat)
                return
        if not self._target.is_up:
            self._target.waiting.append(self._repeat)
            return
        if not self.transport.done():
            self._answer(self._target.listener(*self._place))

    def _repeat(self) -> None:
        self._network.after(self._network.random.uniform(*RETRANSMIT_S), self._arrive)

    def _answer(self, server: SimulatedServer | None) -> None:
        delay_s = self._back.latency_s(self._network.random)
        if server is None:
            self._network.after(delay_s, self._fail, errno.ECONNREFUSED)
            return
        client = self._connect(server, self._network.loop.time() + delay_s)
        self._network.after(delay_s, self._succeed, client)

    def _connect(self, server: SimulatedServer, time_s: float) -> SimulatedTransport:
        address = LOOPBACK if self._place[0] == LOOPBACK else self._life.host.address
        name = (address, self._life.host.free_port())
        client = SimulatedTransport(self._network, self._life, self._context, name, self._place)

        def make_end(context: Context) -> SimulatedTransport:
            end = SimulatedTransport(self._network, server.life, context, self._place, name)
            self._join(client, end, time_s)
            return end

        server.accept(make_end)
        return client

    def _join(self, client: SimulatedTransport, end: SimulatedTransport, time_s: float) -> None:
        there = Pipe(self._network, self._there, client, end)
        back = Pipe(self._network, self._back, end, client)
        there.back, back.back = back, there
        client.outgoing, client.incoming = there, back
        end.outgoing, end.incoming = back, there
        back.open_at(time_s)

    def _succeed(self, client: SimulatedTransport) -> None:
        self._alarm.cancel()
        if self.transport.done():
            client.abort()
        else:
            self.transport.set_result(client)

    def _fail(self, code: int) -> None:
        self._alarm.cancel()
        if not self.transport.done():
            self.transport.set_exception(OSError(code, f"{os.strerror(code)}: {self._place}"))
