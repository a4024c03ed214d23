"""The plain shell beside ZooKeeper's own, as processes: the same lines piped into both, each with a fresh server.

1. Standard output, error stream and exit code have to be equal, but for times, session ids and the version.
2. Watch events are compared by themselves and blank lines not at all: the Java shell prints events from another thread,
   in pieces, and so in between other lines. Changes of the session's state are left out for the same reason.
3. Lines of Java's log on the error stream are not the shell's.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from transcript import normal

from .conftest import need_zkjava
from .servers import run_server

RECORDED = sorted((Path(__file__).parents[1] / "golden" / "zkcli").glob("*.txt"))
DEADLINE_S = 120.0
LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d |^\tat |^java\.|^Caused by")
ONE_SHOT = (
    ("ls", "/"),
    ("get", "-s", "/zookeeper"),
    ("get", "/none"),
    ("stat",),
    ("none",),
    ("create", "/a", "two words"),
)


ATTEMPTS = 3
"""zkCli prints events in a thread of its own: one may come late, or be shown though `printwatches` was off when it
came. What differs every time is a difference."""


class Said(NamedTuple):
    out: list[str]
    events: list[str]
    err: list[str]
    exit_code: int


def zkcli() -> list[str]:
    return [sys.executable, str(need_zkjava()), "cli"]


def ours() -> list[str]:
    return [sys.executable, "-m", "zkeeper", "shell"]


def run_shell(command: list[str], server: str, *arguments: str, lines: str = "") -> Said:
    done = subprocess.run(
        [*command, "-server", server, *arguments],
        input=lines,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
        env={**os.environ, "ZKJAVA_HEAP": "256m"},
    )
    out = [normal(line) for line in done.stdout.splitlines() if line and line != "WATCHER::"]
    err = [normal(line) for line in done.stderr.splitlines() if line and not LOG_LINE.match(line)]
    events = [line for line in out if line.startswith("WatchedEvent") and "type:None" not in line]
    return Said([line for line in out if not line.startswith("WatchedEvent")], events, err, done.returncode)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_piped_lines(server_kind: str, path: Path, tmp_path: Path) -> None:
    recorded = path.read_text(encoding="utf-8").splitlines()
    lines = "".join(f"{line.removeprefix('> ')}\n" for line in recorded if line.startswith("> "))
    shown = {line.removeprefix("O ") for line in recorded}
    for attempt in range(ATTEMPTS):
        said = []
        for command, name in ((zkcli(), "zkcli"), (ours(), "ours")):
            with run_server(server_kind, tmp_path / f"{name}{attempt}") as server:
                said.append(run_shell(command, server.address, lines=lines))
        zkcli_said, we_said = said
        zkcli_said = zkcli_said._replace(events=[event for event in zkcli_said.events if event in shown])
        if we_said == zkcli_said:
            break
    assert zkcli_said.out
    assert we_said == zkcli_said


def test_one_command(server_kind: str, tmp_path: Path) -> None:
    with run_server(server_kind, tmp_path) as server:
        for arguments in ONE_SHOT:
            theirs = run_shell(zkcli(), server.address, *arguments)
            if arguments[0] == "create":
                run_shell(ours(), server.address, "delete", "/a")
            assert run_shell(ours(), server.address, *arguments) == theirs
