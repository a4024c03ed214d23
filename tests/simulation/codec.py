"""The bytes of the client protocol, written with `struct` and sharing nothing with `zkeeper.wire`.

A mistake that the server's codec makes both ways would not be seen by a client that used it, too.
"""

import struct
from typing import NamedTuple

OPEN_PERMISSIONS = 31
NO_PASSWORD = bytes(16)

_INT, _LONG = struct.Struct(">i"), struct.Struct(">q")
_STAT = struct.Struct(">qqqqiiiqiiq")


class Stat(NamedTuple):
    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    owner: int
    data_length: int
    children: int
    pzxid: int


def i32(value: int) -> bytes:
    return _INT.pack(value)


def i64(value: int) -> bytes:
    return _LONG.pack(value)


def buffer(data: bytes | None) -> bytes:
    return _INT.pack(-1) if data is None else _INT.pack(len(data)) + data


def string(text: str) -> bytes:
    return buffer(text.encode())


def boolean(value: bool) -> bytes:
    return b"\1" if value else b"\0"


def world_acl(permissions: int) -> bytes:
    """A list of one entry, for everybody."""
    return i32(1) + i32(permissions) + string("world") + string("anyone")


def frame(payload: bytes) -> bytes:
    return _INT.pack(len(payload)) + payload


def connect_request(timeout_ms: int, session_id: int, password: bytes, last_zxid: int) -> bytes:
    return frame(i32(0) + i64(last_zxid) + i32(timeout_ms) + i64(session_id) + buffer(password) + b"\0")


class Cursor:
    """Reads values one after the other."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def i32(self) -> int:
        value: int = _INT.unpack_from(self.data, self.position)[0]
        self.position += 4
        return value

    def i64(self) -> int:
        value: int = _LONG.unpack_from(self.data, self.position)[0]
        self.position += 8
        return value

    def boolean(self) -> bool:
        self.position += 1
        return self.data[self.position - 1] != 0

    def buffer(self) -> bytes | None:
        length = self.i32()
        if length < 0:
            return None
        self.position += length
        assert self.position <= len(self.data), "a field is longer than its frame"
        return self.data[self.position - length : self.position]

    def string(self) -> str:
        data = self.buffer()
        assert data is not None, "a string is null"
        return data.decode()

    def strings(self) -> list[str]:
        return [self.string() for _ in range(self.i32())]

    def stat(self) -> Stat:
        self.position += _STAT.size
        return Stat(*_STAT.unpack_from(self.data, self.position - _STAT.size))
