"""The committed and the last seen membership, and what follows from a reconfig that was committed."""

import pytest
from membership_support import member, voters

from zkeeper.quorum.membership import ClientAddress, Member, MemberAddress, Membership
from zkeeper.quorum.memberships import Activation, Memberships, process_reconfig


class Files:
    """What was to be made durable."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def write_next(self, membership: Membership) -> None:
        self.told.append(f"next {membership.version}")

    def activate(self, membership: Membership) -> None:
        self.told.append(f"activate {membership.version}")

    def remove_next(self) -> None:
        self.told.append("remove")


def kept(committed: Membership, last_seen: Membership | None = None, enabled: bool = True) -> tuple[Memberships, Files]:
    files = Files()
    return Memberships(committed, last_seen or committed, enabled, files), files


OLD, NEW = voters(1, 2, 3, version=5), voters(2, 3, 4, 5, 6, version=7)


def test_a_proposed_membership_needs_both_quorums_until_it_is_committed() -> None:
    memberships, files = kept(OLD)
    assert memberships.set_last_seen(NEW)
    assert memberships.is_pending
    assert memberships.voters() == {1, 2, 3, 4, 5, 6}
    assert [each.sid for each in memberships.newcomers()] == [4, 5, 6]
    assert not memberships.has_quorum({1, 2})
    assert not memberships.has_quorum({4, 5, 6})
    assert memberships.has_quorum({2, 3, 4})
    assert memberships.set_committed(NEW)
    assert not memberships.is_pending
    assert memberships.has_quorum({4, 5, 6})
    assert memberships.voters() == NEW.participants
    assert files.told == ["next 7", "activate 7", "remove"]


def test_strangers_do_not_count() -> None:
    assert not kept(OLD)[0].has_quorum({1, 7, 8, 9})


@pytest.mark.parametrize(
    ("version", "is_taken", "told"), [(4, False, []), (7, False, []), (6, True, ["next 6"]), (9, True, ["next 9"])]
)
def test_last_seen(version: int, is_taken: bool, told: list[str]) -> None:
    memberships, files = kept(OLD, NEW)
    seen = voters(1, 2, version=version)
    assert memberships.set_last_seen(seen) is is_taken
    assert memberships.last_seen == (seen if is_taken else NEW)
    assert files.told == told


def test_a_proposal_that_was_lost_with_its_leader_is_given_up() -> None:
    memberships, files = kept(OLD, NEW)
    assert memberships.set_last_seen(OLD)
    assert not memberships.is_pending
    assert files.told == ["remove"]


def test_without_reconfig_nothing_is_seen() -> None:
    memberships, files = kept(OLD, enabled=False)
    assert not memberships.set_last_seen(NEW)
    assert (memberships.last_seen, files.told) == (OLD, [])


@pytest.mark.parametrize("version", [4, 5])
def test_a_committed_membership_is_taken_only_if_it_is_newer(version: int) -> None:
    memberships, files = kept(OLD)
    assert not memberships.set_committed(voters(1, version=version))
    assert (memberships.committed, files.told) == (OLD, [])


def test_a_newer_one_stays_pending_when_an_older_one_is_committed() -> None:
    memberships, files = kept(OLD, NEW)
    assert memberships.set_committed(voters(1, 2, version=6))
    assert (memberships.committed.version, memberships.last_seen.version) == (6, 7)
    assert files.told == ["activate 6"]


def test_a_last_seen_one_that_is_not_newer_is_the_committed_one() -> None:
    memberships, _ = kept(NEW, OLD)
    assert memberships.last_seen is memberships.committed


@pytest.mark.parametrize(
    ("committed", "seen", "enabled", "is_renumbered"),
    [(0, 0, True, True), (0, 0, False, False), (5, 5, True, False), (0, 5, True, False)],
)
def test_the_first_leader_numbers_memberships(committed: int, seen: int, enabled: bool, is_renumbered: bool) -> None:
    memberships, files = kept(voters(1, 2, version=committed), voters(1, 2, version=seen), enabled)
    assert memberships.renumber(1 << 32) is is_renumbered
    assert memberships.last_seen.version == (1 << 32 if is_renumbered else seen)
    assert files.told == ([f"next {1 << 32}"] if is_renumbered else [])


def of(*members: Member, version: int = 7) -> Membership:
    return Membership({each.sid: each for each in members}, version=version)


def outcome(new: Membership, designated: int | None = None, *, me: int = 1, leader: int = 2) -> Activation:
    return process_reconfig(kept(OLD)[0], new, me, me in OLD.observers, leader, designated)


MOVED = Member(2, (MemberAddress("elsewhere", 2888, 3888),))
WATCHING = member(1, is_observer=True)


@pytest.mark.parametrize(
    ("new", "designated", "is_major", "skips_election", "leader"),
    [
        (of(member(1), member(2), member(3), member(4)), None, False, False, 2),
        (of(member(1), member(2), member(3), member(4)), 2, False, False, 2),
        (of(member(1), member(3), member(4)), 3, True, True, 3),
        (of(member(1), member(3), member(4)), None, True, False, 2),
        (of(member(1), member(2, is_observer=True), member(3)), None, True, False, 2),
        (of(member(1), MOVED, member(3)), None, True, False, 2),
        (of(member(1), member(2), member(3, port=5)), None, False, False, 2),
        (of(WATCHING, member(2), member(3)), 2, True, True, 2),
        (of(WATCHING, member(2), member(3)), None, True, False, 2),
        (of(member(2), member(3)), 2, False, False, 2),
    ],
)
def test_what_follows(
    new: Membership, designated: int | None, is_major: bool, skips_election: bool, leader: int
) -> None:
    found = outcome(new, designated)
    assert (found.is_taken, found.is_other, found.is_major_change) == (True, True, is_major)
    assert (found.skips_election, found.leader) == (skips_election, leader)
    assert found.is_observer is (1 in new.observers)


def test_an_observer_that_is_removed_becomes_a_follower_without_a_vote() -> None:
    memberships, _ = kept(of(member(1, is_observer=True), member(2), member(3), version=5))
    found = process_reconfig(memberships, of(member(2), member(3)), 1, True, 2, 2)
    assert (found.is_observer, found.is_major_change, found.skips_election) == (False, True, True)


def test_nothing_follows_from_a_version_alone() -> None:
    found = outcome(OLD.with_version(9), 3)
    assert (found.is_taken, found.is_other, found.is_major_change) == (True, False, False)


def test_nothing_follows_from_what_is_known_or_without_reconfig() -> None:
    assert not outcome(OLD).is_taken
    memberships, files = kept(OLD, enabled=False)
    assert not process_reconfig(memberships, NEW, 1, False, 2, 3).is_taken
    assert (memberships.committed, files.told) == (OLD, [])


def test_a_new_client_address_is_told() -> None:
    moved = Member(1, member(1).addresses, False, ClientAddress("0.0.0.0", 99))
    assert outcome(of(moved, member(2), member(3))).client == ClientAddress("0.0.0.0", 99)
    assert outcome(of(member(1), member(2), member(4))).client is None
    assert outcome(of(Member(1, member(1).addresses), member(2), member(3))).client is None
