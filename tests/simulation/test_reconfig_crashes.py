"""A change of the membership that is interrupted: crashes between its proposal and its commit, learners that come
meanwhile, a second change (quorum, sections 16 and 22.22)."""

import asyncio
from typing import Any

import pytest

import zkeeper
from zkeeper.errors import ConnectionLossError, ReconfigInProgressError

from .reconfig_world import Member, ReconfigWorld, line, tried

THREE = {1: "p", 2: "p", 3: "p"}
NEXT = "zoo.cfg.dynamic.next"


def propose(world: ReconfigWorld, *deaf_to: Member, **arguments: Any) -> "asyncio.Task[object]":
    """Begins a change at the leader, whom no acknowledgement of these reaches, or of anybody."""
    leader = world.leader
    others = [member.machine for member in deaf_to or world.alive if member is not leader]

    async def change(zk: zkeeper.AsyncClient) -> object:
        world.partition(others, leader.machine, one_way=True)
        return await tried(zk.reconfig(**arguments))

    return world.begin_call(change, leader.sid)


def await_proposed(world: ReconfigWorld) -> None:
    """All that live have seen the change, and have it durably."""
    world.run_until(lambda: all(member.last_seen.version > member.committed.version for member in world.alive))
    world.run_until(lambda: all(NEXT in member.names() for member in world.alive))


def test_the_next_leader_completes_what_was_proposed() -> None:
    with ReconfigWorld() as world:
        world.start()
        world.join(4)
        old = world.leader
        task = propose(world, joining=[line(4)])
        await_proposed(world)
        version = old.last_seen.version
        old.kill()
        world.heal()
        committed = world.await_membership({**THREE, 4: "p"}, *[member.sid for member in world.alive])
        assert committed.version == version
        world.await_service()
        old.start()
        world.check()
        task.cancel()


def test_all_crash_and_complete_it_from_their_files() -> None:
    with ReconfigWorld() as world:
        world.start()
        task = propose(world, leaving=[world.followers[0].sid])
        leaving = world.followers[0].sid
        await_proposed(world)
        for member in world.alive:
            member.kill()
        world.heal()
        world.start()
        world.await_membership({sid: "p" for sid in (1, 2, 3) if sid != leaving})
        assert world[leaving].mode == "follower"
        world.check()
        task.cancel()


def test_one_that_is_to_leave_completes_its_leaving_and_does_not_lead() -> None:
    """The leader crashes with all others after it has proposed its own removal, and wins the next election."""
    with ReconfigWorld() as world:
        world.start()
        leader = world.leader
        task = propose(world, leaving=[leader.sid])
        await_proposed(world)
        for member in world.alive:
            member.kill()
        world.heal()
        world.start()
        world.await_membership({sid: "p" for sid in (1, 2, 3) if sid != leader.sid})
        world.await_service()
        assert leader.mode == "follower"
        assert leader.sid not in world.leaders[max(world.leaders)]
        world.check()
        task.cancel()


def test_what_nobody_else_has_seen_is_taken_back() -> None:
    """The old leader comes back with `.next` and the change in its log; both go."""
    with ReconfigWorld() as world:
        world.start()
        old = world.leader
        others = [member.machine for member in world.followers]

        async def change(zk: zkeeper.AsyncClient) -> object:
            world.partition(old.machine, others)
            return await tried(zk.reconfig(leaving=[1]))

        task = world.begin_call(change, old.sid)
        world.run_until(lambda: old.last_seen.version > old.committed.version)
        world.run_until(lambda: NEXT in old.names() and not old.is_serving)
        old.kill()
        world.heal()
        world.await_service()
        old.start()
        world.await_service()
        world.check()
        assert world.await_membership(THREE).version == 1 << 32
        task.cancel()


def test_one_change_at_a_time() -> None:
    with ReconfigWorld() as world:
        world.start()
        leader, (leaving, other) = world.leader, world.followers

        async def change_twice(zk: zkeeper.AsyncClient) -> None:
            changes = [zk.reconfig(leaving=[leaving.sid]), zk.reconfig(leaving=[other.sid])]
            await changes[0]
            with pytest.raises(ReconfigInProgressError):
                await changes[1]

        world.call(change_twice, leader.sid)
        world.await_membership({leader.sid: "p", other.sid: "p"})
        world.check()


