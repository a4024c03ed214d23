"""How the state of a local ensemble is told in lines and in a table, and what its members' lag is."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from zkeeper.cli.ensemble.display import LINES_S, Lines, line, table
from zkeeper.cli.ensemble.looking import Look, behind, look, read_epoch
from zkeeper.cli.ensemble.members import Member
from zkeeper.cli.status.srvr import Health, Status

LEADER = Look(3, "h:3", 103, "leader", 2, 0x200000005, 4)
FOLLOWER = Look(1, "h:1", 101, "follower", 2, 0x200000002, 1)
ELECTING = Look(2, "h:2", 102, "electing", 1)


def test_lag_is_counted_within_an_epoch() -> None:
    assert behind([LEADER, FOLLOWER, ELECTING]) == {3: 0, 1: 3, 2: None}


def test_a_member_with_the_leaders_history_lacks_nothing_before_the_first_transaction() -> None:
    """It shows the last zxid of the epoch before, but its epoch file says that it has all."""
    leader = Look(3, "h:3", 103, "leader", 2, 0x200000000, 0)
    joined, other = FOLLOWER._replace(zxid=0x100000007), FOLLOWER._replace(sid=2, zxid=0x100000007, epoch=1)
    assert behind([leader, joined, other]) == {3: 0, 1: 0, 2: None}


@pytest.mark.parametrize(
    ("shown", "distance", "text"),
    [
        (FOLLOWER, 3, "server 1 at h:1, pid 101: follower, epoch 2, zxid 0x200000002, 3 behind, 1 connection"),
        (ELECTING, None, "server 2 at h:2, pid 102: electing, epoch 1"),
        (Look(4, "h:4", 104, "starting"), None, "server 4 at h:4, pid 104: starting"),
    ],
)
def test_a_line_tells_what_is_known(shown: Look, distance: int | None, text: str) -> None:
    assert line(shown, distance) == text


def test_lines_tell_a_new_role_or_epoch_at_once_and_the_rest_now_and_then() -> None:
    told: list[str] = []
    lines = Lines(told.append)
    lines.show([LEADER, FOLLOWER], 100.0)
    assert [text.partition(" at ")[0] for text in told] == ["server 3", "server 1"]
    told.clear()
    moved = FOLLOWER._replace(zxid=0x200000004)
    lines.show([LEADER, moved], 100.0 + LINES_S / 2)
    assert told == []
    lines.show([LEADER, moved], 100.0 + LINES_S)
    assert told == [line(moved, 1)]
    told.clear()
    lines.show([LEADER._replace(epoch=3), moved._replace(role="electing")], 100.0 + LINES_S + 0.5)
    assert [text.split(": ")[1].split(", ")[:2] for text in told] == [["leader", "epoch 3"], ["electing", "epoch 2"]]


def test_the_table_has_a_row_for_each_member() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(table([LEADER, FOLLOWER, ELECTING]))
    rows = [row.split() for row in out.getvalue().splitlines() if "h:" in row]
    assert rows == [
        ["3", "h:3", "leader", "2", "0x200000005", "0", "4", "103"],
        ["1", "h:1", "follower", "2", "0x200000002", "3", "1", "101"],
        ["2", "h:2", "electing", "1", "102"],
    ]


@pytest.fixture
def member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Member:
    monkeypatch.setattr(Member, "pid", 7)
    return Member(1, str(tmp_path / "zoo.cfg"), "h", 1, str(tmp_path))


def test_a_member_is_starting_until_it_answers_for_the_first_time(member: Member) -> None:
    away, looking = Status("h:1", Health.UNREACHABLE), Status("h:1", Health.NOT_SERVING)
    roles = [look(member, status, None).role for status in (away, looking, away)]
    assert roles == ["starting", "electing", "no answer"]


def test_the_connection_of_who_asks_does_not_count(member: Member) -> None:
    shown = look(member, Status("h:1", Health.SERVING, mode="leader", zxid=5, connections=3), 2)
    assert shown == Look(1, "h:1", 7, "leader", 2, 5, 2)


def test_the_epoch_is_that_of_the_last_leader_if_there_was_one(member: Member, tmp_path: Path) -> None:
    assert read_epoch(member) is None
    for content, epoch in (("0", None), ("12", 12), ("", None)):
        (tmp_path / "currentEpoch").write_text(content)
        assert read_epoch(member) == epoch


def test_the_tail_of_a_log_is_its_last_lines(member: Member, tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("".join(f"line {number} {'x' * 300}\n" for number in range(100)))
    tail = member.log_tail().splitlines()
    assert [text.split()[1] for text in tail] == [str(number) for number in range(90, 100)]
    (tmp_path / "server.log").write_text("one\ntwo\n")
    assert member.log_tail() == "one\ntwo"
