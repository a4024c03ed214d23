"""Where lines come from when nobody types them."""

from collections.abc import AsyncIterator
from typing import TextIO

from zkeeper.cli.streams import open_reader


async def piped_lines(stream: TextIO) -> AsyncIterator[str]:
    """The lines of a pipe, a terminal or a file. While the next one is awaited, the session and its watches live on."""
    reader = await open_reader(stream)
    while line := await reader.readline():
        yield line.decode(errors="replace").rstrip("\r\n")
