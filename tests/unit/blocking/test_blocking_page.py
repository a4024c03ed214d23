"""The examples of docs/blocking.md run, each by itself, against a server."""

import re
from pathlib import Path

import pytest

from zkeeper.testing import Server

PAGE = Path(__file__).parents[3] / "docs" / "blocking.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_examples(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for example in EXAMPLES:
        server.reset_tree()
        moved = example.replace("localhost:2181", server.address)
        exec(compile(moved, str(PAGE), "exec"), {})
        told.append(capsys.readouterr().out.splitlines())
    assert told[0] == ["/members/m-0000000000 ['m-0000000000']", "there is no /missing"]
    assert told[1:3] == [[], []]
    assert [line.split("(")[0] for line in told[3]] == ["WatchEvent", "DELETED"]
    assert (told[4][0].endswith(" False"), told[4][1:], len(told)) == (True, ["b'hello'"], 5)
