"""An asynchronous iterator as a blocking one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final, Generic, Self, TypeVar

from zkeeper.blocking.core import Core
from zkeeper.client.states import FINAL
from zkeeper.errors import ClosedError
from zkeeper.values import SessionState

T = TypeVar("T")

_END: Final = object()


class Steps(Generic[T]):
    """For any thread. A step that is given up, by its time or by Ctrl-C, loses nothing: the next one goes on with it.

    Example:
        states = zk.states()
        print(states.next(timeout_s=5))
        for state in states:
            print(state.name)
    """

    def __init__(self, core: Core, iterator: AsyncIterator[T]) -> None:
        self._core = core
        self._iterator = iterator
        self._turn = asyncio.Lock()
        self._pending: asyncio.Task[Any] | None = None
        self._returned: deque[Any] = deque()

    def __del__(self) -> None:
        """A step that was given up waits for nobody any more."""
        pending: asyncio.Task[Any] | None = getattr(self, "_pending", None)
        if pending is not None:
            self._core.post(pending.cancel)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return self.next()

    def next(self, timeout_s: float | None = None) -> T:
        """Waits for the next one, at most `timeout_s` seconds. Raises `CallTimeoutError`; `StopIteration` at the end.

        Example:
            event = watch.next(timeout_s=0.5)
        """
        try:
            step = self._core.step(timeout_s, self._step, self._returned.appendleft)
        except ClosedError:
            if not self._core.is_stopped:
                raise
            step = _END  # The loop has ended before it could tell.
        if step is _END:
            raise StopIteration
        result: T = step
        return result

    async def _step(self) -> Any:
        async with self._turn:
            if self._returned:
                return self._returned.popleft()
            if self._pending is None:
                self._pending = asyncio.ensure_future(anext(self._iterator, _END))
            await asyncio.wait([self._pending])
            pending, self._pending = self._pending, None
            return pending.result()


class States(Steps[SessionState]):
    """The states of a session. Ends with a final one, whatever becomes of the loop.

    Example:
        print(zk.states().next().name)
    """

    _last: SessionState | None = None

    def next(self, timeout_s: float | None = None) -> SessionState:
        """Waits for the next state, at most `timeout_s` seconds. Raises `CallTimeoutError`; `StopIteration` at the end.

        Example:
            state = states.next(timeout_s=0.5)
        """
        try:
            self._last = super().next(timeout_s)
        except StopIteration:
            if self._last in FINAL:
                raise
            self._last = self._core.state
        return self._last
