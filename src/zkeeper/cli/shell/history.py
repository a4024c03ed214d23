"""The commands of this session, by number."""

from typing import Final

SHOWN: Final = 11


class History:
    """Numbers count from 0. A `redo` counts as the command that it repeats."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    @property
    def next_number(self) -> int:
        return len(self._lines)

    def add(self, line: str) -> None:
        self._lines.append(line)

    def replace_last(self, line: str) -> None:
        self._lines[-1] = line

    def line(self, number: int) -> str | None:
        """A line that came before the last one; None if there is none of that number."""
        return self._lines[number] if 0 <= number < len(self._lines) - 1 else None

    def last(self) -> list[tuple[int, str]]:
        first = max(0, len(self._lines) - SHOWN)
        return list(enumerate(self._lines[first:], first))
