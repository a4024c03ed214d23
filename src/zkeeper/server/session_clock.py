"""Has sessions expire, once a tick.

1. What has arrived by then is read first: a server that did not read, because its process was stopped or its loop was
   busy, does not take that for silence of its clients.
2. When a tick comes late by more than another one, nothing expires until the next. Clients that gave their connection
   up meanwhile have that time to come back. Only one tick is left out, so sessions expire on a slow machine, too.
"""

import asyncio
from typing import Final

from zkeeper.pipeline.service import Service

TURNS_TO_READ: Final = 3
"""Turns of the loop: one to learn what can be read, one to read it, and one for connections that were just accepted."""


async def expire_for_ever(service: Service, tick_s: float) -> None:
    """Goes on until it is cancelled."""
    loop = asyncio.get_running_loop()
    was_late = False
    while True:
        due_s = (loop.time() // tick_s + 1) * tick_s
        await asyncio.sleep(due_s - loop.time())
        was_late = not was_late and loop.time() - due_s > tick_s
        if not was_late:
            await _read_what_arrived()
            service.expire_sessions()


async def _read_what_arrived() -> None:
    for _ in range(TURNS_TO_READ):
        await asyncio.sleep(0)
