"""Every transcript is played; with `ZKEEPER_REWRITE_TRANSCRIPTS=1` what happens is written down as what is expected."""

import os
from pathlib import Path

import pytest
from election_transcripts import Player, Step, read_transcript, write_transcript

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[path.stem for path in TRANSCRIPTS])
def test_transcript(path: Path) -> None:
    steps, player = read_transcript(path), Player()
    played = [Step(step.comments, step.command, player.play(step.command)) for step in steps]
    if os.environ.get("ZKEEPER_REWRITE_TRANSCRIPTS") == "1":
        path.write_text(write_transcript(played))
        return
    assert write_transcript(played) == path.read_text()


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) > 10
