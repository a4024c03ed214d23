"""Observers that are served by followers, in a whole ensemble (quorum, section 14)."""

import asyncio
from functools import partial

import pytest

import zkeeper

from .member_world import MemberWorld, client_of, member_config
from .reconfig_world import ReconfigWorld, line

PORT = 2191
MASTERS = f"observerMasterPort={PORT}\n"
FOLLOWERS, LEADER, OBSERVERS = (1, 2), 3, (4, 5)


def start(world: MemberWorld) -> None:
    """Server 3 leads."""
    world.start(*world.sids)
    world.await_serving(*world.sids)
    assert world.leader == LEADER


def master_of(world: MemberWorld, sid: int) -> int:
    return int(world.metrics(sid)["observer_master_id"])


def observers_of(world: MemberWorld, sid: int) -> int:
    return int(world.metrics(sid)["synced_observers"])


async def write(host: str, *names: str) -> None:
    async with client_of(f"{host}:2181") as client:
        for name in names:
            await client.create(f"/{name}", b"x" * 100)


async def read(host: str) -> list[str]:
    async with client_of(f"{host}:2181") as client:
        await client.sync("/")
        return sorted(set(await client.children("/")) - {"zookeeper"})


def test_observers_are_with_followers_and_see_everything() -> None:
    with MemberWorld(3, 2, more=MASTERS) as world:
        start(world)
        world.sim.run(write("m4", "a"), world.client())
        world.sim.run(write("m1", "b"), world.client())
        assert [world.sim.run(read(f"m{sid}"), world.client()) for sid in world.sids] == [["a", "b"]] * 5
        assert {master_of(world, sid) for sid in OBSERVERS} <= set(FOLLOWERS)
        assert observers_of(world, LEADER) == 0
        assert sum(observers_of(world, sid) for sid in FOLLOWERS) == 2


def test_a_follower_without_the_port_tells_of_no_observers() -> None:
    with MemberWorld(3, 0) as world:
        start_three(world)
        assert "synced_observers" not in world.metrics(1)


def start_three(world: MemberWorld) -> None:
    world.start(1, 2, 3)
    world.await_serving(1, 2, 3)


def test_an_observer_that_loses_its_master_goes_to_the_next_with_its_clients_sessions() -> None:
    with MemberWorld(3, 1, more=MASTERS) as world:
        start(world)
        client = world.sim.run(opened("m4"), world.client())
        session_id, lost = client.session_id, master_of(world, 4)
        kill_master(world, lost)
        world.sim.run(create(client, "/a"), world.client())
        assert client.session_id == session_id
        assert master_of(world, 4) == 3 - lost
        world.start(lost)
        world.await_serving(lost)
        kill_master(world, 3 - lost)
        world.sim.run(create(client, "/b"), world.client())
        assert (client.session_id, master_of(world, 4)) == (session_id, lost)


def kill_master(world: MemberWorld, sid: int) -> None:
    """And waits until the observer serves again."""
    world.kill(sid)
    world.sim.run_until(lambda: not world.servers[4].service.serves())
    world.await_serving(4)


async def opened(host: str) -> zkeeper.AsyncClient:
    client = client_of(f"{host}:2181")
    await client.start()
    return client


async def create(client: zkeeper.AsyncClient, path: str, *, ephemeral: bool = False) -> None:
    await client.create(path, ephemeral=ephemeral)


def test_observers_find_masters_again_when_the_leader_is_lost() -> None:
    with MemberWorld(3, 2, more=MASTERS) as world:
        start(world)
        world.kill(LEADER)
        world.sim.run_until(lambda: not any(server.service.serves() for server in world.servers.values()))
        world.await_serving(1, 2, *OBSERVERS)
        world.sim.run(write("m5", "a"), world.client())
        assert world.sim.run(read("m4"), world.client()) == ["a"]
        (follower,) = {1, 2} - {world.leader}
        assert {master_of(world, sid) for sid in OBSERVERS} <= {follower, world.leader}


def test_where_no_follower_serves_observers_the_leader_does() -> None:
    with MemberWorld(3, 1) as world:
        world.configs[4] = member_config(4, 3, 1, MASTERS)
        start(world)
        world.sim.run(write("m4", "a"), world.client())
        assert (master_of(world, 4), observers_of(world, LEADER)) == (LEADER, 1)


