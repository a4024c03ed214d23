"""Each row of the plan of a synchronisation, each fallback and each way out of trouble is reached: by a scenario of its
own, or by ensembles under faults.
"""

from collections.abc import Callable
from functools import partial

import pytest
from raw_jute import i32

from zkeeper.quorum import marks
from zkeeper.server.config.ensemble import LearnersConfig
from zkeeper.server.config.model import StorageConfig

from ..node import DATA_DIR  # noqa: TID252  the package has one name in pytest and another as a program
from ..pitfalls import test_of_leaders as leaders  # noqa: TID252  as above
from ..requests import Create  # noqa: TID252  as above
from ..roles.leader_world import LeaderWorld, discover  # noqa: TID252  as above
from ..roles.learner_world import LearnerWorld, made  # noqa: TID252  as above
from ..roles.packets import (  # noqa: TID252  as above
    ACK,
    ACK_EPOCH,
    COMMIT,
    DIFF,
    SNAP,
    TRUNC,
    Packet,
    create_txn,
    epoch,
    image,
)
from ..roles.peers import Link, follow_to_service, introduce, send_image  # noqa: TID252  as above

E1, E2, E3 = epoch(1), epoch(2), epoch(3)
FROM_DISK = LearnersConfig(max_committed_txns=2, snapshot_size_factor=0.0)
"""Next to nothing is in memory, and whatever the logs have may be sent."""
FROM_MEMORY = LearnersConfig(max_committed_txns=2, snapshot_size_factor=-1.0)
SMALL_LOGS = StorageConfig(data_dir=DATA_DIR, pre_alloc_size_kb=0, txn_log_size_limit_kb=1)
LATE_EPOCH = {zxid: create_txn(zxid, f"/n{zxid:x}") for zxid in (E1 + 1, E1 + 2, E2 + 3, E2 + 4)}
"""A history in which an epoch begins late, as no server of ours or Java's writes it: it is believed all the same."""


def leading(zxid: int, expected: Packet, learners: LearnersConfig | None = None, count: int = 6) -> None:
    """A leader of epoch 1 with so many transactions, and a learner that says that it stands at `zxid`."""
    with LeaderWorld(learners=learners, storage=SMALL_LOGS) as world:
        world.serve()
        if count:
            client = world.connect()
            for number in range(1, count):
                assert world.call(client, Create(f"/n{number}", bytes(300))).zxid == E1 + 1 + number
        assert discover(world.learner(2), 2, zxid) == expected


def leading_after(zxid: int, expected: Packet) -> None:
    """A leader of epoch 3 with `LATE_EPOCH`."""
    with LeaderWorld() as world:
        world.begin_with(LATE_EPOCH)
        world.start()
        follow_to_service(world.learner(1), 1, E2 + 4, accepted=2, current=2)
        assert discover(world.learner(2), 2, zxid) == expected


def leading_one_that_is_ahead() -> None:
    with LeaderWorld() as world:
        world.start()
        link = world.learner(1)
        introduce(link, 1)
        link.send(ACK_EPOCH, E1 + 1, i32(0))
        link.wait_over()


def leading_nobody() -> None:
    with LeaderWorld() as world:
        world.serve().close()
        world.run_until(world.node.is_looking)


def following(play: Callable[[LearnerWorld, Link], object]) -> None:
    """A follower that has served in epoch 1, and has one transaction, comes to a leader of epoch 2, which does that."""
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        link = world.rejoin(link)
        world.lead_in(link, 2)
        play(world, link)
        assert world.node.failure is None


def cut_back_too_far(world: LearnerWorld, link: Link) -> None:
    link.send(TRUNC, 5)
    link.wait_over()
    link = world.leader.next_learner()
    assert world.lead_in(link, 3).zxid == 0
    link.send(DIFF, 1)
    link.propose(1, create_txn(1, "/e0-1"), commit=True)
    world.new_leader(link, 3)
    world.up_to_date(link, 3)
    assert world.paths() == {"/e0-1"}


