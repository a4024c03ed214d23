"""What a reconfig request makes of the membership, each refusal, and the choice of the next leader."""

import pytest
from membership_support import member, voters

from zkeeper import errors
from zkeeper.quorum.membership import Member, MemberAddress, Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.reconfiguration import ReconfigArguments, check_enabled, designated_leader, new_membership


class NoFiles:
    def write_next(self, membership: Membership) -> None: ...
    def activate(self, membership: Membership) -> None: ...
    def remove_next(self) -> None: ...


CURRENT = Membership.parse(
    "server.1=10.0.0.1:22131:22121;22141\nserver.2=10.0.0.2:22132:22122;22142\n"
    "server.3=10.0.0.3:22133:22123;10.0.0.9:22143\nversion=100000000"
)
FOUR = "server.4=127.0.0.1:22134:22124:observer;127.0.0.1:22144"
EVERYBODY = frozenset(range(1, 9))
ZXID = 0x100000002


def kept(committed: Membership = CURRENT, last_seen: Membership | None = None) -> Memberships:
    return Memberships(committed, last_seen or committed, True, NoFiles())


def reconfig(
    arguments: ReconfigArguments,
    memberships: Memberships | None = None,
    *,
    synced: frozenset[int] = EVERYBODY,
    least: int = 2,
    several: bool = False,
) -> Membership:
    return new_membership(memberships or kept(), arguments, ZXID, synced, least, several)


def test_an_observer_joins() -> None:
    """The request of appendix D."""
    new = reconfig(ReconfigArguments(joining=FOUR))
    assert new.text().splitlines()[-2:] == [FOUR, "version=100000002"]
    assert (new.participants, new.observers) == ({1, 2, 3}, {4})


def test_a_joiner_takes_the_place_of_a_member() -> None:
    new = reconfig(ReconfigArguments(joining=" server.3 = 10.0.0.3:1:2;3 ,server.5=10.0.0.5:1:2;3"))
    assert new.members[3].text() == "10.0.0.3:1:2:participant;0.0.0.0:3"
    assert new.participants == {1, 2, 3, 5}


def test_a_member_may_keep_its_address_and_change_its_role() -> None:
    new = reconfig(ReconfigArguments(joining="server.3=10.0.0.3:22133:22123:observer;10.0.0.9:22143"))
    assert (new.participants, new.observers) == ({1, 2}, {3})


def test_members_leave() -> None:
    new = reconfig(ReconfigArguments(leaving="3, 8"))
    assert new.participants == {1, 2}
    assert CURRENT.participants == {1, 2, 3}


def test_an_address_can_be_taken_over_from_one_that_leaves() -> None:
    new = reconfig(ReconfigArguments(joining="server.4=10.0.0.3:22133:22123;22143", leaving="3"))
    assert new.participants == {1, 2, 4}


def test_a_whole_membership() -> None:
    text = "server.1=a:1:2;3,server.2=b:1:2;3\nserver.3=c:1:2;3,group.1=1:2:3,weight.1=2,version=5"
    new = reconfig(ReconfigArguments(new_members=text))
    assert new.is_hierarchical
    assert (new.weights, new.version) == ({1: 2, 2: 1, 3: 1}, ZXID)


def test_a_whole_membership_replaces_a_hierarchy() -> None:
    hierarchy = Membership.parse("server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1:2")
    assert not reconfig(ReconfigArguments(new_members="server.1=a:1:2,server.2=b:1:2"), kept(hierarchy)).is_hierarchical


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (ReconfigArguments(joining="server.4"), "Wrong format of server string"),
        (ReconfigArguments(joining="4=10.0.0.4:1:2;3"), "Wrong format of server string"),
        (ReconfigArguments(joining="server.x=10.0.0.4:1:2;3"), 'For input string: "x"'),
        (ReconfigArguments(joining="server.4=10.0.0.4:1:2"), "each server should have 3 ports specified"),
        (ReconfigArguments(joining="server.4=10.0.0.4:1:1;3"), "Client and election port must be different!"),
        (ReconfigArguments(joining="server.4=10.0.0.4:1;3"), "does not have the form"),
        (ReconfigArguments(joining="server.4=a:1:2|b:1:2;3"), "Multiple address feature is disabled"),
        (
            ReconfigArguments(joining="server.4=10.0.0.2:22132:2;3"),
            "10.0.0.2:22132 of server.4 conflicts with server.2",
        ),
        (ReconfigArguments(joining="server.4=10.0.0.2:2:22122;3"), "10.0.0.2:22122 of server.4 conflicts"),
        (ReconfigArguments(joining="server.4=a:1:2;10.0.0.9:22143"), "10.0.0.9:22143 of server.4 conflicts"),
        (ReconfigArguments(joining="server.4=a:1:2;5,server.5=a:1:3;6"), "a:1 of server.5 conflicts with server.4"),
        *[
            (
                ReconfigArguments(joining=f"server.{sid}=a:1:2;3"),
                f"no server can join with the number {sid} (choose one",
            )
            for sid in (0, -7, 256, 300)
        ],
        (
            ReconfigArguments(new_members="server.1=a:1:2,server.2=b:1:2,server.256=c:1:2"),
            "no server can join with the number 256",
        ),
        (ReconfigArguments(leaving="1,2"), "new configuration must include at least 2 followers"),
        (ReconfigArguments(new_members="server.1=a:1:2"), "new configuration must include at least 2 followers"),
        (ReconfigArguments(new_members=""), "Observers w/o participants"),
        (ReconfigArguments(new_members="server.1=a:1:2:observer"), "Observers w/o participants"),
        (ReconfigArguments(new_members="server.1=a:1:2,foo=1"), "Unrecognised parameter: foo"),
        (ReconfigArguments(new_members="server.1=a:1:2|b:1:2,server.2=c:1:2"), "Multiple address feature is disabled"),
    ],
)
def test_bad_arguments(arguments: ReconfigArguments, reason: str) -> None:
    with pytest.raises(errors.BadArgumentsError) as caught:
        reconfig(arguments)
    assert reason in str(caught.value)


