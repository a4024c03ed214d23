"""Observers in a whole ensemble: they see everything, count for nothing and keep nobody waiting (quorum, 14)."""

import pytest

from zkeeper.quorum.membership import Membership
from zkeeper.storage.recovery import recover

from .member_world import MemberWorld, client_of
from .node import FOLDER

OBSERVER = 4


async def write(host: str, *names: str) -> None:
    async with client_of(f"{host}:2181") as client:
        for name in names:
            await client.create(f"/{name}")


async def read(host: str) -> list[str]:
    async with client_of(f"{host}:2181") as client:
        await client.sync("/")
        return sorted(set(await client.children("/")) - {"zookeeper"})


def logs(world: MemberWorld, sid: int) -> list[str]:
    return [name for name in world.sim.machine(f"m{sid}").disk.durable_files(FOLDER) if name.startswith("log.")]


def test_commits_do_not_wait_for_an_observer() -> None:
    with MemberWorld(3, 1) as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.sim.partition(world.sim.machine("m4"), [world.sim.machine(f"m{sid}") for sid in (1, 2, 3)])
        began_s = world.sim.time()
        world.sim.run(write("m1", "a", "b"), world.client())
        assert world.sim.time() - began_s < 0.5
        world.sim.heal()
        assert world.sim.run(read("m4"), world.client()) == ["a", "b"]


def test_observers_make_no_quorum() -> None:
    with MemberWorld(3, 3) as world:
        world.start(1, 4, 5, 6)
        world.sim.run_for(20)
        assert not any(server.service.serves() for server in world.servers.values())
        world.start(2)
        world.await_serving(1, 2, 4, 5, 6)
        world.kill(1)
        world.sim.run_until(lambda: not world.servers[2].service.serves())
        world.sim.run_for(20)
        assert not any(server.service.serves() for server in world.servers.values())


def test_a_write_through_an_observer_is_everywhere() -> None:
    with MemberWorld(3, 2) as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.sim.run(write("m4", "a"), world.client())
        assert [world.sim.run(read(f"m{sid}"), world.client()) for sid in world.sids] == [["a"]] * 5


def test_an_observer_without_a_log_follows_through_elections_and_restarts() -> None:
    with MemberWorld(3, 1, more="syncEnabled=false\n") as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.sim.run(write("m4", "a"), world.client())
        assert logs(world, 1)
        world.kill(world.leader)
        world.sim.run_until(lambda: not world.servers[OBSERVER].service.serves())
        world.await_serving(1, 2, OBSERVER)
        world.sim.run(write("m4", "b"), world.client())
        assert world.sim.run(read("m4"), world.client()) == ["a", "b"]
        assert logs(world, OBSERVER) == []
        world.kill(OBSERVER)
        world.start(OBSERVER)
        world.await_serving(OBSERVER)
        assert world.sim.run(read("m4"), world.client()) == ["a", "b"]


def test_an_observer_without_a_log_that_becomes_a_voter_is_none_that_knows_more_than_its_disk() -> None:
    """A reconfiguration makes a voter of an observer while the process lives."""
    with MemberWorld(3, 1, more="syncEnabled=false\n") as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.sim.run(write("m1", "a", "b"), world.client())
        observer = world.servers[OBSERVER]
        world.sim.run_until(lambda: observer.service.database.tree.lookup(b"/b") is not None)
        known_zxid = observer.service.database.last_zxid
        memberships = observer.context.memberships
        memberships.committed = Membership.parse(memberships.committed.text().replace(":observer", ":participant"))
        for sid in (1, 2, 3):
            world.kill(sid)
        world.sim.run_until(lambda: not observer.service.serves())
        world.sim.run_for(5)
        on_disk = recover(
            world.sim.machine("m4").disk, observer._node.storage, observer.empty_database,
            tell=lambda text: None, clock_s=lambda: 0.0,
        )  # fmt: skip
        assert observer.service.database.last_zxid == on_disk.database.last_zxid < known_zxid


def serving_after_s(world: MemberWorld) -> dict[int, float]:
    """How long it takes each member from now until it serves."""
    began_s, served_s = world.sim.time(), dict[int, float]()

    def note() -> bool:
        for sid, server in world.servers.items():
            if server.service.serves():
                served_s.setdefault(sid, world.sim.time() - began_s)
        return len(served_s) == len(world.servers)

    world.sim.run_until(note)
    return served_s


def test_observers_do_not_all_come_at_once_to_a_leader() -> None:
    with MemberWorld(3, 4, more="observer.reconnectDelayMs=4000\n") as world:
        world.start(*world.sids)
        served_s = serving_after_s(world)
        observers_s = sorted(served_s[sid] for sid in (4, 5, 6, 7))
        assert observers_s[-1] - observers_s[0] > 0.5
        assert max(served_s[sid] for sid in (1, 2, 3)) < observers_s[-1] < 6


@pytest.mark.parametrize(("delay_ms", "least_s", "most_s"), [(0, 0, 1.5), (200, 0, 1.5), (8000, 2.5, 9)])
def test_observers_do_not_all_ask_at_once_for_a_leader(delay_ms: int, least_s: float, most_s: float) -> None:
    with MemberWorld(3, 4, more=f"observer.election.DelayMs={delay_ms}\n") as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.kill(world.leader)
        world.sim.run_until(lambda: not any(server.service.serves() for server in world.servers.values()))
        served_s = serving_after_s(world)
        assert max(served_s[sid] for sid in (1, 2)) < 1.5
        assert least_s < max(served_s[sid] for sid in (4, 5, 6, 7)) < most_s
