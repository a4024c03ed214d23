"""The table of `get -x`: sixteen bytes a row, in hexadecimal and as text."""

from collections.abc import Iterator
from typing import Final

_ROW_BYTES: Final = 16
_RULE: Final = "+--------+-------------------------------------------------+----------------+"
_HEAD: Final = (
    "         +-------------------------------------------------+",
    "         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |",
    _RULE,
)


def hexdump_lines(data: bytes) -> list[str]:
    """The lines of the table; none for no data."""
    return [*_HEAD, *_rows(data), _RULE] if data else []


def _rows(data: bytes) -> Iterator[str]:
    for start in range(0, len(data), _ROW_BYTES):
        row = data[start : start + _ROW_BYTES]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"|{start:08x}| {row.hex(' '):<{_ROW_BYTES * 3}}|{text:<{_ROW_BYTES}}|"
