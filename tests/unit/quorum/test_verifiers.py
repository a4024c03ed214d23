"""Which sets of servers are a quorum (quorum, section 2.5)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.quorum.verifiers import HierarchicalVerifier, MajorityVerifier, Oracle, Verifier


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_a_majority_is_more_than_half(count: int, needed: int) -> None:
    verifier = MajorityVerifier(frozenset(range(1, count + 1)))
    assert verifier.contains_quorum(set(range(1, needed + 1)))
    assert not verifier.contains_quorum(set(range(1, needed)))


def test_only_participants_count_and_weigh() -> None:
    verifier = MajorityVerifier(frozenset({1, 2, 3}))
    assert not verifier.contains_quorum({1, 7, 8, 9})
    assert (verifier.weight(1), verifier.weight(7)) == (1, 0)


def test_nobody_has_no_quorum() -> None:
    assert not MajorityVerifier(frozenset()).contains_quorum({1})
    assert not HierarchicalVerifier({}, {}).contains_quorum({1})


def test_most_of_the_groups_have_to_be_won() -> None:
    verifier = HierarchicalVerifier({1: {1, 2, 3}, 2: {4, 5, 6}, 3: {7, 8, 9}}, {})
    assert verifier.contains_quorum({1, 2, 4, 5})
    assert not verifier.contains_quorum({1, 2, 4, 7})
    assert not verifier.contains_quorum({1, 2, 3})
    assert verifier.weight(9) == 1
    assert verifier.weight(10) == 0


def test_weights_count_within_a_group() -> None:
    verifier = HierarchicalVerifier({1: {1, 2, 3}}, {1: 3, 2: 1, 3: 1})
    assert verifier.contains_quorum({1})
    assert not verifier.contains_quorum({2, 3})
    assert verifier.weight(1) == 3


def test_half_of_the_weight_is_not_enough() -> None:
    verifier = HierarchicalVerifier({1: {1, 2}}, {1: 2, 2: 2})
    assert not verifier.contains_quorum({1})
    assert verifier.contains_quorum({1, 2})


def test_a_group_without_weight_does_not_count() -> None:
    groups = {1: {1, 2, 3}, 2: {4, 5}, 3: {6}}
    verifier = HierarchicalVerifier(groups, {4: 0, 5: 0})
    # Two groups count, so both have to be won.
    assert verifier.contains_quorum({1, 2, 6})
    assert not verifier.contains_quorum({1, 2, 4, 5})
    assert verifier.weight(4) == 0
    without_weight = HierarchicalVerifier({1: {1}}, {1: 0})
    assert not without_weight.contains_quorum({1})


VERIFIERS = st.one_of(
    st.frozensets(st.integers(1, 6), max_size=6).map(MajorityVerifier),
    st.builds(
        lambda groups, weights: HierarchicalVerifier(
            {group: {sid for sid in groups if groups[sid] == group} for group in set(groups.values())}, weights
        ),
        st.dictionaries(st.integers(1, 6), st.integers(1, 3)),
        st.dictionaries(st.integers(1, 6), st.integers(0, 3)),
    ),
)


@given(VERIFIERS)
def test_two_quorums_always_meet(verifier: Verifier) -> None:
    members = sorted(verifier.participants)
    subsets = [set(chosen) for size in range(len(members) + 1) for chosen in itertools.combinations(members, size)]
    quorums = [subset for subset in subsets if verifier.contains_quorum(subset)]
    assert all(one & other for one, other in itertools.combinations_with_replacement(quorums, 2))
    for quorum in quorums:
        assert verifier.contains_quorum(quorum | set(members))


def test_the_oracle_is_asked_among_two() -> None:
    answers = [True]
    oracle, two = Oracle(lambda: answers[0]), MajorityVerifier({1, 2})
    others = (MajorityVerifier({1, 2, 3}), MajorityVerifier({1}), HierarchicalVerifier({1: {1}, 2: {2}}, {}))
    assert oracle.grants(two)
    assert not any(oracle.grants(other) for other in others)
    answers[0] = False
    assert not oracle.grants(two)
