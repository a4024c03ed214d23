"""A database on its way to a learner: its image and a signature, behind a SNAP packet (quorum, section 6).

1. The leader serves meanwhile, so the image is fuzzy: it holds all up to the zxid at its beginning, and parts of what
   was applied while it was sent. Proposals after that zxid follow it and mend what is mixed.
2. Neither side holds its loop for long, or more of the image than a piece, besides the znodes themselves.
3. A database is given out only when the whole image and its signature have come.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from zkeeper.database.database import Database
from zkeeper.database.image import ImageReader, ImageWriter
from zkeeper.errors import CorruptionError, DecodeError
from zkeeper.storage.snapshot_writer import SLICE_BYTES, SLICE_NODES

SIGNATURE: Final = b"\x00\x00\x00\x0aBenWasHere"
PIECE_BYTES: Final = 64 * 1024

NextChunk = Callable[[], Awaitable[bytes]]
WriteChunk = Callable[[bytes], Awaitable[None]]


async def send_image(database: Database, write_chunk: WriteChunk) -> int:
    """Sends `database` as it is now, at `database.last_zxid`, or somewhat later; returns how many bytes that were.

    `write_chunk` returns when the connection has room for more.
    """
    image = ImageWriter(database)
    size_bytes = len(SIGNATURE)
    while (piece := image.next_slice(SLICE_NODES, SLICE_BYTES)) is not None:
        size_bytes += len(piece)
        await write_chunk(piece)
        await asyncio.sleep(0)
    await write_chunk(SIGNATURE)
    return size_bytes


async def receive_image(
    make_database: Callable[[], Database], zxid: int, next_chunk: NextChunk, limit_bytes: int
) -> tuple[Database, bytes]:
    """A new database, standing at `zxid`, which the SNAP packet gave; and what followed the signature.

    `next_chunk` gives the bytes as they come, none of them for the end of the connection. Raises `DecodeError` when
    that comes too early, or when the bytes are not an image with its signature.
    """
    database = make_database()
    pieces = _Pieces(next_chunk)
    rest = await _receive(ImageReader(database, limit_bytes), pieces)
    while len(rest) < len(SIGNATURE):
        rest += await pieces.next()
    if not rest.startswith(SIGNATURE):
        raise DecodeError(f"the image ends with {rest[: len(SIGNATURE)]!r}, which is not its signature")
    database.last_zxid = zxid
    database.await_agreement()
    return database, rest[len(SIGNATURE) :] + pieces.left()


async def _receive(image: ImageReader, pieces: "_Pieces") -> bytes:
    try:
        while (rest := image.feed(await pieces.next())) is None:
            await asyncio.sleep(0)
    except CorruptionError as error:
        raise DecodeError(str(error)) from error
    return rest


class _Pieces:
    """Chunks, cut so small that one is quickly read."""

    def __init__(self, next_chunk: NextChunk) -> None:
        self._next_chunk = next_chunk
        self._chunk = b""
        self._position = 0

    async def next(self) -> bytes:
        if self._position >= len(self._chunk):
            self._chunk, self._position = await self._next_chunk(), 0
            if not self._chunk:
                raise DecodeError("the connection ended within an image")
        start, self._position = self._position, self._position + PIECE_BYTES
        return self._chunk[start : self._position]

    def left(self) -> bytes:
        return self._chunk[self._position :]
