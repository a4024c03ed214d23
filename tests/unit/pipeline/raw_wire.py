"""ZooKeeper's client protocol once more, by `struct` alone, so that the server's bytes are judged by another's code."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

RawEntry = tuple[int, bytes | None, bytes | None]

OPEN: list[RawEntry] = [(31, b"world", b"anyone")]
CREATE, DELETE, EXISTS, GET_DATA, SET_DATA, GET_ACL, SET_ACL, GET_CHILDREN, SYNC = range(1, 10)
PING, GET_CHILDREN2, CHECK, MULTI, CREATE2, RECONFIG, CHECK_WATCHES, REMOVE_WATCHES = range(11, 19)
CREATE_CONTAINER, DELETE_CONTAINER, CREATE_TTL, MULTI_READ = range(19, 23)
AUTH, SET_WATCHES, SASL, GET_EPHEMERALS, ALL_CHILDREN, SET_WATCHES2, ADD_WATCH, WHO_AM_I = range(100, 108)
CLOSE_SESSION = -11
CREATED, DELETED, DATA_CHANGED, CHILDREN_CHANGED = range(1, 5)


class Stat(NamedTuple):
    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    owner: int
    data_bytes: int
    children: int
    pzxid: int


STAT = struct.Struct(">qqqqiiiqiiq")


class Event(NamedTuple):
    type: int
    path: bytes
    zxid: int = -1


@dataclass(frozen=True)
class Reply:
    xid: int
    zxid: int
    err: int
    body: bytes

    def cursor(self) -> "Cursor":
        return Cursor(self.body)

    def event(self) -> Event:
        cursor = self.cursor()
        kind, state, path = cursor.i32(), cursor.i32(), cursor.buf()
        assert self.xid == -1
        assert state == 3
        assert path is not None
        assert not cursor.rest()
        return Event(kind, path, self.zxid)


class Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def _take(self, size: int) -> bytes:
        assert self.at + size <= len(self.data), "the reply is cut off"
        self.at += size
        return self.data[self.at - size : self.at]

    def rest(self) -> bytes:
        return self.data[self.at :]

    def i32(self) -> int:
        return int(struct.unpack(">i", self._take(4))[0])

    def i64(self) -> int:
        return int(struct.unpack(">q", self._take(8))[0])

    def flag(self) -> bool:
        return {b"\0": False, b"\1": True}[self._take(1)]

    def buf(self) -> bytes | None:
        size = self.i32()
        return None if size == -1 else self._take(size)

    def strings(self) -> list[bytes]:
        found = [self.buf() for _ in range(self.i32())]
        return [value for value in found if value is not None]

    def stat(self) -> Stat:
        return Stat(*STAT.unpack(self._take(STAT.size)))

    def acl(self) -> list[RawEntry]:
        return [(self.i32(), self.buf(), self.buf()) for _ in range(self.i32())]


def i32(value: int) -> bytes:
    return struct.pack(">i", value)


def i64(value: int) -> bytes:
    return struct.pack(">q", value)


def buf(value: bytes | None) -> bytes:
    return i32(-1) if value is None else i32(len(value)) + value


def strings(values: Sequence[bytes | None] | None) -> bytes:
    return i32(-1) if values is None else i32(len(values)) + b"".join(map(buf, values))


def acl(entries: Sequence[RawEntry] | None) -> bytes:
    if entries is None:
        return i32(-1)
    return i32(len(entries)) + b"".join(i32(perms) + buf(scheme) + buf(who) for perms, scheme, who in entries)


def framed(payload: bytes) -> bytes:
    return i32(len(payload)) + payload


def request(xid: int, op: int, body: bytes = b"") -> bytes:
    return framed(i32(xid) + i32(op) + body)


def connect(
    timeout_ms: int = 10000, session_id: int = 0, password: bytes | None = bytes(16), seen_zxid: int = 0,
    tail: bytes = b"\0",
) -> bytes:  # fmt: skip
    return framed(i32(0) + i64(seen_zxid) + i32(timeout_ms) + i64(session_id) + buf(password) + tail)


def create(
    path: bytes | None, data: bytes | None = b"", flags: int = 0, entries: Sequence[RawEntry] | None = tuple(OPEN),
    ttl_ms: int | None = None,
) -> bytes:  # fmt: skip
    return buf(path) + buf(data) + acl(entries) + i32(flags) + (i64(ttl_ms) if ttl_ms is not None else b"")


def versioned(path: bytes | None, version: int = -1) -> bytes:
    """The body of delete and check; also of checkWatches, removeWatches and addWatch."""
    return buf(path) + i32(version)


def set_data(path: bytes | None, data: bytes | None, version: int = -1) -> bytes:
    return buf(path) + buf(data) + i32(version)


def set_acl(path: bytes | None, entries: Sequence[RawEntry] | None, version: int = -1) -> bytes:
    return buf(path) + acl(entries) + i32(version)


def read(path: bytes | None, watch: bool = False) -> bytes:
    return buf(path) + (b"\1" if watch else b"\0")


def auth(scheme: bytes | None, data: bytes | None) -> bytes:
    return i32(0) + buf(scheme) + buf(data)


def multi(*ops: tuple[int, bytes]) -> bytes:
    return b"".join(i32(op) + b"\0" + i32(-1) + body for op, body in ops) + i32(-1) + b"\1" + i32(-1)


def set_watches(relative_zxid: int, *lists: Sequence[bytes] | None) -> bytes:
    return i64(relative_zxid) + b"".join(map(strings, lists))


def split(data: bytes) -> list[bytes]:
    """The payloads of the whole frames in `data`, which must hold nothing else."""
    payloads = []
    while data:
        size = struct.unpack(">i", data[:4])[0]
        assert size + 4 <= len(data), "a frame is cut off"
        payloads.append(data[4 : 4 + size])
        data = data[4 + size :]
    return payloads


def reply(payload: bytes) -> Reply:
    xid, zxid, err = struct.unpack(">iqi", payload[:16])
    return Reply(xid, zxid, err, payload[16:])


class OpResult(NamedTuple):
    type: int
    err: int
    path: bytes | None = None
    stat: Stat | None = None
    data: bytes | None = None
    children: list[bytes] | None = None


def results(body: bytes) -> list[OpResult]:
    """The results in a reply to multi or multiRead."""
    cursor = Cursor(body)
    found: list[OpResult] = []
    while True:
        kind, done, err = cursor.i32(), cursor.flag(), cursor.i32()
        if done:
            assert (kind, err, cursor.rest()) == (-1, -1, b"")
            return found
        found.append(_result(cursor, kind, err))


def _result(cursor: Cursor, kind: int, err: int) -> OpResult:
    if kind == -1:
        assert cursor.i32() == err
        return OpResult(kind, err)
    if kind in (CREATE, CREATE2):
        return OpResult(kind, err, cursor.buf(), cursor.stat() if kind == CREATE2 else None)
    if kind == SET_DATA:
        return OpResult(kind, err, stat=cursor.stat())
    if kind == GET_DATA:
        return OpResult(kind, err, data=cursor.buf(), stat=cursor.stat())
    if kind == GET_CHILDREN:
        return OpResult(kind, err, children=cursor.strings())
    assert kind in (DELETE, CHECK)
    return OpResult(kind, err)
