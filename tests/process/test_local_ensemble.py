"""`zkeeper ensemble` as a developer meets it: it starts, serves, is seen, and leaves nothing behind."""

import os
import pty
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

import pytest

from zkeeper import Client

DEADLINE_S = 60.0
COMMAND = [sys.executable, "-m", "zkeeper", "ensemble"]
READY = re.compile(r"all servers serve; connect to (\S+); data and logs are in (\S+);")
STARTING = re.compile(r"server ([0-9]+) at (\S+), pid ([0-9]+): starting")
PORTS_OF_A_SERVER = 3
PORTS_OF_A_WORKER = 2_000
FIRST_PORT, WORKERS = 16_000, 8
"""All lie below the ports that systems give to outgoing connections."""


def free_base_port(servers: int) -> int:
    """The first of as many ports in a row as so many servers take. Tests that run beside this one have others."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker % WORKERS * PORTS_OF_A_WORKER
    bases = range(first, first + PORTS_OF_A_WORKER - servers * PORTS_OF_A_SERVER, servers * PORTS_OF_A_SERVER)
    for base in random.sample(bases, len(bases)):
        if are_free(range(base, base + servers * PORTS_OF_A_SERVER)):
            return base
    raise AssertionError("no free ports")


def are_free(ports: range) -> bool:
    try:
        for port in ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


class Running:
    """The command, and what it has told so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told = ""

    def read_until(self, pattern: re.Pattern[str]) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told += line
            if found := pattern.search(line):
                return found
        raise AssertionError(f"{pattern.pattern} was not told, but:\n{self.told}")

    def pids(self) -> dict[int, int]:
        return {int(sid): int(pid) for sid, _, pid in STARTING.findall(self.told)}

    def end(self) -> int:
        """Waits until it has ended by itself; its exit code."""
        rest, _ = self.process.communicate(timeout=DEADLINE_S)
        self.told += rest
        return self.process.returncode


@contextmanager
def running(*options: str, cwd: Path) -> Iterator[Running]:
    process = subprocess.Popen(
        [*COMMAND, *options], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TMPDIR": str(cwd)},
    )  # fmt: skip
    guard = Timer(DEADLINE_S, process.terminate)
    guard.start()
    try:
        yield Running(process)
    finally:
        guard.cancel()
        process.terminate()
        process.communicate(timeout=DEADLINE_S)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_serves_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    base = free_base_port(4)
    with running("-n", "3", "--observers", "1", "--base-port", str(base), cwd=tmp_path) as ensemble:
        ready = ensemble.read_until(READY)
        addresses = [f"127.0.0.1:{port}" for port in range(base, base + 4)]
        assert ready[1] == ",".join(addresses)
        with Client(addresses[0]) as follower, Client(addresses[3]) as observer:
            follower.create("/a", b"1")
            observer.sync("/a")
            assert observer.get("/a").data == b"1"
        roles = re.findall(r": (leader|follower|observer), epoch 1, zxid 0x", ensemble.told)
        assert sorted(roles) == ["follower", "follower", "leader", "observer"]
        ensemble.process.send_signal(signal.SIGINT)
        assert ensemble.end() == 0
        assert ensemble.told.endswith("all servers are stopped\n")
        assert len(ensemble.pids()) == 4
        assert [sid for sid, pid in ensemble.pids().items() if is_alive(pid)] == []
    assert list(tmp_path.iterdir()) == [], "the temporary folder is gone"


def test_a_server_that_dies_is_shown_as_ended_while_the_others_go_on(tmp_path: Path) -> None:
    options = ["--dir", "local", "--base-port", str(free_base_port(3))]
    with running(*options, cwd=tmp_path) as ensemble:
        addresses = ensemble.read_until(READY)[1].split(",")
        leader = int(re.findall(r"server ([0-9]+) at \S+ pid [0-9]+: leader", ensemble.told)[-1])
        os.kill(ensemble.pids()[leader], signal.SIGKILL)
        ensemble.read_until(re.compile(f"server {leader} at .*: ended \\(signal 9\\)$"))
        ensemble.read_until(re.compile(": leader, epoch 2"))
        with Client(",".join(addresses)) as client:
            client.create("/kept", b"1")
        ensemble.process.send_signal(signal.SIGINT)
        assert ensemble.end() == 1
        assert f"server {leader}, pid {ensemble.pids()[leader]}, has ended with signal 9; its log is " in ensemble.told
        assert f"all servers are stopped; server {leader} had ended with signal 9; data and " in ensemble.told
        assert [sid for sid, pid in ensemble.pids().items() if is_alive(pid)] == []
    with running(*options, cwd=tmp_path) as ensemble:
        ensemble.read_until(READY)
        with Client(addresses[leader - 1]) as client:
            client.sync("/kept")
            assert client.get("/kept").data == b"1"
        ensemble.process.send_signal(signal.SIGTERM)
        assert ensemble.end() == 0


def test_it_ends_when_all_servers_have_ended(tmp_path: Path) -> None:
    with running("-n", "2", "--base-port", str(free_base_port(2)), cwd=tmp_path) as ensemble:
        ensemble.read_until(READY)
        for pid in ensemble.pids().values():
            os.kill(pid, signal.SIGKILL)
        assert ensemble.end() == 1
    assert "server 1 had ended with signal 9, server 2 had ended with signal 9" in ensemble.told
    assert len(list(tmp_path.iterdir())) == 1, "the temporary folder with the logs is kept"


