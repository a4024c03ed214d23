"""A member that never gets in step, for what is wrong with its configuration or its disk: it neither floods its log nor
asks the others without end, says what to look at, and a fail-over is none of its business."""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest

from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError
from zkeeper.server.ensemble.pace import Pace
from zkeeper.storage.whole_files import replace_file
from zkeeper.testing.simulation import Simulation

from .member_world import MemberWorld, config_of, member_lines

WATCHED_S = 6.0
MOST_ROUNDS = 3 + 5 + int(WATCHED_S / 0.05)
"""Free ones, those while the pauses grow, and one for each half of a tick of 100 ms."""
IN_VAIN = "times in a row without coming to serve"


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO", "zkeeper")
    return caplog


def with_lines(world: MemberWorld, sid: int, old: str, new: str) -> None:
    """Server `sid` has other lines than the rest."""
    lines = member_lines(3, 0)
    assert old in lines
    world.configs[sid] = config_of(sid, lines.replace(old, new))


def watch(world: MemberWorld, log: pytest.LogCaptureFixture) -> tuple[list[str], list[str]]:
    """The rounds that server 1 begins from now on, and its warnings."""
    world.await_serving(2, 3)
    log.clear()
    world.sim.run_for(WATCHED_S)
    rounds = [one.message for one in log.records if "this server votes for 1 (epoch 0" in one.message]
    return rounds, [one.message for one in log.records if IN_VAIN in one.message]


@pytest.mark.parametrize(
    "line", ["server.3=m3:2181:3888", "server.3=m3:3888:2888", "server.3=m3:2889:3888"],
    ids=["client port", "swapped ports", "nobody there"],
)  # fmt: skip
def test_who_has_a_wrong_quorum_port_of_the_leader(line: str, log: pytest.LogCaptureFixture) -> None:
    with MemberWorld() as world:
        with_lines(world, 1, "server.3=m3:2888:3888", line)
        world.start(*world.sids)
        rounds, warnings = watch(world, log)
        assert len(rounds) <= MOST_ROUNDS
        assert len(log.records) < 10 * MOST_ROUNDS
    assert 0 < len(warnings) <= 6
    for warning in warnings:
        assert f"look at this server's line {line}:participant;0.0.0.0:2181: the first port has to be" in warning


def test_who_has_a_later_epoch(log: pytest.LogCaptureFixture) -> None:
    with MemberWorld() as world:
        world.start(2, 3)
        world.await_serving(2, 3)
        disk = world.sim.machine("m1").disk
        disk.make_folders("/data/version-2")
        replace_file(disk, "/data/version-2/acceptedEpoch", b"99")
        replace_file(disk, "/data/version-2/currentEpoch", b"98")
        world.start(1)
        rounds, warnings = watch(world, log)
        assert len(rounds) <= MOST_ROUNDS
        assert warnings[0].startswith(
            f"this server was FOLLOWING 4 {IN_VAIN}: leader 3: it is in epoch 1, and epoch 99 was accepted (compare "
            "acceptedEpoch and currentEpoch in version-2 with those of the other members."
        )
        # What the warning says helps. The leader stays: it makes way for nobody who has more than it, or has nothing.
        world.kill(1)
        for name in disk.names("/data/version-2"):
            disk.remove(f"/data/version-2/{name}")
        world.start(1)
        world.await_serving(1)
        assert world.leader == 3
        assert world.servers[1].context.epochs.accepted == 1


def test_the_pauses_do_not_keep_the_others_from_electing() -> None:
    with MemberWorld() as world:
        with_lines(world, 1, "server.3=m3:2888:3888", "server.3=m3:2889:3888")
        world.start(*world.sids)
        world.await_serving(2, 3)
        world.sim.run_for(WATCHED_S)
        begun_s = world.sim.time()
        world.kill(3)
        world.await_serving(1, 2)
        assert world.sim.time() - begun_s < 1.0


# The pauses.


async def intervals(pace: Pace, count: int, serves: bool = False) -> list[float]:
    """Between the beginnings of roles that end at once, `count` of them."""
    loop, found = asyncio.get_running_loop(), list[float]()
    for _ in range(count):
        begun_s = loop.time()
        pace.begin()
        if serves:
            pace.served()
        pace.role_ended("FOLLOWING", RoleEndedError("the peer closed the connection"))
        await pace.wait(is_observer=False)
        found.append(loop.time() - begun_s)
    return found


@pytest.mark.parametrize(("tick_s", "longest_s"), [(0.1, 0.1), (1.0, 1.0), (10.0, 2.0)])
def test_the_pauses_grow_up_to_a_tick_and_end_with_a_role_that_served(tick_s: float, longest_s: float) -> None:
    with Simulation("pace") as sim:

        async def scenario() -> None:
            context = SimpleNamespace(tick_s=tick_s, random=Random(1), observer_election_s=0.2)
            pace = Pace(cast(EnsembleContext, context))
            found = await intervals(pace, 14)
            assert found[:3] == [0, 0, 0]
            wanted = [min(0.05 * 2**more, longest_s) for more in range(11)]
            assert all(most / 2 <= pause <= most for pause, most in zip(found[3:], wanted, strict=True))
            assert len(set(found[3:])) == 11
            assert await intervals(pace, 2, serves=True) == [0, 0]
            assert await intervals(pace, 3) == [0, 0, 0]
            assert (await intervals(pace, 1))[0] > 0

        sim.run(scenario(), sim.machine("a"))


def test_a_role_that_took_its_time_is_followed_by_no_pause() -> None:
    with Simulation("slow roles") as sim:

        async def scenario() -> None:
            pace = Pace(cast(EnsembleContext, SimpleNamespace(tick_s=0.5, random=Random(1), observer_election_s=0.2)))
            await intervals(pace, 10)
            pace.begin()
            await asyncio.sleep(0.5)
            pace.role_ended("LEADING", RoleEndedError("nobody came"))
            ended_s = asyncio.get_running_loop().time()
            await pace.wait(is_observer=False)
            assert asyncio.get_running_loop().time() == ended_s

        sim.run(scenario(), sim.machine("a"))
