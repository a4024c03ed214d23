"""A client in a bad world, from a seed: links are cut and healed, connections break, the server dies and comes back.

What is checked: no reader sees an older state after a newer one, watches converge, and nothing that was acknowledged is
lost or doubled.
"""

import asyncio
import os
from random import Random

import pytest

from zkeeper import AsyncClient, EventType, Outcome, Retry, SessionState, WatchEvent
from zkeeper.errors import ConnectionLossError, SessionExpiredError

from .client_world import ClientWorld, reached

LOST = (ConnectionLossError, SessionExpiredError)
FAULTS = 12
SEEDS = [
    *range(8),
    *(f"{text}/{number}" for text in os.environ.get("ZKEEPER_SEEDS", "").split() for number in range(5)),
]


class Reader:
    """Follows `/value` by one-shot watches, and `/list` by a persistent one, as a cache would."""

    def __init__(self, zk: AsyncClient) -> None:
        self.zk = zk
        self.values: list[int] = []
        self.zxids: list[int] = []
        self.names: set[str] = set()
        self._stale = asyncio.Event()
        self.calls: list[WatchEvent] = []
        self.sets_of_watches = 0

    async def follow_value(self) -> None:
        while True:
            self._stale.clear()
            try:
                data, stat, _ = await self.zk.get("/value", watch=self._note)
            except LOST:
                continue
            self.sets_of_watches += 1
            self.values.append(int(data))
            self.zxids.append(stat.mzxid)
            await self._stale.wait()

    def _note(self, event: WatchEvent) -> None:
        self.calls.append(event)
        self._stale.set()

    async def follow_list(self) -> None:
        async with self.zk.watch("/list", recursive=True) as events:
            await self._list()
            async for event in events:
                if event.type is EventType.NONE:
                    await self._list()
                elif event.type is EventType.CREATED:
                    self.names.add(event.path.rpartition("/")[2])

    async def _list(self) -> None:
        while True:
            try:
                self.names = set(await self.zk.children("/list"))
                return
            except LOST:
                continue


class Writer:
    """Counts `/value` up, and adds to `/list`; knows what must be there and what may be."""

    def __init__(self, zk: AsyncClient) -> None:
        self.zk = zk
        self.certain: set[str] = set()
        self.possible: set[str] = set()
        self.late: set[int] = set()  # numbers whose set has an unknown outcome: it may be carried out after later ones
        self.is_stopping = False

    async def write(self) -> None:
        number = 0
        while not self.is_stopping:
            number += 1
            name = f"n{number:04d}"
            results = await asyncio.gather(
                self.zk.set("/value", b"%d" % number), self.zk.create(f"/list/{name}"), return_exceptions=True
            )
            lost, error = results
            if isinstance(lost, LOST) and lost.outcome is Outcome.UNKNOWN:
                self.late.add(number)
            if isinstance(error, str):
                self.certain.add(name)
            elif isinstance(error, LOST):
                self.possible |= {name} if error.outcome is Outcome.UNKNOWN else set()
            else:
                raise AssertionError(error)
            await asyncio.sleep(0.05)


async def misfortune(world: ClientWorld, random: Random) -> None:
    machines = world.client_machine, world.node.machine
    for _ in range(FAULTS):
        await asyncio.sleep(random.uniform(0, 3))
        match random.choice(["cut", "cut one way", "break", "slow", "restart"]):
            case "cut":
                world.sim.partition(*machines)
                await asyncio.sleep(random.uniform(0, 12))
            case "cut one way":
                world.sim.partition(*random.sample(machines, 2), one_way=True)
                await asyncio.sleep(random.uniform(0, 12))
            case "break":
                world.break_connections()
            case "slow":
                world.sim.delay(*machines, random.uniform(100, 2500))
                await asyncio.sleep(random.uniform(0, 12))
            case "restart":
                await world.restart_server()
        world.sim.heal()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_in_a_bad_world(seed: object) -> None:
    async def story(world: ClientWorld) -> None:
        random = Random(f"{seed}/misfortune")
        async with world.client() as zk, world.client() as writing:
            await asyncio.gather(zk.create("/value", b"0"), zk.create("/list"))
            reader, writer = Reader(zk), Writer(writing)
            followers = [asyncio.create_task(reader.follow_value()), asyncio.create_task(reader.follow_list())]
            writes = asyncio.create_task(writer.write())
            await misfortune(world, random)
            writer.is_stopping = True
            await asyncio.gather(writes, reached(zk, SessionState.CONNECTED), reached(writing, SessionState.CONNECTED))
            again = Retry(20, random=random)
            last = int((await again(writing.get, "/value")).data)
            there = set(await again(writing.children, "/list"))
            await world.sim.wait_until(lambda: reader.values[-1] == last and reader.names == there)
            for follower in followers:
                assert not follower.done()
                follower.cancel()
            await asyncio.wait(followers)
            check(reader, writer, there)

    with ClientWorld(seed=seed) as world:  # type: ignore[arg-type]
        world.play(story)


def check(reader: Reader, writer: Writer, there: set[str]) -> None:
    assert writer.certain <= there, "an acknowledged create is missing"
    assert there <= writer.certain | writer.possible, "a create that was never sent is there"
    assert reader.zxids == sorted(reader.zxids), "an older state was read after a newer one"
    in_order = [value for value in reader.values if value not in writer.late]
    assert in_order == sorted(in_order), "an acknowledged write was carried out after a later one"
    assert len(reader.calls) <= reader.sets_of_watches, "a one-shot watch was told twice"
