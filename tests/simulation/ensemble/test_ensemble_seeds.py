"""Ensembles under faults in the test suite: always the same seeds, those that once failed, and on request fresh ones.

`ZKEEPER_SEEDS=<any text>` adds seeds that follow from the text; the name of each test says its seed.
"""

from collections import Counter
from functools import cache

import pytest

from ..seeds import Outcome  # noqa: TID252  the package has one name in pytest and another as a program
from ..test_crash_seeds import fresh_seeds  # noqa: TID252  as above
from . import __main__ as program
from . import ensemble_run as of_ensembles
from .ensemble_run import ensemble_run
from .servers import Layout

FIXED_SEEDS = range(10)

FAILED_ONCE = {
    14: "the harness looked less often than a small memory forgot what was committed",
    21: "the same, where the last of an epoch was then sent in snapshots only",
}
"""Seeds that found a mistake, of a server or of the judge. Kept for good."""


@cache
def outcome(seed: int) -> Outcome:
    """Played once for all tests."""
    return ensemble_run(seed)


@pytest.mark.parametrize("seed", [*FIXED_SEEDS, *FAILED_ONCE])
def test_an_ensemble_keeps_every_promise_under_faults(seed: int) -> None:
    assert outcome(seed).counts["runs"] == 1


@pytest.mark.parametrize("seed", fresh_seeds())
def test_an_ensemble_keeps_every_promise_under_fresh_faults(seed: int) -> None:
    assert ensemble_run(seed).counts["runs"] == 1


def test_members_change_while_clients_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_ensembles, "CHANGING_SHARE", 1.0)
    counts = sum((ensemble_run(seed, layout=Layout(3, 1)).counts for seed in range(5)), start=Counter[str]())
    for name in ("one leaves", "one changes its role", "one comes back"):
        assert counts[f"members: {name}"] > 0, name


def test_the_ensemble_runs_meet_what_they_are_for() -> None:
    """Scenarios reach every mark (`test_marks_reached.py`); these are of what has to be usual in runs from seeds."""
    counts = sum((outcome(seed).counts for seed in (*FIXED_SEEDS, *FAILED_ONCE)), start=Counter[str]())
    for name in ("sync-plan.1.snap", "sync-plan.2.diff", "sync-plan.4.diff", "sync-plan.5.snap", "member.fast-forward",
                 "leader.no-quorum"):  # fmt: skip
        assert counts[f"mark {name}"] > 0, name


def test_an_ensemble_seed_gives_the_same_run_again() -> None:
    assert ensemble_run(6).trace_hash == outcome(6).trace_hash


def test_the_program_lists_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["--help"])
    assert {"--seeds", "--seed", "--trace", "--layout"} <= set(capsys.readouterr().out.replace("]", " ").split())
