"""What a benchmark figure is: its goal, the samples taken for it, and the verdict.

Invariants:
1. A ratio is always subject / baseline, the last contender over the first, of medians taken in the same run.
2. A goal without enough contenders to judge it has no verdict: it is neither met nor missed.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from enum import Enum


class BenchError(Exception):
    """A figure could not be measured honestly; the message says why."""


class Of(Enum):
    """What a goal limits: the ratio to the baseline, or the subject's own value."""

    RATIO = "ratio"
    VALUE = "value"


@dataclass(frozen=True)
class Goal:
    """A limit that the subject has to keep to."""

    of: Of
    limit: float
    at_least: bool

    def met(self, measured: float) -> bool:
        """Whether the measured ratio or value is on the right side of the limit."""
        return measured >= self.limit if self.at_least else measured <= self.limit


def ratio_at_least(limit: float) -> Goal:
    """A goal for figures where more is better, as `limit` times the baseline."""
    return Goal(Of.RATIO, limit, at_least=True)


def ratio_at_most(limit: float) -> Goal:
    """A goal for figures where less is better, as `limit` times the baseline."""
    return Goal(Of.RATIO, limit, at_least=False)


def value_at_most(limit: float) -> Goal:
    """A goal in the figure's own unit."""
    return Goal(Of.VALUE, limit, at_least=False)


@dataclass(frozen=True)
class Figure:
    """One row of the table. `name` is the key of its samples, `title` what a reader sees."""

    name: str
    title: str
    unit: str
    goal: Goal | None = None


@dataclass
class Samples:
    """The measured values of one figure, per contender in the order in which they were taken."""

    by_label: dict[str, list[float]] = field(default_factory=dict)

    def add(self, label: str, value: float) -> None:
        """Notes one more value of a contender."""
        self.by_label.setdefault(label, []).append(value)

    def median(self, label: str) -> float:
        """The median of a contender's values."""
        return statistics.median(self.by_label[label])

    def ratio(self, baseline: str, subject: str) -> float:
        """Subject's median over baseline's median."""
        return self.median(subject) / self.median(baseline)

    def round_ratios(self, baseline: str, subject: str) -> list[float]:
        """The ratio within each round: how much it varied from one pair of runs to the next."""
        pairs = zip(self.by_label[baseline], self.by_label[subject], strict=True)
        return [after / before for before, after in pairs]


@dataclass(frozen=True)
class Row:
    """A figure with its samples, or with the reason why there are none."""

    figure: Figure
    samples: Samples
    failure: str = ""

    def measured(self, labels: list[str]) -> float | None:
        """What the goal is compared with: None if nothing was measured or there is no baseline."""
        goal = self.figure.goal
        if self.failure or goal is None:
            return None
        if goal.of is Of.VALUE:
            return self.samples.median(labels[-1])
        return self.samples.ratio(labels[0], labels[-1]) if len(labels) > 1 else None

    def met(self, labels: list[str]) -> bool | None:
        """Whether the goal was met; None where there is nothing to judge."""
        measured, goal = self.measured(labels), self.figure.goal
        return None if measured is None or goal is None else goal.met(measured)
