"""Recipes over real sockets, against whichever server the suite is run with: each does what it is for."""

import asyncio
from collections.abc import Callable

import pytest

from zkeeper.recipes import (
    AtomicValue,
    Barrier,
    Counter,
    DoubleBarrier,
    Election,
    Group,
    Held,
    IdGenerator,
    LeaderLatch,
    Lease,
    Lock,
    MultiLock,
    NodeCache,
    Partitioner,
    PersistentNode,
    Queue,
    ReadWriteLock,
    Semaphore,
    ServiceDiscovery,
    ServiceInstance,
    TreeCache,
)

from .conftest import Ground, Story

Play = Callable[[Story], None]


def test_locks_exclude_and_are_left_clean(play: Play) -> None:
    async def story(ground: Ground) -> None:
        inside = turns = 0

        async def take_turns(lock: Lock) -> None:
            nonlocal inside, turns
            for _ in range(5):
                async with lock:
                    inside += 1
                    assert inside == 1
                    await ground.zk.exists("/")
                    inside -= 1
                    turns += 1

        async with ground.connect() as a, ground.connect() as b:
            await asyncio.gather(*[take_turns(Lock(zk, "/lock")) for zk in (a, a, b, b)])
            assert turns == 20
            assert await ground.zk.children("/lock") == []
            async with MultiLock(Lock(a, "/1"), ReadWriteLock(a, "/2").write, Semaphore(a, "/3", 1)) as helds:
                assert len({held.fencing_token for held in helds}) == 3
                assert await ReadWriteLock(b, "/2").read.try_acquire() is None
                assert await Semaphore(b, "/3", 1).try_acquire() is None

    play(story)


def test_a_lock_passes_on_when_the_session_of_its_holder_is_closed(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as a, ground.connect() as b:
            held = await Lock(a, "/lock").acquire()
            waiting = asyncio.ensure_future(Lock(b, "/lock").acquire())
            await asyncio.sleep(0)
            await a.close()
            assert held.lost.is_set()
            assert (await waiting).fencing_token > held.fencing_token

    play(story)


def test_leaders_follow_each_other(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as a, ground.connect() as b:
            async with LeaderLatch(a, "/latch", identifier="a") as first:
                await first.wait()
                async with LeaderLatch(b, "/latch", identifier="b") as second:
                    await first.close()
                    await second.wait()
                    leader = await first.leader()
                    assert leader is not None
                    assert leader.identifier == "b"

            async def lead(held: Held) -> int:
                return held.fencing_token

            tokens = await asyncio.gather(*[Election(zk, "/election").run(lead) for zk in (a, b)])
            assert len(set(tokens)) == 2

    play(story)


def test_barriers(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as a, ground.connect() as b:
            gate = Barrier(a, "/gate")
            await gate.create()
            waiting = asyncio.ensure_future(Barrier(b, "/gate").wait())
            await gate.remove()
            assert await waiting

            async def take_part(barrier: DoubleBarrier) -> None:
                async with barrier:
                    pass

            await asyncio.gather(*[take_part(DoubleBarrier(zk, "/both", 2)) for zk in (a, b)])
            assert await a.children("/both") == []

    play(story)


def test_values(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        await asyncio.gather(*[Counter(zk, "/n").add() for _ in range(10)])
        assert await Counter(zk, "/n").value() == 10
        assert await AtomicValue(zk, "/v", start=b"a").update(lambda old: old + b"b") == b"ab"
        ids = IdGenerator(zk, "/ids", block_size=2)
        assert [await ids.next() for _ in range(5)] == [1, 2, 3, 4, 5]

    play(story)


def test_a_cache_follows(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as writer, TreeCache(ground.zk, "/t") as cache:
            await writer.ensure_path("/t/a/b")
            await cache.wait_for(lambda: set(cache.nodes) == {"/t", "/t/a", "/t/a/b"}, 10.0)
            await writer.set("/t/a", b"x")
            await writer.delete("/t/a/b")
            await cache.wait_for(lambda: cache.children("/t/a") == [] and cache.nodes["/t/a"].data == b"x", 10.0)

    play(story)


def test_members(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as a, ground.connect() as b:
            async with Group(a, "/g", "a"), Group(b, "/g", "b", b"data") as group:
                assert [(member.identifier, member.data) for member in await group.members()] == [
                    ("a", b""),
                    ("b", b"data"),
                ]
            async with PersistentNode(a, "/p", b"x") as node:
                await node.present(10.0)
                first = await b.exists("/p")
                async with NodeCache(b, "/p") as cache:
                    await b.delete("/p")
                    await cache.wait_for(lambda: cache.node is not None and cache.node.stat.czxid != first.czxid, 10.0)
                    assert cache.node is not None
                    assert cache.node.data == b"x"
            async with (
                Partitioner(a, "/part", [*"xyz"], "a", settle_s=0.2) as partitioner,
                partitioner.share() as share,
            ):
                assert share.items == ("x", "y", "z")
            async with ServiceDiscovery(a, "/s") as discovery, discovery.provider("web") as provider:
                instance = await discovery.register(ServiceInstance("web", address="h", port=80))
                async for instances in provider.changes():
                    if instances == [instance]:
                        break

    play(story)


def test_leases_and_queues(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as a, ground.connect() as b:
            assert await Lease(a, "/lease", 60, "a").obtain()
            assert not await Lease(b, "/lease", 60, "b").obtain()
            await Queue(a, "/q").put(b"x")
            with pytest.raises(KeyError):
                async with Queue(b, "/q").take(10.0):
                    raise KeyError
            async with Queue(b, "/q").take(10.0) as item:
                assert item.data == b"x"
            assert await Queue(a, "/q").size() == 0

    play(story)
