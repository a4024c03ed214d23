"""The network between the machines: names, links with their latency and faults, connections.

Whatever is on its way runs in the network's own context, which belongs to no machine and so outlives all of them.
"""

import asyncio
import errno
import os
import random
import socket
from collections.abc import Callable
from contextvars import copy_context
from ipaddress import IPv4Address
from typing import Any, TypeVarTuple, Unpack

from .handle import SimulatedHandle
from .handshake import Handshake
from .host import ANY_ADDRESS, LOOPBACK, Host
from .life import LIFE, Life
from .loop import SimulatedLoop
from .server import SimulatedServer, places_of
from .trace import Trace
from .transport import SimulatedTransport

Ts = TypeVarTuple("Ts")

LOCAL_LATENCY_S = (0.00001, 0.00003)
LINK_LATENCY_S = (0.0001, 0.0004)
LOOKUP_DELAY_S = (0.0001, 0.002)

WELL_KNOWN = {"localhost": LOOPBACK, "::1": LOOPBACK, "": ANY_ADDRESS, "::": ANY_ADDRESS}


class Link:
    """The way from one host to another, in one direction."""

    __slots__ = ("base_s", "extra_jitter_s", "extra_s", "is_blocked", "jitter_s", "waiting")

    def __init__(self, low_s: float, high_s: float) -> None:
        self.base_s = low_s
        self.jitter_s = high_s - low_s
        self.extra_s = 0.0
        self.extra_jitter_s = 0.0
        self.is_blocked = False
        # What has met the block; each is called when it is gone.
        self.waiting: list[Callable[[], None]] = []

    def latency_s(self, random: random.Random) -> float:
        return self.base_s + self.extra_s + (self.jitter_s + self.extra_jitter_s) * random.random()


class Network:
    """All hosts and the links between them. `names` may be given more names; each stands for one address."""

    def __init__(self, loop: SimulatedLoop, seed: object, trace: Trace) -> None:
        self.loop = loop
        self.trace = trace
        self.random = random.Random(f"{seed}/network")
        self.names: dict[str, str] = dict(WELL_KNOWN)
        self._context = loop.observer.context
        self._hosts: dict[str, Host] = {}
        self._links: dict[tuple[int, int], Link] = {}

    def add(self, host: Host) -> None:
        self._hosts[host.address] = host
        self.names[host.name] = host.address

    # Time.

    def at(self, when_s: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts) -> SimulatedHandle:
        return self.loop.call_at(when_s, callback, *args, context=self._context)

    def after(self, delay_s: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts) -> SimulatedHandle:
        return self.loop.call_at(self.loop.time() + delay_s, callback, *args, context=self._context)

    # Links and their faults.

    def link(self, source: Host, target: Host) -> Link:
        key = (source.number, target.number)
        link = self._links.get(key)
        if link is None:
            link = self._links[key] = Link(*(LOCAL_LATENCY_S if source is target else LINK_LATENCY_S))
        return link

    def links_between(self, a: Host, b: Host) -> tuple[Link, Link]:
        return self.link(a, b), self.link(b, a)

    def block(self, source: Host, target: Host) -> None:
        """Loses what is sent from `source` to `target`. A host always reaches itself."""
        if source is not target:
            self.link(source, target).is_blocked = True

    def unblock(self, link: Link) -> None:
        link.is_blocked = False
        waiting, link.waiting = link.waiting, []
        self._resume(waiting)

    def heal(self) -> None:
        """All links carry again, at their usual latency."""
        for link in self._links.values():
            self.heal_link(link)

    def heal_link(self, link: Link) -> None:
        link.extra_s = link.extra_jitter_s = 0.0
        self.unblock(link)

    def come_up(self, host: Host) -> None:
        host.is_up = True
        waiting, host.waiting = host.waiting, []
        self._resume(waiting)

    def reset(self, a: Life, b: Life) -> None:
        """Ends the connections between the two with an error, at both ends."""
        error = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        for life, peer in ((a, b), (b, a)):
            for transport in list(life.transports):
                if transport.incoming.source.life is peer:
                    transport.lose(error)

    def drop(self, life: Life, is_silent: bool) -> None:
        """The life is over: its ports are closed, its connections end or fall silent."""
        life.host.is_up = not is_silent
        life.host.listeners.clear()
        for transport in list(life.transports):
            transport.vanish(is_silent)

    def _resume(self, waiting: list[Callable[[], None]]) -> None:
        for resume in waiting:
            self.after(0, resume)

    # Names.

    def resolve(self, name: Any) -> str:
        """The address that `name` stands for. Raises `socket.gaierror`."""
        name = "" if name is None else name
        address = self.names.get(name)
        if address is not None:
            return address
        try:
            return str(IPv4Address(name))
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, f"no machine is named {name!r}") from None

    async def look_up(self, name: Any, port: Any) -> list[tuple[Any, ...]]:
        await asyncio.sleep(self.random.uniform(*LOOKUP_DELAY_S))
        address = self.resolve(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, int(port or 0)))]

    # Connections.

    async def open_server(
        self, factory: Callable[[], asyncio.BaseProtocol], host: Any, port: Any, options: dict[str, Any]
    ) -> SimulatedServer:
        _refuse_options(options)
        life = LIFE.get(self.loop.observer)
        server = SimulatedServer(self.loop, life, copy_context(), factory, places_of(self.resolve, host, port))
        server.bind()
        if options.get("start_serving", True):
            await server.start_serving()
        return server

    async def open_connection(
        self, factory: Callable[[], asyncio.BaseProtocol], host: Any, port: Any, options: dict[str, Any]
    ) -> tuple[SimulatedTransport, asyncio.BaseProtocol]:
        _refuse_options(options)
        transport = await self._connect(self.resolve(host), int(port))
        protocol = factory()
        transport.begin(protocol)
        try:
            # As in asyncio, the caller goes on after `connection_made`.
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            transport.close()
            raise
        return transport, protocol

    async def _connect(self, address: str, port: int) -> SimulatedTransport:
        life = LIFE.get(self.loop.observer)
        if address in (LOOPBACK, ANY_ADDRESS):
            address, target = LOOPBACK, life.host
        elif address in self._hosts:
            target = self._hosts[address]
        else:
            raise OSError(errno.EHOSTUNREACH, f"{os.strerror(errno.EHOSTUNREACH)}: {address}")
        handshake = Handshake(self, life, copy_context(), target, (address, port))
        handshake.request()
        try:
            return await handshake.transport
        except asyncio.CancelledError:
            handshake.abandon()
            raise


def _refuse_options(options: dict[str, Any]) -> None:
    for name in ("ssl", "sock", "local_addr"):
        if options.get(name):
            raise NotImplementedError(f"the simulated network has no {name}=")
