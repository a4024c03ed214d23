"""Relays between the members of an ensemble: each sees the others through them, so that they can be cut off.

A member finds another one at a relay of its own (`Relays.routes`, which go into its `zoo.cfg`). Relays run in a thread.

1. What flows from one member to another can be stopped in one direction alone. It is held then, not lost, as the
   kernel holds what it cannot deliver; a connection that needs the way back is not made either.
2. `heal` lets everything flow again. Connections that were held up go on, or are broken, as a timeout would.
3. A connection ends on both sides together.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from interop.ensembles.layout import Address, free_ports
from interop.servers import HOST

CHUNK_BYTES = 64 * 1024
Way = tuple[int, int]
"""From one member to another one."""
T = TypeVar("T")


class Relays:
    """Made by `run_relays`. Its methods are for other threads than the relays' own."""

    def __init__(self, addresses: dict[int, Address]) -> None:
        ways = [(one, other) for one in addresses for other in addresses if one != other]
        ports = free_ports(2 * len(ways))
        self.routes = {way: (next(ports), next(ports)) for way in ways}
        self._addresses = addresses
        self._open = {way: asyncio.Event() for way in ways}
        self._delay_s = dict.fromkeys(ways, 0.0)
        self._held: set[asyncio.StreamWriter] = set()
        """Ends of connections that were in the way of a cut."""
        self._connections: dict[Way, set[asyncio.StreamWriter]] = {way: set() for way in ways}
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    # For tests.

    def cut(self, ways: Iterable[Way]) -> None:
        """Nothing flows these ways any more."""
        self._do(self._cut([*ways]))

    def delay(self, ways: Iterable[Way], seconds: float) -> None:
        """Whatever flows these ways comes so much later, chunk after chunk."""
        self._do(self._set_delay([*ways], seconds))

    def heal(self, breaks: bool = False) -> None:
        """Everything flows again, at once; `breaks`: connections that were cut are broken."""
        self._do(self._heal(breaks))

    # The thread.

    def run(self, started: threading.Event) -> None:
        """The thread's work, until `stop`."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        await self._heal(breaks=False)
        for way, ports in self.routes.items():
            target = self._addresses[way[1]]
            for port, target_port in zip(ports, (target.quorum, target.election), strict=True):
                await asyncio.start_server(self._carrier(way, target_port), HOST, port)

    async def _end(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self, ways: list[Way]) -> None:
        for way in ways:
            self._open[way].clear()
            self._held |= self._connections[way] | self._connections[way[::-1]]

    async def _set_delay(self, ways: list[Way], seconds: float) -> None:
        self._delay_s.update(dict.fromkeys(ways, seconds))

    async def _heal(self, breaks: bool) -> None:
        for writer in self._held if breaks else ():
            writer.transport.abort()
        self._held.clear()
        self._delay_s = dict.fromkeys(self._delay_s, 0.0)
        for is_open in self._open.values():
            is_open.set()

    # Connections.

    def _carrier(self, way: Way, target_port: int) -> Any:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                async with self._tracked(way, writer):
                    await self._open[way].wait()
                    await self._open[way[::-1]].wait()
                    await self._connect(way, target_port, reader, writer)

        return carry

    async def _connect(
        self, way: Way, target_port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if writer.is_closing():
            return
        far_reader, far_writer = await asyncio.open_connection(HOST, target_port)
        async with self._tracked(way, far_writer):
            there = asyncio.create_task(self._pump(way, reader, far_writer))
            back = asyncio.create_task(self._pump(way[::-1], far_reader, writer))
            try:
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Also the end of the stream waits until the way is open."""
        while True:
            chunk = await reader.read(CHUNK_BYTES)
            if delay_s := self._delay_s[way]:
                await asyncio.sleep(delay_s)
            await self._open[way].wait()
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()

    @contextlib.asynccontextmanager
    async def _tracked(self, way: Way, writer: asyncio.StreamWriter) -> Any:
        self._connections[way].add(writer)
        if not (self._open[way].is_set() and self._open[way[::-1]].is_set()):
            self._held.add(writer)
        try:
            yield
        finally:
            self._connections[way].discard(writer)
            self._held.discard(writer)
            writer.close()


@contextlib.contextmanager
def run_relays(addresses: dict[int, Address]) -> Iterator[Relays]:
    """Relays between members at these addresses, while the block runs."""
    relays = Relays(addresses)
    started = threading.Event()
    thread = threading.Thread(target=relays.run, args=[started], daemon=True)
    thread.start()
    started.wait()
    try:
        yield relays
    finally:
        relays.stop()
        thread.join()
