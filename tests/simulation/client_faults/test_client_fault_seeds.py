"""Fault runs of the client in the test suite: always the same seeds, those that once failed, and on request fresh ones.

`ZKEEPER_SEEDS=<any text>` adds seeds that follow from the text; the name of each test says its seed.
"""

from collections import Counter

import pytest

from ..test_crash_seeds import fresh_seeds  # noqa: TID252  the package has one name in pytest and another as a program
from .fault_run import client_fault_run

FIXED_SEEDS = range(60)

FAILED_ONCE = {
    841: "a watch that was stopped without a connection had the next one on its path removed",
    5698: "a set of one version that was repeated met another znode of that path",
    6176: "closing the client stops the deletion of what was given up",
    6476: "a repetition that was never sent hid that the first request was done",
    7919: "a protected creation was repeated in the next session, and the first request came late",
}
"""Seeds that found a mistake, of the client or of the judge. Kept for good."""


@pytest.mark.parametrize("seed", [*FIXED_SEEDS, *FAILED_ONCE])
def test_a_client_keeps_every_promise_under_faults(seed: int) -> None:
    assert client_fault_run(seed).counts["runs"] == 1


@pytest.mark.parametrize("seed", fresh_seeds())
def test_a_client_keeps_every_promise_under_fresh_faults(seed: int) -> None:
    assert client_fault_run(seed).counts["runs"] == 1


def test_the_client_fault_runs_meet_what_they_are_for() -> None:
    counts = sum((client_fault_run(seed).counts for seed in range(150)), start=Counter[str]())
    for name in ("breaks", "cancelled", "cut_one_way", "stall", "slow_disk", "expire", "restart", "stop", "close",
                 "to LOST", "unknown outcomes that were done", "events told afterwards", "events may be missing",
                 "persistent watches followed", "ConnectionLossError", "SessionExpiredError", "ClosedError",
                 "TransactionFailed"):  # fmt: skip
        assert counts[name] > 0, name


def test_a_client_fault_seed_gives_the_same_run_again() -> None:
    assert client_fault_run(7).trace_hash == client_fault_run(7).trace_hash
