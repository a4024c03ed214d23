"""What the clients of a seeded run do with recipes, and how it is judged.

Each game is played by workers on several clients, whose attempts are cancelled at random, over connections that break.
It looks at everything from outside the clients, in virtual time, and raises `Violation`.

That two are inside at the same time is a violation even if both mean well, but for a session that the server ended
before its time: what its client does before it hears of that is judged by its fencing token alone.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any

from zkeeper import AsyncClient
from zkeeper.errors import ConnectionLossError, SessionExpiredError
from zkeeper.recipes import (
    Change,
    Counter,
    Election,
    Group,
    Held,
    LeaderLatch,
    Lock,
    LockLostError,
    Queue,
    ReadWriteLock,
    Semaphore,
    TreeCache,
)

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


class LockGame(Game):
    """Locks, some with a limit, some that do not wait, and an election on the same path."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.resource = Resource(world, tally)

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        lock = Lock(zk, "/lock", layout=self.layout, identifier=name, reentrant=random.random() < 0.3)
        self.settled.append(lock.settled)
        election = Election(zk, "/lock", layout=self.layout, identifier=name)
        self.settled.append(election._lock.settled)

        async def attempt() -> None:
            kind = random.random()
            if kind < 0.2:
                await election.run(self.resource.use, random)
            elif kind < 0.4:
                async with lock.within(random.random() * 2) as held:
                    await self.resource.use(held, random)
            elif kind < 0.5:
                await self._try(lock, random)
            else:
                async with lock as held:
                    await self.resource.use(held, random)

        return attempt

    async def _try(self, lock: Lock, random: Random) -> None:
        held = await lock.try_acquire()
        if held is not None:
            await lock.release()

    def judge(self) -> None:
        self.must_be_empty("/lock")


class ReadWriteGame(Game):
    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.resource = Resource(world, tally)

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        rw = ReadWriteLock(zk, "/rw", layout=self.layout)
        self.settled += [rw.read.settled, rw.write.settled]

        async def attempt() -> None:
            if random.random() < 0.6:
                async with rw.read as held:
                    await self.resource.use(held, random, is_reading=True)
            elif random.random() < 0.7:
                async with rw.write as held:
                    await self.resource.use(held, random)
            else:
                async with rw.write as held:
                    await self.resource.use(held, random)
                    async with rw.read:
                        await asyncio.sleep(0.01)

        return attempt

    def judge(self) -> None:
        self.must_be_empty("/rw")


class SemaphoreGame(Game):
    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.room = random.randint(1, 3)
        self.resource = Resource(world, tally, self.room)

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        semaphore = Semaphore(zk, "/semaphore", self.room, layout=self.layout)
        self.settled.append(semaphore.settled)

        async def attempt() -> None:
            if random.random() < 0.2:
                if await semaphore.try_acquire() is not None:
                    await semaphore.release()
            else:
                async with semaphore as held:
                    await self.resource.use(held, random)

        return attempt

    def judge(self) -> None:
        if self.layout == "kazoo":
            self.must_be_empty("/semaphore", "/semaphore-__lock__")
        else:
            self.must_be_empty("/semaphore/leases", "/semaphore/locks")


class LatchGame(Game):
    """Latches come and go; at most one of them leads at a time."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.latches: dict[str, LeaderLatch] = {}

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())

        async def attempt() -> None:
            latch = self.latches[name] = LeaderLatch(zk, "/latch", identifier=name)
            self.settled.append(latch.close)
            async with latch:
                watching = asyncio.ensure_future(self._watch(latch))
                try:
                    await asyncio.sleep(random.random() * 2)
                finally:
                    watching.cancel()

        return attempt

    async def _watch(self, latch: LeaderLatch) -> None:
        async for _ in latch.changes():
            ended = self.world.ended_sessions
            held = {name: each.held for name, each in self.latches.items()}
            leading = [name for name, each in held.items() if each and each.znode.session_id not in ended]
            self.tally["leaderships"] += latch.is_leader
            if len(leading) > 1:
                raise Violation(f"{leading} lead together at {self.world.sim.time():.6f}")

    def judge(self) -> None:
        self.must_be_empty("/latch")


class CounterGame(Game):
    """Every count that was acknowledged is there once, every one that is in doubt at most once."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.counted = self.in_doubt = 0
        self.last: Callable[[], Awaitable[int]] | None = None
        self.found = 0

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        counter = Counter(zk, "/counter", layout=self.layout)
        self.last = counter.value

        async def attempt() -> None:
            self.in_doubt += 1
            await counter.add()
            self.in_doubt -= 1
            self.counted += 1
            self.tally["counts"] += 1

        return attempt

    async def settle(self) -> None:
        assert self.last is not None
        self.found = await self.last()

    def judge(self) -> None:
        if not self.counted <= self.found <= self.counted + self.in_doubt:
            raise Violation(f"{self.found} was counted, but {self.counted} were told, {self.in_doubt} are in doubt")


