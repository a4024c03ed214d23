"""Descriptors of the process, which connections share with the files of the log.

1. Connections are bounded below the limit (`ClientPort`), so files always find one.
2. If there is none all the same, clients are turned away by the system or the loop, not all of which say so. So it is
   looked for once in a while, and told.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PROBE_INTERVAL_S: Final = 5.0


def _nothing() -> None:
    """A probe where descriptors have no limit."""


@dataclass(frozen=True)
class Descriptors:
    """`max_connections` is how many connections there is room for, 0 for any number. `probe` takes a descriptor and
    gives it back: `OSError` when there is none."""

    max_connections: int = 0
    probe: Callable[[], None] = _nothing


async def probe_for_ever(descriptors: Descriptors, tell: Callable[[str], None]) -> None:
    """Goes on until it is cancelled."""
    while True:
        try:
            descriptors.probe()
        except OSError as error:
            tell(
                f"no descriptor is left ({error.strerror}): new clients are turned away, and the next file of the log "
                "would stop the server; raise the limit (ulimit -n, LimitNOFILE of systemd, fs.file-max)"
            )
        await asyncio.sleep(PROBE_INTERVAL_S)
