"""What the tests of the simulation share: ends of connections that take notes, and small disks."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any, TypeVar

from zkeeper.storage.disk import Disk, DiskFile
from zkeeper.testing.simulation import SimulatedDisk, Simulation

T = TypeVar("T")

PORT = 2181


class Recorder(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self, stays_open: bool = False) -> None:
        self.stays_open = stays_open
        self.events: list[str] = []
        self.data = b""
        self.segments: list[int] = []
        self.transport: asyncio.Transport
        self.error: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.segments.append(len(data))

    def eof_received(self) -> bool:
        self.events.append("eof")
        return self.stays_open

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.events.append("lost")


class Pair:
    """A client on machine b, connected to a server on machine a."""

    def __init__(self, sim: Simulation, stays_open: bool = False) -> None:
        self.sim = sim
        self.a, self.b = sim.machine("a"), sim.machine("b")
        self.ends: list[Recorder] = []
        sim.run(self._listen(stays_open), self.a)
        self.client = Recorder(stays_open)
        sim.run(self._connect(), self.b)
        sim.run_until(lambda: self.server.events)

    @property
    def server(self) -> Recorder:
        return self.ends[-1]

    def run_until(self, predicate: Callable[["Pair"], bool]) -> None:
        self.sim.run_until(lambda: predicate(self))

    async def _listen(self, stays_open: bool) -> None:
        def make() -> Recorder:
            self.ends.append(Recorder(stays_open))
            return self.ends[-1]

        self.listening = await asyncio.get_running_loop().create_server(make, "a", PORT)

    async def _connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self.client, "a", PORT)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        while data := await reader.read(1000):
            writer.write(data)


async def serve() -> None:
    server = await asyncio.start_server(echo, port=PORT)
    await server.serve_forever()


class Client:
    """A connection from machine b to machine a."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.a, self.b = sim.machine("a"), sim.machine("b")
        self.a.start(serve)
        sim.run_for(0.1)
        # Streams that are dropped while they are open complain: all are held on to.
        self.tasks: list[asyncio.Task[Any]] = []
        self.reader, self.writer = self.connect()

    def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return self.sim.run(self._wait(self.connecting()), self.b)

    def connecting(self) -> asyncio.Task[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        task = self.sim.loop.create_task(asyncio.open_connection("a", PORT), context=self.b.life.context.copy())
        self.tasks.append(task)
        return task

    async def _wait(self, task: asyncio.Task[T]) -> T:
        return await task

    def send(self, data: bytes) -> asyncio.Task[bytes]:
        self.writer.write(data)
        return self.sim.loop.create_task(self.reader.readexactly(len(data)), context=self.b.life.context.copy())

    def echo(self, data: bytes) -> bytes:
        task = self.send(data)
        self.sim.run_until(task.done)
        return task.result()


def new_disk(seed: int = 1) -> SimulatedDisk:
    return SimulatedDisk(random.Random(seed))


def write(disk: Disk, path: str, data: bytes, *, synced: bool = True) -> DiskFile:
    file = disk.open_writer(path)
    file.write(data)
    if synced:
        file.sync()
        disk.sync_folder("/")
    return file


def read(disk: Disk, path: str) -> bytes:
    file = disk.open_reader(path)
    return file.read(1 << 20)
