"""How the state of a local ensemble is told in lines and in a table, and what its members' lag is."""

import asyncio
import errno
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from zkeeper.cli.ensemble.command import command
from zkeeper.cli.ensemble.display import LINES_S, Lines, line, table
from zkeeper.cli.ensemble.looking import Look, behind, look, look_at, read_epoch
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
    rows = [row.split() for row in shown([LEADER, FOLLOWER, ELECTING], 120) if "h:" in row]
    assert rows == [
        ["3", "h:3", "leader", "2", "0x200000005", "0", "4", "103"],
        ["1", "h:1", "follower", "2", "0x200000002", "3", "1", "101"],
        ["2", "h:2", "electing", "1", "102"],
    ]


def shown(looks: Sequence[Look], width: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width)
    console.print(table(looks, console))
    return out.getvalue().splitlines()


FAR = Look(1, "127.0.0.1:40501", 1029001, "follower", 2, 0x200000002, 0)
OVER = Look(2, "127.0.0.1:40502", 1029002, "ended (exit code 14)")


@pytest.mark.parametrize(
    ("looks", "width", "columns"),
    [
        ([FAR], 80, "server address role epoch zxid behind pid"),
        ([FAR, OVER], 120, "server address role epoch zxid behind connections pid"),
        ([FAR, OVER], 80, "server address role epoch pid"),
        ([FAR, OVER], 65, "server address role pid"),
    ],
)
def test_a_narrow_terminal_is_spared_columns(looks: Sequence[Look], width: int, columns: str) -> None:
    lines = shown(looks, width)
    assert " ".join(lines[1].split()) == columns
    assert [(look.address in row, str(look.pid) in row) for look, row in zip(looks, lines[3:], strict=False)] == [
        (True, True) for _ in looks
    ]
    assert all(len(row) <= width for row in lines)


def test_a_terminal_that_is_too_narrow_for_an_address_has_it_folded() -> None:
    head, _, *rows = shown([FAR, OVER], 40)[1:]
    place = slice(head.index("address"), head.index("role"))
    assert "".join(row[place].strip() for row in rows) == FAR.address + OVER.address


@pytest.fixture
def member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Member:
    monkeypatch.setattr(Member, "pid", 7)
    return Member(1, str(tmp_path / "zoo.cfg"), ("h", 1), [], str(tmp_path))


def test_a_member_that_has_ended_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may answer at its address."""

    async def started() -> tuple[Member, Look]:
        member = Member(1, str(tmp_path / "missing" / "zoo.cfg"), ("h", 1), [], str(tmp_path))
        member.log_path = str(tmp_path / "server.log")
        await member.start()
        await member.wait()
        return member, (await look_at([member]))[0]

    async def somebody(*_: object) -> Status:
        return Status("h:1", Health.SERVING, mode="leader")

    monkeypatch.setattr("zkeeper.cli.ensemble.looking.status_of", somebody)
    member, seen = asyncio.run(started())
    assert seen == Look(1, "h:1", member.pid, f"ended ({member.end})")
    assert (seen.is_over, member.end, member.was_killed) == (True, "exit code 2", False)


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


def test_a_temporary_folder_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(prefix: str) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", f"/tmp/{prefix}1")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    result = CliRunner().invoke(command)
    assert result.exit_code == 2
    assert "'--dir': The ensemble cannot be kept there: No space left on device at /tmp/zkeeper-ens" in result.output
