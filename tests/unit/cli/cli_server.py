"""A real server in the test's own loop, on a free port of loopback."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random

from zkeeper.server.config import load
from zkeeper.server.standalone import StandaloneServer
from zkeeper.server.words import this_process
from zkeeper.storage.real_disk import RealDisk

SETTINGS: Mapping[str, str] = {
    "zookeeper.extendedTypesEnabled": "true",
    "zookeeper.4lw.commands.whitelist": "*",
}


@contextlib.asynccontextmanager
async def running_server(folder: Path, settings: Mapping[str, str] = SETTINGS) -> AsyncIterator[str]:
    """Yields `127.0.0.1:port`."""
    given = {"clientPort": "0", "dataDir": str(folder)}
    loaded = load(None, dict(settings), {}, lambda path: b"", given)
    disk = RealDisk()
    server = StandaloneServer(loaded.config, disk, lambda: time.time_ns() // 1_000_000, Random(1), this_process())
    try:
        await server.start()
        host, port = server.port.addresses()[0]
        yield f"{host}:{port}"
        await server.stop()
    finally:
        disk.close()
