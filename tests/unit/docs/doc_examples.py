"""The examples of the documentation: where they are, and how they are cut out."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]


class Example(NamedTuple):
    page: str
    line: int
    source: str
    output: str | None
    """What the page says that it prints: the block of text that follows it at once."""

    @property
    def name(self) -> str:
        return f"{Path(self.page).stem}_{self.line}"


def examples(page: str) -> list[Example]:
    """All Python blocks of a page."""
    text = (ROOT / page).read_text()
    pattern = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?"
    return [
        Example(page, text[: match.start()].count("\n") + 1, match[1], match[2])
        for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL)
    ]
