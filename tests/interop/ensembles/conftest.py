"""Fixtures of the ensembles' tests: an ensemble to start, and the logs of its members when a test fails."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from interop.conftest import need_zkjava

from .ensemble import Ensemble, run_ensemble
from .kinds import kinds

ENSEMBLE_KEY = pytest.StashKey[Ensemble]()
NewEnsemble = Callable[..., Ensemble]


@pytest.fixture
def new_ensemble(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewEnsemble]:
    """Makes the ensemble of a test, whose members are named by letters (`kinds.py`)."""
    with ExitStack() as stack:

        def make(letters: str, reconfig: bool = False, is_apart: bool = False, **settings: str) -> Ensemble:
            if "J" in letters:
                need_zkjava()
            opened = run_ensemble(*kinds(letters), tmp_path, reconfig=reconfig, is_apart=is_apart, settings=settings)
            ensemble = request.node.stash[ENSEMBLE_KEY] = stack.enter_context(opened)
            return ensemble

        yield make


@pytest.fixture(scope="module")
def calm_ensemble(
    letters: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Ensemble]:
    """The ensemble of all tests of a module that only use it: nobody of it is stopped, and its last member leads."""
    if "J" in letters:
        need_zkjava()
    with run_ensemble(*kinds(letters), tmp_path_factory.mktemp("calm")) as ensemble:
        request.node.stash[ENSEMBLE_KEY] = ensemble
        ensemble.start_led_by(max(ensemble.members))
        yield ensemble


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the end of each member's log to the report of a failed test."""
    report = yield
    nodes = [node for node in reversed(item.listchain()) if ENSEMBLE_KEY in node.stash]
    ensemble = nodes[0].stash[ENSEMBLE_KEY] if nodes else None
    if report.failed and ensemble is not None:
        report.sections += [("ensemble", ensemble.describe()), *ensemble.log_tails()]
    return report
