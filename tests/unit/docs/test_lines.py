"""The tour of the source is read in terminals and in diffs, so its lines stay as short as those of the source."""

from pathlib import Path

WIDTH = 120
TOUR = Path(__file__).parents[3] / "ARCHITECTURE.md"


def test_lines_of_the_tour_are_within_the_width() -> None:
    lines = TOUR.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > WIDTH] == []
