"""The sync plan: its table, what was observed of Java's leader, and that it makes histories the same."""

import random
from dataclasses import dataclass, field

import pytest

from zkeeper.quorum import sync_plan as plans
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.sync_plan import SyncPlan, plan_sync
from zkeeper.wire.quorum_packets import DIFF, SNAP, TRUNC

E1, E2, E3 = (epoch << 32 for epoch in (1, 2, 3))
# The leader that was observed: epoch 2, all of its history in the committed log.
OBSERVED = [*range(E1 + 1, E1 + 6), *range(E2 + 1, E2 + 5)]
LAST = E2 + 4


def payload(zxid: int) -> bytes:
    return b"%x" % zxid


def log_of(zxids: list[int]) -> CommittedLog:
    log = CommittedLog()
    for zxid in zxids:
        log.add(zxid, payload(zxid))
    return log


def sent(plan: SyncPlan) -> list[int]:
    assert all(data == payload(zxid) for zxid, data in plan.proposals)
    return [zxid for zxid, _ in plan.proposals]


@pytest.mark.parametrize(
    ("peer", "row", "packet", "header", "proposals"),
    [
        (LAST, plans.ROW_SAME, DIFF, LAST, []),
        (E2 + 5, plans.ROW_AHEAD, TRUNC, LAST, []),
        (E2 + 0xFF, plans.ROW_AHEAD, TRUNC, LAST, []),
        (E3 + 1, plans.ROW_AHEAD, TRUNC, LAST, []),
        (E2 + 2, plans.ROW_COMMITTED_LOG, DIFF, LAST, [E2 + 3, E2 + 4]),
        (E2, plans.ROW_COMMITTED_LOG, DIFF, LAST, OBSERVED[5:]),
        (E1 + 5, plans.ROW_COMMITTED_LOG, DIFF, LAST, OBSERVED[5:]),
        (E1 + 4, plans.ROW_COMMITTED_LOG, DIFF, LAST, OBSERVED[4:]),
        (E1 + 6, plans.ROW_COMMITTED_LOG, SNAP, LAST, []),
        (E3, plans.ROW_NOTHING_FITS, SNAP, LAST, []),
        (E1, plans.ROW_HISTORY, SNAP, LAST, []),
        (0, plans.ROW_HISTORY, SNAP, LAST, []),
        (1, plans.ROW_HISTORY, SNAP, LAST, []),
    ],
)
def test_what_was_observed(peer: int, row: int, packet: int, header: int, proposals: list[int]) -> None:
    plan = plan_sync(peer, LAST, log_of(OBSERVED), has_history=True)
    if plan.needs_history():
        assert plan.row == plans.ROW_HISTORY
        plan = plan.without_history()
    assert (plan.row, plan.packet_type, plan.header_zxid, sent(plan)) == (row, packet, header, proposals)
    assert plan.queued_zxid == (
        plan.proposals[-1][0] if plan.proposals else min(peer, LAST) if packet != SNAP else LAST
    )


@pytest.mark.parametrize("peer", [0, E1 + 2, LAST, E3 + 1])
def test_a_snapshot_can_be_forced(peer: int) -> None:
    plan = plan_sync(peer, LAST, log_of(OBSERVED), has_history=True, force_snapshot=True)
    assert (plan.row, plan.packet_type, plan.queued_zxid) == (plans.ROW_FORCED, SNAP, LAST)


def test_without_a_history_what_lies_before_the_log_gets_a_snapshot() -> None:
    plan = plan_sync(E1, LAST, log_of(OBSERVED), has_history=False)
    assert (plan.row, plan.packet_type) == (plans.ROW_NOTHING_FITS, SNAP)


def test_a_leader_that_has_just_begun_has_a_last_zxid_beyond_its_log() -> None:
    log = log_of(OBSERVED)
    same = plan_sync(E3, E3, log, has_history=True)
    assert (same.row, same.packet_type, same.header_zxid, sent(same)) == (plans.ROW_SAME, DIFF, E3, [])
    ended = plan_sync(LAST, E3, log, has_history=True)
    assert (ended.row, ended.packet_type, ended.header_zxid, sent(ended)) == (plans.ROW_COMMITTED_LOG, DIFF, LAST, [])
    assert ended.queued_zxid == LAST
    ahead = plan_sync(E2 + 9, E3, log, has_history=True)
    assert (ahead.row, ahead.packet_type, ahead.header_zxid) == (plans.ROW_AHEAD, TRUNC, LAST)
    crossing = plan_sync(E1 + 6, E3, log, has_history=True)
    assert (crossing.packet_type, crossing.header_zxid, crossing.queued_zxid) == (SNAP, E3, E3)


