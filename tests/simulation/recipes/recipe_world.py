"""A world for the tests of recipes: one server, and clients on machines of their own that can be cut off.

What a test is about is a coroutine on a machine; the test itself waits for conditions in virtual time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

import zkeeper
from zkeeper import AsyncClient
from zkeeper.database.znode import ZNode
from zkeeper.testing.simulation import Machine, Simulation

from ..node import ServerNode, make_config  # noqa: TID252  the package has one name in pytest and another as a program

T = TypeVar("T")

TICK_MS = 500
TIMEOUT_MS = 4000
"""Of sessions; a multiple of the tick."""
EXPIRED_S = (TIMEOUT_MS + 2 * TICK_MS) / 1000
"""After so much silence a session is over for the server, too."""
WAIT_S = 60.0


class RecipeWorld:
    """A context manager; leaving it closes all clients, and fails if an error was not handled."""

    def __init__(self, seed: int | str = 1, *, tick_ms: int = TICK_MS) -> None:
        self.sim = Simulation(seed)
        self.node = ServerNode(self.sim, make_config(tick_ms=tick_ms))
        self.clients: dict[str, AsyncClient] = {}
        self.ended_sessions: set[int] = set()
        """Sessions that the server ended before their time; their clients learn of it too late to be in time."""

    def __enter__(self) -> "RecipeWorld":
        self.sim.__enter__()
        self.node.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.sim.heal()
            for name, zk in self.clients.items():
                self.run(name, zk.close())
        self.sim.__exit__(kind, error, traceback)

    # Clients and what they do.

    def machine(self, name: str) -> Machine:
        return self.sim.machine(name)

    def client(self, name: str, timeout_ms: int = TIMEOUT_MS) -> AsyncClient:
        """A client that is connected, on the machine of that name."""
        zk = zkeeper.connect(self.node.name, timeout_ms, random=self.machine(name).random)
        self.run(name, zk.start())
        self.clients[name] = zk
        return zk

    def clients_named(self, *names: str) -> list[AsyncClient]:
        return [self.client(name) for name in names]

    def run(self, name: str, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns, when it does."""
        return self.sim.run(work, self.machine(name))

    def begin(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """A task on the machine. Errors are its own: the test looks at the task."""
        context = self.machine(name).life.context.copy()
        return self.sim.loop.create_task(context.run(work), context=context)

    def on(self, name: str, action: Callable[[], T]) -> T:
        async def act() -> T:
            return action()

        return self.run(name, act())

    def ask(self, name: str, request: Callable[[], Awaitable[T]]) -> T:
        """The reply to a request that is made on that machine."""

        async def asked() -> T:
            return await request()

        return self.run(name, asked())

    def cancel(self, name: str, task: "asyncio.Task[Any]") -> None:
        self.on(name, task.cancel)

    # Time.

    def until(self, predicate: Callable[[], object], timeout_s: float = WAIT_S) -> float:
        """Returns the time at which it came true."""
        self.sim.run_until(predicate, timeout_s)
        return self.sim.time()

    def result(self, task: "asyncio.Task[T]", timeout_s: float = WAIT_S) -> T:
        self.until(task.done, timeout_s)
        return task.result()

    def pass_time(self, seconds: float) -> None:
        self.sim.run_for(seconds)

    # Faults.

    def break_connection(self, name: str) -> None:
        self.sim.reset(self.node.machine, self.machine(name))

    def cut_off(self, name: str) -> None:
        self.sim.partition(self.node.machine, self.machine(name))

    def heal(self) -> None:
        self.sim.heal()

    def expire(self, zk: AsyncClient) -> None:
        """The server ends the session now, as if it had not heard of it for long."""
        assert self.node.server is not None
        service = self.node.server.service
        session_id = zk.session_id

        def end() -> None:
            session = service.tracker.sessions.get(session_id)
            if session is not None and not session.closing:
                self.ended_sessions.add(session_id)
                service.end_session(session, service.now_ms())

        self.on(self.node.name, end)

    # What the server has.

    def find(self, path: str) -> ZNode | None:
        assert self.node.server is not None
        return self.node.server.service.database.tree.lookup(path.encode())

    def names(self, path: str) -> list[str]:
        znode = self.find(path)
        return sorted(name.decode() for name in (znode.children or {})) if znode is not None else []

    def data(self, path: str) -> bytes:
        znode = self.find(path)
        assert znode is not None, path
        return bytes(znode.data or b"")
