"""Reading standard input and files without holding the loop up.

A plain file never makes anybody wait, and event loops do not take one; it is simply read. A pipe may wait, so the loop
reads it, and sessions live on meanwhile.
"""

import asyncio
import io
import os
import stat
import sys
from typing import Final, Protocol, TextIO

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024


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


def speak_utf8() -> None:
    """For JSON and exports, which are UTF-8 whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
