import asyncio
import json
from pathlib import Path

import pytest
from cli_program import program
from cli_server import running_server

from zkeeper.cli.status.srvr import Health, Status, behind, exit_code, read_srvr, roles_text

ANSWER = """Zookeeper version: 3.9.5-293c895a, built on 2026-02-11 20:18 UTC
Latency min/avg/max: 0/18.4545/110
Received: 13
Sent: 12
Connections: 2
Outstanding: 1
Zxid: 0x10000015a
Mode: leader
Node count: 15
Proposal sizes last/min/max: 48/48/88
"""


def test_an_answer_to_srvr_is_understood() -> None:
    assert read_srvr("h:1", ANSWER) == Status(
        "h:1", Health.SERVING, None, "leader", "3.9.5", 0x10000015A, 2, 1, 15, 0.0, 18.4545, 110.0
    )


@pytest.mark.parametrize(
    ("answer", "health"),
    [
        ("This ZooKeeper instance is not currently serving requests\n", Health.NOT_SERVING),
        ("", Health.NOT_SERVING),
        ("SSH-2.0-OpenSSH_9.6\r\n", Health.NOT_SERVING),
        ("HTTP/1.1 400 Bad Request\r\nMode: strict\r\nZxid: x\r\n", Health.NOT_SERVING),
        (ANSWER.replace("0/18.4545/110", "many"), Health.NOT_SERVING),
        (ANSWER.replace("Mode: leader", "Mode: read-only"), Health.READ_ONLY),
    ],
)
def test_what_is_not_well_is_told_apart(answer: str, health: Health) -> None:
    assert read_srvr("h:1", answer).health is health


def test_distances_are_told_within_an_epoch() -> None:
    zxids = {"a": 0x200000005, "b": 0x200000003, "c": 0x100000009, "d": None}
    statuses = [Status(name, Health.SERVING, zxid=zxid) for name, zxid in zxids.items()]
    assert behind(statuses) == {"a": 0, "b": 2, "c": None, "d": None}


@pytest.mark.parametrize(
    ("modes", "text"),
    [
        (["follower", "leader", "follower", "observer"], "1 leader: b in epoch 2, 2 followers, 1 observer"),
        (["follower", None, None], "none of the 3 servers asked says that it leads: 1 follower, 2 without a role"),
        (["follower"], "the leader is not among the 1 server asked: 1 follower"),
        (["observer", "follower"], "the leader is not among the 2 servers asked: 1 follower, 1 observer"),
        (["leader", "leader"], "2 leaders: a in epoch 2; b in epoch 2"),
        (["standalone", "standalone"], None),
        ([None], None),
    ],
)
def test_the_roles_of_an_ensemble_are_told_in_a_line(modes: list[str | None], text: str | None) -> None:
    statuses = [
        Status(name, Health.SERVING, mode=mode, zxid=2 << 32) for name, mode in zip("abcd", modes, strict=False)
    ]
    assert roles_text(statuses) == text


def test_who_could_not_be_reached_is_told_apart_from_who_has_no_role() -> None:
    statuses = [
        Status("a", Health.SERVING, mode="leader", zxid=2 << 32),
        Status("b", Health.NOT_SERVING),
        Status("c", Health.UNREACHABLE),
    ]
    assert roles_text(statuses) == "1 leader: a in epoch 2, 1 without a role, 1 unreachable"


def test_exit_codes() -> None:
    well, ill = Status("a", Health.SERVING), Status("b", Health.UNREACHABLE)
    assert [exit_code(some) for some in ([well], [well, ill], [ill], [Status("c", Health.READ_ONLY)])] == [0, 1, 2, 2]


def test_status_of_servers(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_server(tmp_path) as server:
            done = await program("status", server, "127.0.0.1:1")
            assert done.exit_code == 1
            row = next(line for line in done.out.splitlines() if server in line)
            assert row.split()[:4] == [server, "serving", "standalone", "3.9.5"]
            assert "unreachable" in done.out
            done = await program("status", "--json", server)
            assert (done.exit_code, json.loads(done.out)["mode"]) == (0, "standalone")
            assert (await program("status", "--word", "ruok", server)).out == "imok\n"
            assert (await program("status", "127.0.0.1:1")).exit_code == 2

    asyncio.run(scenario())


def test_a_word_that_is_not_answered_is_an_error(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_server(tmp_path) as server:
            done = await program("status", "--word", "nope", server)
            assert (done.exit_code, done.out) == (2, "")
            assert "the server does not know this word" in done.err
            done = await program("status", "--word", "ruok", server, "127.0.0.1:1")
            assert (done.exit_code, done.out) == (1, f"{server}\nimok\n")
            assert done.err.startswith("127.0.0.1:1: ")
            done = await program("status", "--json", "--word", "nope", server)
            assert (done.exit_code, json.loads(done.out)["server"]) == (2, server)
            assert "does not know" in json.loads(done.out)["error"]
            done = await program("status", "--word", "srvrs", server)
            assert (done.exit_code, "'srvrs' has not four letters" in done.err) == (2, True)

    asyncio.run(scenario())


def test_an_answer_without_a_digest_is_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_server(tmp_path) as server:
            done = await program("status", "--word", "hash", server)
            assert (done.exit_code, done.out, done.err) == (0, "", "the answer is empty\n")
            done = await program("status", "--json", "--word", "hash", server)
            assert (done.exit_code, json.loads(done.out)) == (0, {"server": server, "answer": "", "error": None})

    asyncio.run(scenario())


def test_a_word_that_is_not_allowed_is_an_error() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = (await reader.readexactly(4)).decode()
        writer.write(f"{word} is not executed because it is not in the whitelist.\n".encode())
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
            done = await program("status", "--word", "wchs", f"127.0.0.1:{listening.sockets[0].getsockname()[1]}")
            assert (done.exit_code, done.out) == (2, "")
            assert "wchs is not in the server's 4lw.commands.whitelist" in done.err

    asyncio.run(scenario())
