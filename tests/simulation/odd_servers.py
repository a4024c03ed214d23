"""Servers that a client may meet beside ours: one before ZooKeeper 3.6, and one without a quorum."""

import asyncio
import contextlib
from collections.abc import Collection

from .codec import Cursor, frame, i32, i64

ADD_WATCH, SET_WATCHES2 = 106, 105
UNIMPLEMENTED = -6
NOT_READ_ONLY = -119


class OldServer:
    """Passes everything on to a real server but for `missing` requests, which it refuses as one that lacks them."""

    def __init__(self, target: str, missing: Collection[int] = (ADD_WATCH, SET_WATCHES2)) -> None:
        self._target = target
        self._missing = missing
        self.refused: list[int] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self) -> None:
        server = await asyncio.start_server(self._carry, port=2181)
        await server.serve_forever()

    def break_connections(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._target, 2181)
        self._writers += [writer, there_writer]
        back = asyncio.create_task(_pass_on(there_reader, writer))
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            there_writer.write(await _read_frame(reader))
            while True:
                request = await _read_frame(reader)
                header = Cursor(request[4:])
                xid, op = header.i32(), header.i32()
                if op in self._missing:
                    self.refused.append(op)
                    writer.write(frame(i32(xid) + i64(-1) + i32(UNIMPLEMENTED)))
                    break
                there_writer.write(request)
        back.cancel()
        there_writer.close()
        writer.close()


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


class ReadOnlyServer:
    """Answers the connect request of a read-only client, pings, and refuses everything else, as without a quorum."""

    def __init__(self) -> None:
        self.session_ids_asked_for: list[int] = []
        self.questions = 0

    async def serve(self) -> None:
        server = await asyncio.start_server(self._answer, port=2181)
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            head = await reader.readexactly(4)
            if head == b"isro":
                self.questions += 1
                writer.write(b"ro")
            else:
                await self._serve(await reader.readexactly(int.from_bytes(head)), reader, writer)
        writer.close()

    async def _serve(self, connect: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.session_ids_asked_for.append(int.from_bytes(connect[16:24]))
        if connect[-1] != 1:
            return
        writer.write(frame(i32(0) + i32(6000) + i64(0x77) + i32(16) + bytes(16) + b"\x01"))
        while True:
            header = Cursor((await _read_frame(reader))[4:])
            xid, op = header.i32(), header.i32()
            code = 0 if op == 11 else NOT_READ_ONLY
            writer.write(frame(i32(xid) + i64(0) + i32(code)))
