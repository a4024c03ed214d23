"""No scenario passes for nothing: with its rule broken it fails, by an assertion or in waiting for what never comes, or
the server refuses to start."""

from functools import partial
from pathlib import Path

import pytest

from zkeeper.cli.serve import is_compiled
from zkeeper.errors import StorageError
from zkeeper.testing.simulation import SimulationError

from . import test_of_disks as disks
from . import test_of_leaders as leaders
from . import test_of_learners as learners
from . import test_of_roles as roles
from .breakages import BREAKAGES, Breakage, Scenario

PAGE = Path(__file__).parents[3] / "docs" / "internals" / "pitfalls.md"


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_breaking_the_rule_is_noticed(breakage: Breakage, monkeypatch: pytest.MonkeyPatch) -> None:
    if breakage.is_compiled and is_compiled():
        pytest.skip("what is compiled cannot be replaced")
    breakage.by(monkeypatch)
    with pytest.raises((AssertionError, SimulationError, StorageError)):
        breakage.scenario()


def name_of(scenario: Scenario) -> str:
    return (scenario.func if isinstance(scenario, partial) else scenario).__name__


def test_each_scenario_has_a_breakage() -> None:
    scenarios = {
        name for module in (learners, leaders, disks, roles) for name in vars(module) if name.startswith("test_")
    }
    assert {name_of(breakage.scenario) for breakage in BREAKAGES} == scenarios


def test_the_page_has_a_row_for_each_breakage() -> None:
    rows = [row for row in PAGE.read_text().splitlines() if row.startswith("| ")]
    for breakage in BREAKAGES:
        parts = (breakage.issues, name_of(breakage.scenario), breakage.what)
        assert any(all(part in row for part in parts) for row in rows), parts
