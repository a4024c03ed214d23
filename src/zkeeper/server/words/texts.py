"""How numbers, ids, times and paths are written in the answers to words."""

from datetime import UTC, datetime
from typing import Final

_UNSIGNED: Final = 0xFFFFFFFFFFFFFFFF


def hexadecimal(number: int) -> str:
    """As Java prints a long: `0x` and the two's complement without padding."""
    return f"0x{number & _UNSIGNED:x}"


def average(value: float) -> str:
    """At most four decimals, and always one."""
    return repr(round(float(value), 4))


def date(wall_ms: int) -> str:
    """`Sun Nov 22 15:33:47 UTC 2026`, the form of Java's dates; a server tells UTC, wherever it runs."""
    weekday, month, day, clock, year = datetime.fromtimestamp(wall_ms // 1000, UTC).ctime().split()
    return f"{weekday} {month} {day:>02} {clock} UTC {year}"


def path_text(path: bytes) -> str:
    """A path for an answer; what is no UTF-8 comes out of `encoded` as it went in."""
    return path.decode("utf-8", "surrogateescape")


def encoded(answer: str) -> bytes:
    return answer.encode("utf-8", "surrogateescape")
