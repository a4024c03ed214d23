"""Where lines come from when nobody types them."""

from collections.abc import AsyncIterator
from typing import TextIO

from zkeeper.cli.failures import ToolError
from zkeeper.cli.streams import MAX_LINE_BYTES, Reader, open_reader


async def piped_lines(stream: TextIO) -> AsyncIterator[str]:
    """The lines of a pipe, a terminal or a file. While the next one is awaited, the session and its watches live on."""
    reader = await open_reader(stream)
    while line := await _next_line(reader):
        yield line.decode(errors="surrogateescape").rstrip("\r\n")


async def _next_line(reader: Reader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise ToolError(f"a line of the input has more than {MAX_LINE_BYTES:,} bytes") from None
