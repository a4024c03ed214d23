"""Recipe runs in the test suite: always the same seeds, those that once failed, and on request fresh ones.

`ZKEEPER_SEEDS=<any text>` adds seeds that follow from the text; the name of each test says its seed.
"""

import pytest

from ..test_crash_seeds import fresh_seeds  # noqa: TID252  the package has one name in pytest and another as a program
from .games import FIRST_GAMES
from .recipe_run import recipe_run

FIXED_SEEDS = range(120)

FAILED_ONCE = {
    16: "a session that was lost for the client lived on, and so did what it had created",
    157: "the harness ended a session that had ended",
    201: "a session that the server ends before its time is judged by its tokens",
}
"""Seeds that found a mistake, of a recipe or of the judge. Kept for good."""


@pytest.mark.parametrize("seed", FIXED_SEEDS)
def test_a_recipe_run_keeps_every_promise(seed: int) -> None:
    assert recipe_run(seed).counts["runs"] == 1


@pytest.mark.parametrize("seed", FAILED_ONCE)
def test_a_mistake_of_old_is_not_made_again(seed: int) -> None:
    assert recipe_run(seed, games=FIRST_GAMES).counts["runs"] == 1


@pytest.mark.parametrize("seed", fresh_seeds())
def test_a_fresh_recipe_run_keeps_every_promise(seed: int) -> None:
    assert recipe_run(seed).counts["runs"] == 1


def test_the_recipe_runs_meet_what_they_are_for() -> None:
    counts = sum((recipe_run(seed).counts for seed in range(120)), start=recipe_run(120).counts)
    for name in (
        "blocks", "counts", "entries done", "changes shown", "leaderships", "members", "items shared", "ids", "leases",
        "barriers passed", "meetings", "settings read", "nodes present", "services registered", "cancelled",
        "ConnectionLossError", "SessionExpiredError", "restart", "cut_off", "expire",
    ):  # fmt: skip
        assert counts[name] > 0, name


def test_a_recipe_seed_gives_the_same_run_again() -> None:
    assert recipe_run(7).trace_hash == recipe_run(7).trace_hash
