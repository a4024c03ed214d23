"""The production server on a simulated machine, and the photographs that a test takes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from zkeeper.database.znode import ZNode
from zkeeper.errors import StorageError
from zkeeper.server.config.model import (
    LimitsConfig,
    NetworkConfig,
    NodesConfig,
    RetentionConfig,
    ServerConfig,
    SessionConfig,
    StorageConfig,
)
from zkeeper.server.ensemble.member import EnsembleServer
from zkeeper.server.port_failure import PortError
from zkeeper.server.standalone import StandaloneServer
from zkeeper.storage.disk import Disk
from zkeeper.testing.simulation import Machine, Simulation

from .model import Node, Nodes
from .raw_client import PORT

DATA_DIR = "/data"
FOLDER = f"{DATA_DIR}/version-2"
STORAGE = StorageConfig(data_dir=DATA_DIR, pre_alloc_size_kb=64)


def make_config(
    *, tick_ms: int = 2000, network: NetworkConfig | None = None, storage: StorageConfig = STORAGE,
    retention: RetentionConfig | None = None, limits: LimitsConfig | None = None, nodes: NodesConfig | None = None,
) -> ServerConfig:  # fmt: skip
    """What is not given is as when a configuration file does not say it."""
    return ServerConfig(
        network=replace(network or NetworkConfig(), client_port=PORT),
        sessions=SessionConfig(tick_time_ms=tick_ms),
        storage=storage,
        retention=retention or RetentionConfig(),
        limits=limits or LimitsConfig(),
        nodes=nodes or NodesConfig(),
    )


@dataclass(frozen=True)
class Photo:
    """What the server knows at `zxid`."""

    zxid: int
    nodes: Nodes
    sessions: dict[int, int]
    digest: int
    digest_mismatches: int
    time_s: float


def take_photo(server: StandaloneServer | EnsembleServer, time_s: float) -> Photo:
    database = server.service.database
    nodes: Nodes = {}
    _copy("/", database.tree.root, nodes)
    return Photo(
        int(database.last_zxid), nodes, dict(database.sessions), int(database.tree.digest) & 0xFFFFFFFFFFFFFFFF,
        int(database.digest_mismatches), time_s,
    )  # fmt: skip


def _copy(path: str, node: ZNode, nodes: Nodes) -> None:
    children = node.children or {}
    assert len(node.acl.entries) == 1, "clients of these tests give lists of one entry"
    nodes[path] = Node(
        node.data, int(node.acl.entries[0][0]), int(node.owner), int(node.czxid), int(node.mzxid), int(node.pzxid),
        int(node.ctime_ms), int(node.mtime_ms), int(node.version), int(node.cversion), int(node.aversion),
        frozenset(name.decode() for name in children),
    )  # fmt: skip
    for name, child in children.items():
        _copy(f"{path.rstrip('/')}/{name.decode()}", child, nodes)


def foreseen(failure: Exception | None) -> Exception | None:
    """The failure, if it is one of the disk, or of a port. Any other fails the run."""
    if failure is not None and not isinstance(failure, (StorageError, PortError)):
        raise failure
    return failure


class ServerNode:
    """A machine and the server on it. `instances` counts the servers that were started."""

    def __init__(self, sim: Simulation, config: ServerConfig, name: str = "server", disk: Disk | None = None) -> None:
        self.sim = sim
        self.machine: Machine = sim.machine(name)
        self.config = config
        self.disk: Disk = disk if disk is not None else self.machine.disk
        self.instances = 0
        self.server: Any = None
        """A StandaloneServer, or an EnsembleServer where the configuration is that of a member."""
        self.failure: Exception | None = None
        self.on_started: Callable[[Any], None] = lambda server: None
        self._main: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def is_serving(self) -> bool:
        return self.server is not None and self.machine.is_alive

    @property
    def is_over(self) -> bool:
        """Whether the server that was started is no more: killed, or stopped by itself."""
        return not self.machine.is_alive or (self._main is not None and self._main.done())

    def begin(self) -> None:
        """Starts a server on the machine, which comes up first if it is down; does not wait for it."""
        if not self.machine.is_alive:
            self.machine.restart()
        self.server, self.failure = None, None
        self.instances += 1
        self._main = self.machine.start(self._serve)

    async def _serve(self) -> None:
        clock = self.machine.clock
        make: Any = StandaloneServer if self.config.quorum is None else EnsembleServer
        server = make(self.config, self.disk, clock, self.machine.random)
        try:
            await server.start()
        except StorageError as error:
            self.failure = error
            await server.stop()
            return
        self.on_started(server)
        self.server = server
        await server.stopped()
        self.failure = foreseen(server.failure)
        await self.stop()

    async def stop(self) -> None:
        """A stop in order; to be run as the machine."""
        server, self.server = self.server, None
        if server is not None:
            await server.stop()

    # For the test.

    def start(self) -> Any:
        """Starts a server and waits until it serves. Raises what kept it from serving."""
        self.begin()
        self.sim.run_until(lambda: self.server is not None or self.is_over)
        if self.server is None:
            raise self.failure or AssertionError("the machine died while its server started")
        return self.server

    def stop_now(self) -> None:
        self.sim.run(self.stop(), self.machine)

    def photo(self) -> Photo:
        assert self.server is not None, "the server does not serve"
        return take_photo(self.server, self.sim.time())
