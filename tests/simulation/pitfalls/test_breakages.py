"""No scenario passes for nothing: with its rule broken it fails."""

from pathlib import Path

import pytest

from zkeeper.cli.serve import is_compiled
from zkeeper.testing.simulation import SimulationError

from .breakages import BREAKAGES, Breakage

PAGE = Path(__file__).parents[3] / "docs" / "internals" / "pitfalls.md"


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_breaking_the_rule_is_noticed(breakage: Breakage, monkeypatch: pytest.MonkeyPatch) -> None:
    if breakage.is_of_core and is_compiled():
        pytest.skip("what is compiled cannot be replaced")
    breakage.by(monkeypatch)
    with pytest.raises((AssertionError, SimulationError)) as noticed:
        breakage.scenario()
    print(f"{breakage.name}: {type(noticed.value).__name__}: {str(noticed.value).splitlines()[0][:200]}")
