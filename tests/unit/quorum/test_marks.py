"""Marks count when somebody counts, each has a meaning, and each is said by some code."""

import re
from pathlib import Path

import pytest

from zkeeper.quorum import marks

SOURCE = Path(__file__).parents[3] / "src" / "zkeeper"
SAID = re.findall(r'\bhit\(f?"([^"]+)"\)', "".join(path.read_text() for path in sorted(SOURCE.rglob("*.py"))))


def test_marks_count_while_somebody_counts() -> None:
    marks.hit("member.reload")
    marks.start_counting()
    for name in ("learner.hole", "learner.hole", "member.reload"):
        marks.hit(name)
    assert marks.stop_counting() == {"learner.hole": 2, "member.reload": 1}
    marks.hit("learner.hole")
    marks.start_counting()
    assert marks.stop_counting() == {}


def test_a_mark_without_a_meaning_is_refused_while_somebody_counts() -> None:
    marks.hit("nothing")
    marks.start_counting()
    with pytest.raises(KeyError):
        marks.hit("nothing")
    marks.stop_counting()


def pattern(said: str) -> str:
    """What a mark may be that is put together where it is said."""
    return ".+".join(map(re.escape, re.split(r"\{.*?\}", said)))


def test_code_says_only_marks_that_are_listed() -> None:
    assert [said for said in SAID if not any(re.fullmatch(pattern(said), name) for name in marks.MARKS)] == []


def test_each_mark_is_said_by_some_code() -> None:
    assert len(SAID) > 5
    said = [pattern(one) for one in SAID]
    assert [name for name in marks.MARKS if not any(re.fullmatch(one, name) for one in said)] == []
