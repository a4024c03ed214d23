"""Splits a line of the shell into words, as zkCli does.

1. Blanks separate words. A word that opens with a quote runs to the next quote of that kind and loses both; there are
   no escapes. What follows the closing quote is a new word.
2. A quote inside a word is a character like any other.
3. A quote that nothing closes is dropped.
"""

import re
from typing import Final

_WORD: Final = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^"'\s]\S*)|["'])""")


def split_words(line: str) -> list[str]:
    """The words of `line`; none when it is blank.

    Example:
        split_words("create /a 'two words'") == ["create", "/a", "two words"]
    """
    groups = (match.groups() for match in _WORD.finditer(line))
    return [word for group in groups for word in group if word is not None]
