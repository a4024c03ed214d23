"""The plain shell says what zkCli said, line by line (tests/golden/zkcli)."""

import asyncio
from pathlib import Path

import pytest
from cli_server import running_server
from transcript import play

RECORDED = sorted((Path(__file__).parents[2] / "golden" / "zkcli").glob("*.txt"))


def test_the_transcripts_were_found() -> None:
    assert [path.stem for path in RECORDED] == ["acls", "nodes", "others", "quotas", "watches"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_plain_shell_says_what_zkcli_says(path: Path, tmp_path: Path) -> None:
    recorded = path.read_text(encoding="utf-8").splitlines()
    lines = [line.removeprefix("> ") for line in recorded if line.startswith("> ")]

    async def played() -> list[str]:
        async with running_server(tmp_path) as server:
            return await play(server, lines)

    assert asyncio.run(played()) == recorded
