"""Games of locks and of who leads: what is held by one is held by nobody else."""

import asyncio
from collections import Counter as Tally
from random import Random

from zkeeper import AsyncClient
from zkeeper.recipes import Election, LeaderLatch, Lock, MultiLock, Partitioner, ReadWriteLock, Semaphore, Share

from .game import Act, Game, Resource, Violation
from .recipe_world import RecipeWorld


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
        self.wrong: list[str] = []

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
                self.wrong.append(f"{leading} lead together at {self.world.sim.time():.6f}")

    def judge(self) -> None:
        if self.wrong:
            raise Violation(self.wrong[0])
        self.must_be_empty("/latch")


class MultiLockGame(Game):
    """Two locks at once, or one of them alone."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.resources = [Resource(world, tally), Resource(world, tally)]

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        locks = [Lock(zk, f"/multi/{each}", layout=self.layout, identifier=name) for each in "ab"]
        self.settled += [lock.settled for lock in locks]
        both = MultiLock(*locks)

        async def attempt() -> None:
            kind = random.random()
            if kind < 0.3:
                number = random.randrange(2)
                async with locks[number] as held:
                    await self.resources[number].use(held, random)
            elif kind < 0.5:
                await both.acquire(random.random())
                await both.release()
            else:
                async with both as helds:
                    uses = zip(self.resources, helds, strict=True)
                    await asyncio.gather(*(resource.use(held, random) for resource, held in uses))

        return attempt

    def judge(self) -> None:
        self.must_be_empty("/multi/a", "/multi/b")


class PartitionGame(Game):
    """No item is in two shares, and when all is calm every item is in one."""

    ITEMS = ("a", "b", "c", "d", "e")

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.resources = {item: Resource(world, tally) for item in self.ITEMS}
        self.partitioners: list[Partitioner] = []
        self.shared: list[str] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        partitioner = Partitioner(zk, "/partition", self.ITEMS, name, settle_s=0.3)
        starting = asyncio.ensure_future(partitioner.start())
        self.partitioners.append(partitioner)

        async def attempt() -> None:
            await asyncio.shield(starting)
            async with asyncio.timeout(5.0), partitioner.share() as share:
                await self._use(share, random)

        return attempt

    async def _use(self, share: Share, random: Random) -> None:
        self.tally["items shared"] += len(share.items)
        uses = zip(share.items, share.helds, strict=True)
        await asyncio.gather(*(self.resources[item].use(held, random) for item, held in uses))

    async def settle(self) -> None:
        await asyncio.sleep(2.0)
        for partitioner in self.partitioners:
            await partitioner.start()
        shares = await asyncio.gather(*(partitioner.acquire() for partitioner in self.partitioners))
        self.shared = sorted(item for share in shares for item in share.items)
        for partitioner, share in zip(self.partitioners, shares, strict=True):
            await partitioner.release(share)
        for partitioner in self.partitioners:
            await partitioner.close()

    def judge(self) -> None:
        if self.shared != sorted(self.ITEMS):
            raise Violation(f"in the shares are {self.shared}, which is not every item once")
        self.must_be_empty("/partition/party", *(f"/partition/locks/{item}" for item in self.ITEMS))
