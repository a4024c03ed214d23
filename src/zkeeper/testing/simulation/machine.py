"""A simulated machine: its lives, its disk, its clock, its randomness."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .crash import Unsynced
from .disk import SimulatedDisk
from .host import Host
from .life import Life

if TYPE_CHECKING:
    from .world import Simulation

P = ParamSpec("P")
T = TypeVar("T")

# The wall clock when a simulation begins: 2024-01-01 00:00 UTC.
EPOCH_MS = 1_704_067_200_000


class Machine:
    """Made by `Simulation.machine`. `disk`, `random` and `address` outlive its lives; `skew_ms` moves the clock."""

    def __init__(self, simulation: "Simulation", host: Host, life: Life) -> None:
        self.name = host.name
        self.address = host.address
        self.host = host
        self.life = life
        self.skew_ms = 0
        self.random = random.Random(f"{simulation.seed}/machine/{host.name}")
        self.disk = SimulatedDisk(random.Random(f"{simulation.seed}/disk/{host.name}"), self._note_step)
        self._simulation = simulation
        self._mains: list[asyncio.Task[Any]] = []

    def __repr__(self) -> str:
        return f"<Machine {self.name} {self.address}{'' if self.is_alive else ' dead'}>"

    @property
    def is_alive(self) -> bool:
        return self.life.is_alive

    def clock(self) -> int:
        """The wall clock: milliseconds since 1970."""
        return EPOCH_MS + self.skew_ms + int(self._simulation.loop.time() * 1000)

    def start(self, main: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> asyncio.Task[T]:
        """Runs `main(...)` as this machine. If it ends with an exception, the run fails."""
        if not self.is_alive:
            raise RuntimeError(f"machine {self.name} is dead: restart it first")
        context = self.life.context.copy()
        task = self._simulation.loop.create_task(context.run(main, *args, **kwargs), context=context)
        task.add_done_callback(self._note_end, context=context)
        self._mains.append(task)
        return task

    def kill(self, *, silent: bool = False, unsynced: Unsynced = Unsynced.RANDOM) -> None:
        """Ends the life of the machine now; does nothing when it is dead.

        Its peers see their connections end or reset; with `silent`, as when the power fails, they see nothing.
        """
        if self.is_alive:
            self.life.end()
            self._note("kill", unsynced.value)
            self._simulation.network.drop(self.life, silent)
            self.disk.crash(unsynced)

    def pause(self) -> None:
        """The machine's processes stand still, as after SIGSTOP or in a long collection of garbage: no timer fires and
        nothing is read, while connections stay open and the clocks go on."""
        self.life.is_paused = True
        self._note("pause")

    def resume(self) -> None:
        """They go on: what was due meanwhile happens now, in its order. Does nothing when they are running."""
        if self.life.is_paused:
            self.life.is_paused = False
            self._note("resume")
            self._simulation.loop.go_on(self.life)
            for transport in list(self.life.transports):
                transport.go_on()

    def kill_at_disk_step(self, count: int, *, silent: bool = False, unsynced: Unsynced = Unsynced.RANDOM) -> None:
        """Kills the machine in the middle of the `count`th disk operation from now that changes or syncs something."""
        self.disk.kill_at_step(count, lambda: self.kill(silent=silent, unsynced=unsynced))

    def restart(self) -> None:
        """A new life on the disk that survived; `start` what is to run in it. Kills the old one if need be."""
        self.kill()
        self._mains.clear()
        self.life = self._simulation.new_life(self.host)
        self._note("restart")
        self._simulation.network.come_up(self.host)

    def refuse_connections(self, is_refusing: bool = True) -> None:
        """New connections are refused, though the ports are open."""
        self.host.is_refusing = is_refusing

    def _note(self, *what: object) -> None:
        self._simulation.trace.recent.append((self._simulation.loop.time(), self.host.number, *what))

    def _note_step(self, kind: str, path: str, detail: int) -> None:
        self._note(kind, path, detail)

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            message = f"{getattr(task.get_coro(), '__qualname__', 'main')} ended with an exception"
            self._simulation.loop.call_exception_handler({"message": message, "exception": error, "task": task})
