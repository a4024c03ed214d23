"""A front address: it carries every byte to the server and back, until it is told to break, to stall or to be slow.

1. What goes through is cut at any byte: a connection that is to break does so after so many more bytes, in a direction.
2. A front that stalls takes connections and bytes and passes nothing on, as a server does whose process stands still.
"""

import asyncio
from typing import cast

PORT = 2181
CHUNK_BYTES = 4096


class Front:
    """`serve` is the main coroutine of its machine. `target` is the server behind it."""

    def __init__(self, target: str, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.target = target
        self.chunk_bytes = chunk_bytes
        self.ways: list[Way] = []
        self.breaks = 0
        self._may_pass = asyncio.Event()

    async def serve(self) -> None:
        self._may_pass.set()
        server = await asyncio.start_server(self._carry, port=PORT, limit=CHUNK_BYTES)
        await server.serve_forever()

    def break_after(self, to_server: bool, count_bytes: int) -> None:
        """All connections break when so many more bytes have passed in that direction."""
        for way in self.ways:
            if way.is_to_server is to_server:
                way.left_bytes = count_bytes

    def break_now(self) -> None:
        for way in list(self.ways):
            way.close()

    def stall(self) -> None:
        self._may_pass.clear()

    def heal(self) -> None:
        """What has not broken yet will not."""
        self._may_pass.set()
        for way in self.ways:
            way.left_bytes = None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._may_pass.wait()
        try:
            there_reader, there_writer = await asyncio.open_connection(self.target, PORT)
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, there_writer)
        there, back = Way(self, True, reader, there_writer, ends), Way(self, False, there_reader, writer, ends)
        await asyncio.gather(there.carry(self._may_pass), back.carry(self._may_pass))


class Way:
    """One direction of one connection. `left_bytes` may still pass; None for no limit."""

    def __init__(
        self, front: Front, is_to_server: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
        ends: tuple[asyncio.StreamWriter, ...],
    ) -> None:  # fmt: skip
        self.is_to_server = is_to_server
        self.left_bytes: int | None = None
        self._front = front
        self._reader = reader
        self._writer = writer
        self._ends = ends

    async def carry(self, may_pass: asyncio.Event) -> None:
        self._front.ways.append(self)
        try:
            while data := await self._reader.read(self._front.chunk_bytes):
                await may_pass.wait()
                if not self._pass(data):
                    break
        except OSError:
            pass
        finally:
            self._front.ways.remove(self)
            self.close()

    def _pass(self, data: bytes) -> bool:
        """Whether the connection goes on."""
        if self.left_bytes is None:
            self._writer.write(data)
            return True
        self._writer.write(data[: self.left_bytes])
        self.left_bytes -= len(data)
        if self.left_bytes > 0:
            return True
        self._front.breaks += 1
        return False

    def close(self) -> None:
        """What was written before goes out still."""
        for writer in self._ends:
            cast(asyncio.Transport, writer.transport).close()
