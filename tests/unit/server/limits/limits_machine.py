"""A whole server for the tests of the limits, on a simulated machine, with clients on another."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from zkeeper.server.config.model import LimitsConfig, NetworkConfig, ServerConfig, SessionConfig, StorageConfig
from zkeeper.server.descriptors import Descriptors
from zkeeper.server.standalone import StandaloneServer
from zkeeper.server.words import ProcessFacts
from zkeeper.testing.simulation import Machine, Simulation

PORT = 2181
CONFIG = ServerConfig(
    network=NetworkConfig(client_port=PORT),
    sessions=SessionConfig(tick_time_ms=2000),
    storage=StorageConfig(data_dir="/data", pre_alloc_size_kb=64),
    limits=LimitsConfig(max_client_cnxns=0),
)


class Server:
    """A server on one machine, its clients on another."""

    def __init__(self, config: ServerConfig, descriptors: Descriptors | None = None) -> None:
        self.sim = Simulation(seed=1)
        self.home: Machine = self.sim.machine("server")
        self.away: Machine = self.sim.machine("clients")
        self.node = StandaloneServer(
            config, self.home.disk, self.home.clock, self.home.random,
            ProcessFacts(environment=lambda: {"user.name": "keeper"}), descriptors=descriptors,
        )  # fmt: skip

    def start(self) -> None:
        self.sim.run(self.node.start(), self.home)

    def stop(self) -> None:
        self.sim.run(self.node.stop(), self.home)

    def connect(self, *frames: bytes) -> "Connection":
        connection = Connection()
        self.sim.run(self._open(connection), self.away)
        for frame in frames:
            assert connection.transport is not None
            connection.transport.write(frame)
        return connection

    async def _open(self, connection: "Connection") -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: connection, "server", PORT)


@dataclass
class Connection(asyncio.Protocol):
    data: bytearray = field(default_factory=bytearray)
    transport: asyncio.Transport | None = None
    is_lost: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True


@contextmanager
def running(config: ServerConfig, descriptors: Descriptors | None = None) -> Iterator[Server]:
    server = Server(config, descriptors)
    with server.sim:
        server.start()
        yield server
        server.stop()


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == name]
