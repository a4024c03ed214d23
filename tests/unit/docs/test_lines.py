"""The tour of the source is read in terminals and in diffs, so its lines stay as short as those of the source."""

from .doc_examples import ROOT

WIDTH = 120


def test_lines_of_the_tour_are_within_the_width() -> None:
    lines = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > WIDTH] == []
