"""Elections over the simulated network: they end with one leader, whatever went wrong before."""

import pytest

from zkeeper.quorum.membership import Membership
from zkeeper.quorum.votes import FOLLOWING, LEADING, LOOKING, OBSERVING, Vote

from .election_run import election_run
from .election_world import ElectionWorld, Member, text_of


@pytest.mark.parametrize("size", [3, 5])
def test_all_start_and_the_greatest_sid_leads(size: int) -> None:
    with ElectionWorld("start", range(1, size + 1)) as world:
        world.start_all()
        assert world.settle() == size
        # One round, and little more than the 200 ms in which nothing better may come.
        assert world.time() < 0.5
        assert {decision.vote.round_ for member in world.members.values() for decision in member.decisions} == {1}


def test_the_longest_history_leads() -> None:
    with ElectionWorld("history", range(1, 6)) as world:
        world.members[2].zxid, world.members[2].epoch = 0x100000007, 1
        world.members[4].zxid, world.members[4].epoch = 0x100000006, 1
        world.members[5].zxid = 0x900000000
        world.start_all()
        assert world.settle() == 2


def test_one_that_comes_later_joins() -> None:
    with ElectionWorld("later", [1, 2, 3]) as world:
        world.members[1].start()
        world.members[2].start()
        assert world.settle() == 2
        world.run_for(30)
        world.members[3].start()
        begun_s = world.time()
        assert world.settle() == 2
        assert world.time() - begun_s < 0.5
        assert world.members[2].seen_looking == [3]
        assert world.members[3].election.vote.peer_epoch == 1


def test_alone_nobody_is_elected_and_help_is_noticed() -> None:
    with ElectionWorld("alone", [1, 2, 3]) as world:
        world.members[1].start()
        world.run_for(600)
        assert world.members[1].state == LOOKING
        world.members[3].start()
        begun_s = world.time()
        assert world.settle() == 3
        assert world.time() - begun_s < 0.5


@pytest.mark.parametrize("silent", [False, True])
def test_the_leader_dies_and_comes_back(silent: bool) -> None:
    with ElectionWorld("death", [1, 2, 3]) as world:
        world.start_all()
        assert world.settle() == 3
        world.run_for(5)
        world.members[3].machine.kill(silent=silent)
        begun_s = world.time()
        assert world.settle() == 2
        assert world.time() - begun_s < 2.0
        world.run_for(5)
        world.members[3].start()
        assert world.settle() == 2
        assert {member.election.vote.peer_epoch for member in world.members.values()} == {2}


def test_a_leader_that_is_cut_off_follows_afterwards() -> None:
    with ElectionWorld("cut off", range(1, 6)) as world:
        world.start_all()
        assert world.settle() == 5
        others = [world.members[sid].machine for sid in range(1, 5)]
        world.partition(world.members[5].machine, others)
        world.run_until(lambda: world.members[4].is_leading())
        world.run_for(100)
        assert world.members[5].state == LOOKING
        world.heal()
        assert world.settle(120) == 4


def test_observers_follow_and_do_not_vote() -> None:
    with ElectionWorld("observers", [1, 2, 3], [8, 9]) as world:
        world.members[9].zxid, world.members[9].epoch = 0x900000000, 9
        world.members[8].start()
        world.members[9].start()
        world.members[1].start()
        world.run_for(10)
        assert {world.members[sid].state for sid in (1, 8, 9)} == {LOOKING}
        world.members[2].start()
        assert world.settle() == 2
        assert [world.members[sid].state for sid in (1, 2, 8, 9)] == [FOLLOWING, LEADING, OBSERVING, OBSERVING]
        assert world.members[2].decisions[-1].voters == {1, 2}


def test_an_observer_does_not_go_back_to_a_leader_that_is_gone() -> None:
    """It looks for a leader at the same time as the voters, who followed the one that is gone until then."""
    with ElectionWorld("observer of one that is gone", [1, 2, 3], [9]) as world:
        world.start_all()
        assert world.settle() == 3
        world.partition(world.members[3].machine, [world.members[sid].machine for sid in (1, 2, 9)])
        world.run_until(lambda: world.members[9].follows(world.members[2]))
        world.run_for(1)
        assert [one.vote.leader for one in world.members[9].decisions] == [3, 2]


def test_a_joiner_learns_the_membership_and_follows() -> None:
    """It starts with a membership of itself and some others, which none of them has."""
    with ElectionWorld("joiner", [1, 2, 3]) as world:
        world.start_all()
        world.settle()
        joiner = Member(world, 4, Membership.parse(text_of([1, 2, 4], version=0)))
        joiner.start()
        world.run_until(lambda: joiner.state == FOLLOWING)
        assert joiner.membership.version == 1
        assert joiner.leader is world.members[3]


def test_a_server_that_has_missed_a_membership_takes_it_before_it_votes() -> None:
    with ElectionWorld("missed", [1, 2, 3, 4, 5]) as world:
        newer = Membership.parse(text_of([1, 2, 3], [4], version=0x100000009))
        for sid in (1, 2, 3, 5):
            world.members[sid].membership = newer
        world.members[4].zxid, world.members[4].epoch = 0x200000000, 2
        del world.members[5]
        world.start_all()
        assert world.settle() == 3
        assert world.members[4].membership == newer
        assert world.members[4].state == OBSERVING


def test_a_role_that_no_election_gave_is_told() -> None:
    with ElectionWorld("role", [1, 2, 3]) as world:
        world.start_all()
        world.settle()
        world.members[3].machine.kill()
        world.run_until(lambda: world.members[2].is_leading())
        for sid in (1, 2):
            state = LEADING if sid == 1 else FOLLOWING
            world.members[sid].election.set_role(state, Vote(1, 7, 3, 2))
        world.members[3].start()
        assert world.settle() == 1
        assert world.members[3].election.vote.round_ == 3


def test_the_log_tells_the_election(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "zkeeper.election")
    with ElectionWorld("log", [1, 2, 3]) as world:
        world.members[1].start()
        world.members[2].start()
        world.settle()
    told = [record.message for record in caplog.records]
    assert "election round 1 begins: this server votes for 1 (epoch 0, zxid 0x0)" in told
    assert "the vote of server 2 is better: this server votes for 2 (epoch 0, zxid 0x0)" in told
    decided = "election round 1 is decided: 2 (epoch 0, zxid 0x0) leads by the votes of 1, 2; this server is"
    assert f"{decided} FOLLOWING" in told
    assert f"{decided} LEADING" in told
    assert len(told) < 20


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("seed", range(30))
def test_whatever_goes_wrong_they_agree_afterwards(size: int, seed: int) -> None:
    election_run(seed, size)


def test_a_seed_gives_the_same_run() -> None:
    assert election_run(7, 3) == election_run(7, 3)
