"""A guarded block of the loop as one of a thread.

1. A task on the loop is in the block as long as the thread is in its own. It leaves when the thread does, or when what
   the block guards is lost; the thread, which cannot be cancelled, is told so when it leaves.
2. Giving up the entrance, by Ctrl-C, cancels the task, so that nothing stays taken; the entrance ends after the task.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, TypeVar

from zkeeper.blocking.core import Core
from zkeeper.errors import ClosedError
from zkeeper.recipes.errors import LockLostError
from zkeeper.wire.client_pending import RISKY

A = TypeVar("A")
T = TypeVar("T")


class _FailedError(Exception):
    """The thread's block has ended with an exception, whichever."""


class Block(Generic[A, T]):
    """A block of a thread, held by one on the loop: `Acquirable.within`, `Queue.take` and `Partitioner.share` give it.

    Used once, in `with`. `show` makes what the thread sees of what the loop's block gives.

    Example:
        with queue.take(timeout_s=5) as item:
            send(item.data)
    """

    def __init__(self, core: Core, make: Callable[[], AbstractAsyncContextManager[A]], show: Callable[[A], T]) -> None:
        self._core = core
        self._make = make
        self._show = show
        self._entered: asyncio.Future[A]
        self._left: asyncio.Future[bool]
        self._task: asyncio.Task[object]

    def __enter__(self) -> T:
        return self._show(self._core.step(None, self._enter, lambda _: self._task.cancel()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._core.ask(RISKY, None, self._leave, error is not None)
        except (LockLostError, ClosedError):
            if error is None:
                raise

    async def _enter(self) -> A:
        loop = asyncio.get_running_loop()
        self._entered, self._left = loop.create_future(), loop.create_future()
        self._task = self._core.spawn(self._hold())
        news: list[asyncio.Future[Any]] = [self._task, self._entered]
        try:
            await asyncio.wait(news, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            await asyncio.wait([self._task])
            raise
        if not self._entered.done():
            self._task.result()
        return self._entered.result()

    async def _hold(self) -> None:
        async with self._make() as value:
            self._entered.set_result(value)
            if await self._left:
                raise _FailedError

    async def _leave(self, has_failed: bool) -> None:
        if not self._left.done():
            self._left.set_result(has_failed)
        await asyncio.wait([self._task])
        try:
            self._task.result()
        except _FailedError:
            return