def test_an_uncommitted_end_within_the_log_is_cut_before_the_log_goes_on() -> None:
    """Such a log has a zxid that the leader has not, with one of its epoch behind it."""
    log = CommittedLog()
    log.add(E1 + 1, payload(E1 + 1))
    log.add(E3 + 5, payload(E3 + 5))
    plan = plan_sync(E3 + 2, E3 + 5, log, has_history=True)
    assert (plan.packet_type, plan.header_zxid, sent(plan), plan.queued_zxid) == (TRUNC, E1 + 1, [E3 + 5], E3 + 5)


# Row 5: the committed log begins at 2_1.

HISTORY_CASES = [
    # The peer, its neighbours in the history of the disk, and what becomes of it.
    (E1 + 3, E1 + 3, E1 + 4, DIFF, LAST),
    (E1 + 5, E1 + 5, E2 + 1, DIFF, LAST),
    (E1 + 6, E1 + 5, E2 + 1, SNAP, LAST),
    (E1, 7, E1 + 1, DIFF, LAST),
    (E2, E1 + 5, E2 + 1, DIFF, LAST),
    (9, 8, E1 + 1, SNAP, LAST),
    (E1 + 2, E1 + 1, E1 + 3, TRUNC, E1 + 1),
]


@pytest.mark.parametrize(("peer", "before", "after", "packet", "header"), HISTORY_CASES)
def test_the_disks_history_joins_the_peer_to_the_log(
    peer: int, before: int, after: int, packet: int, header: int
) -> None:
    plan = plan_sync(peer, LAST, log_of(OBSERVED[5:]), has_history=True)
    assert (plan.row, plan.needs_history(), plan.history_until) == (plans.ROW_HISTORY, True, E2 + 1)
    plan = plan.with_history(before, after)
    assert (plan.row, plan.packet_type, plan.header_zxid, plan.queued_zxid) == (plans.ROW_HISTORY, packet, header, LAST)
    assert sent(plan) == ([] if packet == SNAP else OBSERVED[5:])
    assert plan.history_until == (0 if packet == SNAP else E2 + 1)


def test_an_empty_log_leaves_all_to_the_disks_history() -> None:
    plan = plan_sync(E1 + 3, LAST, log_of([]), has_history=True)
    assert (plan.row, plan.needs_history(), plan.history_until) == (plans.ROW_HISTORY, True, LAST + 1)
    plan = plan.with_history(E1 + 3, E1 + 4)
    assert (plan.packet_type, plan.header_zxid, sent(plan), plan.queued_zxid) == (DIFF, LAST, [], LAST)


@pytest.mark.parametrize(("peer", "row", "packet"), [(LAST, 2, DIFF), (LAST + 1, 3, TRUNC), (E3, 6, SNAP)])
def test_an_empty_log_stands_at_the_last_zxid(peer: int, row: int, packet: int) -> None:
    plan = plan_sync(peer, LAST, log_of([]), has_history=True)
    assert (plan.row, plan.packet_type, plan.header_zxid) == (row, packet, LAST)


@pytest.mark.parametrize("last", [0, E2])
def test_nothing_is_cut_back_to_the_beginning_of_an_epoch(last: int) -> None:
    """Java's leader sends TRUNC, with which Java's learner keeps the first transaction of the epoch."""
    plan = plan_sync(E2 + 1, last, log_of([]), has_history=True)
    assert (plan.row, plan.packet_type, plan.header_zxid, plan.queued_zxid) == (plans.ROW_AHEAD, SNAP, last, last)


# Histories as ensembles make them, and what the plan makes of a member that comes back.


@dataclass(eq=False)
class Member:
    """`last` is the zxid that it announces: of its last transaction, or the beginning of the epoch that it led."""

    log: list[int] = field(default_factory=list)
    epoch: int = 0
    last: int = 0

    def append(self, zxid: int) -> None:
        self.log.append(zxid)
        self.last = zxid


