"""Games of barriers: who waits for whom."""

import asyncio
from collections import Counter as Tally
from random import Random

from zkeeper import AsyncClient
from zkeeper.recipes import Barrier, DoubleBarrier

from .game import Act, Game, Violation
from .recipe_world import RecipeWorld


class BarrierGame(Game):
    """Whoever passes does so after a moment without the barrier."""

    PATH = "/gates/one"

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.barrier: Barrier | None = None
        self.is_open = False

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        barrier = self.barrier = Barrier(zk, self.PATH)

        async def attempt() -> None:
            kind = random.random()
            if kind < 0.4:
                await barrier.create()
            elif kind < 0.6:
                await barrier.remove()
            else:
                await self._pass(name, barrier)

        return attempt

    async def _pass(self, name: str, barrier: Barrier) -> None:
        shut_by = self._shut_by()
        if await barrier.wait(1.0):
            self.tally["barriers passed"] += 1
            if shut_by and self._shut_by() == shut_by:
                raise Violation(f"{name} passed while the barrier of 0x{shut_by:x} was there")

    def _shut_by(self) -> int:
        """The zxid that made the barrier which is there; 0 if there is none, or if the server is down."""
        znode = self.world.find(self.PATH) if self.world.node.is_serving else None
        return int(znode.czxid) if znode is not None else 0

    async def settle(self) -> None:
        assert self.barrier is not None
        await self.barrier.remove()
        self.is_open = await self.barrier.wait(5.0)

    def judge(self) -> None:
        if not self.is_open:
            raise Violation("the barrier was removed, and is waited for all the same")


class DoubleBarrierGame(Game):
    """Nobody is in alone. An attempt that is cut short may leave the barrier open; from then on anybody may be in."""

    MEMBERS = 2
    GHOST_S = 2.0
    """So long the znode of a session that was lost may be there still."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.here: set[str] = set()
        self.met: dict[str, set[str]] = {}
        """Of each who enters: all who were there with it, if only for a moment."""
        self.is_left_open = False

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        barrier = DoubleBarrier(zk, "/meeting", self.MEMBERS, identifier=name)
        self.settled.append(barrier.settled)

        async def attempt() -> None:
            if name in self.here:
                await asyncio.sleep(self.GHOST_S)
            self._come(name)
            try:
                await self._meet(name, barrier, random)
            except BaseException:
                self.is_left_open = True
                raise
            self.here.discard(name)

        return attempt

    def _come(self, name: str) -> None:
        self.here.add(name)
        self.met[name] = set(self.here)
        for other in self.here:
            self.met[other].add(name)

    async def _meet(self, name: str, barrier: DoubleBarrier, random: Random) -> None:
        await barrier.enter(random.random() * 3)
        self.tally["meetings"] += 1
        if len(self.met[name]) < self.MEMBERS and not self.is_left_open:
            raise Violation(f"{name} is in alone at {self.world.sim.time():.6f}")
        await barrier.leave(random.random() * 3)

    def judge(self) -> None:
        left = [name for name in self.world.names("/meeting") if name != "ready"]
        if left:
            raise Violation(f"orphans: {left}")
