"""The production client beside the production server in the simulator: what the scenarios of the client share."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import zkeeper
from zkeeper import AsyncClient, SessionState
from zkeeper.server.config.model import ServerConfig
from zkeeper.testing.simulation import Machine

from .node import make_config
from .scenario import Scenario

T = TypeVar("T")

TIMEOUT_MS = 6000


class ClientWorld(Scenario):
    """A server on the machine `server`; clients run on `client`, or on another machine that is named."""

    def __init__(self, config: ServerConfig | None = None, seed: int = 1) -> None:
        super().__init__(config or make_config(tick_ms=1000), seed)
        self.client_machine = self.sim.machine("client")
        self.states: list[tuple[float, SessionState]] = []

    def play(self, story: Callable[["ClientWorld"], Coroutine[Any, Any, T]]) -> T:
        """Runs the story as the client's machine; what it leaves running fails the test."""
        return self.sim.run(self._play(story), self.client_machine)

    async def _play(self, story: Callable[["ClientWorld"], Coroutine[Any, Any, T]]) -> T:
        result = await story(self)
        left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("zkeeper ")]
        assert left == [], "a task of a client is left"
        return result

    def client(self, timeout_ms: int = TIMEOUT_MS, hosts: str = "server", **options: Any) -> AsyncClient:
        """A client that is not started yet, whose states are noted."""
        zk = zkeeper.connect(hosts, timeout_ms, random=self.client_machine.random, **options)
        zk.on_state(lambda state: self.states.append((self.sim.time(), state)))
        return zk

    def state_names(self) -> list[str]:
        return [state.name for _, state in self.states]

    def time_of(self, state: SessionState) -> float:
        """When the state was first reached."""
        return next(at_s for at_s, one in self.states if one is state)

    # Faults.

    def cut(self) -> None:
        """What the client and the server send each other is lost."""
        self.sim.partition(self.client_machine, self.node.machine)

    def break_connections(self) -> None:
        self.sim.reset(self.client_machine, self.node.machine)

    async def elsewhere(self, work: Callable[[AsyncClient], Coroutine[Any, Any, T]], name: str = "other") -> T:
        """Does something with a client of its own, on another machine."""

        async def main() -> T:
            async with zkeeper.connect("server", 30_000, random=machine.random) as zk:
                return await work(zk)

        machine: Machine = self.sim.machine(name)
        return await machine.start(main)

    async def restart_server(self) -> None:
        self.node.machine.kill()
        self.node.begin()
        await self.sim.wait_until(lambda: self.node.server is not None)


async def reached(zk: AsyncClient, *states: SessionState, timeout_s: float = 60.0) -> SessionState:
    return await zk.wait_for(*states, timeout_s=timeout_s)
