"""Where lines come from when nobody types them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, TextIO

MAX_LINE_BYTES: Final = 4 * 1024 * 1024


async def piped_lines(stream: TextIO) -> AsyncIterator[str]:
    """The lines of a pipe, a terminal or a file. While the next one is awaited, the session and its watches live on.

    A plain file never makes anybody wait, and event loops do not take one; it is simply read.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(MAX_LINE_BYTES)
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
    except ValueError:
        for line in stream:
            yield line.rstrip("\r\n")
        return
    while line_bytes := await reader.readline():
        yield line_bytes.decode(errors="surrogateescape").rstrip("\r\n")
