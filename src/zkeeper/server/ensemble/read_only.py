"""Service of reads while a member looks for a leader (quorum, section 15).

An election among members that see each other is over before; who is cut off from them serves what it has, to clients
that are content with that. The service is over, and its connections are closed, before the member takes a role.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final

PATIENCE_S: Final = 2.0
"""A member looks so long for a leader, or a tick if that is longer, until it serves reads without one."""


class ReadsMeanwhile:
    """While the block of its `async with` takes longer than the patience, reads are served: `begin` has been called
    then, and `end` is when the block is left."""

    def __init__(self, tick_s: float, begin: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        self._patience_s = max(PATIENCE_S, tick_s)
        self._begin = begin
        self._end = end
        self._has_begun = False
        self._alarm: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        self._alarm = asyncio.get_running_loop().call_later(self._patience_s, self._serve)

    def _serve(self) -> None:
        self._has_begun = True
        self._begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._alarm is not None
        self._alarm.cancel()
        if self._has_begun:
            await self._end()
