"""Who is running: one life of a simulated machine, from its start to its kill.

The running life is a context variable, which asyncio carries into tasks, timers and callbacks by itself.
Invariants:
1. Of a life that is over no callback is run any more.
2. Of a life that is paused none is run either, until it goes on; then all that were due meanwhile, in their order.
3. What it leaves behind (tasks, transports) stays referenced until the simulation is closed: were it collected
   earlier, its `finally` blocks would run at a moment that the seed does not decide.
"""

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Iterable
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .handle import SimulatedHandle
    from .host import Host
    from .server import SimulatedServer
    from .transport import SimulatedTransport

ExceptionHandler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]

# A coroutine that goes on awaiting while it is closed is closed again, up to this often.
BURIAL_ATTEMPTS = 100


class Life:
    """One incarnation of the machine at `host`, and what lives and dies with it."""

    __slots__ = (
        "context",
        "exception_handler",
        "held",
        "host",
        "is_alive",
        "is_paused",
        "remains",
        "servers",
        "tasks",
        "transports",
    )

    def __init__(self, host: "Host") -> None:
        self.host = host
        self.is_alive = True
        self.is_paused = False
        # What was due while the life was paused.
        self.held: list[SimulatedHandle] = []
        self.exception_handler: ExceptionHandler | None = None
        self.tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        # Dictionaries, because sets would give their members in an order that differs from process to process.
        self.transports: dict[SimulatedTransport, None] = {}
        self.servers: dict[SimulatedServer, None] = {}
        self.context = Context()
        self.context.run(LIFE.set, self)
        # Holds on to the tasks of a life that is over (invariant 3).
        self.remains: list[asyncio.Task[Any]] = []

    def end(self) -> None:
        """Kills; does nothing when that was done before."""
        if self.is_alive:
            self.is_alive = False
            self.held.clear()
            self.remains = list(self.tasks)


LIFE: ContextVar[Life] = ContextVar("zkeeper_simulated_life")


def is_ghost() -> bool:
    """Whether the running code belongs to a life that is over."""
    life = LIFE.get(None)
    return life is not None and not life.is_alive


def bury(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Ends the coroutines of tasks that will never run again, so that their collection is silent."""
    for task in tasks:
        coroutine = task.get_coro()
        for _ in range(BURIAL_ATTEMPTS):
            with contextlib.suppress(BaseException):
                coroutine.close()
                break
