"""The examples of docs/blocking.md run, one after the other, against a server."""

import re
from pathlib import Path
from typing import Any

import pytest

from zkeeper.testing import Server

PAGE = Path(__file__).parents[3] / "docs" / "blocking.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
DISTURBANCE = "for event in events:"


def test_the_examples(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for example in EXAMPLES:
        # What the page waits for has to happen.
        example = example.replace(DISTURBANCE, f"zk.delete('/once')\n    {DISTURBANCE}")
        moved = example.replace("localhost:2181", server.address)
        exec(compile(moved, str(PAGE), "exec"), names)
    told = capsys.readouterr().out.splitlines()
    assert len(EXAMPLES) == 5
    assert told[0] == "/members/m-0000000000 ['m-0000000000']"
    assert told[1] == "there is no /missing"
    assert [line.split("(")[0] for line in told[2:4]] == ["WatchEvent", "DELETED"]
    assert told[4].endswith(" False")
    assert told[5:] == ["b'hello'"]