class QueueGame(Game):
    """What was put is taken and done at least once, by one at a time."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.put: set[bytes] = set()
        self.done: Tally[bytes] = Tally()
        self.inside: dict[bytes, Resource] = {}
        self.queues: list[Queue] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        queue = Queue(zk, "/queue")
        self.queues.append(queue)
        self.settled.append(queue.settled)
        count = 0

        async def attempt() -> None:
            nonlocal count
            if random.random() < 0.5:
                count += 1
                data = f"{name} {count}".encode()
                await queue.put(data)
                self.put.add(data)
            else:
                await self.take(queue, random)

        return attempt

    async def take(self, queue: Queue, random: Random) -> None:
        async with queue.take(timeout_s=1.0) as item:
            inside = self.inside.setdefault(item.data, Resource(self.world, self.tally))
            await inside.use(item.held, random)
            self.done[item.data] += 1
            self.tally["entries done"] += 1

    async def settle(self) -> None:
        queue = self.queues[0]
        while await queue.size():
            # The last fault may have been the end of this session.
            with suppress(LockLostError):
                await self.take(queue, Random(0))
        await super().settle()

    def judge(self) -> None:
        self.must_be_empty("/queue/taken")
        # What was put by an attempt that was cancelled may come late.
        left = {self.world.data(f"/queue/entries/{name}") for name in self.world.names("/queue/entries")}
        if left & self.put:
            raise Violation(f"never taken: {left & self.put}")
        missing = self.put - set(self.done)
        if missing:
            raise Violation(f"never done: {missing}")


class CacheGame(Game):
    """All write into one tree, and each has a cache of it."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.caches: list[TreeCache] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        cache = TreeCache(zk, "/tree")
        self.caches.append(cache)
        shown: dict[str, int] = {}
        cache.on_change(lambda change: self._note(shown, change))
        starting = asyncio.ensure_future(cache.start())
        self.settled += [lambda: starting, cache.synced]

        async def attempt() -> None:
            path = "/tree" + random.choice(("", "/a", "/b", "/a/x", "/a/y", "/b/x"))
            action = random.random()
            try:
                if action < 0.4:
                    await zk.create(path, name.encode(), ephemeral=path.count("/") == 3 and action < 0.1)
                elif action < 0.8:
                    await zk.set(path, str(action).encode())
                else:
                    await zk.delete(path)
            except (ConnectionLossError, SessionExpiredError):
                raise
            except Exception:
                return

        return attempt

    def _note(self, shown: dict[str, int], change: Change) -> None:
        self.tally["changes shown"] += 1
        if change.new is None:
            return
        if change.new.stat.mzxid < shown.get(change.path, 0):
            raise Violation(f"older than what was shown: {change}")
        shown[change.path] = change.new.stat.mzxid

    def judge(self) -> None:
        there = self._there("/tree")
        for cache in self.caches:
            here = {path: (node.data, node.stat.mzxid) for path, node in cache.nodes.items()}
            if here != there:
                raise Violation(f"a cache shows {here}, the server has {there}")

    def _there(self, path: str) -> dict[str, tuple[bytes, int]]:
        znode = self.world.find(path)
        if znode is None:
            return {}
        found = {path: (bytes(znode.data or b""), int(znode.mzxid))}
        for name in self.world.names(path):
            found |= self._there(f"{path}/{name}")
        return found


class GroupGame(Game):
    """Members come and go; at the end just those who stayed are there."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.layout = random.choice(("curator", "kazoo", "kazoo-shallow"))
        self.groups: dict[str, Group] = {}
        self.found: dict[str, list[str]] = {}

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        group = self.groups[name] = Group(zk, "/group", name, layout=self.layout)

        async def attempt() -> None:
            await group.join(timeout_s=3.0)
            self.tally["members"] += 1
            if random.random() < 0.5:
                await asyncio.sleep(random.random())
                await group.leave()

        return attempt

    async def settle(self) -> None:
        # A session that was ended by the last fault may not have been told yet.
        await asyncio.sleep(2.0)
        for group in self.groups.values():
            await group.join()
        for name, group in self.groups.items():
            self.found[name] = [member.identifier for member in await group.members()]

    def judge(self) -> None:
        members = sorted(self.groups)
        if len(self.world.names("/group")) != len(members) or self.found[members[-1]] != members:
            raise Violation(f"members are {members}, but there is {self.world.names('/group')}, seen: {self.found}")


GAMES: list[Callable[[RecipeWorld, Random, Any], Game]] = [
    LockGame,
    ReadWriteGame,
    SemaphoreGame,
    LatchGame,
    CounterGame,
    QueueGame,
    CacheGame,
    GroupGame,
]
