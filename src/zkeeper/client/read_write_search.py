"""From a read-only server back to one that can write: asks the others `isro`, less and less often."""

import asyncio
from typing import TYPE_CHECKING, Final

from zkeeper.client.hosts import Host

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

FIRST_INTERVAL_S: Final = 0.1
MAX_INTERVAL_S: Final = 60.0
ANSWER_TIMEOUT_S: Final = 1.0


async def find_read_write(hosts: "Sequence[Host]", current: Host, ssl: "SSLContext | None") -> Host:
    """Returns the first host that says `rw`."""
    interval_s = FIRST_INTERVAL_S
    index = 0
    while True:
        await asyncio.sleep(interval_s)
        interval_s = min(interval_s * 2, MAX_INTERVAL_S)
        host = hosts[index % len(hosts)]
        index += 1
        if (host != current or len(hosts) == 1) and await is_read_write(host, ssl):
            return host


async def is_read_write(host: Host, ssl: "SSLContext | None") -> bool:
    """Whether a server answers `isro` with `rw` within `ANSWER_TIMEOUT_S`."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host.name, host.port, ssl=ssl)
            try:
                writer.write(b"isro")
                return await reader.read(16) == b"rw"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
