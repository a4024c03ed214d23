"""What is committed follows from who has logged how far (quorum, section 9.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.quorum.acks import NOBODY, Acks
from zkeeper.quorum.verifiers import HierarchicalVerifier, MajorityVerifier, Verifier

E1 = 1 << 32


def majority(*sids: int) -> list[Verifier]:
    return [MajorityVerifier(set(sids))]


def committed(acks: Acks) -> list[int]:
    """The counters at which `advance` stops."""
    stops = []
    while acks.advance():
        stops.append(acks.committed_zxid - E1)
    return stops


def test_a_quorum_commits() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    acks.ack(1, E1 + 1)
    assert committed(acks) == []
    acks.ack(3, E1 + 1)
    assert committed(acks) == [1]


def test_one_of_two_is_enough_while_it_may_go_on_alone() -> None:
    acks = Acks(E1, majority(1, 2))
    acks.ack(1, E1 + 2)
    assert committed(acks) == []
    acks.alone = 1
    assert committed(acks) == [2]
    acks.ack(2, E1 + 3)
    assert committed(acks) == [], "what the own log holds counts"
    acks.ack(1, E1 + 3)
    acks.alone = NOBODY
    assert committed(acks) == [3]


@pytest.mark.parametrize("verifiers", [majority(1, 2, 3), [*majority(1, 2), *majority(1, 2, 3)], majority(2, 3)])
def test_nobody_goes_on_alone_among_others_than_two(verifiers: list[Verifier]) -> None:
    acks = Acks(E1, verifiers)
    acks.alone = 1
    acks.ack(1, E1 + 1)
    assert committed(acks) == []


def test_an_ack_stands_for_all_before_it() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    acks.ack(1, E1 + 5)
    acks.ack(2, E1 + 3)
    assert committed(acks) == [3]
    acks.ack(3, E1 + 9)
    assert committed(acks) == [5]


def test_an_earlier_ack_takes_nothing_back() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    acks.ack(1, E1 + 5)
    acks.ack(1, E1 + 2)
    acks.ack(2, E1 + 5)
    assert committed(acks) == [5]
    acks.ack(2, E1 + 1)
    assert committed(acks) == []


def test_what_is_withdrawn_has_to_be_acknowledged_again() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    acks.ack(2, E1 + 5)
    acks.withdraw(2, E1 + 2)
    acks.withdraw(2, E1 + 4)
    acks.withdraw(3, E1 + 4)
    acks.ack(1, E1 + 5)
    assert committed(acks) == [2]
    assert acks.acked_by(E1 + 3) == [1]
    acks.ack(2, E1 + 5)
    assert committed(acks) == [5]


def test_one_server_counts_once() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    for _ in range(3):
        acks.ack(1, E1 + 1)
    assert committed(acks) == []


def test_servers_without_a_vote_are_remembered_and_do_not_count() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    acks.ack(1, E1 + 1)
    acks.ack(7, E1 + 1)
    acks.ack(8, E1 + 1)
    assert committed(acks) == []
    assert acks.acked_by(E1 + 1) == [1, 7, 8]


def test_a_single_server_is_its_own_quorum() -> None:
    acks = Acks(E1, majority(1))
    acks.ack(1, E1 + 4)
    assert committed(acks) == [4]


def test_groups_and_weights() -> None:
    acks = Acks(E1, [HierarchicalVerifier({1: {1, 2, 3}, 2: {4, 5, 6}, 3: {7, 8, 9}}, {})])
    for sid in (1, 2, 4):
        acks.ack(sid, E1 + 1)
    assert committed(acks) == []
    acks.ack(5, E1 + 1)
    assert committed(acks) == [1]


# Changes of membership.


def test_a_change_needs_the_old_and_the_new_quorum_and_is_stopped_at() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    acks.begin_span(E1 + 3, majority(1, 2, 3) + majority(3, 4, 5))
    for sid in (1, 2):
        acks.ack(sid, E1 + 6)
    assert committed(acks) == [2], "what comes before the change does not wait for the new quorum"
    acks.ack(3, E1 + 2)
    assert committed(acks) == []
    acks.ack(3, E1 + 6)
    acks.ack(4, E1 + 5)
    assert committed(acks) == [3, 5]


def test_what_comes_after_a_change_that_was_committed_needs_the_new_quorum_only() -> None:
    acks = Acks(E1, majority(1, 2, 3))
    acks.begin_span(E1 + 1, majority(1, 2, 3) + majority(3, 4, 5))
    for sid in (1, 3, 4):
        acks.ack(sid, E1 + 1)
    assert committed(acks) == [1]
    acks.begin_span(E1 + 2, majority(3, 4, 5))
    for sid in (1, 2):
        acks.ack(sid, E1 + 2)
    assert committed(acks) == []
    acks.ack(4, E1 + 2)
    acks.ack(5, E1 + 2)
    assert 2 in committed(acks)


# Against the definition.


class Model:
    """`committed` is what the definition says: the highest zxid that a quorum has, once it is known."""

    def __init__(self, voters: int) -> None:
        self.acked = dict.fromkeys(range(voters), 0)

    def committed(self) -> int:
        ordered = sorted(self.acked.values(), reverse=True)
        return ordered[len(ordered) // 2]


@given(st.integers(1, 7), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), max_size=60))
def test_the_committed_zxid_is_that_of_a_majority(voters: int, said: list[tuple[int, int]]) -> None:
    acks, model = Acks(E1, majority(*range(voters))), Model(voters)
    for sid, counter in said:
        acks.ack(sid, E1 + counter)
        before = acks.committed_zxid
        while acks.advance():
            assert acks.committed_zxid > before
            before = acks.committed_zxid
        if sid in model.acked:
            model.acked[sid] = max(model.acked[sid], counter)
        assert acks.committed_zxid - E1 == model.committed()