def leave_a_hole(world: LearnerWorld, link: Link) -> None:
    link.send(DIFF, E1 + 3)
    link.propose(E1 + 3, made(E1 + 3), commit=True)
    link.wait_over()


def commit_the_second(world: LearnerWorld, link: Link) -> None:
    link.send(DIFF, E1 + 3)
    for zxid in (E1 + 2, E1 + 3):
        link.propose(zxid, made(zxid))
    link.send(COMMIT, E1 + 3)
    link.wait_over()


def send_again(world: LearnerWorld, link: Link) -> None:
    link.send(DIFF, E1 + 2)
    for zxid in (E1 + 1, E1 + 2):
        link.propose(zxid, made(zxid), commit=True)
    world.new_leader(link, 2)
    assert world.node.logged() == [E1 + 1, E1 + 2]


def leave_before_the_commit(world: LearnerWorld, link: Link) -> None:
    link.send(DIFF, E1 + 1)
    world.new_leader(link, 2)
    world.up_to_date(link, 2)
    link.propose(E2 + 1, made(E2 + 1))
    link.wait_for(ACK, E2 + 1)
    assert world.lead_in(world.rejoin(link), 3).zxid == E2 + 1


def leave_within_an_image(world: LearnerWorld, link: Link) -> None:
    send_image(link, E2 + 1, image({"/e2-1": b""}, E2 + 1))
    world.run_for(0.1)
    assert world.lead_in(world.rejoin(link), 3).zxid == E1 + 1
    assert world.paths() == {"/e1-1"}


SCENARIOS: dict[str, Callable[[], None]] = {
    "sync-plan.1.snap": partial(leading, E1 + 6, Packet(SNAP, E1 + 6), LearnersConfig(is_snapshot_sync_forced=True)),
    "sync-plan.2.diff": partial(leading, E1 + 6, Packet(DIFF, E1 + 6)),
    "sync-plan.3.trunc": partial(leading, E1 + 9, Packet(TRUNC, E1 + 6)),
    "sync-plan.3.snap": partial(leading, E1 + 5, Packet(SNAP, E1), count=0),
    "sync-plan.4.diff": partial(leading, E1 + 2, Packet(DIFF, E1 + 6)),
    "sync-plan.4.trunc": partial(leading_after, E2 + 1, Packet(TRUNC, E1 + 2)),
    "sync-plan.4.snap": partial(leading_after, E1 + 9, Packet(SNAP, E3)),
    "sync-plan.5.diff": partial(leading, E1 + 2, Packet(DIFF, E1 + 6), FROM_DISK),
    "sync-plan.5.snap": partial(leading, E1 + 2, Packet(SNAP, E1 + 6), LearnersConfig(max_committed_txns=2)),
    "sync-plan.6.snap": partial(leading, E1 + 2, Packet(SNAP, E1 + 6), FROM_MEMORY),
    "leader.learner-is-ahead": leading_one_that_is_ahead,
    "leader.makes-way": leaders.test_own_a_leader_makes_way_for_the_epoch_after_one_that_a_voter_has_accepted,
    "leader.no-quorum": leading_nobody,
    "learner.cannot-cut-back": partial(following, cut_back_too_far),
    "learner.asks-for-everything": partial(following, cut_back_too_far),
    "learner.hole": partial(following, leave_a_hole),
    "learner.wrong-commit": partial(following, commit_the_second),
    "learner.sent-again": partial(following, send_again),
    "member.fast-forward": partial(following, leave_before_the_commit),
    "member.reload": partial(following, leave_within_an_image),
}


@pytest.mark.parametrize("mark", marks.MARKS)
def test_each_mark_is_reached_by_a_scenario(mark: str) -> None:
    marks.start_counting()
    SCENARIOS[mark]()
    assert mark in marks.stop_counting()
