"""Games of what is counted, given out and handed on."""

from collections import Counter as Tally
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

from zkeeper import AsyncClient
from zkeeper.recipes import Counter, IdGenerator, Lease, LockLostError, Queue

from .game import Act, Game, Resource, Violation
from .recipe_world import RecipeWorld


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


class IdGame(Game):
    """No id is given twice, and those of one generator grow."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.given: set[int] = set()

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        ids = IdGenerator(zk, "/ids", block_size=self.random.randint(1, 5))
        last = 0

        async def attempt() -> None:
            nonlocal last
            for _ in range(4):
                number = await ids.next()
                if number in self.given or number <= last:
                    raise Violation(f"{name} got {number} after {last}; given were {sorted(self.given)}")
                self.given.add(number)
                self.tally["ids"] += 1
                last = number

        return attempt


class LeaseGame(Game):
    """While the lease of one runs, by the server's clock, nobody else gets it."""

    ROUNDED_S = 1.0  # Ends are kept in whole seconds.

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.duration_s = random.choice((2.0, 4.0))
        self.holder = ""
        self.runs_until = 0.0

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        lease = Lease(zk, "/lease", self.duration_s, name)
        self.settled.append(lease._lock.settled)

        async def attempt() -> None:
            asked_at = self.world.sim.time()
            if self.holder == name and random.random() < 0.3:
                # It is over in the moment of the request, which may be any from now on.
                self.runs_until = 0.0
                await lease.give_back()
            elif await lease.obtain():
                self._obtained(name, asked_at)

        return attempt

    def _obtained(self, name: str, asked_at: float) -> None:
        now = self.world.sim.time()
        if self.holder != name and now < self.runs_until:
            raise Violation(f"{name} has it at {now:.6f}, and {self.holder} until {self.runs_until:.6f}")
        self.tally["leases"] += 1
        self.holder, self.runs_until = name, asked_at + self.duration_s - self.ROUNDED_S

    def judge(self) -> None:
        left = [name for name in self.world.names("/lease") if name != "lease_holder"]
        if left:
            raise Violation(f"orphans: {left}")
