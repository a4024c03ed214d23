"""A thread with an event loop on which blocking clients have their sessions, and the way into it from other threads.

1. Calls are handed over in a queue. The loop is woken only when it is not awake already, and begins all that it finds.
2. A call ends: with its outcome, with its time, with an exception raised in its thread (Ctrl-C), with the end of the
   loop, and in a process that was forked off at once. The loop's own thread may not call: it would wait for itself.
3. After a fork nothing of the loop is touched in the child: it shares its descriptors with that of the parent.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from zkeeper.arguments import checked_limit
from zkeeper.blocking.calls import Call, give_lock_back, take_lock
from zkeeper.blocking.errors import CallTimeoutError
from zkeeper.blocking.loops import new_loop
from zkeeper.client.session import FORKED
from zkeeper.errors import ClosedError, ForkedError

END_PATIENCE_S: Final = 5.0
"""How long the end of the thread is waited for. It cleans up in milliseconds, if it is not starved."""

_running: "Final[set[LoopThread]]" = set()
"""Those that have not ended. In a child they stay here for ever: freeing a loop would touch it."""


class LoopThread:
    """`end` ends it; a daemon, so that the end of the process does, too."""

    def __init__(self) -> None:
        self.refusal: Callable[[], ClosedError] | None = None
        """Makes what calls raise once the loop does not serve them any more."""
        self._calls: deque[Call] = deque()
        self._waiting: set[Call] = set()
        self._is_awake = False
        self._ident = 0
        """Of the thread while it runs; later threads may be given the same."""
        self._stopping = asyncio.Event()
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._run, name="zkeeper loop", daemon=True)
        _running.add(self)
        try:
            self._thread.start()
        except BaseException:
            self._loop.close()
            _running.discard(self)
            raise

    # In other threads.

    def run(
        self, timeout_s: float | None, ask: Callable[..., Any], args: Any, kwargs: Any,
        undo: Callable[[Any], object] | None = None, stopping: "set[asyncio.Future[Any]] | None" = None,
    ) -> Any:  # fmt: skip
        """The outcome of `ask(*args, **kwargs)`, called on the loop; see `Call`. Raises `CallTimeoutError`.

        `stopping` has the call from when it is given up until it has ended on the loop.
        """
        if self.is_own_thread():
            raise RuntimeError("a blocking call on the thread of the event loop would wait for itself for ever")
        wait_s = -1 if timeout_s is None else min(max(checked_limit(timeout_s), 0), threading.TIMEOUT_MAX)
        lock = take_lock()
        call = Call(lock, ask, args, kwargs, undo)
        try:
            self._waiting.add(call)
            self._calls.append(call)
            if not self._is_awake:
                self._is_awake = True
                self.post(self._begin_calls)
            if self.refusal is not None:
                raise self.refusal()
            if not lock.acquire(timeout=wait_s):
                raise CallTimeoutError(f"no answer within {timeout_s} s")
        except BaseException:
            # An interrupt may have come between saying that the loop is awake and waking it.
            self.post(self._begin_calls)
            self.post(partial(_drop, call, stopping))
            self._waiting.discard(call)
            raise
        self._waiting.discard(call)
        give_lock_back(lock)
        return call.result()

    def post(self, function: Callable[[], object]) -> None:
        """Has it called on the loop soon; never, if the loop has ended."""
        if self.refusal is None:
            try:
                self._loop.call_soon_threadsafe(function)
            except RuntimeError:
                assert self._loop.is_closed(), "only a closed loop takes no callbacks"

    def is_own_thread(self) -> bool:
        return threading.get_ident() == self._ident

    def has_ended(self) -> bool:
        """Whether nothing happens on the loop any more. Raises `ForkedError` in a child, whose copy of it is stale."""
        refusal = self.refusal() if self.refusal is not None else None
        if isinstance(refusal, ForkedError):
            raise refusal
        return refusal is not None

    def end(self) -> None:
        """Ends the thread and waits for that, but not for ever. May be called from anywhere, and again."""
        self.post(self._stopping.set)
        if not self.is_own_thread():
            self._thread.join(END_PATIENCE_S)

    # On the loop.

    def _run(self) -> None:
        self._ident = threading.get_ident()
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        finally:
            self._refuse(lambda: ClosedError("the client is closed"))
            _running.discard(self)

    async def _serve(self) -> None:
        await self._stopping.wait()

    def _begin_calls(self) -> None:
        self._is_awake = False
        calls = self._calls
        while calls:
            calls.popleft().begin(self._loop)

    # The end.

    def _refuse(self, refusal: Callable[[], ClosedError]) -> None:
        """From now on calls fail, and so do those that wait."""
        self.refusal = refusal
        self._ident = 0
        for call in list(self._waiting):
            call.fail(refusal())

    def note_fork(self) -> None:
        """In the child, where this thread does not exist. Whoever forked in a signal handler may be waiting."""
        self._refuse(lambda: ForkedError(FORKED))


def _drop(call: Call, stopping: "set[asyncio.Future[Any]] | None") -> None:
    future = call.drop()
    if future is not None and stopping is not None:
        stopping.add(future)
        future.add_done_callback(stopping.discard)


def _note_fork() -> None:
    for thread in _running:
        thread.note_fork()


os.register_at_fork(after_in_child=_note_fork)
