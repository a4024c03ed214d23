"""A thread with an event loop of its own, and the ways into it from other threads.

1. `run` gives a coroutine to the loop and waits for its outcome, at most `PATIENCE_S`.
2. Between `hold` and `release` the thread does nothing at all: no reading, no writing, no timers. The system still
   accepts connections for it, as it does for a stopped process.
3. `stop` ends the thread and closes the loop, also when it is held. Afterwards nothing of it is left.
4. In a process that was forked off there is no such thread: `is_alive` is False, and the loop is never touched, since
   it shares its descriptors with that of the parent.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

T = TypeVar("T")

PATIENCE_S: Final = 30.0
"""How long a thread is waited for before that is an error. Everything that it does takes milliseconds."""


class LoopThread:
    """`new_loop` is called in the new thread."""

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop], name: str) -> None:
        self._new_loop = new_loop
        self._released = threading.Event()
        self._released.set()
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._loop, self._stopping = self._ready.result()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def is_held(self) -> bool:
        return not self._released.is_set()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._new_loop) as runner:
                runner.run(self._until_stopped())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _until_stopped(self) -> None:
        stopping = asyncio.Event()
        self._ready.set_result((asyncio.get_running_loop(), stopping))
        await stopping.wait()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work()` returns or raises, run on the loop. `RuntimeError` when the loop cannot run it."""
        if not self.is_alive:
            raise RuntimeError("the thread has ended, or belongs to the process that this one was forked from")
        if self.is_held:
            raise RuntimeError("the thread is held")
        outcome = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return outcome.result(PATIENCE_S)
        except TimeoutError:
            outcome.cancel()
            raise

    def hold(self) -> None:
        """Returns when the thread stands still; does nothing when it does already."""
        if self.is_alive and not self.is_held:
            self._released.clear()
            held = threading.Event()
            self._loop.call_soon_threadsafe(self._stand_still, held)
            held.wait(PATIENCE_S)

    def _stand_still(self, held: threading.Event) -> None:
        held.set()
        self._released.wait()

    def release(self) -> None:
        self._released.set()

    def stop(self) -> None:
        """Ends the thread and waits for that; `TimeoutError` when it does not end."""
        self.release()
        if not self.is_alive:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            raise TimeoutError(f"the thread {self._thread.name} has not ended within {PATIENCE_S} s")
