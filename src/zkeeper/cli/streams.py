"""Reading standard input and files without holding the loop up, and consoles for people.

A plain file never makes anybody wait, and event loops do not take one; it is simply read. A pipe may wait, so the loop
reads it, and sessions live on meanwhile.
"""

import asyncio
import os
import stat
import sys
from typing import TYPE_CHECKING, Final, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024
WIDE_COLUMNS: Final = 200


class Reader(Protocol):
    """Bytes to come; empty ones are the end."""

    async def readline(self) -> bytes: ...

    async def read(self, size_bytes: int = CHUNK_BYTES) -> bytes: ...


class _FileReader:
    def __init__(self, stream: TextIO) -> None:
        self._buffer = stream.buffer

    async def readline(self) -> bytes:
        return self._buffer.readline()

    async def read(self, size_bytes: int = CHUNK_BYTES) -> bytes:
        return self._buffer.read(size_bytes)


async def open_reader(stream: TextIO) -> Reader:
    """Reads `stream`, of whatever sort it is. (The sort is looked at first: uvloop aborts when it is given a file.)"""
    mode = os.fstat(stream.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return _FileReader(stream)
    reader = asyncio.StreamReader(MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
    return reader


def make_console(is_error_stream: bool = False) -> "Console":
    """For tables and progress. Where no terminal is, lines are long rather than folded."""
    from rich.console import Console

    stream = sys.stderr if is_error_stream else sys.stdout
    return Console(stderr=is_error_stream, highlight=False, width=None if stream.isatty() else WIDE_COLUMNS)
