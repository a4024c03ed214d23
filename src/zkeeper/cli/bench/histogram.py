"""Counts durations in buckets that widen with the duration, so that memory is bounded and percentiles are exact to 1 %.

Durations below 128 units have a bucket each; above, each doubling has 128.
"""

from typing import Final

_BITS: Final = 7
_PER_DOUBLING: Final = 1 << _BITS


class Histogram:
    """Of whole numbers from 0 up; the unit is the caller's."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.max = 0

    def add(self, value: int) -> None:
        bucket = _bucket(value)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.total += value
        if value > self.max:
            self.max = value

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> int:
        """The value that `percent` of all do not exceed; 0 when there is none."""
        wanted = self.count * percent / 100
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                return min(_highest(bucket), self.max)
        return self.max


def _bucket(value: int) -> int:
    doublings = max(0, value.bit_length() - _BITS - 1)
    return doublings * _PER_DOUBLING + (value >> doublings)


def _highest(bucket: int) -> int:
    """The highest value of a bucket."""
    if bucket < 2 * _PER_DOUBLING:
        return bucket
    doublings = bucket // _PER_DOUBLING - 1
    return ((bucket - doublings * _PER_DOUBLING + 1) << doublings) - 1
