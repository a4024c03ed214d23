"""Ensembles under faults in the test suite: always the same seeds, those that once failed, and on request fresh ones.

`ZKEEPER_SEEDS=<any text>` adds seeds that follow from the text; the name of each test says its seed.
"""

from collections import Counter

import pytest

from ..test_crash_seeds import fresh_seeds  # noqa: TID252  the package has one name in pytest and another as a program
from .ensemble_run import ensemble_run
from .servers import Layout

FIXED_SEEDS = range(10)

FAILED_ONCE = {
    14: "the harness looked less often than a small memory forgot what was committed",
    21: "the same, where the last of an epoch was then sent in snapshots only",
}
"""Seeds that found a mistake, of a server or of the judge. Kept for good."""


@pytest.mark.parametrize("seed", [*FIXED_SEEDS, *FAILED_ONCE])
def test_an_ensemble_keeps_every_promise_under_faults(seed: int) -> None:
    assert ensemble_run(seed).counts["runs"] == 1


@pytest.mark.parametrize("seed", fresh_seeds())
def test_an_ensemble_keeps_every_promise_under_fresh_faults(seed: int) -> None:
    assert ensemble_run(seed).counts["runs"] == 1


def test_members_change_while_clients_write() -> None:
    """Servers leave, come back and change their roles; the writers are answered all the same."""
    counts = sum((ensemble_run(seed, layout=Layout(3, 1)).counts for seed in CHANGING_SEEDS), start=Counter[str]())
    for name in ("changes: leaving", "changes: joining", "writes acknowledged", "harm: change_members"):
        assert counts[name] > 0, name


def test_an_ensemble_seed_gives_the_same_run_again() -> None:
    assert ensemble_run(7).trace_hash == ensemble_run(7).trace_hash
