"""Fixtures for pytest: a server or an ensemble, a fresh tree for each test, and clients that are connected to it.

pytest finds this module by its entry point in every project that has zkeeper installed, so it loads nothing before a
test asks for a fixture.

1. One server and one ensemble serve all tests of a process that have the same options; each test is handed an empty
   tree and no fault. A test with other options has the server replaced by one of these options.
2. Faults end with the test that made them, before the fixtures are torn down: no client waits for a paused server.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import pytest

if TYPE_CHECKING:
    from zkeeper import AsyncClient, Client
    from zkeeper.testing.ensemble import Ensemble
    from zkeeper.testing.server import Server

_SERVER: "pytest.StashKey[Server]" = pytest.StashKey()
_ENSEMBLE: "pytest.StashKey[Ensemble]" = pytest.StashKey()


class _Stoppable(Protocol):
    def stop(self) -> None: ...


S = TypeVar("S", bound=_Stoppable)


class _Shared(Generic[S]):
    """What serves test after test, as long as they want the same options. At most one runs, for it may have a port or a
    folder of its own."""

    def __init__(self, make: Callable[..., S]) -> None:
        self._make = make
        self._current: S | None = None
        self._options: Mapping[str, Any] = {}

    def of(self, options: Mapping[str, Any]) -> S:
        if self._current is None or self._options != options:
            self.stop()
            self._current, self._options = self._make(**options), deepcopy(dict(options))
        return self._current

    def stop(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.stop()


@pytest.fixture(scope="session")
def zk_server_options() -> Mapping[str, Any]:
    """The arguments of `zkeeper.testing.Server`. Override it in your conftest.py, or in one module of tests:

    @pytest.fixture(scope="session")
    def zk_server_options():
        return {"properties": {"jute.maxbuffer": "4194304"}}
    """
    return {}


@pytest.fixture(scope="session")
def _zk_shared_server() -> "Iterator[_Shared[Server]]":
    from zkeeper.testing.server import Server

    shared = _Shared(Server)
    yield shared
    shared.stop()


@pytest.fixture
def zk_server(
    _zk_shared_server: "_Shared[Server]", zk_server_options: Mapping[str, Any], request: pytest.FixtureRequest
) -> "Server":
    """A `zkeeper.testing.Server` with an empty tree: `zk_server.address` to connect to, and methods that make faults.

    Whatever earlier tests left is gone, their sessions too. A test may even stop it; the next one finds it started.
    """
    server = _zk_shared_server.of(zk_server_options).start()
    server.reset_tree()
    request.node.stash[_SERVER] = server
    return server


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
    """The arguments of `zkeeper.testing.Ensemble`. Override it as `zk_server_options`."""
    return {}


@pytest.fixture(scope="session")
def _zk_shared_ensemble() -> "Iterator[_Shared[Ensemble]]":
    from zkeeper.testing.ensemble import Ensemble

    shared = _Shared(Ensemble)
    yield shared
    shared.stop()


@pytest.fixture
def zk_ensemble(
    _zk_shared_ensemble: "_Shared[Ensemble]", zk_ensemble_options: Mapping[str, Any], request: pytest.FixtureRequest
) -> "Ensemble":
    """A `zkeeper.testing.Ensemble` of three servers, all of them up, with an empty tree: connect to
    `zk_ensemble.connect_string`; its methods kill, restart and pause servers.

    Whatever earlier tests left is gone, their sessions too. Who leads is not the same in each test.
    """
    ensemble = _zk_shared_ensemble.of(zk_ensemble_options).start()
    ensemble.reset_tree()
    request.node.stash[_ENSEMBLE] = ensemble
    return ensemble


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    for used in (item.stash.get(_SERVER, None), item.stash.get(_ENSEMBLE, None)):
        if used is not None and used.is_running:
            used.heal()
