"""The syntax of zoo.cfg and of membership texts, which is that of java.util.Properties: to (key, value, lines).

1. Files are ISO-8859-1; `\\uXXXX` writes any other character, as UTF-16 units.
2. An odd number of backslashes at a line's end continues it; blanks that open the next line are dropped.
3. `#` and `!` open a comment only as the first character of a line that continues no other.
4. A key ends at the first unescaped `=`, `:` or blank; of `=` and `:` one is swallowed, blanks around it too.
5. Java's server trims keys and values once more after reading, so blanks written as escapes go as well.
"""

import re
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\r|\n")
_NATURAL_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_BLANKS = " \t\f"
_TRIMMED = "".join(map(chr, range(0x21)))
_KEY_AND_VALUE = re.compile(r"((?:[^\\=: \t\f]|\\.)*)[ \t\f]*[=:]?[ \t\f]*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class Property(NamedTuple):
    """One setting as the file has it; lines count from 1, and it takes those from `line` to `last_line`."""

    key: str
    value: str
    line: int
    last_line: int


class PropertiesError(ValueError):
    """The file is not in Java's properties syntax at `line`."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def parse_properties(data: bytes) -> list[Property]:
    """Every setting in the order of the file, also those that a later line repeats (the last one counts)."""
    return parse_properties_text(data.decode("iso-8859-1"))


def parse_properties_text(text: str) -> list[Property]:
    return [_property(*line) for line in _logical_lines(text)]


def natural_lines(text: str) -> list[str]:
    """The lines that `Property` counts, each with its end, so that together they are `text`."""
    return [line for line in _NATURAL_LINE.findall(text) if line]


def _logical_lines(text: str) -> list[tuple[str, int, int]]:
    lines: list[tuple[str, int, int]] = []
    gathered, start = "", 0
    for number, natural in enumerate(_LINE_END.split(text), 1):
        piece = natural.lstrip(_BLANKS)
        if not gathered and (not piece or piece[0] in "#!"):
            continue
        start = start or number
        is_open = _is_continued(piece)
        gathered += piece[:-1] if is_open else piece
        if not is_open:
            lines.append((gathered, start, number))
            gathered, start = "", 0
    if gathered:
        lines.append((gathered, start, number))
    return lines


def _is_continued(piece: str) -> bool:
    backslashes = len(piece) - len(piece.rstrip("\\"))
    return backslashes % 2 == 1


def _property(text: str, line: int, last_line: int) -> Property:
    match = _KEY_AND_VALUE.fullmatch(text)
    assert match is not None, "the expression matches every line that has no open backslash (rule 2)"
    key, value = _unescape(match[1], line), _unescape(match[2], line)
    return Property(key.strip(_TRIMMED), value.strip(_TRIMMED), line, last_line)


def _unescape(text: str, line: int) -> str:
    if "\\" not in text:
        return text
    if "u" in _ESCAPE.findall(text):
        raise PropertiesError("Malformed \\uxxxx encoding.", line)
    return _join_surrogates(_ESCAPE.sub(_unescaped, text))


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _CONTROL.get(code, code)


def _join_surrogates(text: str) -> str:
    """Two UTF-16 units that were escaped one by one are one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
