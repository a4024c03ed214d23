"""Telling many that something has changed, without a queue: who is slow sees the latest state once."""

import asyncio
from collections.abc import AsyncIterator


class Signal:
    def __init__(self) -> None:
        self._count = 0
        self._event = asyncio.Event()

    def notify(self) -> None:
        self._count += 1
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def turns(self) -> AsyncIterator[None]:
        """Yields at once, and then once for all notifications since the last time."""
        seen = -1
        while True:
            while seen == self._count:
                await self._event.wait()
            seen = self._count
            yield
