"""Clocks in milliseconds, made of those that a server is handed. Every request reads them, so they are compiled."""

from collections.abc import Callable
from typing import final


@final
class MonotonicMs:
    """Of a clock in seconds, such as a loop's."""

    def __init__(self, time_s: Callable[[], float]) -> None:
        self._time_s = time_s

    def read(self) -> int:
        return int(self._time_s() * 1000)


@final
class WallMs:
    """Of a clock in nanoseconds since 1970."""

    def __init__(self, time_ns: Callable[[], int]) -> None:
        self._time_ns = time_ns

    def read(self) -> int:
        return self._time_ns() // 1_000_000
