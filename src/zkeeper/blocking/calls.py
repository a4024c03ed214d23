"""A call from a thread on its way through the loop, and the lock on which the thread waits for it.

1. The lock of a call is released exactly once, when its outcome is there.
2. Locks are used again, since making one for each call costs more; but never that of a call that was given up, for it
   may still be released.
"""

from asyncio import AbstractEventLoop, CancelledError, Future, Task, iscoroutine
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from zkeeper.errors import ClosedError

_free_locks: Final[list[Lock]] = []


def take_lock() -> Lock:
    """One that is locked."""
    try:
        return _free_locks.pop()
    except IndexError:
        lock = Lock()
        lock.acquire()
        return lock


def give_lock_back(lock: Lock) -> None:
    """It must be locked, and nobody may be about to release it."""
    _free_locks.append(lock)


class Call:
    """`begin` and `drop` are for the loop's thread; `result` for the one that waits, once `lock` was released.

    `ask(*args, **kwargs)` gives a future, a coroutine, or at once the result. `undo` takes a result that came when
    nobody waited for it any more.
    """

    __slots__ = ("_args", "_ask", "_error", "_future", "_is_done", "_is_dropped", "_kwargs", "_result", "_undo", "lock")

    def __init__(
        self, lock: Lock, ask: Callable[..., Any], args: Any, kwargs: Any, undo: Callable[[Any], object] | None
    ) -> None:
        self.lock = lock
        self._ask = ask
        self._args = args
        self._kwargs = kwargs
        self._undo = undo
        self._is_done = False
        self._is_dropped = False
        self._future: Future[Any] | None = None
        self._result: Any = None
        self._error: BaseException | None = None

    def begin(self, loop: AbstractEventLoop) -> None:
        if self._is_dropped:
            return
        try:
            given = self._ask(*self._args, **self._kwargs)
        except BaseException as error:
            self.fail(error)
            return
        if isinstance(given, Future):
            self._future = given
        elif iscoroutine(given):
            self._future = Task(given, loop=loop)
        else:
            self._result = given
            self._release()
            return
        self._future.add_done_callback(self._ended)

    def _ended(self, future: "Future[Any]") -> None:
        if not self._is_dropped:
            self._release()
        elif not future.cancelled() and future.exception() is None and self._undo is not None:
            self._undo(future.result())

    def fail(self, error: BaseException) -> None:
        """Ends the wait, whether the call has begun or not."""
        if not self._is_done:
            self._error = error
            self._release()

    def _release(self) -> None:
        if not self._is_done:
            self._is_done = True
            self.lock.release()

    def drop(self) -> "Future[Any] | None":
        """Nobody waits any more: what can be stopped is stopped, what has succeeded is undone.

        Returns what is being stopped, which may take some turns of the loop.
        """
        self._is_dropped = True
        if self._future is None:
            return None
        if not self._future.done():
            self._future.cancel()
            return self._future
        if self._is_done:
            self._ended(self._future)
        return None

    def result(self) -> Any:
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None
        if self._future is None:
            return self._result
        try:
            return self._future.result()
        except CancelledError:
            raise ClosedError("the client was stopped while this call was waiting") from None
