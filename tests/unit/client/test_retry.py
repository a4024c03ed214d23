"""What `Retry` repeats, and what it does not."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

import zkeeper
from zkeeper import Outcome, Retry
from zkeeper.errors import (
    BadArgumentsError,
    BadVersionError,
    ClosedError,
    ConnectionLossError,
    NoNodeError,
    SessionExpiredError,
    ThrottledOpError,
    ZooKeeperError,
)
from zkeeper.testing.simulation import Simulation


def lost(outcome: Outcome, repeatable: bool, kind: type[ZooKeeperError] = ConnectionLossError) -> ZooKeeperError:
    error = kind("lost")
    error.outcome, error.is_repeatable = outcome, repeatable
    return error


READ = lost(Outcome.NOT_APPLIED, True)
NEVER_SENT = lost(Outcome.NOT_APPLIED, True, SessionExpiredError)
VERSIONED = lost(Outcome.UNKNOWN, True)
WRITE = lost(Outcome.UNKNOWN, False)


class Flaky:
    """Fails with `errors`, one after the other, then returns."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self, word: str = "done", *, suffix: str = "") -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return word + suffix


def run(make: Callable[[], Awaitable[str]]) -> tuple[str, float]:
    async def main() -> tuple[str, float]:
        result = await make()
        return result, asyncio.get_running_loop().time()

    with Simulation(1) as sim:
        return sim.run(main())


@pytest.mark.parametrize("error", [READ, NEVER_SENT, VERSIONED, ThrottledOpError()], ids=repr)
def test_what_is_safe_is_repeated(error: ZooKeeperError) -> None:
    flaky = Flaky(error, error)
    assert run(lambda: Retry(3)(flaky, "yes", suffix="!"))[0] == "yes!"
    assert flaky.calls == 3


@pytest.mark.parametrize("error", [WRITE, NoNodeError(), ClosedError(), ValueError()], ids=repr)
def test_what_is_not_safe_or_would_fail_again_is_raised_at_once(error: Exception) -> None:
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        run(lambda: Retry(3)(flaky))
    assert flaky.calls == 1


def test_the_last_error_is_raised_when_attempts_are_used_up() -> None:
    flaky = Flaky(*[READ] * 5)
    with pytest.raises(ConnectionLossError):
        run(lambda: Retry(3)(flaky))
    assert flaky.calls == 3


def test_unsafe_repeats_writes_of_unknown_outcome() -> None:
    flaky = Flaky(WRITE)
    assert run(lambda: Retry(3).unsafe(flaky))[0] == "done"


@pytest.mark.parametrize("answer", [BadVersionError, NoNodeError])
def test_a_repetition_that_meets_its_own_effect_is_unknown(answer: type[ZooKeeperError]) -> None:
    with pytest.raises(answer) as raised:
        run(lambda: Retry(3)(Flaky(VERSIONED, answer())))
    assert raised.value.outcome is Outcome.UNKNOWN
    with pytest.raises(answer) as raised:
        run(lambda: Retry(3)(Flaky(READ, answer())))
    assert raised.value.outcome is Outcome.NOT_APPLIED


@pytest.mark.parametrize("end", [NEVER_SENT, ClosedError()], ids=repr)
def test_what_may_have_happened_stays_unknown_however_the_repetition_ends(end: ZooKeeperError) -> None:
    end.outcome = Outcome.NOT_APPLIED
    with pytest.raises(type(end)) as raised:
        run(lambda: Retry(2)(Flaky(VERSIONED, end)))
    assert raised.value.outcome is Outcome.UNKNOWN


def test_pauses_grow_up_to_a_limit_and_are_shortened_by_chance() -> None:
    even = Retry(9, base_ms=100, factor=2, max_ms=500, jitter=0)
    assert [even.pause_ms(count) for count in (1, 2, 3, 4, 5)] == [100, 200, 400, 500, 500]
    rough = Retry(9, base_ms=100, jitter=0.5, random=Random(1))
    pauses_ms = [rough.pause_ms(1) for _ in range(100)]
    assert 50 <= min(pauses_ms) < 60
    assert 90 < max(pauses_ms) <= 100
    assert run(lambda: even(Flaky(READ, READ)))[1] == pytest.approx(0.3, abs=0.001)


def test_no_attempt_begins_after_the_deadline() -> None:
    flaky = Flaky(*[READ] * 9)
    with pytest.raises(ConnectionLossError):
        run(lambda: Retry(9, base_ms=100, factor=2, jitter=0, deadline_s=0.5)(flaky))
    assert flaky.calls == 3


NAN = float("nan")
WRONG: list[tuple[str, Any, type[Exception]]] = [
    *[("attempts", value, BadArgumentsError) for value in (0, -1)],
    *[("attempts", value, TypeError) for value in (1.5, "3", True)],
    *[
        (name, value, BadArgumentsError)
        for name in ("base_ms", "factor", "max_ms", "deadline_s")
        for value in (-1, NAN)
    ],
    *[(name, "1", TypeError) for name in ("base_ms", "factor", "max_ms", "jitter", "deadline_s")],
    *[("jitter", value, BadArgumentsError) for value in (2, -0.1, NAN)],
    ("random", 5, TypeError),
]


@pytest.mark.parametrize("make", [Retry, zkeeper.blocking.Retry])
@pytest.mark.parametrize(("name", "value", "error"), WRONG)
def test_arguments_that_mean_nothing(make: Any, name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{name} is "):
        make(**{name: value})
