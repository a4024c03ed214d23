"""What a client shares with its views: the session on the loop, the thread of its callbacks, the way to both."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, Final, ParamSpec, TypeVar

from zkeeper.arguments import checked_limit
from zkeeper.blocking import process
from zkeeper.blocking.dispatcher import Dispatcher, Once
from zkeeper.blocking.errors import CallTimeoutError
from zkeeper.blocking.loop_thread import LoopThread
from zkeeper.client.base import WatchCallback
from zkeeper.client.client import AsyncClient
from zkeeper.client.states import FINAL
from zkeeper.errors import ClosedError, Outcome
from zkeeper.values import SessionState
from zkeeper.wire.client_pending import READ, RISKY

P = ParamSpec("P")
T = TypeVar("T")

CLOSE_PATIENCE_S: Final = 10.0
"""How long `stop` waits for the loop. The session's own patience with the server is less."""


class Core:
    """`zk` is the client on the loop; nothing of it is called in other threads but what only reads attributes."""

    def __init__(self, zk: AsyncClient) -> None:
        self.zk = zk
        self.dispatcher = Dispatcher()
        self.is_stopped = False
        self._thread: LoopThread | None = None
        self._background: set[asyncio.Task[object]] = set()
        self._stopping: set[asyncio.Future[Any]] = set()
        """Calls that were given up and have not ended yet; of the loop."""

    # Beginning and end.

    def start(self, timeout_s: float | None) -> None:
        if timeout_s is not None:
            checked_limit(timeout_s)
        self.check_not_stopped()
        if self._thread is None:
            self._thread = process.join(self)
        try:
            self._thread.run(None, self.zk.start, (timeout_s,), {})
        except BaseException:
            self.stop()
            raise

    def check_not_stopped(self) -> None:
        if self.is_stopped:
            raise ClosedError("the client was closed; make a new one")

    def stop(self) -> None:
        self.is_stopped = True
        thread = self._thread
        if thread is None:
            return
        if thread.is_own_thread():
            self.spawn(self._end_later())
            return
        try:
            with contextlib.suppress(CallTimeoutError, ClosedError):
                thread.run(CLOSE_PATIENCE_S, self.zk.close, (), {})
        finally:
            self.dispatcher.end()
            process.leave(self)

    async def close(self) -> None:
        """For the end of the process."""
        await self.zk.close()

    async def _end_later(self) -> None:
        """For who stops on the loop's own thread, which cannot wait for itself: in a log handler, in a destructor."""
        await self.zk.close()
        self.dispatcher.end(may_wait=False)
        process.leave(self)

    @property
    def state(self) -> SessionState:
        state = self.zk.state
        is_over = self.is_stopped or (self._thread is not None and self._thread.refusal is not None)
        return SessionState.CLOSED if is_over and state not in FINAL else state

    # Calls.

    def ask(
        self, risk: int, timeout_s: float | None, ask: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The outcome of a request. `risk` is that of repeating it: `READ`, `CONDITIONAL` or `RISKY`."""
        thread = self._thread
        if thread is None:
            raise ClosedError("the client is not started")
        try:
            result: T = thread.run(timeout_s, ask, args, kwargs, None, self._stopping)
        except CallTimeoutError as error:
            describe(error, risk, *args[:1])
            raise
        return result

    def do(self, ask: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function returns that is called on the loop."""
        if self._thread is None:
            raise ClosedError("the client is not started")
        result: T = self._thread.run(None, ask, args, kwargs)
        return result

    def step(self, timeout_s: float | None, ask: Callable[[], Awaitable[T]], undo: Callable[[T], object]) -> T:
        """As `ask`; when it succeeds after it was given up, `undo` is called with its result on the loop."""
        if self._thread is None:
            raise ClosedError("the client is not started")
        result: T = self._thread.run(timeout_s, ask, (), {}, undo, self._stopping)
        return result

    def settle(self, timeout_s: float | None, all_done: Callable[[], Awaitable[None]]) -> None:
        """Waits for `all_done`, after what was given up before has begun what that waits for.

        A call is over at once for the thread that gives it up. On the loop it takes some turns to end, and only then
        begins to clean up.
        """

        async def settle() -> None:
            if self._stopping:
                await asyncio.wait(list(self._stopping))
            await all_done()

        self.ask(READ, timeout_s, settle)

    def look(self, read: Callable[[], T]) -> T:
        """What `read` finds, between two steps of the loop; when that has ended there is nothing to come between."""
        thread = self._thread
        if thread is None or thread.has_ended() or thread.is_own_thread():
            return read()
        return self.do(read)

    def post(self, action: Callable[[], object]) -> None:
        """Has it done on the loop soon, if that goes on."""
        if self._thread is not None:
            self._thread.post(action)

    def spawn(self, work: Coroutine[Any, Any, object], context: Context | None = None) -> "asyncio.Task[object]":
        """On the loop: has it done in the background."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def told_once(self, callback: WatchCallback | None) -> WatchCallback | None:
        return None if callback is None else Once(self.dispatcher, callback)


def describe(error: CallTimeoutError, risk: int, path: object = None) -> None:
    """A request that was handed over may be done at any time. `path` is its first argument, whatever that is."""
    if isinstance(path, str):
        error.path = path
        error.args = (f"{path}: {error}",)
    error.outcome = Outcome.NOT_APPLIED if risk == READ else Outcome.UNKNOWN
    error.is_repeatable = risk != RISKY
