"""A whole server on the loop, the network and the disk of this machine."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from zkeeper.server.config.model import NetworkConfig, ServerConfig, StorageConfig
from zkeeper.server.standalone import StandaloneServer
from zkeeper.storage.real_disk import RealDisk

T = TypeVar("T")


def with_server(folder: Path, use: Callable[[StandaloneServer], Awaitable[T]], address: str | None = "127.0.0.1") -> T:
    """What `use` makes of a server that serves; it is stopped afterwards."""
    config = ServerConfig(
        network=NetworkConfig(client_port=0, client_port_address=address),
        storage=StorageConfig(data_dir=str(folder / "data"), data_log_dir=str(folder / "log")),
    )

    async def main() -> T:
        ticks = iter(range(100))
        server = StandaloneServer(config, disk, lambda: 0, Random(1), clock_s=lambda: float(next(ticks)))
        await server.start()
        used = await use(server)
        await server.stop()
        return used

    disk = RealDisk()
    try:
        return asyncio.run(main())
    finally:
        disk.close()


def addresses_of(name: str | None) -> int:
    found = socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return len({one[4][0] for one in found})


@pytest.mark.skipif(addresses_of(None) < 2, reason="this machine has no IPv6")
@pytest.mark.parametrize("address", [None, "0.0.0.0", "::"])
def test_a_free_port_is_the_same_for_all_addresses(tmp_path: Path, address: str | None) -> None:
    async def connect(server: StandaloneServer) -> list[tuple[str, int]]:
        found = server.port.addresses()
        for host in ("127.0.0.1", "::1"):
            _, writer = await asyncio.open_connection(host, found[0][1])
            writer.close()
        return found

    found = with_server(tmp_path, connect, address)
    assert {host for host, _ in found} == {"0.0.0.0", "::"}
    assert len({port for _, port in found}) == 1


def open_logs(folder: Path) -> list[str]:
    links = (os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd"))
    return [os.readlink(link) for link in links if os.path.lexists(link) and str(folder) in os.readlink(link)]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not show what a process has open")
def test_a_stop_closes_the_log(tmp_path: Path) -> None:
    async def write(server: StandaloneServer) -> list[str]:
        server.service.delete_container(b"/none")
        while server.service.database.last_zxid < 1:
            await asyncio.sleep(0.001)
        kept.append(server)
        return open_logs(tmp_path / "log")

    kept: list[StandaloneServer] = []
    assert str(tmp_path / "log/version-2/log.1") in with_server(tmp_path, write)
    assert open_logs(tmp_path / "log") == []


def test_the_start_says_where_the_files_are_and_how_long_it_took(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def nothing(server: StandaloneServer) -> None:
        """That it starts is enough."""

    caplog.set_level(logging.INFO)
    with_server(tmp_path, nothing)
    told = [record.getMessage() for record in caplog.records if record.name == "zkeeper.server"]
    assert f"snapshots are in {tmp_path}/data/version-2, the log is in {tmp_path}/log/version-2" in told
    assert any("0 transactions of the log in 2.00 s" in line for line in told), told
