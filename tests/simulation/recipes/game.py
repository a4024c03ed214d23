"""What the clients of a seeded run do with recipes, and how it is judged.

Each game is played by workers on several clients, whose attempts are cancelled at random, over connections that break.
It looks at everything from outside the clients, in virtual time, and raises `Violation`.

That two are inside at the same time is a violation even if both mean well, but for a session that the server ended
before its time: what its client does before it hears of that is judged by its fencing token alone.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Awaitable, Callable
from random import Random

from zkeeper import AsyncClient
from zkeeper.recipes import Held

from .recipe_world import RecipeWorld

LAYOUTS = ("curator", "kazoo")
Act = Callable[[], Awaitable[object]]


class Violation(Exception):
    """A recipe broke its promise."""


class Resource:
    """Something that has room for readers and writers, and remembers the fencing tokens it has seen."""

    def __init__(self, world: RecipeWorld, tally: Tally[str], room: int = 1) -> None:
        self._world = world
        self._tally = tally
        self._room = room
        self._writers: list[Held] = []
        self._readers: list[Held] = []
        self._highest_token = 0

    async def use(self, held: Held, random: Random, *, is_reading: bool = False) -> None:
        """The guarded block."""
        inside = self._readers if is_reading else self._writers
        inside.append(held)
        self._tally["blocks"] += 1
        self._judge(held, is_reading)
        try:
            await asyncio.sleep(random.choice((0.0, 0.01, 0.2)) * random.random())
        finally:
            inside.remove(held)

    def _judge(self, held: Held, is_reading: bool) -> None:
        writers, readers = self._alive(self._writers), self._alive(self._readers)
        if len(writers) > self._room or (writers and readers):
            paths = [each.path for each in (*writers, *readers)]
            raise Violation(f"together at {self._world.sim.time():.6f}: {paths}")
        if not is_reading and self._room == 1:
            if held.fencing_token <= self._highest_token:
                raise Violation(f"{held.path} has token {held.fencing_token} after {self._highest_token}")
            self._highest_token = held.fencing_token

    def _alive(self, helds: list[Held]) -> list[Held]:
        return [held for held in helds if held.znode.session_id not in self._world.ended_sessions]


class Game:
    """`prepare` once for each client, `attempt` again and again, `settle` for each, then `judge`."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        self.world = world
        self.random = random
        self.tally = tally
        self.layout = random.choice(LAYOUTS)
        self.settled: list[Act] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        """Returns what one attempt does."""
        raise NotImplementedError

    async def settle(self) -> None:
        """The faults are over: nothing may be left to do in the background."""
        for settled in self.settled:
            await settled()

    def judge(self) -> None:
        """Raises `Violation`."""

    def must_be_empty(self, *paths: str) -> None:
        for path in paths:
            if self.world.names(path):
                raise Violation(f"orphans: {path} has {self.world.names(path)}")
