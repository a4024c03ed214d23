"""The fixtures, as the tests of another project would use them, and what the plugin costs those who do not."""

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from project_for_plugin import PLUGIN, Run, runner

import zkeeper

pytest_plugins = ["pytester"]

SOURCE = Path(zkeeper.__file__).parents[1]
IMPORTS = "from kazoo.client import KazooClient\nimport asyncio, os, pytest, socket, zkeeper\n"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = runner(pytester, monkeypatch)
    return lambda source: run(IMPORTS + source)


TREES = """
@pytest.fixture
def kazoo(zk_server):
    client = KazooClient(zk_server.address)
    client.start()
    yield client
    client.stop()
    client.close()

ports = set()

@pytest.mark.parametrize("number", range(5))
def test_tree_is_fresh(kazoo, zk_server, number):
    assert kazoo.get_children("/") == ["zookeeper"]
    kazoo.create("/left-behind")
    ports.add(zk_server.port)

def test_server_is_the_same_for_all():
    assert len(ports) == 1
"""


def test_every_test_has_a_fresh_tree_of_one_server(run: Run) -> None:
    run(TREES).assert_outcomes(passed=6)


ENSEMBLE = """
@pytest.fixture(scope="session")
def zk_ensemble_options():
    return {"in_memory": True, "observers": 1}

@pytest.mark.parametrize("number", range(2))
def test_all_are_up_and_the_tree_is_fresh(zk_ensemble, number):
    assert zk_ensemble.running == [1, 2, 3, 4]
    with zkeeper.Client(zk_ensemble.connect_string) as client:
        assert client.children("/") == ["zookeeper"]
        client.create("/left-behind")
    zk_ensemble.kill(zk_ensemble.leader())
"""


def test_every_test_has_a_whole_ensemble_with_a_fresh_tree(run: Run) -> None:
    run(ENSEMBLE).assert_outcomes(passed=2)


FAULTS = """
@pytest.fixture
def client(zk_server):
    client = socket.create_connection((zk_server.host, zk_server.port), timeout=10)
    yield client
    client.sendall(b"ruok")
    assert client.recv(4) == b"imok", "the faults have not ended before the fixtures"
    client.close()

def test_pause(zk_server, client):
    zk_server.pause()

def test_delay(zk_server, client):
    zk_server.delay_ms = 3_600_000

def test_refusal(zk_server, client):
    zk_server.refuse_connections()

def test_all_faults_have_ended(zk_server):
    assert zk_server.delay_ms == 0
    socket.create_connection((zk_server.host, zk_server.port)).close()

def test_stop(zk_server):
    zk_server.stop()

def test_server_is_back(zk_server):
    assert zk_server.is_running

def test_failure(zk_server, client):
    zk_server.pause()
    raise RuntimeError("the test is wrong")
"""


def test_faults_end_with_their_test(run: Run) -> None:
    run(FAULTS).assert_outcomes(passed=6, failed=1)


OPTIONS = """
@pytest.fixture(scope="session")
def zk_server_options():
    return {"in_memory": True, "properties": {"4lw.commands.whitelist": "srvr"}}

def test_options(zk_server):
    with socket.create_connection((zk_server.host, zk_server.port)) as client:
        client.sendall(b"ruok")
        assert b"not in the whitelist" in client.recv(100)
"""


def test_a_project_chooses_the_options_of_its_server(run: Run) -> None:
    run(OPTIONS).assert_outcomes(passed=1)


BLOCKING = """
@pytest.mark.parametrize("number", range(2))
def test_client(zk_client, zk_server, number):
    assert zk_client.children("/") == ["zookeeper"]
    zk_client.create("/a", b"x")
    zk_server.drop_connections()
"""


@pytest.mark.skipif(not hasattr(zkeeper, "Client"), reason="zkeeper has no blocking client yet")
def test_there_is_a_blocking_client(run: Run) -> None:
    run(BLOCKING).assert_outcomes(passed=2)


ASYNC = """
@pytest.mark.parametrize("number", range(2))
def test_client(zk_async_client, zk_server, number):
    async def play():
        async with zk_async_client as zk:
            assert await zk.children("/") == ["zookeeper"]
            await zk.create("/a", b"x")
    asyncio.run(play())
"""


def test_there_is_an_asynchronous_client(run: Run) -> None:
    run(ASYNC).assert_outcomes(passed=2)


def test_pytest_finds_the_plugin_by_itself() -> None:
    """In the project's own file, and in what is installed, if that is new enough to have it."""
    project = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text()) if SOURCE.name == "src" else None
    if project is not None:
        assert project["project"]["entry-points"]["pytest11"] == {"zkeeper": PLUGIN}
        assert not any(name.startswith("pytest") for name in project["project"]["dependencies"])
    for found in importlib.metadata.entry_points(group="pytest11", name="zkeeper"):
        assert found.value == PLUGIN


WITHOUT_USE = f"""
import sys, pytest
before = set(sys.modules)
import {PLUGIN}
print(*sorted(set(sys.modules) - before))
"""


def test_the_plugin_costs_nothing_before_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_USE], env={"PYTHONPATH": str(SOURCE)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["zkeeper", "zkeeper.testing", PLUGIN]
