"""A TCP proxy between a client and a server that is told when to cut the wire.

A program under test talks to `Proxy.address` as if it were the server, and sends one command a line to
`Proxy.control`; each is answered when it has been carried out.

    cut       break every connection; new ones are welcome at once   -> ok
    refuse    break every connection and every new one, from now on  -> ok
    accept    let connections through again                          -> ok
    accepted  how many connections were let through so far           -> a number

1. After the answer to `cut` or `refuse`, no connection that was open before carries a byte.
2. A connection ends on both sides together, whichever side closed.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from .servers import HOST, free_port

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Proxy:
    """Where a running proxy takes clients, and where it takes commands; both `host:port`."""

    address: str
    control: str


class Wire:
    """The connections through one proxy and whether new ones are let through."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._open: set[asyncio.StreamWriter] = set()
        self._refusing = False
        self._accepted = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client to the server until either side ends."""
        async with self._tracked(writer):
            if self._refusing:
                return
            upstream_reader, upstream_writer = await asyncio.open_connection(HOST, self._target_port)
            async with self._tracked(upstream_writer):
                if writer.is_closing():
                    return
                self._accepted += 1
                await _first_to_end(_pump(reader, upstream_writer), _pump(upstream_reader, writer))

    @contextlib.asynccontextmanager
    async def _tracked(self, writer: asyncio.StreamWriter) -> AsyncIterator[None]:
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError):
                yield
        finally:
            self._open.discard(writer)
            writer.close()

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry out the commands of one control connection."""
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                writer.write(f"{self.execute(line.decode().strip())}\n".encode())
                await writer.drain()
        writer.close()

    def execute(self, command: str) -> str:
        """Carry out one command and return the answer."""
        match command:
            case "cut":
                self._cut()
            case "refuse":
                self._refusing = True
                self._cut()
            case "accept":
                self._refusing = False
            case "accepted":
                return str(self._accepted)
            case _:
                return f"error: unknown command {command!r}"
        return "ok"

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()


async def _first_to_end(*pumps: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.create_task(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def run_proxy(target_port: int) -> Iterator[Proxy]:
    """Run a proxy to `target_port` on this machine, on a thread of its own, while the block runs."""
    started: Future[tuple[Proxy, Callable[[], object]]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(target_port, started)), daemon=True)
    thread.start()
    proxy, stop = started.result()
    try:
        yield proxy
    finally:
        stop()
        thread.join()


async def _serve(target_port: int, started: "Future[tuple[Proxy, Callable[[], object]]]") -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        proxy = await _listen(Wire(target_port))
    except Exception as error:
        started.set_exception(error)
        return
    started.set_result((proxy, lambda: loop.call_soon_threadsafe(stopped.set)))
    await stopped.wait()


async def _listen(wire: Wire) -> Proxy:
    data_port = free_port()
    await asyncio.start_server(wire.carry, HOST, data_port)
    control_port = free_port()
    await asyncio.start_server(wire.obey, HOST, control_port)
    return Proxy(f"{HOST}:{data_port}", f"{HOST}:{control_port}")
