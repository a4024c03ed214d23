"""What recipes have in common that do something all the time: a task, its end, and being told of changes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Self

from zkeeper import AsyncClient
from zkeeper.errors import AuthFailedError, ClosedError

from .patience import Errands
from .signal import Signal
from .znodes import checked

log = logging.getLogger(__name__)


class Running:
    """Started and closed by `async with`, or by `start` and `close`. Started once."""

    def __init__(self, zk: AsyncClient, path: str) -> None:
        self._zk = zk
        self._about = f"{type(self).__name__} of {checked(zk, path)}"
        self._errands = Errands()
        self._changed = Signal()
        self._task: asyncio.Task[None] | None = None

    async def _run(self) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Begins; returns at once. Raises `RuntimeError` when it has ended before, by `close` or by an error."""
        if self._task is not None and self._task.done():
            raise RuntimeError(f"the {self._about} has ended; make a new one")
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._note_end)

    async def close(self) -> None:
        """Ends it. Returns when what it had created is deleted, or its session has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._errands.all_done()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _turns(self) -> AsyncIterator[None]:
        """Yields at once and after every change. Ends when it is closed; raises what has ended it otherwise."""
        async for _ in self._changed.turns():
            if self._task is not None and self._task.done():
                self._raise_failure()
                return
            yield

    def _raise_failure(self) -> None:
        if self._task is not None and self._task.done() and not self._task.cancelled():
            error = self._task.exception()
            if error is not None:
                raise error

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Whoever asks is told the error; perhaps nobody does. The end of the client is no news."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (ClosedError, AuthFailedError)):
            log.error("the %s has ended: %r", self._about, error, exc_info=error)
        self._changed.notify()
