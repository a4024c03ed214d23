"""Server lines and membership texts: Java's own by example (3.9.5 was asked), hypothesis for the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from membership_support import CAPTURED, memberships, voters

from zkeeper.quorum.membership import ClientAddress, Member, MemberAddress, Membership, MembershipError

TWO = "server.1=a:1:2\nserver.2=b:1:2\n"
A, B = "server.1=a:1:2:participant\n", "server.2=b:1:2:participant\n"


def third(line: str) -> Member:
    return Membership.parse(f"{TWO}server.3={line}").members[3]


def test_a_captured_text_is_read_and_written_again() -> None:
    membership = Membership.parse(CAPTURED)
    assert membership.text() == CAPTURED
    assert membership.participants == {1, 2, 3}
    assert membership.members[2] == Member(2, (MemberAddress("127.0.0.1", 22132, 22122),))
    assert (membership.version, membership.is_hierarchical) == (0, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "server.1=[::1]:1:2;[::]:2181\nserver.2=[2001:db8::1]:1:2\nserver.4=[fe80::AB]:3:4:Observer",
            "server.1=[0:0:0:0:0:0:0:1]:1:2:participant;[0:0:0:0:0:0:0:0]:2181\n"
            "server.2=[2001:db8:0:0:0:0:0:1]:1:2:participant\n"
            "server.4=[fe80:0:0:0:0:0:0:ab]:3:4:observer\n"
            "version=0",
        ),
        (
            f"{TWO}group.1=1:2\nweight.1=3\nversion=1F0",
            f"{A}{B}group.1=1:2\nweight.1=3\nweight.2=1\nversion=1f0",
        ),
        (
            f"{TWO}server.3=c:1:2:observer\ngroup.1=1:2\nweight.3=3",
            f"{A}{B}server.3=c:1:2:observer\ngroup.1=1:2\nweight.1=1\nweight.2=1\nweight.3=3\nversion=0",
        ),
        (f"{TWO}groups.1=2:1:", f"{A}{B}group.1=1:2\nweight.1=1\nweight.2=1\nversion=0"),
        (f"{TWO}server.+3=c:+1:02", f"{A}{B}server.3=c:1:2:participant\nversion=0"),
        (f"{TWO}server.-3=c:1:2", f"server.-3=c:1:2:participant\n{A}{B}version=0"),
        (f"{TWO}version=+5", f"{A}{B}version=5"),
        (f"# a comment\nserver.2 b:1:2\nserver.1 : a:1:\\\n2\n{TWO}", f"{A}{B}version=0"),
        ("server.1=x:1:2\nserver.1=a:1:2", f"{A}version=0"),
        ("server.1=a:1:2;2181", "server.1=a:1:2:participant;0.0.0.0:2181\nversion=0"),
        ("server.1=a:1:2;h:2181;2281", "server.1=a:1:2:participant;h:2181;0.0.0.0:2281\nversion=0"),
        ("server.1=a:1:2;;h:2281", "server.1=a:1:2:participant;;h:2281\nversion=0"),
        ("server.1=a:1:2;;", f"{A}version=0"),
        ("server.1=z:5:2|d:6:3;99", "server.1=d:6:3|z:5:2:participant;0.0.0.0:99\nversion=0"),
        (f"{TWO}server.3=d:6:3:observer|d:5:2", f"{A}{B}server.3=d:5:2|d:6:3:observer\nversion=0"),
        ("server.1=d:6:3|d:5:2|d:6:3", "server.1=d:5:2|d:6:3:participant\nversion=0"),
    ],
)
def test_canonical_text(text: str, expected: str) -> None:
    assert Membership.parse(text).text() == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("c:5:2: OBSERVER", Member(3, (MemberAddress("c", 5, 2),), True)),
        ("c:5:2;h:7", Member(3, (MemberAddress("c", 5, 2),), False, ClientAddress("h", 7))),
        ("c:5:2;[::]:7", Member(3, (MemberAddress("c", 5, 2),), False, ClientAddress("0:0:0:0:0:0:0:0", 7))),
        ("[fe80::1%eth0]:5:2", Member(3, (MemberAddress("fe80::1%eth0", 5, 2),))),
        ("c:5:2 ; 7", Member(3, (MemberAddress("c", 5, 2),), False, ClientAddress("0.0.0.0", 7))),
    ],
)
def test_server_line(line: str, expected: Member) -> None:
    assert third(line) == expected


FORM = "does not have the form server_config or server_config;client_config"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("c:1:1", "Client and election port must be different! Please update the configuration file on server.3"),
        ("c:1", f"c:1 {FORM}"),
        ("", f" {FORM}"),
        ("::1:1:2", f"::1:1:2 {FORM}"),
        ("[::1:1:2", f"[::1:1:2 {FORM}"),
        (":1:2", f":1:2 {FORM}"),
        ("a b:1:2", f"a b:1:2 {FORM}"),
        ("a=b:1:2", f"a=b:1:2 {FORM}"),
        ("\\ud800:1:2", FORM),
        ("c:5:2:observer:x", f"c:5:2:observer:x {FORM}"),
        ("c:1:2;h:1:2", f"c:1:2;h:1:2 {FORM}"),
        ("c:1:2;3;4;5", f"c:1:2;3;4;5 {FORM}"),
        ("c:1:2;x", "Address unresolved: 0.0.0.0:x"),
        ("c:1:2;x:y", "Address unresolved: x:y"),
        ("c:-1:2", "Address unresolved: c:-1"),
        ("c: 5:2", "Address unresolved: c: 5"),
        ("c:1:", "Address unresolved: c:"),
        ("c:99999:2", "port 99999 is out of range"),
        ("c:1:2:boss", "Unrecognised peertype: boss"),
        ("c:1:2:observer|d:1:2:participant", "Multiple addresses should have similar roles: c:1:2:observer|d"),
        ("c:1:2|", f"c:1:2| {FORM}"),
    ],
)
def test_a_wrong_server_line(line: str, reason: str) -> None:
    with pytest.raises(MembershipError) as caught:
        third(line)
    assert reason in caught.value.reason
    assert (caught.value.key, bool(caught.value.advice)) == ("server.3", True)


@pytest.mark.parametrize(
    ("text", "reason", "key"),
    [
        ("", "Observers w/o participants is an invalid configuration", ""),
        ("server.1=a:1:2:observer", "Observers w/o participants is an invalid configuration", ""),
        ("server.x=c:1:2", 'For input string: "x"', "server.x"),
        ("server.3.4=c:1:2", 'For input string: "3.4"', "server.3.4"),
        ("server.9223372036854775808=c:1:2", 'For input string: "9223372036854775808"', "server.9223372036854775808"),
        ("server.01=a:1:2", "server.1 is given twice", "server.01"),
        ("foo=5", "Unrecognised parameter: foo", "foo"),
        ("version=0x5", 'For input string: "0x5" under radix 16', "version"),
        ("version=-5", 'For input string: "-5" under radix 16', "version"),
        ("version=8000000000000000", 'For input string: "8000000000000000" under radix 16', "version"),
        ("weight.1=1", "server.1 votes, and is in no group", "server.1"),
        ("group.1=1\nweight.3=3", "server.2 votes, and is in no group", "server.2"),
        ("group.1=1:2\ngroup.2=2", "group.2 names server 2, which is in a group already", "group.2"),
        ("group.1=1:2:2", "group.1 names server 2, which is in a group already", "group.1"),
        ("group.1=1:2\ngroup.01=1", "group.1 is given twice", "group.01"),
        ("group.1=1:2:3\nweight.3=3", "group.1 names server 3, which is no participant", "group.1"),
        ("group.1= 1 : 2", 'For input string: "1 "', "group.1"),
        ("group=1:2", 'For input string: ""', "group"),
        ("group.1=1:2\nweight.1=-1", "weight.1 is negative", "weight.1"),
        ("group.1=1:2\nweight.1=1\nweight.01=1", "weight.1 is given twice", "weight.01"),
        ("server.3=\\u12", "Malformed \\uxxxx encoding.", ""),
    ],
)
def test_a_wrong_text(text: str, reason: str, key: str) -> None:
    with pytest.raises(MembershipError) as caught:
        Membership.parse((TWO if text and ":observer" not in text else "") + text)
    assert (caught.value.reason, caught.value.key) == (reason, key)


def test_a_hierarchy_counts_groups_and_weights() -> None:
    text = TWO + "server.3=c:1:2\nserver.4=d:1:2\nserver.5=e:1:2\nserver.6=f:1:2\n"
    membership = Membership.parse(text + "group.1=1:2:3\ngroup.2=4:5\ngroup.3=6\nweight.1=3\nweight.6=0")
    verifier = membership.verifier
    assert [verifier.weight(sid) for sid in (1, 2, 6, 9)] == [3, 1, 0, 0]
    assert verifier.contains_quorum({1, 4, 5})
    assert not verifier.contains_quorum({1, 4, 6}), "half of a group is no majority"
    assert not verifier.contains_quorum({1, 2, 3}), "one of two groups with weight is no majority"


@pytest.mark.parametrize(
    ("count", "sids", "expected"),
    [(1, {1}, True), (2, {1}, False), (2, {1, 2}, True), (3, {1, 3}, True), (4, {1, 2}, False), (3, {1, 8, 9}, False)],
)
def test_a_majority_is_more_than_half_of_the_participants(count: int, sids: set[int], expected: bool) -> None:
    assert voters(*range(1, count + 1)).verifier.contains_quorum(sids) is expected


def test_observers_do_not_vote() -> None:
    membership = Membership.parse(TWO + "server.3=c:1:2:observer")
    assert (membership.participants, membership.observers) == ({1, 2}, {3})
    assert membership.verifier.weight(3) == 0


@pytest.mark.parametrize(
    ("text", "is_same"),
    [
        (TWO, True),
        (TWO + "version=7", True),
        ("server.2=b:1:2:participant\nserver.1=a:1:2", True),
        (TWO + "server.3=c:1:2", False),
        ("server.1=a:1:2\nserver.2=b:1:3", False),
        ("server.1=a:1:2\nserver.2=b:1:2:observer", False),
        ("server.1=a:1:2\nserver.2=b:1:2;5", False),
        (TWO + "group.1=1:2", False),
    ],
)
def test_same_as_looks_at_everything_but_the_version(text: str, is_same: bool) -> None:
    assert Membership.parse(TWO).same_as(Membership.parse(text)) is is_same


@given(memberships())
def test_what_is_written_is_read(membership: Membership) -> None:
    again = Membership.parse(membership.text())
    assert again == membership
    assert again.text() == membership.text()
    assert (again.participants, again.observers) == (membership.participants, membership.observers)
    assert again.verifier.participants == membership.participants


@given(memberships(), st.integers(0, 99))
def test_another_version_is_the_same_membership(membership: Membership, version: int) -> None:
    other = membership.with_version(version)
    assert other.same_as(membership)
    assert (other == membership) is (version == membership.version)


@given(st.text(alphabet="server.gopuwight0123=:;|[]%\\\n \ud800", max_size=60))
def test_any_text_is_a_membership_or_an_error(text: str) -> None:
    try:
        membership = Membership.parse(text)
    except MembershipError:
        return
    assert Membership.parse(membership.text()) == membership
