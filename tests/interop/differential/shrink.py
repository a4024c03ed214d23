"""Making a failing replay small: steps, then requests, are left out as long as a difference remains."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from .steps import Burst, Step

Fails = Callable[[Sequence[Step]], bool]


def shrink(steps: Sequence[Step], fails: Fails, attempts: int) -> list[Step]:
    """A shorter list of steps for which `fails` still holds, found in at most so many attempts."""
    budget = _Budget(fails, attempts)
    smaller = _without_chunks(list(steps), budget)
    for index in reversed(range(len(smaller))):
        for thinner in _thinner(smaller[index]):
            candidate = [*smaller[:index], thinner, *smaller[index + 1 :]]
            if budget.fails(candidate):
                smaller = candidate
                break
    return smaller


class _Budget:
    def __init__(self, fails: Fails, attempts: int) -> None:
        self._fails = fails
        self._left = attempts

    def fails(self, steps: Sequence[Step]) -> bool:
        self._left -= 1
        return self._left >= 0 and self._fails(steps)


def _without_chunks(steps: list[Step], budget: _Budget) -> list[Step]:
    """Leave out chunks, half of the steps first and single ones last."""
    size = len(steps) // 2
    while size:
        start = len(steps) - size
        while start > -size:
            candidate = steps[: max(start, 0)] + steps[start + size :]
            if candidate and budget.fails(candidate):
                steps = candidate
            start -= size
        size //= 2
    return steps


def _thinner(step: Step) -> Iterator[Step]:
    """The step with one request only, and the step with any one request less."""
    if not isinstance(step, Burst) or len(step.requests) < 2:
        return
    for request in reversed(step.requests):
        yield dataclasses.replace(step, requests=(request,), cuts=())
    for index in range(len(step.requests)):
        rest = step.requests[:index] + step.requests[index + 1 :]
        yield dataclasses.replace(step, requests=rest, cuts=())
