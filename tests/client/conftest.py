"""The suite of the client against a real server over real sockets.

The server is the one at `ZKEEPER_TEST_SERVER` (`host:port`; any ZooKeeper, with `extendedTypesEnabled`), or else ours,
in this process. Each test has a client below a root of its own, which is removed afterwards.
"""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

import zkeeper
from zkeeper import AsyncClient, Client
from zkeeper.server.config.model import NetworkConfig, NodesConfig, ServerConfig, SessionConfig, StorageConfig
from zkeeper.server.standalone import StandaloneServer
from zkeeper.storage.real_disk import RealDisk
from zkeeper.testing import Server

DEADLINE_S = 120.0
TIMEOUT_MS = 60_000
"""So long that a machine which stands still for a while fails no test."""
numbers = itertools.count(time.time_ns())

Story = Callable[["Ground"], Coroutine[Any, Any, None]]
Connect = Callable[..., Client]


class Ground:
    """What a test stands on: a client `zk` below its own root, and the way to more."""

    def __init__(self, address: str, zk: AsyncClient) -> None:
        self.address = address
        self.zk = zk

    def connect(self, chroot: str | None = None, address: str | None = None, **options: Any) -> AsyncClient:
        """Another client; with the same root unless another one is given."""
        root = self.zk.chroot if chroot is None else chroot
        return zkeeper.connect((address or self.address) + root, TIMEOUT_MS, **options)


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    """Runs the story of a test; it has `DEADLINE_S`."""

    async def run(story: Story) -> None:
        async with asyncio.timeout(DEADLINE_S), server_address(tmp_path) as address:
            root = f"/zkeeper-client-{next(numbers)}"
            async with zkeeper.connect(address, TIMEOUT_MS) as outer:
                await outer.create(root)
                async with zkeeper.connect(address + root, TIMEOUT_MS) as zk:
                    await story(Ground(address, zk))
                await outer.delete_tree(root)

    return lambda story: asyncio.run(run(story))


@asynccontextmanager
async def server_address(folder: Path) -> AsyncIterator[str]:
    if address := os.environ.get("ZKEEPER_TEST_SERVER"):
        yield address
        return
    config = ServerConfig(
        network=NetworkConfig(client_port=0, client_port_address="127.0.0.1"),
        sessions=SessionConfig(tick_time_ms=500, session_timeout_max_ms=TIMEOUT_MS),
        storage=StorageConfig(data_dir=str(folder)),
        nodes=NodesConfig(is_extended_types_enabled=True),
    )
    disk = RealDisk()
    server = StandaloneServer(config, disk, lambda: time.time_ns() // 1_000_000, Random())
    try:
        await server.start()
        host, port = server.port.addresses()[0]
        yield f"{host}:{port}"
        await server.stop()
    finally:
        disk.close()


async def command(control: str, word: str) -> None:
    """Has a proxy (`interop.proxy`) do something; returns when it is done."""
    host, port = control.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{word}\n".encode())
    assert await reader.readline() == b"ok\n"
    writer.close()


# The blocking client.


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of the server, for the blocking client."""
    if given := os.environ.get("ZKEEPER_TEST_SERVER"):
        yield given
        return
    with Server(properties={"tickTime": "500", "maxSessionTimeout": str(TIMEOUT_MS)}) as server:
        yield server.address


@pytest.fixture
def root(address: str) -> Iterator[str]:
    root = f"/zkeeper-blocking-{next(numbers)}"
    with Client(address, TIMEOUT_MS) as outer:
        outer.create(root)
        yield root
        outer.delete_tree(root)


@pytest.fixture
def connect(address: str, root: str) -> Connect:
    """Another client with the same root, not connected yet."""
    return lambda **options: Client(address + root, TIMEOUT_MS, **options)


@pytest.fixture
def zk(connect: Connect) -> Iterator[Client]:
    with connect() as zk:
        yield zk
