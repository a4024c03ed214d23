"""The deterministic event loop: virtual time, no operating system, the same order of callbacks for the same seed.

Invariants:
1. Callbacks that are ready run in the order they were scheduled; timers in the order of (time, order of scheduling).
2. Time jumps to the next timer when nothing is ready, and never goes back. Each round of callbacks takes `TICK_S`,
   so that code which spins at one instant does get somewhere.
3. A timer never runs early, and a callback of a life that is over never runs; one of a life that is paused runs later.
4. While it runs, garbage is collected at fixed points of the run only, because finalizers are part of it.
"""

import asyncio
import functools
import gc
import random
import sys
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, Unpack, cast

from .away import run_away
from .errors import Deadlock, Killed, RunTimeout, SimulationError, UnhandledError
from .handle import SimulatedHandle
from .life import LIFE, ExceptionHandler, Life
from .trace import Trace, label
from .unsupported import LimitedLoop

if TYPE_CHECKING:
    from .network import Network

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TICK_S = 1e-6
EXECUTOR_DELAY_S = (0.0001, 0.005)
# Cancelled timers are dropped from the queue when there are this many, and more of them than of the others.
CANCELLED_TIMERS_LIMIT = 100
BATCHES_PER_COLLECTION = 32


class OwnedFuture(asyncio.Future[Any]):
    """Knows in which life it was made: what it complains of when it is collected, nobody knows when, is of that one."""

    def __init__(self, life: Life, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.life = life


class SimulatedLoop(LimitedLoop):
    """An asyncio event loop for all machines of one simulation. `observer` is the life of the test itself."""

    network: "Network"

    def __init__(self, seed: object, trace: Trace, observer: Life) -> None:
        self.observer = observer
        self.slow_callback_duration = 0.1
        self._seed = seed
        self._random = random.Random(f"{seed}/loop")
        self._trace = trace
        self._now_s = 0.0
        self._ready: deque[SimulatedHandle] = deque()
        self._timers: list[tuple[float, int, SimulatedHandle]] = []
        self._count_timers = 0
        self._count_cancelled = 0
        self._count_tasks = 0
        self._failures: list[tuple[str, BaseException | None]] = []
        self._async_generators: weakref.WeakValueDictionary[int, AsyncGenerator[Any, Any]]
        self._async_generators = weakref.WeakValueDictionary()
        self._count_generators = 0
        self._is_running = self._is_stopping = self._is_closed = self._is_debugging = False

    # Running.

    def run_forever(self) -> None:
        """Runs until `stop`."""
        self._drive(lambda: False)

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """Runs until `future` is done. Raises `Deadlock` when nothing is left that could get it done."""
        task = asyncio.ensure_future(cast(Awaitable[T], future), loop=self)
        self._drive(task.done)
        if not task.done():
            raise RuntimeError("the event loop was stopped before the future was done")
        return task.result()

    def run_until(self, is_done: Callable[[], object], timeout_s: float) -> None:
        """Runs until `is_done()`, which is asked after every round of callbacks. Raises `RunTimeout`."""
        deadline_s = self._now_s + timeout_s
        alarm = self.call_at(deadline_s, _ring)
        self._drive(lambda: is_done() or self._now_s >= deadline_s)
        alarm.cancel()
        if not is_done():
            raise self.error(RunTimeout, f"what was waited for did not happen within {timeout_s} s")

    def stop(self) -> None:
        self._is_stopping = True

    def is_running(self) -> bool:
        return self._is_running

    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """Drops all that is scheduled. What is scheduled later, by finalizers, is dropped silently."""
        if self._is_running:
            raise RuntimeError("cannot close a running event loop")
        self._is_closed = True
        self._ready.clear()
        self._timers.clear()

    def error(self, kind: type[SimulationError], message: str) -> SimulationError:
        """An error that tells how to get here again."""
        return kind(f"{message} (seed {self._seed}, virtual time {self._now_s:.6f} s)")

    def _drive(self, is_done: Callable[[], object]) -> None:
        with self._running():
            while not self._is_stopping and not is_done():
                self._run_once()
                if self._failures:
                    self.raise_failure()

    @contextmanager
    def _running(self) -> Iterator[None]:
        if self._is_closed:
            raise RuntimeError("the event loop is closed")
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("another event loop is running here")
        hooks, was_collecting = sys.get_asyncgen_hooks(), gc.isenabled()
        sys.set_asyncgen_hooks(firstiter=self._note_generator, finalizer=self._close_generator)
        asyncio._set_running_loop(self)
        gc.disable()
        self._is_running = True
        try:
            yield
        finally:
            self._is_running = self._is_stopping = False
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)
            if was_collecting:
                gc.enable()

    def _run_once(self) -> None:
        self._advance()
        self._run_ready()
        trace = self._trace
        if trace.maybe_fold() and trace.count_batches % BATCHES_PER_COLLECTION == 0:
            gc.collect()

    def _advance(self) -> None:
        timers = self._timers
        if not self._ready:
            while timers and timers[0][2].is_cancelled:
                heappop(timers)
                self._count_cancelled -= 1
            if not timers:
                raise self.error(Deadlock, "nothing is scheduled any more, and what is waited for did not happen")
            self._now_s = max(self._now_s, timers[0][0])
        self._now_s += TICK_S
        while timers and timers[0][0] <= self._now_s:
            handle = heappop(timers)[2]
            if handle.is_cancelled:
                self._count_cancelled -= 1
            else:
                handle.on_cancel = None
                self._ready.append(handle)

    def _run_ready(self) -> None:
        ready, recent, now_s, observer = self._ready, self._trace.recent, self._now_s, self.observer
        handle: SimulatedHandle | None = None
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle.is_cancelled:
                continue
            context = handle.context
            life = context.get(LIFE, observer)
            if not life.is_alive:
                continue
            if life.is_paused:
                life.held.append(handle)
                continue
            recent.append((now_s, life.host.number, label(handle.callback)))
            try:
                context.run(handle.callback, *handle.arguments)
            except Killed:
                continue
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                self._report(handle, error)
        # A traceback may keep this frame, which must not keep the task whose forgotten exception it is.
        handle = None

    def _report(self, handle: SimulatedHandle, error: BaseException) -> None:
        message = f"exception in callback {label(handle.callback)}"
        handle.context.run(self.call_exception_handler, {"message": message, "exception": error, "handle": handle})

    def go_on(self, life: Life) -> None:
        """The life is not paused any more: what was due meanwhile is due now."""
        self._ready.extend(life.held)
        life.held.clear()

    def stall(self, seconds: float) -> None:
        """Lets time pass in which nothing runs; what was due meanwhile runs afterwards, late."""
        self._now_s += seconds

    # Scheduling.

    def time(self) -> float:
        """Virtual seconds since the simulation began."""
        return self._now_s

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimulatedHandle:
        handle = SimulatedHandle(self._now_s, callback, args, copy_context() if context is None else context, None)
        if not self._is_closed:
            self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimulatedHandle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimulatedHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimulatedHandle:
        context = copy_context() if context is None else context
        handle = SimulatedHandle(when, callback, args, context, self._note_cancelled)
        if not self._is_closed:
            self._count_timers += 1
            heappush(self._timers, (when, self._count_timers, handle))
        return handle

    def _note_cancelled(self) -> None:
        self._count_cancelled += 1
        if self._count_cancelled > CANCELLED_TIMERS_LIMIT and self._count_cancelled * 2 > len(self._timers):
            # Emptied in place: the round that is being prepared holds on to the list.
            self._timers[:] = [entry for entry in self._timers if not entry[2].is_cancelled]
            heapify(self._timers)
            self._count_cancelled = 0

    # Futures, tasks and executors.

    def create_future(self) -> asyncio.Future[Any]:
        return OwnedFuture(LIFE.get(self.observer), loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[T]:
        if self._is_closed:
            coro.close()
            raise RuntimeError("the event loop is closed")
        # asyncio would number tasks for the whole process, and runs would not be alike.
        self._count_tasks += 1
        name = f"task-{self._count_tasks}" if name is None else name
        task = asyncio.Task(cast(Coroutine[Any, Any, T], coro), loop=self, name=name, context=context, **options)
        life = LIFE.get(self.observer) if context is None else context.get(LIFE, self.observer)
        life.tasks.add(task)
        return task

    def run_in_executor(self, executor: object, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        """Runs the function a little later, inline: whatever the executor, jobs never overlap."""
        future: asyncio.Future[T] = self.create_future()
        self.call_later(self._random.uniform(*EXECUTOR_DELAY_S), self._run_job, functools.partial(func, *args), future)
        return future

    def _run_job(self, job: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        run_away(job, future)()

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Nothing to shut down."""

    async def shutdown_asyncgens(self) -> None:
        generators = [generator for _, generator in sorted(self._async_generators.items())]
        self._async_generators.clear()
        results = await asyncio.gather(*[each.aclose() for each in generators], return_exceptions=True)
        for error in results:
            if isinstance(error, Exception):
                self.call_exception_handler({"message": "closing an asynchronous generator", "exception": error})

    def _note_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._count_generators += 1
        self._async_generators[self._count_generators] = generator

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        if not self._is_closed:
            self.call_soon(self.create_task, generator.aclose())

    # Errors.

    def get_exception_handler(self) -> ExceptionHandler | None:
        return LIFE.get(self.observer).exception_handler

    def set_exception_handler(self, handler: ExceptionHandler | None) -> None:
        """Sets the handler of the running machine; without one, an unhandled exception fails the run."""
        LIFE.get(self.observer).exception_handler = handler

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        life = self._life_of(context)
        if self._is_closed or not life.is_alive or isinstance(context.get("exception"), Killed):
            return
        if life.exception_handler is None:
            self.default_exception_handler(context)
        else:
            life.exception_handler(self, context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        reason = f"on machine {self._life_of(context).host.name}: {context.get('message')}"
        self._failures.append((reason if error is None else f"{reason}: {error!r}", error))

    def _life_of(self, context: dict[str, Any]) -> Life:
        future = context.get("future")
        return future.life if isinstance(future, OwnedFuture) else LIFE.get(self.observer)

    def raise_failure(self) -> None:
        """Raises the first of the unhandled errors, if there are any, and forgets the others."""
        if self._failures:
            message, error = self._failures[0]
            self._failures.clear()
            raise self.error(UnhandledError, message) from error

    def get_debug(self) -> bool:
        return self._is_debugging

    def set_debug(self, enabled: bool) -> None:
        self._is_debugging = enabled

    # The network.

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        return await self.network.look_up(host, port)

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        return await self.network.open_connection(protocol_factory, host, port, options)

    async def create_server(
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        return await self.network.open_server(protocol_factory, host, port, options)


def _ring() -> None:
    """The callback of a deadline: that time gets there is all it has to do."""
