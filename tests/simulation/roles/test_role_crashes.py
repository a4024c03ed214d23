"""Crashes between the steps of persistence (22.12): a server dies in the middle of each disk operation in turn, comes
back with what is left, and is brought into line again.

1. It always starts, and its epochs are in order: accepted >= current >= that of its last transaction.
2. What it stands for is a history that it had: nothing of an image that was not whole, no hole, nothing mixed.
3. What was acknowledged before is not lost.
"""

from collections.abc import Callable
from functools import partial

import pytest

from zkeeper.testing.simulation import Unsynced

from ..requests import Create  # noqa: TID252  the package has one name in pytest and another as a program
from .leader_world import LeaderWorld, acknowledge
from .learner_world import LearnerWorld, made, path_of, paths
from .packets import ACK, DIFF, NEW_LEADER, TRUNC, UP_TO_DATE, epoch, image
from .peers import Link, follow_to_service, send_image

E1, E2, E3 = epoch(1), epoch(2), epoch(3)
FATES = [Unsynced.LOST, Unsynced.CACHED, Unsynced.RANDOM, Unsynced.REORDERED]
OLD = [E1 + 1, E1 + 2]
"""Committed in epoch 1; E1 + 3 is in the learner's log, too."""
MAX_STEPS = 60

Plan = Callable[[Link], None]


def plan_diff(link: Link) -> None:
    link.send(DIFF, E2 + 1)
    link.propose(E2 + 1, made(E2 + 1), commit=True)


def plan_trunc(link: Link) -> None:
    link.send(TRUNC, E1 + 2)
    link.propose(E2 + 1, made(E2 + 1), commit=True)


def plan_snap(link: Link) -> None:
    send_image(link, E2 + 1, image({path_of(zxid): b"" for zxid in HISTORIES["snap"][:-1]}, E2 + 1))
    link.propose(E2 + 2, made(E2 + 2), commit=True)


PLANS = {"diff": plan_diff, "trunc": plan_trunc, "snap": plan_snap}
HISTORIES = {
    "diff": [*OLD, E1 + 3, E2 + 1],
    "trunc": [*OLD, E2 + 1],
    "snap": [*OLD, E2 + 1, E2 + 2],
}
"""Of the leader of epoch 3."""


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.value)
@pytest.mark.parametrize("plan", PLANS)
def test_a_learner_dies_while_it_is_brought_into_line(plan: str, fate: Unsynced) -> None:
    for step in range(1, MAX_STEPS):
        with LearnerWorld(seed=f"{plan} {step}") as world:
            link = stand_before(world)
            world.node.machine.kill_at_disk_step(step, unsynced=fate)
            world.lead_in_or_die(link, 3)
            if not link.is_over:
                PLANS[plan](link)
                link.send(NEW_LEADER, E3, world.text.encode())
            world.run_until(partial(is_settled, link))
            if not link.is_over:
                link.send(UP_TO_DATE, -1)
                world.run_for(1)
            was_acknowledged = link.has(ACK, E3)
            is_last = world.node.machine.is_alive
            come_back(world, HISTORIES[plan], was_acknowledged)
            if is_last:
                assert step > 5
                return
    raise AssertionError("the synchronisation does not come to its end")


def is_settled(link: Link) -> bool:
    return link.is_over or link.has(ACK, E3)


def stand_before(world: LearnerWorld) -> Link:
    """The learner has `OLD` and E1 + 3, and comes to the leader of epoch 3."""
    link = world.begin()
    world.serve(link, 1, count=2)
    link.propose(E1 + 3, made(E1 + 3))
    link.expect(ACK, E1 + 3)
    return world.rejoin(link)


def come_back(world: LearnerWorld, history: list[int], was_acknowledged: bool) -> None:
    node = world.node
    node.machine.kill(unsynced=Unsynced.LOST)
    node.start()
    assert node.failure is None
    before = {path_of(zxid) for zxid in [*OLD, E1 + 3]}
    after = {path_of(zxid) for zxid in history}
    found = world.paths()
    assert paths(*OLD) <= found
    assert found == before or found <= after or found == paths(*OLD)
    if was_acknowledged:
        assert found == after
        assert node.current_epoch() == 3
    assert node.accepted_epoch() >= node.current_epoch() >= int(node.member.service.database.last_zxid) >> 32
    world.run_until(lambda: bool(world.leader.links))
    link = bring_into_line(world, world.leader.next_learner(), 4, history)
    assert world.paths() == after
    link.propose(epoch(4) + 1, made(epoch(4) + 1), commit=True)
    link.wait_for(ACK, epoch(4) + 1)
    node.machine.kill(unsynced=Unsynced.LOST)
    node.start()
    assert node.failure is None
    assert world.paths() == after | paths(epoch(4) + 1)


def bring_into_line(world: LearnerWorld, link: Link, number: int, history: list[int]) -> Link:
    """As a leader with that history does."""
    last = world.lead_in(link, number).zxid
    shared = max([zxid for zxid in history if zxid <= last], default=0)
    link.send(DIFF if shared == last else TRUNC, shared)
    for zxid in history:
        if zxid > shared:
            link.propose(zxid, made(zxid), commit=True)
    link.send(NEW_LEADER, epoch(number), world.text.encode())
    world.run_until(lambda: link.is_over or link.has(ACK, epoch(number)))
    if link.is_over:  # It asks for everything.
        return bring_into_line(world, world.leader.next_learner(), number + 1, history)
    link.send(UP_TO_DATE, -1)
    world.run_until(world.node.serves)
    link.keep_alive()
    return link


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.value)
def test_a_leader_dies_between_its_epochs_and_its_first_commit(fate: Unsynced) -> None:
    for step in range(1, MAX_STEPS):
        with LeaderWorld(seed=f"leader {step}") as world:
            world.start()
            link = world.learner()
            world.node.machine.kill_at_disk_step(step, unsynced=fate)
            promised, answered = lead_a_little(world, link)
            is_last = world.node.machine.is_alive
            world.node.machine.kill(unsynced=Unsynced.LOST)
            world.node.start()
            assert world.node.failure is None
            node = world.node
            assert node.accepted_epoch() >= promised
            assert node.accepted_epoch() >= node.current_epoch()
            if answered:
                assert "/a" in node.photo().nodes
            world.lead_again()
            link = world.learner(1)
            last = int(node.member.service.database.last_zxid)
            follow_to_service(link, 1, last, accepted=promised, current=node.current_epoch())
            world.run_until(node.serves)
            assert node.current_epoch() > promised or promised == 0
            acknowledge(link)
            assert world.write(world.connect(), "/b")[0] >> 32 == node.current_epoch()
            if is_last:
                assert step > 5
                return
    raise AssertionError("the leader does not get to its first commit")


def lead_a_little(world: LeaderWorld, link: Link) -> tuple[int, bool]:
    """The epoch that a follower was told, and whether a client was told of a write."""
    try:
        follow_to_service(link, 1)
        acknowledge(link)
        client = world.try_connect()
        sent = world.post(client, Create("/a"))
        world.run_until(lambda: sent.reply is not None or link.is_over)
    except (AssertionError, ConnectionError):
        return (link.got[0].zxid >> 32 if link.got else 0), False
    return 1, sent.reply is not None
