"""Our locks, semaphores and elections, by verbs that are the same in every language."""

import asyncio

from interop.clients.harness import WAIT_DEADLINE_S
from zkeeper import AsyncClient
from zkeeper.recipes import Election, Held, Semaphore
from zkeeper.recipes.lock import Acquirable


class LockPart:
    """A lock, or a side of a read-write lock. What is done inside shows two at a time: a count that is not atomic."""

    def __init__(self, zk: AsyncClient, lock: Acquirable, *, is_reader: bool = False) -> None:
        self._zk = zk
        self._lock = lock
        self._is_reader = is_reader

    async def acquire(self) -> int:
        return (await self._lock.acquire(WAIT_DEADLINE_S)).fencing_token

    async def try_acquire(self) -> bool:
        return await self._lock.try_acquire() is not None

    async def release(self) -> None:
        await self._lock.release()

    async def turns(self, times: int, counter: str) -> list[tuple[int, int]]:
        return [await self._turn(counter) for _ in range(times)]

    async def _turn(self, counter: str) -> tuple[int, int]:
        async with self._lock.within(WAIT_DEADLINE_S) as held:
            return held.fencing_token, await (self._read if self._is_reader else self._write)(counter)

    async def _read(self, counter: str) -> int:
        seen = await self._number(counter)
        if seen % 2 or seen != await self._number(counter):
            raise AssertionError(f"inside together with a writer at {seen}")
        return seen

    async def _write(self, counter: str) -> int:
        seen = await self._number(counter)
        if seen % 2:
            raise AssertionError(f"inside together with a writer at {seen}")
        for number in (seen + 1, seen + 2):
            await self._zk.set(counter, str(number).encode())
        return seen + 2

    async def _number(self, counter: str) -> int:
        return int((await self._zk.get(counter)).data)


class SemaphorePart(LockPart):
    """A semaphore; the actor holds one lease at a time."""

    def __init__(self, zk: AsyncClient, semaphore: Semaphore) -> None:
        super().__init__(zk, semaphore)

    async def visits(self, times: int, place: str) -> list[int]:
        return [await self._visit(place) for _ in range(times)]

    async def _visit(self, place: str) -> int:
        async with self._lock.within(WAIT_DEADLINE_S):
            own = await self._zk.create(f"{place}/v", ephemeral=True, sequential=True)
            present = len(await self._zk.children(place))
            await self._zk.delete(own)
            return present


class ElectionPart:
    """A candidate that leads from the end of `acquire` until `release`."""

    def __init__(self, election: Election) -> None:
        self._election = election
        self._elected, self._resigned = asyncio.Event(), asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def acquire(self) -> None:
        self._running = asyncio.create_task(self._election.run(self._lead))
        async with asyncio.timeout(WAIT_DEADLINE_S):
            await self._elected.wait()

    async def release(self) -> None:
        assert self._running is not None
        self._resigned.set()
        await self._running

    async def contenders(self) -> list[str]:
        """The leader's identifier, then those of the others."""
        return await self._election.contenders()

    async def _lead(self, held: Held) -> None:
        self._elected.set()
        await self._resigned.wait()
