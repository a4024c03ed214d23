"""Fixtures of the interop suite: servers by kind, one run of each client's program, logs upon failure."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from .programs import HERE, Outcome, command_for, run_program
from .servers import Server, ServerMissing, run_server, selected_kinds, zkjava_script
from .stage import Scene, Stage, open_scene, open_stage

SERVER_KEY = pytest.StashKey[Server]()
RunClient = Callable[[str], Outcome]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test that needs a server one run for each selected kind."""
    if "server_kind" in metafunc.fixturenames:
        metafunc.parametrize("server_kind", selected_kinds(), scope="session")


@pytest.fixture(scope="session")
def server(
    server_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """A server of the kind in turn, shared by the whole session; every check works under a root of its own."""
    if server_kind == "java":
        need_zkjava()
    with run_server(server_kind, tmp_path_factory.mktemp(f"server-{server_kind}")) as running:
        request.session.stash[SERVER_KEY] = running
        yield running


@pytest.fixture(scope="session")
def run_client(server: Server) -> RunClient:
    """Runs a client's program against the server, once; asked again, returns what the run reported."""
    outcomes: dict[str, Outcome] = {}

    def run(client: str) -> Outcome:
        if client not in outcomes:
            build(client)
            outcomes[client] = run_program(command_for(client), server)
        return outcomes[client]

    return run


@pytest.fixture(scope="session")
def stage(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Players of all languages on the server."""
    for client in ("curator", "kazoo"):
        build(client)
    with open_stage(server, tmp_path_factory.mktemp("players")) as opened:
        yield opened


@pytest.fixture
def scene(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A root path on the stage for one test."""
    with open_scene(stage, request.node.originalname) as opened:
        yield opened


def build(client: str) -> None:
    """Compile what the client's program needs; skip (or fail, see `unavailable`) when the machine lacks something."""
    done = subprocess.run(
        ["bash", str(HERE / "setup.sh"), client],
        env={**os.environ, "ZKEEPER_INTEROP_INSTALL": "0", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        unavailable(f"run tests/interop/setup.sh {client}:\n{done.stdout}{done.stderr}")


def need_zkjava() -> Path:
    """The script that runs Apache ZooKeeper, or a skip that says that it is missing."""
    try:
        return zkjava_script()
    except ServerMissing as missing:
        unavailable(str(missing))


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where `ZKEEPER_INTEROP_REQUIRE=1` says that everything must be here."""
    if os.environ.get("ZKEEPER_INTEROP_REQUIRE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of the server's log to the report of a failed test."""
    report = yield
    running = item.session.stash.get(SERVER_KEY, None)
    if report.failed and running is not None:
        report.sections.append((f"{running.kind} server log ({running.log})", running.log_tail()))
    return report
