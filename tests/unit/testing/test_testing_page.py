"""The examples of docs/testing.md run as they stand there, and its tables say what is so."""

import re
from pathlib import Path

import pytest
from project_for_plugin import runner

from zkeeper.testing.server import DEFAULT_PROPERTIES

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("source", EXAMPLES)
def test_an_example_passes(source: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = source.count("def test_")
    assert tests > 0
    runner(pytester, monkeypatch)(source).assert_outcomes(passed=tests)


def test_the_page_names_every_property_that_differs() -> None:
    table = PAGE[PAGE.index("A test server differs") :]
    rows = re.findall(r"^\| (`.*?`) \| (.*?) \|", table, re.MULTILINE)
    told = dict(
        pair for keys, values in rows for pair in zip(re.findall(r"`(.+?)`", keys), values.split(", "), strict=True)
    )
    assert {key: value.strip("`") for key, value in told.items()} == DEFAULT_PROPERTIES