def test_sessions_at_observers_live_as_long_as_they_are_heard_of() -> None:
    with MemberWorld(3, 1, more=MASTERS) as world:
        start(world)
        client = world.sim.run(opened("m4"), world.client())
        world.sim.run(create(client, "/e", ephemeral=True), world.client())
        world.sim.run_for(5 * client.session_timeout_ms / 1000)
        assert world.sim.run(read("m1"), world.client()) == ["e"]
        world.client().kill()
        world.client().restart()
        world.sim.run_for(2 * client.session_timeout_ms / 1000)
        assert world.sim.run(read("m1"), world.client()) == []


def test_a_session_moves_from_a_master_to_its_observer() -> None:
    """At the leader both are one; the master leaves the old connection itself."""
    with MemberWorld(3, 1, more=MASTERS) as world:
        start(world)
        master = master_of(world, 4)
        client = world.sim.run(opened(f"m{master}"), world.client())
        session_id = client.session_id
        assert session_id in world.servers[master].service.links
        world.sim.run(moved(client, "m4"), world.client())
        assert client.session_id == session_id
        assert session_id not in world.servers[master].service.links


async def moved(client: zkeeper.AsyncClient, host: str) -> None:
    client.update_hosts(f"{host}:2181")
    while client.server is None or client.server[0] != host:
        await client.sync("/")
        await asyncio.sleep(0.01)
    await client.create("/moved")


def test_syncs_of_a_master_and_its_observers_are_each_ones_own() -> None:
    """Many at a time, of all; each sees what was written before it."""
    with MemberWorld(3, 2, more=MASTERS) as world:
        start(world)
        found = world.sim.run(see_each_other(4), world.client())
        assert found == [True] * len(found)
        assert len(found) == 4 * 4 * 3


async def see_each_other(times: int) -> list[bool]:
    clients = [await opened(f"m{sid}") for sid in (1, 2, 4, 5)]

    async def see(writer: int, reader: int, number: int) -> bool:
        name = f"/{writer}-{reader}-{number}"
        await clients[writer].create(name)
        await clients[reader].sync("/")
        return await clients[reader].exists(name) is not None

    pairs = [(one, two) for one in range(4) for two in range(4) if one != two]
    return await asyncio.gather(*(see(*pair, number) for pair in pairs for number in range(times)))


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number:04}" for number in range(count)]


def snapshots_sent(world: MemberWorld) -> int:
    return sum(int(world.metrics(sid)["snap_count"]) for sid in FOLLOWERS)


@pytest.mark.parametrize(
    ("count", "more", "is_by_snapshot"), [(50, "", False), (600, "", False), (600, "snapshotSizeFactor=-1\n", True)]
)
def test_an_observer_that_was_away_catches_up_at_its_master(count: int, more: str, is_by_snapshot: bool) -> None:
    """By what is in memory, by the logs, by a snapshot; with writes meanwhile."""
    with MemberWorld(3, 1, more=MASTERS + more) as world:
        start(world)
        world.sim.run(write("m4", "a"), world.client())
        world.kill(4)
        before = snapshots_sent(world)
        away, meanwhile = names("away", count), names("meanwhile", 100)
        world.sim.run(write("m3", *away), world.client())
        world.start(4)
        writing = world.client().start(partial(write, "m3", *meanwhile))
        world.await_serving(4)
        world.sim.run_until(writing.done)
        assert world.sim.run(read("m4"), world.client()) == ["a", *away, *meanwhile]
        assert master_of(world, 4) in FOLLOWERS
        assert snapshots_sent(world) - before == is_by_snapshot


def test_observers_hear_of_changes_of_the_membership() -> None:
    """One that only adds, one that takes their master away, one that moves the leadership."""
    with ReconfigWorld("pppo", settings={"observerMasterPort": str(PORT)}) as world:
        world.start()
        writer = world.writer()
        world.join(5)
        world.reconfig(joining=[line(5)])
        world.await_membership({1: "p", 2: "p", 3: "p", 4: "o", 5: "p"})
        master = world[4].server._following.master_sid
        assert master != world.leader.sid
        world.reconfig(leaving=[master])
        remaining = {sid: role for sid, role in {1: "p", 2: "p", 3: "p", 4: "o", 5: "p"}.items() if sid != master}
        world[master].stop()
        world.await_membership(remaining, *remaining)
        world.await_service()
        leader = world.leader.sid
        world.reconfig(leaving=[leader])
        del remaining[leader]
        world[leader].stop()
        world.await_membership(remaining, *remaining)
        writer.await_progress()
        world.check(writer)