def test_what_is_proposed_meanwhile_needs_both() -> None:
    """Old and new have only the leader in common: nothing is acknowledged before a quorum of each has it."""
    with ReconfigWorld() as world:
        world.start()
        old = world.leader
        for sid in (4, 5):
            world.join(sid)
        leaving = [member.sid for member in world.followers if member.sid < 4]
        newcomers = [world[sid].machine for sid in (4, 5)]
        written: list[str] = []

        async def change_and_write(zk: zkeeper.AsyncClient) -> None:
            world.partition(newcomers, old.machine, one_way=True)
            change = zk.reconfig(joining=[line(4), line(5)], leaving=leaving)
            written.append(await zk.create("/meanwhile"))
            await change

        task = world.begin_call(change_and_write, old.sid)
        await_proposed(world)
        world.run_for(1.0)
        assert not written
        world.heal()
        world.run_until(task.done)
        assert written
        for sid in leaving:
            world[sid].kill()
        world.await_membership({old.sid: "p", 4: "p", 5: "p"})
        world.check()


def test_what_was_proposed_before_needs_the_old_membership_only() -> None:
    with ReconfigWorld() as world:
        world.start()
        old = world.leader
        for sid in (4, 5):
            world.join(sid)
        leaving = [member.sid for member in world.followers if member.sid < 4]
        newcomers = [world[sid].machine for sid in (4, 5)]

        async def write_and_change(zk: zkeeper.AsyncClient) -> None:
            world.partition(newcomers, old.machine, one_way=True)
            first = zk.create("/before")
            change = zk.reconfig(joining=[line(4), line(5)], leaving=leaving)
            await first
            assert not change.done()
            await change

        task = world.begin_call(write_and_change, old.sid)
        await_proposed(world)
        world.run_for(1.0)
        assert old.server is not None
        assert old.server.service.database.tree.lookup(b"/before") is not None
        world.heal()
        world.run_until(task.done)
        task.result()
        world.check()


def test_a_learner_that_comes_meanwhile_does_not_take_it_for_committed() -> None:
    """One with the committed membership, and one that has missed the change before."""
    with ReconfigWorld() as world:
        world.start()
        leader = world.leader
        late, other = world.followers
        for sid in (4, 5):
            world.join(sid)
        late.kill()
        world.reconfig(leader.sid, joining=[line(other.sid, client=2345)])
        world[5].kill()
        before = leader.committed
        # The new membership has two members, and one is not heard.
        change = propose(world, world[4], joining=[line(4)], leaving=[late.sid, other.sid])
        await_proposed(world)
        proposed = leader.last_seen
        world.add(5, [*before.lines(), line(5)])
        for member in (late, world[5]):
            member.start()
            world.run_until(lambda member=member: member.is_serving and member.last_seen == proposed, 2.5)  # type: ignore[misc]
            assert member.committed == before
            assert NEXT in member.names()
        assert not change.done()
        world.heal()
        world.await_membership({leader.sid: "p", 4: "p"})
        world.check()
        change.cancel()


def test_a_write_waits_until_the_new_leader_has_it() -> None:
    """What the old leader took in and did not commit behind the change is not lost if the new one has it."""
    with ReconfigWorld() as world:
        world.start()
        old = world.leader
        results: list[object] = []

        async def pipeline(zk: zkeeper.AsyncClient) -> None:
            writes = [zk.create(f"/before-{n}") for n in range(10)]
            change = zk.reconfig(leaving=[old.sid])
            writes += [zk.create(f"/behind-{n}") for n in range(10)]
            await change
            for write in writes:
                try:
                    results.append(await write)
                except ConnectionLossError as error:
                    results.append(error)

        task = world.begin_call(pipeline, old.sid)
        world.run_until(task.done)
        assert results[:10] == [f"/before-{n}" for n in range(10)]
        world.await_service()
        assert old.mode == "follower"
        world.check()
        database = world.leader.server.service.database  # type: ignore[union-attr]
        for path in results:
            assert not isinstance(path, str) or database.tree.lookup(path.encode()) is not None
