"""Patience: repeating requests across sessions, waiting for watches, and work that goes on when the one who began it is
gone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from zkeeper import SessionState, WatchEvent, insist
from zkeeper.errors import AuthFailedError, ClosedError, SessionExpiredError

from .errors import RecipeError

T = TypeVar("T")

Watcher = Callable[[WatchEvent], None]

log = logging.getLogger(__name__)

GONE = (SessionExpiredError, ClosedError, AuthFailedError)
"""Errors that say that the session is over, and its ephemerals with it."""

GIVEN_UP = (Exception, asyncio.CancelledError)
"""What ends a piece of work after which there is something to clean up; a program that ends cleans up nothing."""

PAUSE_S = 0.05
"""Before a request is sent again. While there is no connection it waits for one anyway."""

FINAL = (SessionState.CLOSED, SessionState.AUTH_FAILED)


class Wake(asyncio.Event):
    """An event that a one-shot watch sets."""

    def note(self, event: WatchEvent) -> None:
        self.set()


class Errands:
    """Work that has to be done even if the one who began it is cancelled or gone."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweeps: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return self._begin(work, self._tasks)

    def sweep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Work that `all_done` does not wait for."""
        return self._begin(work, self._sweeps)

    def _begin(self, work: Coroutine[Any, Any, T], tasks: set[asyncio.Task[Any]]) -> asyncio.Task[T]:
        try:
            task = asyncio.get_running_loop().create_task(work)
        except BaseException:
            # The loop is at its end; nobody will ever wait for it.
            work.close()
            raise
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(_note_end)
        return task

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for the work; cancelling the wait leaves the work going on."""
        return await asyncio.shield(self.begin(work))

    async def all_done(self) -> None:
        while self._tasks:
            await asyncio.wait(list(self._tasks))


def _note_end(task: asyncio.Task[Any]) -> None:
    """Whoever waited for it may be gone. An error that nobody sees is told, unless it says what every end may say."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, (*GONE, RecipeError)):
        log.warning("what was to be done in the background failed: %r", error)


async def persist(request: Callable[[], Awaitable[T]]) -> T:
    """As `insist`, for what has nothing to do with the session: it is sent again in the next one, too."""
    return await insist(request, across_sessions=True)