@pytest.mark.parametrize("server", [1, 2])
@pytest.mark.parametrize("kind", ["client", "quorum", "election"])
def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path, server: int, kind: str) -> None:
    base = free_base_port(2)
    port = base + ["client", "quorum", "election"].index(kind) * 2 + server - 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with running("-n", "2", "--base-port", str(base), cwd=tmp_path) as ensemble:
            assert ensemble.end() == 1
    assert ensemble.told.startswith(f"server {server} cannot have port {port} on 127.0.0.1: Address already in use.")
    assert ensemble.told.endswith("or choose other ports with --base-port\n")
    assert list(tmp_path.iterdir()) == [], "the temporary folder is gone"


def test_a_port_in_use_is_told_with_the_files_that_keep_it(tmp_path: Path) -> None:
    base = free_base_port(1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base))
        taken.listen()
        with running("-n", "1", "--dir", "local", "--base-port", str(base), cwd=tmp_path) as ensemble:
            assert ensemble.end() == 1
    files = "local/server-*/zoo.cfg"
    assert ensemble.told.endswith(f"with --base-port and another --dir, or in the server lines of all of {files}\n")
    assert list(tmp_path.glob(files)) == [tmp_path / "local" / "server-1" / "zoo.cfg"]


def test_a_folder_that_cannot_be_made_is_a_wrong_argument(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with running("--dir", "file/local", cwd=tmp_path) as ensemble:
        assert ensemble.end() == 2
    told = f"The ensemble cannot be kept there: File exists at {tmp_path / 'file'}. Name a folder you may write to."
    assert f"Error: Invalid value for '--dir': {told}\n" in ensemble.told


def test_nothing_is_left_behind_when_nobody_reads_any_more(tmp_path: Path) -> None:
    with running("--base-port", str(free_base_port(3)), cwd=tmp_path) as ensemble:
        for sid in (1, 2, 3):
            ensemble.read_until(re.compile(f"server {sid} at .*: starting"))
        assert ensemble.process.stdout is not None
        ensemble.process.stdout.close()
        assert ensemble.process.wait(DEADLINE_S) == 141
        assert [sid for sid, pid in ensemble.pids().items() if is_alive(pid)] == []
    assert list(tmp_path.iterdir()) == [], "the temporary folder is gone"


def test_what_cannot_be_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with running("--base-port", "65535", cwd=tmp_path) as ensemble:
        assert ensemble.end() == 1
    assert ensemble.told.startswith("ports of 3 servers from (65535, 65538, 65541) are out of range")


def test_a_terminal_is_shown_a_table(tmp_path: Path) -> None:
    base = free_base_port(1)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "-n", "1", "--base-port", str(base)], cwd=tmp_path, stdout=slave, stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30", "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    os.close(slave)
    guard = Timer(DEADLINE_S, process.terminate)
    guard.start()
    told = b""
    try:
        while b"0x100000000" not in told:
            told += os.read(master, 4096)
    finally:
        guard.cancel()
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # The end of a terminal.
            while more := os.read(master, 4096):
                told += more
        assert process.wait(DEADLINE_S) == 0
        os.close(master)
    assert b"leader" in told
    assert b"connections" in told


ON_THE_TERMINAL = ["sh", "-c", 'exec "$@" <"$0" >"$0"']
"""Its first argument is the terminal, which becomes that of a new session when it is opened."""


@pytest.mark.parametrize("gets_signal", [True, False])
@pytest.mark.parametrize("has_errors_there", [True, False])
def test_the_end_of_the_terminal_leaves_nothing_behind(
    tmp_path: Path, gets_signal: bool, has_errors_there: bool
) -> None:
    """Whether SIGHUP tells it, as the leader of a session, or only that it cannot write any more."""
    master, slave = pty.openpty()
    base = free_base_port(1)
    folder = tmp_path / "temporary"
    folder.mkdir()
    with (tmp_path / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [*(*ON_THE_TERMINAL, os.ttyname(slave)), *COMMAND, "-n", "1", "--base-port", str(base)],
            cwd=tmp_path, start_new_session=gets_signal, stderr=slave if has_errors_there else errors,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30", "TMPDIR": str(folder)},
        )  # fmt: skip
    os.close(slave)
    guard = Timer(DEADLINE_S, process.terminate)
    guard.start()
    told = ""
    try:
        while (found := re.search(r"leader .* 0x100000000 .* ([0-9]+) *\r\n", told)) is None:
            told += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(master, 4096).decode(errors="replace"))
    finally:
        os.close(master)
        code = process.wait(DEADLINE_S)
        guard.cancel()
    assert ((tmp_path / "errors").read_text(), code) == ("", 0)
    assert not is_alive(int(found[1]))
    assert list(folder.iterdir()) == [], "the temporary folder is gone"


def test_a_server_that_cannot_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    options = ["-n", "2", "--dir", "local", "--base-port", str(free_base_port(2))]
    with running(*options, cwd=tmp_path) as ensemble:
        ensemble.read_until(READY)
        ensemble.process.send_signal(signal.SIGTERM)
        assert ensemble.end() == 0
    (tmp_path / "local" / "server-2" / "data" / "version-2" / "currentEpoch").write_text("none")
    with running(*options, cwd=tmp_path) as ensemble:
        ensemble.read_until(re.compile("server 2, pid [0-9]+, has ended with exit code [0-9]+. The end of its log, "))
        ensemble.read_until(re.compile("currentEpoch"))
        ensemble.process.send_signal(signal.SIGTERM)
        assert ensemble.end() == 1
