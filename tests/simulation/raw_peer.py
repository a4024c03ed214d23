"""A server at the election port, byte by byte: its introductions and frames come from the specification's captures."""

import asyncio

from zkeeper.testing.simulation import Machine, Simulation

PORT = 3888
INTRODUCTION_BYTES = 8 + 8 + 4


def introduction(sid: int, address: str = "", version: int = -65536) -> bytes:
    text = address.encode()
    return (
        version.to_bytes(8, "big", signed=True)
        + sid.to_bytes(8, "big", signed=True)
        + len(text).to_bytes(4, "big")
        + text
    )


def frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


class RawConnection:
    """One connection; what comes is kept in `got`, and `is_over` says that the other side has ended it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.got = b""
        self.is_over = False
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            while data := await self.reader.read(1 << 16):
                self.got += data
        except ConnectionError:
            pass
        self.is_over = True

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def close(self) -> None:
        self.writer.close()

    @property
    def introduction(self) -> bytes:
        end = INTRODUCTION_BYTES + int.from_bytes(self.got[16:20], "big")
        return self.got[:end]

    @property
    def frames(self) -> list[bytes]:
        """The payloads behind the introduction of one that connected to us, or from the start."""
        rest = self.got[len(self.introduction) :] if self.got[:4] == b"\xff\xff\xff\xff" else self.got
        found = []
        while rest:
            size_bytes = int.from_bytes(rest[:4], "big")
            found.append(rest[4 : 4 + size_bytes])
            rest = rest[4 + size_bytes :]
        return found


class RawPeer:
    """A machine that listens on the election port and connects as it is told."""

    def __init__(self, world: Simulation, name: str) -> None:
        self.world = world
        self.machine: Machine = world.machine(name)
        self.accepted: list[RawConnection] = []
        self.opened: list[RawConnection] = []

    def listen(self, port: int = PORT) -> None:
        self.world.run(self._listen(port), self.machine)

    async def _listen(self, port: int) -> None:
        self.server = await asyncio.start_server(self._accept, "0.0.0.0", port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.append(RawConnection(reader, writer))

    def connect(self, host: str, first: bytes = b"", port: int = PORT) -> RawConnection:
        return self.world.run(self._connect(host, first, port), self.machine)

    async def _connect(self, host: str, first: bytes, port: int) -> RawConnection:
        connection = RawConnection(*await asyncio.open_connection(host, port))
        self.opened.append(connection)
        connection.send(first)
        return connection
