"""One simulated world: machines, their network, virtual time, all from one seed."""

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, TypeVar

from .errors import RunTimeout
from .host import Host
from .life import Life, bury
from .loop import SimulatedLoop
from .machine import Machine
from .network import Network
from .trace import Trace

T = TypeVar("T")

DEFAULT_TIMEOUT_S = 60.0
POLL_S = 0.001

Group = Machine | Iterable[Machine]


class Simulation:
    """Use it as a context manager: leaving it ends everything that still runs, and adds the seed to an exception.

    `random` is for the test's own choices. The test itself runs on a machine named "test", which is `observer`.
    """

    def __init__(self, seed: int | str, *, keep_trace: bool = False) -> None:
        self.seed = seed
        self.random = random.Random(f"{seed}/test")
        self.trace = Trace(keep_trace)
        self._lives: list[Life] = []
        self._machines: dict[str, Machine] = {}
        observer = Host(0, "test")
        life = self.new_life(observer)
        self.loop = SimulatedLoop(seed, self.trace, life)
        self.network = self.loop.network = Network(self.loop, seed, self.trace)
        self.observer = self._add(observer, life)

    def __enter__(self) -> "Simulation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        if error is None:
            self.loop.raise_failure()
        else:
            error.add_note(f"simulation: seed {self.seed!r}, virtual time {self.loop.time():.6f} s")

    def machine(self, name: str) -> Machine:
        """The machine of that name; made when first asked for. Other machines reach it by that name."""
        if name in self._machines:
            return self._machines[name]
        host = Host(len(self._machines), name)
        return self._add(host, self.new_life(host))

    def trace_hash(self) -> str:
        """Equal for equal seeds and equal tests, in every process."""
        return self.trace.hash()

    def time(self) -> float:
        """Virtual seconds since the simulation began."""
        return self.loop.time()

    # Running.

    def run(self, coroutine: Coroutine[Any, Any, T], machine: Machine | None = None) -> T:
        """Runs the coroutine to its end, as the test or as `machine`, and returns or raises what it does."""
        context = (machine or self.observer).life.context.copy()
        return self.loop.run_until_complete(self.loop.create_task(coroutine, context=context))

    def run_for(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    def stall(self, seconds: float) -> None:
        """All machines stand still for so long, as processes that were stopped do."""
        self.loop.stall(seconds)

    def run_until(self, predicate: Callable[[], object], timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """Runs until `predicate()` is true. Raises `RunTimeout`."""
        self.loop.run_until(predicate, timeout_s)

    async def wait_until(self, predicate: Callable[[], object], timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """As `run_until`, inside a coroutine; looks every millisecond."""
        deadline_s = self.time() + timeout_s
        while not predicate():
            if self.time() >= deadline_s:
                raise self.loop.error(RunTimeout, f"what was waited for did not happen within {timeout_s} s")
            await asyncio.sleep(POLL_S)

    def close(self) -> None:
        """Ends all lives. Nothing runs any more, and what is collected later does no harm."""
        for life in self._lives:
            life.end()
            self.network.drop(life, is_silent=True)
        self.loop.close()
        for life in self._lives:
            life.context.run(bury, life.remains)

    # Faults of the network.

    def partition(self, a: Group, b: Group, *, one_way: bool = False) -> None:
        """What `a` sends to `b` is lost, and the other way round unless `one_way`: connections stall until healed."""
        for source, target in _pairs(a, b):
            self.network.block(source.host, target.host)
            if not one_way:
                self.network.block(target.host, source.host)

    def delay(self, a: Group, b: Group, delay_ms: float, jitter_ms: float = 0) -> None:
        """Every segment between `a` and `b` takes that much longer, and up to `jitter_ms` more, in each direction.

        A connection keeps its order; of what is sent on different ones, what came later may overtake.
        """
        for source, target in _pairs(a, b):
            for link in self.network.links_between(source.host, target.host):
                link.extra_s, link.extra_jitter_s = delay_ms / 1000, jitter_ms / 1000

    def heal(self, a: Group | None = None, b: Group | None = None) -> None:
        """Ends partitions and delays between `a` and `b`, or all. What was lost is sent again, a little later."""
        if a is None or b is None:
            self.network.heal()
            return
        for source, target in _pairs(a, b):
            for link in self.network.links_between(source.host, target.host):
                self.network.heal_link(link)

    def reset(self, a: Group, b: Group) -> None:
        """Breaks the connections between `a` and `b`; both ends get `ConnectionResetError`."""
        for source, target in _pairs(a, b):
            self.network.reset(source.life, target.life)

    # Making machines.

    def new_life(self, host: Host) -> Life:
        life = Life(host)
        self._lives.append(life)
        return life

    def _add(self, host: Host, life: Life) -> Machine:
        self.network.add(host)
        machine = self._machines[host.name] = Machine(self, host, life)
        return machine


def _pairs(a: Group, b: Group) -> list[tuple[Machine, Machine]]:
    return list(itertools.product(_members(a), _members(b)))


def _members(group: Group) -> list[Machine]:
    return [group] if isinstance(group, Machine) else list(group)
