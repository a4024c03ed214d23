"""The requests and replies of ZooKeeper's client protocol, on the codec of all tests (`raw_jute`)."""

# ruff: noqa: F405

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from raw_jute import *  # noqa: F403  Its names are this module's, too.

RawEntry = tuple[int, bytes | None, bytes | None]

OPEN: list[RawEntry] = [(31, b"world", b"anyone")]


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

    def cursor(self) -> Cursor:
        return Cursor(self.body)

    def event(self) -> Event:
        cursor = self.cursor()
        kind, state, path = cursor.i32(), cursor.i32(), cursor.buffer()
        assert self.xid == -1
        assert state == SYNC_CONNECTED
        assert path is not None
        assert cursor.at_end()
        return Event(kind, path, self.zxid)


def request(xid: int, op: int, body: bytes = b"") -> bytes:
    return framed(i32(xid) + i32(op) + body)


def connect(
    timeout_ms: int = 10000, session_id: int = 0, password: bytes | None = bytes(16), seen_zxid: int = 0,
    tail: bytes = b"\0",
) -> bytes:  # fmt: skip
    return framed(i32(0) + i64(seen_zxid) + i32(timeout_ms) + i64(session_id) + buffer(password) + tail)


def create(
    path: bytes | None, data: bytes | None = b"", flags: int = 0, entries: Sequence[RawEntry] | None = tuple(OPEN),
    ttl_ms: int | None = None,
) -> bytes:  # fmt: skip
    return buffer(path) + buffer(data) + acl(entries) + i32(flags) + (i64(ttl_ms) if ttl_ms is not None else b"")


def versioned(path: bytes | None, version: int = -1) -> bytes:
    """The body of delete and check; also of checkWatches, removeWatches and addWatch."""
    return buffer(path) + i32(version)


def set_data(path: bytes | None, data: bytes | None, version: int = -1) -> bytes:
    return buffer(path) + buffer(data) + i32(version)


def set_acl(path: bytes | None, entries: Sequence[RawEntry] | None, version: int = -1) -> bytes:
    return buffer(path) + acl(entries) + i32(version)


def read(path: bytes | None, watch: bool = False) -> bytes:
    return buffer(path) + boolean(watch)


def auth(scheme: bytes | None, data: bytes | None) -> bytes:
    return i32(0) + buffer(scheme) + buffer(data)


def multi(*ops: tuple[int, bytes]) -> bytes:
    return b"".join(i32(op) + b"\0" + i32(-1) + body for op, body in ops) + i32(-1) + b"\1" + i32(-1)


def set_watches(relative_zxid: int, *lists: Sequence[bytes] | None) -> bytes:
    return i64(relative_zxid) + b"".join(map(texts, lists))


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
    xid, zxid, err = REPLY_HEADER.unpack_from(payload)
    return Reply(xid, zxid, err, payload[REPLY_HEADER.size :])


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
        kind, done, err = cursor.i32(), cursor.boolean(), cursor.i32()
        if done:
            assert (kind, err, cursor.rest()) == (-1, -1, b"")
            return found
        found.append(_result(cursor, kind, err))


def _result(cursor: Cursor, kind: int, err: int) -> OpResult:
    if kind == -1:
        assert cursor.i32() == err
        return OpResult(kind, err)
    if kind in (CREATE, CREATE2):
        return OpResult(kind, err, cursor.buffer(), cursor.stat() if kind == CREATE2 else None)
    if kind == SET_DATA:
        return OpResult(kind, err, stat=cursor.stat())
    if kind == GET_DATA:
        return OpResult(kind, err, data=cursor.buffer(), stat=cursor.stat())
    if kind == GET_CHILDREN:
        return OpResult(kind, err, children=cursor.buffers())
    assert kind in (DELETE, CHECK)
    return OpResult(kind, err)
