"""The load: each connection keeps a number of requests in flight, each reply sends the next request.

1. A request is measured from its call to its reply, with the loop's clock.
2. There is no task for a request: the reply's callback makes the next one, so that the generator costs little.
3. An error counts and is not measured; the load goes on. When a connection is lost its requests pause for a moment.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from zkeeper.cli.bench.histogram import Histogram
from zkeeper.errors import ZooKeeperError

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

PAUSE_AFTER_ERROR_S: Final = 0.05
_MICROSECONDS: Final = 1_000_000


class Plan(NamedTuple):
    """What is asked for."""

    in_flight: int
    duration_s: float
    reads_percent: int
    size_bytes: int


class Measured:
    """What came out, in microseconds."""

    def __init__(self) -> None:
        self.reads = Histogram()
        self.writes = Histogram()
        self.errors: Counter[str] = Counter()
        self.seconds = 0.0

    @property
    def done(self) -> int:
        return self.reads.count + self.writes.count


class Load:
    """The requests of one connection, on `paths`, which exist."""

    def __init__(self, zk: "AsyncClient", paths: list[str], plan: Plan, random: Random, measured: Measured) -> None:
        self._zk = zk
        self._paths = paths
        self._plan = plan
        self._random = random
        self._measured = measured
        self._value = random.randbytes(plan.size_bytes)
        self._loop = asyncio.get_running_loop()
        self._in_flight = 0
        self._is_stopping = False
        self._idle = asyncio.Event()

    def start(self) -> None:
        for _ in range(self._plan.in_flight):
            self._send()

    async def stop(self) -> None:
        """Sends nothing more; returns when everything is answered."""
        self._is_stopping = True
        if self._in_flight:
            await self._idle.wait()

    def _send(self) -> None:
        if self._is_stopping:
            return
        path = self._paths[self._random.randrange(len(self._paths))]
        is_read = self._random.randrange(100) < self._plan.reads_percent
        started = self._loop.time()
        try:
            request: asyncio.Future[Any] = self._zk.get(path) if is_read else self._zk.set(path, self._value)
        except ZooKeeperError as error:
            self._failed(error)
            return
        self._in_flight += 1
        histogram = self._measured.reads if is_read else self._measured.writes
        request.add_done_callback(self._answered(histogram, started))

    def _answered(self, histogram: Histogram, started: float) -> Callable[["asyncio.Future[Any]"], None]:
        def answered(request: "asyncio.Future[Any]") -> None:
            self._in_flight -= 1
            error = request.exception()
            if error is None:
                histogram.add(int((self._loop.time() - started) * _MICROSECONDS))
                self._send()
            else:
                self._failed(error)
            if not self._in_flight and self._is_stopping:
                self._idle.set()

        return answered

    def _failed(self, error: BaseException) -> None:
        self._measured.errors[type(error).__name__] += 1
        self._loop.call_later(PAUSE_AFTER_ERROR_S, self._send)


async def run_load(
    clients: list["AsyncClient"], paths: list[str], plan: Plan, random: Random, progress: Callable[[float, int], None]
) -> Measured:
    """Runs for the plan's duration and tells `progress` ten times a second how far it is: seconds and requests."""
    measured = Measured()
    loads = [Load(zk, paths, plan, random, measured) for zk in clients]
    loop = asyncio.get_running_loop()
    started = loop.time()
    for load in loads:
        load.start()
    while (passed := loop.time() - started) < plan.duration_s:
        progress(passed, measured.done)
        await asyncio.sleep(min(0.1, plan.duration_s - passed))
    for load in loads:
        await load.stop()
    measured.seconds = loop.time() - started
    progress(plan.duration_s, measured.done)
    return measured
