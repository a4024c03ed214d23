"""Fixtures for pytest: a server or an ensemble, a fresh tree for each test, and clients that are connected to it.

pytest finds this module by its entry point in every project that has zkeeper installed, so it loads nothing before a
test asks for a fixture.

1. One server and one ensemble serve all tests of a process; each test is handed an empty tree and no fault.
2. Faults end with the test that made them, before the fixtures are torn down: no client waits for a paused server.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from zkeeper import AsyncClient, Client
    from zkeeper.testing.ensemble import Ensemble
    from zkeeper.testing.server import Server

_SERVER: "pytest.StashKey[Server]" = pytest.StashKey()
_ENSEMBLE: "pytest.StashKey[Ensemble]" = pytest.StashKey()


@pytest.fixture(scope="session")
def zk_server_options() -> Mapping[str, Any]:
    """The arguments of `zkeeper.testing.Server`. Override it in your conftest.py to change them:

    @pytest.fixture(scope="session")
    def zk_server_options():
        return {"properties": {"jute.maxbuffer": "4194304"}}
    """
    return {}


@pytest.fixture(scope="session")
def _zk_session_server(zk_server_options: Mapping[str, Any]) -> "Iterator[Server]":
    from zkeeper.testing.server import Server

    with Server(**zk_server_options) as server:
        yield server


@pytest.fixture
def zk_server(_zk_session_server: "Server", request: pytest.FixtureRequest) -> "Server":
    """A `zkeeper.testing.Server` with an empty tree: `zk_server.address` to connect to, and methods that make faults.

    Whatever earlier tests left is gone, their sessions too. A test may even stop it; the next one finds it started.
    """
    _zk_session_server.start().reset_tree()
    request.node.stash[_SERVER] = _zk_session_server
    return _zk_session_server


@pytest.fixture
def zk_client(zk_server: "Server") -> "Iterator[Client]":
    """A `zkeeper.Client`, connected to `zk_server` and closed at the end of the test."""
    from zkeeper import Client

    with Client(zk_server.address) as client:
        yield client


@pytest.fixture
def zk_async_client(zk_server: "Server") -> "AsyncClient":
    """A `zkeeper.AsyncClient` for `zk_server`, to be connected where your loop runs: `async with zk_async_client`.

    It is not connected yet, so that it belongs to no loop and works with any way to run asynchronous tests.
    """
    from zkeeper import connect

    return connect(zk_server.address)


@pytest.fixture(scope="session")
def zk_ensemble_options() -> Mapping[str, Any]:
    """The arguments of `zkeeper.testing.Ensemble`. Override it in your conftest.py, as `zk_server_options`."""
    return {}


@pytest.fixture(scope="session")
def _zk_session_ensemble(zk_ensemble_options: Mapping[str, Any]) -> "Iterator[Ensemble]":
    from zkeeper.testing.ensemble import Ensemble

    with Ensemble(**zk_ensemble_options) as ensemble:
        yield ensemble


@pytest.fixture
def zk_ensemble(_zk_session_ensemble: "Ensemble", request: pytest.FixtureRequest) -> "Ensemble":
    """A `zkeeper.testing.Ensemble` of three servers, all of them up, with an empty tree: connect to
    `zk_ensemble.connect_string`; its methods kill, restart and pause servers.

    Whatever earlier tests left is gone, their sessions too. Who leads is not the same in each test.
    """
    _zk_session_ensemble.start().reset_tree()
    request.node.stash[_ENSEMBLE] = _zk_session_ensemble
    return _zk_session_ensemble


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    for used in (item.stash.get(_SERVER, None), item.stash.get(_ENSEMBLE, None)):
        if used is not None and used.is_running:
            used.heal()