def test_a_member_keeps_whatever_number_it_has() -> None:
    current, synced = kept(Membership.parse("server.0=a:1:2;3\nserver.300=b:1:2;3")), frozenset({0, 300})
    arguments = ReconfigArguments(joining="server.255=c:1:2;3,server.0=d:1:2;3")
    new = reconfig(arguments, current, synced=synced)
    assert set(new.members) == {0, 255, 300}
    assert new.members[0].addresses[0].host == "d"


def test_who_leaves_is_named_by_a_number() -> None:
    """Java's code for what it fails to read there differs from all others (wire, section 6.1)."""
    with pytest.raises(errors.MarshallingError):
        reconfig(ReconfigArguments(leaving="three"))


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "127.9.9.9", "localhost", "[::1]", "[::]"])
def test_a_wildcard_and_the_loopback_are_another_place_for_everybody(host: str) -> None:
    current = Membership.parse(f"server.1={host}:1:2;3\nserver.2=b:1:2;3")
    assert 4 in reconfig(ReconfigArguments(joining=f"server.4={host}:1:2;3"), kept(current)).members


def test_several_addresses_are_for_those_who_enabled_them() -> None:
    new = reconfig(ReconfigArguments(joining="server.4=a:1:2|b:1:2;3"), several=True)
    assert len(new.members[4].addresses) == 2


def test_reconfig_has_to_be_enabled() -> None:
    with pytest.raises(errors.ReconfigDisabledError):
        check_enabled(Memberships(CURRENT, CURRENT, False, NoFiles()))
    check_enabled(kept())


def test_one_reconfig_at_a_time() -> None:
    with pytest.raises(errors.ReconfigInProgressError):
        reconfig(ReconfigArguments(leaving="x", config_id=99), kept(CURRENT, CURRENT.with_version(ZXID - 1)))


@pytest.mark.parametrize("config_id", [-1, 0x100000000])
def test_the_version_may_be_named(config_id: int) -> None:
    assert reconfig(ReconfigArguments(leaving="3", config_id=config_id)).version == ZXID


@pytest.mark.parametrize("config_id", [0, 1, 0x100000001])
def test_a_stale_version_comes_before_a_wrong_text(config_id: int) -> None:
    with pytest.raises(errors.BadVersionError):
        reconfig(ReconfigArguments(leaving="three", config_id=config_id))


def test_a_hierarchy_cannot_be_changed_piece_by_piece() -> None:
    hierarchy = Membership.parse("server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\ngroup.1=1:2:3")
    with pytest.raises(errors.BadArgumentsError, match="non-majority quorum system"):
        reconfig(ReconfigArguments(leaving="3"), kept(hierarchy))


def test_one_participant_is_enough_without_standalone_service() -> None:
    assert reconfig(ReconfigArguments(leaving="2,3"), least=1).participants == {1}
    with pytest.raises(errors.BadArgumentsError, match="at least 1 follower"):
        reconfig(ReconfigArguments(joining="server.1=a:1:2:observer;3", leaving="2,3"), least=1)


@pytest.mark.parametrize(("synced", "is_enough"), [({1, 2}, False), ({1, 2, 4}, True), ({1, 2, 6, 7}, False)])
def test_a_quorum_of_the_new_participants_has_to_be_in_step(synced: set[int], is_enough: bool) -> None:
    arguments = ReconfigArguments(joining="server.4=10.0.0.4:1:2;3,server.5=10.0.0.5:1:2;3")
    if is_enough:
        assert reconfig(arguments, synced=frozenset(synced)).participants == {1, 2, 3, 4, 5}
        return
    with pytest.raises(errors.NewConfigNoQuorumError):
        reconfig(arguments, synced=frozenset(synced))


MOVED = Member(1, (MemberAddress("elsewhere", 2888, 3888),))
ELECTION_MOVED = Member(1, (MemberAddress("h1", 2888, 9),))


@pytest.mark.parametrize(
    ("mine", "expected"), [(member(1), 1), (ELECTION_MOVED, 1), (MOVED, 2), (member(1, is_observer=True), 2), (None, 2)]
)
def test_the_leader_stays_if_it_votes_where_it_was(mine: Member | None, expected: int) -> None:
    members = {sid: member(sid) for sid in (2, 3)} | ({1: mine} if mine is not None else {})
    assert designated_leader(1, voters(1, 2, 3), Membership(members), {1, 2, 3}, []) == expected


@pytest.mark.parametrize(
    ("acked", "later", "expected"),
    [
        ({1, 3, 4}, [], 3),
        ({1, 3, 4, 9}, [[{1, 4, 9}]], 4),
        ({3, 4, 5}, [[{4, 5}], [{5}], [{3}]], 5),
        ({3, 4, 5}, [[{4, 5}, {3, 5}]], 5),
        ({3, 4, 5}, [[{4, 5}, {3}]], 4),
        ({3, 4}, [[set()]], 3),
        ({1}, [], 1),
        ({1, 9}, [], 1),
    ],
)
def test_who_acknowledged_most_is_designated(acked: set[int], later: list[list[set[int]]], expected: int) -> None:
    assert designated_leader(1, voters(1, 3, 4, 5), voters(3, 4, 5), acked, later) == expected


def test_a_server_without_weight_is_not_designated() -> None:
    new = Membership({sid: member(sid) for sid in (2, 3)}, {1: {2, 3}}, {2: 0})
    assert designated_leader(1, voters(1, 2, 3), new, {1, 2, 3}, []) == 3
