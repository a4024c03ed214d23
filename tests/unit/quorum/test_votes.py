"""The order of votes, and when two ballots are the same (quorum, section 4.3)."""

import pytest

from zkeeper.quorum.votes import FOLLOWING, LEADING, LOOKING, NO_SID, Ballot, Vote, agree, is_better

VOTE = Vote(2, 0x100000005, 3, 1)


@pytest.mark.parametrize(
    "better",
    [Vote(1, 0, 0, 2), Vote(1, 0x100000006, 0, 1), Vote(3, 0x100000005, 0, 1)],
    ids=["epoch", "zxid", "sid"],
)
def test_epoch_then_zxid_then_sid(better: Vote) -> None:
    assert is_better(better, VOTE, 1)
    assert not is_better(VOTE, better, 1)


def test_a_vote_is_not_better_than_itself_and_its_round_does_not_matter() -> None:
    assert not is_better(VOTE, VOTE, 1)
    assert not is_better(VOTE.in_round(9), VOTE, 1)


def test_what_has_no_weight_never_wins() -> None:
    assert not is_better(Vote(3, 0, 0, 9), VOTE, 0)
    assert is_better(VOTE, Vote(3, 0, 0, 0), 1)


def test_anything_is_better_than_the_vote_of_an_observer() -> None:
    assert is_better(Vote(1, 0, 0, 0), Vote(NO_SID, NO_SID, 0, NO_SID), 1)


@pytest.mark.parametrize("other_state", [LOOKING, FOLLOWING, LEADING])
def test_with_a_looking_vote_all_of_it_matters(other_state: int) -> None:
    ballot = Ballot(VOTE, LOOKING, 2)
    assert agree(ballot, Ballot(Vote(2, 0x100000005, 3, 1), other_state, 2))
    differing = [Vote(1, 0x100000005, 3, 1), Vote(2, 0, 3, 1), Vote(2, 0x100000005, 4, 1), Vote(2, 0x100000005, 3, 2)]
    for vote in differing:
        assert not agree(ballot, Ballot(vote, other_state, 2))
        assert not agree(Ballot(vote, other_state, 2), ballot)


def test_among_those_with_a_leader_leader_and_epoch_matter() -> None:
    ballot = Ballot(VOTE, FOLLOWING, 2)
    assert agree(ballot, Ballot(Vote(2, 7, 9, 1), LEADING, 2))
    assert not agree(ballot, Ballot(Vote(2, 7, 9, 2), LEADING, 2))
    assert not agree(ballot, Ballot(Vote(3, 7, 9, 1), LEADING, 2))


def test_a_server_that_knows_no_versions_agrees_on_the_leader_alone() -> None:
    other_epoch = Vote(2, 7, 9, 5)
    assert agree(Ballot(VOTE, FOLLOWING, 2), Ballot(other_epoch, LEADING, 0))
    assert agree(Ballot(VOTE, FOLLOWING, 0), Ballot(other_epoch, LEADING, 1))
    assert not agree(Ballot(VOTE, FOLLOWING, 0), Ballot(other_epoch, LEADING, 0))
    assert not agree(Ballot(VOTE, FOLLOWING, 0), Ballot(Vote(3, 7, 9, 5), LEADING, 2))


def test_votes_are_values() -> None:
    assert Vote(2, 0x100000005, 3, 1) == VOTE
    assert hash(Vote(2, 0x100000005, 3, 1)) == hash(VOTE)
    assert VOTE.in_round(4) != VOTE
    assert VOTE.text() == "2 (epoch 1, zxid 0x100000005)"
    assert Vote(NO_SID, NO_SID, 0, NO_SID).text() == "nobody (epoch none, zxid none)"
