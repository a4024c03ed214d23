"""Jute, and the numbers of ZooKeeper's client protocol, by `struct` alone: the codec of all tests.

It shares nothing with `zkeeper.wire`, so that the server's bytes are judged by another's code: a mistake that the
server makes both ways would not be seen by a client that makes it, too.

A text may be given as `bytes`, so that malformed UTF-8 can be sent, and is read back as `bytes`, so that nothing is
lost before it is compared. `None` is the null of texts, buffers and vectors.
"""

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

Text = str | bytes | None
AclEntry = tuple[int, Text, Text]
Element = TypeVar("Element")

NOTIFICATION, CREATE, DELETE, EXISTS, GET_DATA, SET_DATA, GET_ACL, SET_ACL, GET_CHILDREN, SYNC = range(10)
PING, GET_CHILDREN2, CHECK, MULTI, CREATE2, RECONFIG, CHECK_WATCHES, REMOVE_WATCHES = range(11, 19)
CREATE_CONTAINER, DELETE_CONTAINER, CREATE_TTL, MULTI_READ = range(19, 23)
AUTH, SET_WATCHES, SASL, GET_EPHEMERALS, GET_ALL_CHILDREN_NUMBER, SET_WATCHES2, ADD_WATCH, WHO_AM_I = range(100, 108)
CREATE_SESSION, CLOSE_SESSION, ERROR = -10, -11, -1
CREATED, DELETED, DATA_CHANGED, CHILDREN_CHANGED = range(1, 5)
SYNC_CONNECTED = 3

STAT = struct.Struct(">qqqqiiiqiiq")
REPLY_HEADER = struct.Struct(">iqi")
_I32, _I64 = struct.Struct(">i"), struct.Struct(">q")
_NULL = b"\xff\xff\xff\xff"


class DecodeError(AssertionError):
    """What the server sent is not the record that is due."""


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


def i32(value: int) -> bytes:
    return _I32.pack(value)


def i64(value: int) -> bytes:
    return _I64.pack(value)


def boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def buffer(value: bytes | None) -> bytes:
    return _NULL if value is None else _I32.pack(len(value)) + value


def text(value: Text) -> bytes:
    return buffer(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)


def vector(items: Iterable[bytes] | None) -> bytes:
    if items is None:
        return _NULL
    encoded = list(items)
    return _I32.pack(len(encoded)) + b"".join(encoded)


def texts(values: Iterable[Text] | None) -> bytes:
    return vector(None if values is None else map(text, values))


def acl(entries: Iterable[AclEntry] | None) -> bytes:
    if entries is None:
        return vector(None)
    return vector(i32(perms) + text(scheme) + text(ident) for perms, scheme, ident in entries)


def framed(payload: bytes) -> bytes:
    return _I32.pack(len(payload)) + payload


class Cursor:
    """Reads values one after the other; `DecodeError` where the bytes end early."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def take(self, length: int) -> bytes:
        end = self.position + length
        if length < 0 or end > len(self.data):
            raise DecodeError(f"{length} bytes wanted at {self.position} of {len(self.data)}")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def i32(self) -> int:
        return int(_I32.unpack(self.take(4))[0])

    def i64(self) -> int:
        return int(_I64.unpack(self.take(8))[0])

    def boolean(self) -> bool:
        value = self.take(1)
        if value not in (b"\x00", b"\x01"):
            raise DecodeError(f"{value!r} is no boolean")
        return value == b"\x01"

    def buffer(self) -> bytes | None:
        length = self.i32()
        return None if length == -1 else self.take(length)

    def vector(self, element: Callable[[], Element]) -> list[Element] | None:
        count = self.i32()
        return None if count == -1 else [element() for _ in range(count)]

    def buffers(self) -> list[bytes]:
        """A vector, which is not null, of buffers that are not null."""
        return [_not_null(value) for value in _not_null(self.vector(self.buffer))]

    def acl(self) -> list[tuple[int, bytes | None, bytes | None]]:
        return _not_null(self.vector(lambda: (self.i32(), self.buffer(), self.buffer())))

    def stat(self) -> Stat:
        return Stat(*STAT.unpack(self.take(STAT.size)))

    def at_end(self) -> bool:
        return self.position == len(self.data)

    def rest(self) -> bytes:
        return self.data[self.position :]


def _not_null(value: Element | None) -> Element:
    if value is None:
        raise DecodeError("a value is null")
    return value