class Ensemble:
    """Three members. Leaders are elected by two of them, propose, and fail; what two have logged is committed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.members = [Member() for _ in range(3)]
        self.committed: list[int] = []
        self.epoch = 0
        self.rows: set[tuple[int, int]] = set()

    def lead(self) -> None:
        """One epoch."""
        self.epoch += 1
        quorum = self.random.sample(self.members, 2)
        leader, follower = sorted(quorum, key=lambda member: (member.epoch, member.last), reverse=True)
        third = next(member for member in self.members if member not in quorum)
        self.sync(leader, follower)
        leader.epoch = follower.epoch = self.epoch
        self.commit(leader.log)
        if self.random.random() < 0.8:
            leader.last = self.epoch << 32
        joins = self.random.random() < 0.6
        followers = [follower]
        for counter in range(1, self.random.choice([1, 1, 4, 9])):
            if joins and third not in followers and self.random.random() < 0.5:
                self.sync(leader, third)
                third.epoch = self.epoch
                followers.append(third)
            self.propose(leader, followers, (self.epoch << 32) + counter)

    def propose(self, leader: Member, followers: list[Member], zxid: int) -> None:
        """Reaches both, or one, or nobody else; who is left out once hears nothing more of this epoch."""
        leader.append(zxid)
        acked = [follower for follower in followers if self.random.random() < 0.9]
        for follower in acked:
            follower.append(zxid)
        followers[:] = acked
        if acked:
            self.commit(leader.log)

    def commit(self, log: list[int]) -> None:
        assert log[: len(self.committed)] == self.committed, "something that was committed is lost"
        self.committed = list(log)

    def sync(self, leader: Member, peer: Member) -> None:
        """All that the leader has is committed, or will be by this."""
        if leader is peer:
            return
        window = leader.log[-self.random.randint(1, 8) :] if self.random.random() < 0.9 else []
        plan = plan_sync(peer.last, leader.last, log_of(window), self.random.random() < 0.7)
        if plan.needs_history():
            plan = self.history(leader, plan)
        self.rows.add((int(plan.row), int(plan.packet_type)))
        self.carry_out(leader, peer, plan)
        assert peer.log == leader.log, plan.row

    def history(self, leader: Member, plan: SyncPlan) -> SyncPlan:
        begins = self.random.randrange(max(1, len(leader.log)))
        on_disk = [zxid for zxid in leader.log[begins:] if zxid < plan.history_until]
        before = [zxid for zxid in on_disk if zxid <= plan.peer_zxid]
        after = [zxid for zxid in on_disk if zxid > plan.peer_zxid]
        if not before:
            return plan.without_history()
        return plan.with_history(before[-1], after[0] if after else int(plan.history_until))

    def carry_out(self, leader: Member, peer: Member, plan: SyncPlan) -> None:
        if plan.packet_type == SNAP:
            peer.log, peer.last = list(leader.log), leader.last
            return
        if plan.packet_type == TRUNC:
            assert plan.header_zxid in peer.log, "a truncation that the peer cannot do"
            peer.log = peer.log[: peer.log.index(int(plan.header_zxid)) + 1]
            peer.last = peer.log[-1]
        for zxid in leader.log:
            if plan.peer_zxid < zxid < plan.history_until:
                peer.append(zxid)
        for zxid in sent(plan):
            peer.append(zxid)
        assert [zxid for zxid in leader.log if zxid > plan.queued_zxid] == []


@pytest.mark.parametrize("first_seed", range(0, 4000, 1000))
def test_whatever_a_member_holds_the_plan_makes_it_a_copy_of_the_leader(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 1000):
        ensemble = Ensemble(seed)
        for _ in range(12):
            ensemble.lead()


def test_the_random_histories_reach_every_row() -> None:
    reached: set[tuple[int, int]] = set()
    for seed in range(400):
        ensemble = Ensemble(seed)
        for _ in range(12):
            ensemble.lead()
        reached |= ensemble.rows
    assert reached >= {
        (plans.ROW_SAME, DIFF), (plans.ROW_AHEAD, TRUNC), (plans.ROW_COMMITTED_LOG, DIFF),
        (plans.ROW_COMMITTED_LOG, SNAP), (plans.ROW_HISTORY, DIFF), (plans.ROW_HISTORY, SNAP),
        (plans.ROW_NOTHING_FITS, SNAP),
    }  # fmt: skip
