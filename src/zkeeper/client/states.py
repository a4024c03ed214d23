"""The state of a session, and whom its changes are told."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from zkeeper import arguments
from zkeeper.errors import ClosedError
from zkeeper.values import SessionState

MAX_STATES_UNREAD: Final = 1024
"""An iterator over states that is not read keeps the newest so many."""

CONNECTED: Final = (SessionState.CONNECTED, SessionState.CONNECTED_READ_ONLY)
FINAL: Final = (SessionState.CLOSED, SessionState.AUTH_FAILED)

Listener = Callable[[SessionState], object]


class StateTeller:
    """Holds the state; tells each change at once, to every listener in the order in which they came."""

    def __init__(self) -> None:
        self.state = SessionState.CONNECTING
        self._listeners: dict[object, Listener] = {}

    def listen(self, callback: Listener) -> Callable[[], None]:
        key = object()
        self._listeners[key] = arguments.plain_callback(callback)
        return lambda: self._remove(key)

    def _remove(self, key: object) -> None:
        self._listeners.pop(key, None)

    def change(self, state: SessionState) -> None:
        if state is self.state:
            return
        self.state = state
        for listener in list(self._listeners.values()):
            try:
                listener(state)
            except Exception as error:
                report("exception in a listener of the session's state", error)

    async def states(self) -> AsyncIterator[SessionState]:
        """The state now, then every change, until a final one."""
        unread: deque[SessionState] = deque([self.state], MAX_STATES_UNREAD)
        news = asyncio.Event()
        news.set()

        def note(state: SessionState) -> None:
            unread.append(state)
            news.set()

        remove = self.listen(note)
        try:
            while True:
                await news.wait()
                news.clear()
                while unread:
                    state = unread.popleft()
                    yield state
                    if state in FINAL:
                        return
        finally:
            remove()

    async def wait_for(self, wanted: tuple[SessionState, ...], timeout_s: float | None) -> SessionState:
        """Returns the state once it is one of `wanted`. Raises `TimeoutError`; `ClosedError` when it cannot come."""
        if not wanted or not all(isinstance(state, SessionState) for state in wanted):
            raise TypeError(f"what is waited for are one or more SessionStates, not {wanted}")
        if self.state in wanted:
            return self.state
        if self.state in FINAL:
            raise _never_again(self.state, wanted)
        reached: asyncio.Future[SessionState] = asyncio.get_running_loop().create_future()

        def note(state: SessionState) -> None:
            if reached.done():
                return
            if state in wanted:
                reached.set_result(state)
            elif state in FINAL:
                reached.set_exception(_never_again(state, wanted))

        remove = self.listen(note)
        try:
            async with arguments.limit(timeout_s):
                return await reached
        finally:
            remove()


def _never_again(state: SessionState, wanted: tuple[SessionState, ...]) -> ClosedError:
    names = " or ".join(each.name for each in wanted)
    return ClosedError(f"the client is in the state {state.name} for good and will not be {names}")


def report(message: str, error: Exception) -> None:
    """A mistake of somebody whom we called must not stop us; the loop logs it."""
    asyncio.get_running_loop().call_exception_handler({"message": f"zkeeper: {message}", "exception": error})
