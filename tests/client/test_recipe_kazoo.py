"""Our recipes and kazoo's, on the same paths at the same time."""

import asyncio
import concurrent.futures
import datetime
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any, TypeVar

from kazoo.client import KazooClient

from zkeeper.recipes import (
    Counter,
    DoubleBarrier,
    Election,
    Group,
    Held,
    Lease,
    Lock,
    Partitioner,
    Queue,
    ReadWriteLock,
    Semaphore,
)

from .conftest import TIMEOUT_MS, Ground, Story

Play = Callable[[Story], None]
T = TypeVar("T")


@asynccontextmanager
async def kazoo(ground: Ground) -> AsyncIterator[KazooClient]:
    client = KazooClient(ground.address + ground.zk.chroot, timeout=TIMEOUT_MS / 1000)
    await begin(client.start)
    try:
        yield client
    finally:
        await begin(client.stop)
        await begin(client.close)


async def blocked(awaited: "asyncio.Future[T]") -> "asyncio.Future[T]":
    """Once it has had time to go wrong."""
    await asyncio.wait([awaited], timeout=0.3)
    assert not awaited.done()
    return awaited


def begin(call: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
    """A blocking call, in a thread of its own that ends with the process: if the test fails, nobody waits for it."""
    outcome: concurrent.futures.Future[Any] = concurrent.futures.Future()

    def run() -> None:
        try:
            outcome.set_result(call(*arguments))
        except Exception as error:
            outcome.set_exception(error)

    outcome.set_running_or_notify_cancel()
    Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(outcome)


def test_locks_of_both_wait_for_each_other(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            theirs = other.Lock("/lock", "theirs")
            ours = Lock(ground.zk, "/lock", layout="kazoo", identifier="ours")
            async with ours:
                waiting = await blocked(begin(theirs.acquire))
                assert await ours.contenders() == ["ours", "theirs"] == await begin(theirs.contenders)
            assert await waiting is True
            ours_waiting = await blocked(asyncio.ensure_future(ours.acquire()))
            await begin(theirs.release)
            await ours_waiting

    play(story)


def test_readers_and_writers_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            rw = ReadWriteLock(ground.zk, "/rw", layout="kazoo")
            async with rw.read:
                reader = other.ReadLock("/rw")
                assert await begin(reader.acquire)
                writing = await blocked(begin(other.WriteLock("/rw").acquire))
                await begin(reader.release)
                await blocked(writing)
            await writing
            assert await rw.read.try_acquire() is None

    play(story)


def test_a_semaphore_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            ours = Semaphore(ground.zk, "/s", 2, layout="kazoo", identifier="ours")
            theirs = other.Semaphore("/s", "theirs", max_leases=2)
            async with ours:
                assert await begin(theirs.acquire)
                assert sorted(await ours.holders()) == ["ours", "theirs"]
                waiting = await blocked(asyncio.ensure_future(ours.acquire()))
                await begin(theirs.release)
                await waiting

    play(story)


def test_an_election_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            order: list[str] = []

            async def lead(held: Held) -> None:
                order.append("ours")
                running.append(await blocked(begin(other.Election("/e").run, lambda: order.append("theirs"))))

            running: list[asyncio.Future[Any]] = []
            await Election(ground.zk, "/e", layout="kazoo").run(lead)
            await running[0]
            assert order == ["ours", "theirs"]

    play(story)


def test_a_double_barrier_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            ours, theirs = DoubleBarrier(ground.zk, "/both", 2), other.DoubleBarrier("/both", 2)
            entering = await blocked(begin(theirs.enter))
            await ours.enter()
            await entering
            leaving = await blocked(begin(theirs.leave))
            await ours.leave()
            await leaving

    play(story)


def test_counters_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            for path, layout, is_curator in (("/k", "kazoo", False), ("/c", "curator", True)):
                theirs = other.Counter(path, support_curator=is_curator)
                ours = Counter(ground.zk, path, layout=layout)
                await begin(theirs.__add__, 3)
                assert await ours.add(4) == 7
                assert await begin(lambda theirs=theirs: theirs.value) == 7

    play(story)


def test_members_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            for path, layout, party in (("/p", "kazoo", other.Party), ("/sp", "kazoo-shallow", other.ShallowParty)):
                theirs = party(path, "theirs")
                await begin(theirs.join)
                async with Group(ground.zk, path, "ours", layout=layout) as group:
                    assert [member.identifier for member in await group.members()] == ["ours", "theirs"]
                    assert sorted(await begin(list, theirs)) == ["ours", "theirs"]

    play(story)


def test_a_lease_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            hour = datetime.timedelta(hours=1)
            assert await Lease(ground.zk, "/mine", 3600, "ours").obtain()
            assert not await begin(other.NonBlockingLease, "/mine", hour, "theirs")
            assert await begin(other.NonBlockingLease, "/theirs", hour, "theirs")
            assert not await Lease(ground.zk, "/theirs", 3600, "ours").obtain()
            holder = await Lease(ground.zk, "/theirs", 3600, "ours").holder()
            assert holder is not None
            assert holder.identifier == "theirs"

    play(story)


def test_a_queue_of_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other:
            ours, theirs = Queue(ground.zk, "/q"), other.LockingQueue("/q")
            await ours.put(b"1")
            await begin(theirs.put, b"2")
            assert await begin(theirs.get, 10) == b"1"
            async with ours.take(10.0) as item:
                assert item.data == b"2"
            assert await begin(theirs.consume) is True
            assert await ours.size() == 0

    play(story)


def test_a_set_is_divided_between_both(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with kazoo(ground) as other, Partitioner(ground.zk, "/part", [*"wxyz"], "a", settle_s=0.5) as ours:
            theirs = await begin(
                lambda: other.SetPartitioner("/part", set=tuple("wxyz"), identifier="b", time_boundary=0.5)
            )
            while True:
                async with ours.share() as share:
                    if share.items == ("w", "y"):
                        break
                    await share.revoked.wait()
            await begin(theirs.wait_for_acquire, 10)
            assert list(theirs) == ["x", "z"]
            await begin(theirs.finish)

    play(story)
