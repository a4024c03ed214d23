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


MODULES = {
    "test_a": """
        import pytest

        @pytest.fixture(scope="session")
        def zk_server_options():
            return {"in_memory": True, "properties": {"jute.maxbuffer": "4194304"}}

        import zkeeper

        @pytest.mark.parametrize("number", range(2))
        def test_two_megabytes_fit(zk_server, number, ports=set()):
            with zkeeper.Client(zk_server.address, max_frame_bytes=4194304) as client:
                client.create("/a", bytes(2_000_000))
            ports.add(zk_server.port)
            assert len(ports) == 1
    """,
    "test_b": """
        def test_the_options_of_the_process(zk_server):
            assert "jute.maxbuffer" not in zk_server._properties
    """,
    "test_c": """
        import pytest

        @pytest.fixture(params=["100", "200"])
        def zk_server_options(request):
            return {"in_memory": True, "properties": {"tickTime": request.param}}

        def test_options_of_one_test(zk_server, zk_client, request):
            assert zk_server._properties["tickTime"] == request.node.callspec.params["zk_server_options"]
    """,
}


def test_a_module_chooses_options_of_its_own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a server with other options has run, too."""
    run_all = runner(pytester, monkeypatch)
    pytester.makepyfile(**MODULES)
    run_all("def test_before(zk_server): pass").assert_outcomes(passed=6)


SHARED = """
from zkeeper.testing.pytest_plugin import _Shared

class Made:
    def __init__(self, **options):
        self.options, self.is_stopped = options, False
    def stop(self):
        self.is_stopped = True

def test_one_at_a_time():
    shared = _Shared(Made)
    options = {"properties": {"a": "1"}}
    first = shared.of(options)
    assert shared.of({"properties": {"a": "1"}}) is first
    options["properties"]["a"] = "2"
    second = shared.of(options)
    assert (first.is_stopped, second.is_stopped, second is first) == (True, False, False)
    shared.stop()
    assert second.is_stopped
"""


def test_the_server_is_replaced_for_other_options_only(run: Run) -> None:
    run(SHARED).assert_outcomes(passed=1)


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
