"""A lane of the real disk: one thread that runs jobs in the order they were submitted.

1. The thread is a daemon. It does nothing between jobs but wait for the next.
2. The outcome of a job reaches its loop with one `call_soon_threadsafe`; if that loop was closed meanwhile, nobody
   waits any more and the outcome is dropped.
3. While a lane is held, what is submitted waits; so something else can take its turn among the jobs.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

Work = tuple[Callable[[], Any], asyncio.AbstractEventLoop, asyncio.Future[Any]]


class Lane:
    def __init__(self, name: str) -> None:
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._submitted = 0
        self._finished = 0
        self._held: list[Work] | None = None
        self._thread = threading.Thread(target=self._run, name=f"disk-{name}", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._held is not None:
            self._held.append((job, loop, future))
        else:
            self._submitted += 1
            self._work.put((job, loop, future))
        return future

    def hold(self) -> bool:
        """Holds the lane, if it is not held already and every job that was submitted is done."""
        if self._held is not None or self._submitted != self._finished:
            return False
        self._held = []
        return True

    def release(self, *first: Work) -> None:
        """Goes on with `first`, then with what was submitted since `hold`."""
        held, self._held = self._held, None
        for work in (*first, *(held or ())):
            self._submitted += 1
            self._work.put(work)

    def end(self) -> None:
        """Waits for the jobs submitted so far and ends the thread."""
        self.release()
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            self._perform(*work)
            # A waiting lane keeps nothing alive.
            del work

    def _perform(self, job: Callable[[], T], loop: asyncio.AbstractEventLoop, future: asyncio.Future[T]) -> None:
        settle: Callable[[asyncio.Future[Any], Any], None] = succeed
        outcome: object
        try:
            outcome = job()
        except BaseException as error:
            settle, outcome = fail, error
        self._finished += 1
        # RuntimeError: the loop was closed (rule 2).
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, future, outcome)


def succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
