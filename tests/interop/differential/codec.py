"""Jute as bytes: what the tester needs to write requests and to read replies, and nothing more.

A text may be given as ``bytes``, so that malformed UTF-8 can be sent, and is read back as ``bytes``, so that nothing
is lost before it is compared. ``None`` is the null of texts, buffers and vectors.
"""

import struct
from collections.abc import Callable, Iterable
from typing import TypeVar

Text = str | bytes | None
AclEntry = tuple[int, Text, Text]
Element = TypeVar("Element")

NOTIFICATION, CREATE, DELETE, EXISTS, GET_DATA, SET_DATA, GET_ACL, SET_ACL, GET_CHILDREN, SYNC = range(10)
PING, GET_CHILDREN2, CHECK, MULTI, CREATE2, RECONFIG, CHECK_WATCHES, REMOVE_WATCHES = range(11, 19)
CREATE_CONTAINER, DELETE_CONTAINER, CREATE_TTL, MULTI_READ = range(19, 23)
AUTH, SET_WATCHES, SASL, GET_EPHEMERALS, GET_ALL_CHILDREN_NUMBER, SET_WATCHES2, ADD_WATCH, WHO_AM_I = range(100, 108)
CREATE_SESSION, CLOSE_SESSION = -10, -11

OP_NAMES = {
    CREATE: "create", DELETE: "delete", EXISTS: "exists", GET_DATA: "getData", SET_DATA: "setData", GET_ACL: "getACL",
    SET_ACL: "setACL", GET_CHILDREN: "getChildren", SYNC: "sync", PING: "ping", GET_CHILDREN2: "getChildren2",
    CHECK: "check", MULTI: "multi", CREATE2: "create2", RECONFIG: "reconfig", CHECK_WATCHES: "checkWatches",
    REMOVE_WATCHES: "removeWatches", CREATE_CONTAINER: "createContainer", DELETE_CONTAINER: "deleteContainer",
    CREATE_TTL: "createTTL", MULTI_READ: "multiRead", AUTH: "auth", SET_WATCHES: "setWatches", SASL: "sasl",
    GET_EPHEMERALS: "getEphemerals", GET_ALL_CHILDREN_NUMBER: "getAllChildrenNumber", SET_WATCHES2: "setWatches2",
    ADD_WATCH: "addWatch", WHO_AM_I: "whoAmI", CLOSE_SESSION: "closeSession", CREATE_SESSION: "createSession",
}  # fmt: skip

STAT = struct.Struct(">qqqqiiiqiiq")
REPLY_HEADER = struct.Struct(">iqi")
_I32 = struct.Struct(">i")
_I64 = struct.Struct(">q")


class DecodeError(Exception):
    """A reply is not the record that its request calls for."""


def op_name(op: int) -> str:
    """The protocol's name of an opcode, or its number."""
    return OP_NAMES.get(op, f"op{op}")


def i32(value: int) -> bytes:
    return _I32.pack(value)


def i64(value: int) -> bytes:
    return _I64.pack(value)


def boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def buffer(value: bytes | None) -> bytes:
    return b"\xff\xff\xff\xff" if value is None else _I32.pack(len(value)) + value


def text(value: Text) -> bytes:
    return buffer(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)


def vector(items: Iterable[bytes] | None) -> bytes:
    if items is None:
        return b"\xff\xff\xff\xff"
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
    """Reads records from bytes; raises `DecodeError` where they end early."""

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

    def buffer(self) -> bytes | None:
        length = self.i32()
        return None if length == -1 else self.take(length)

    def vector(self, element: Callable[[], Element]) -> list[Element] | None:
        count = self.i32()
        return None if count == -1 else [element() for _ in range(count)]

    def at_end(self) -> bool:
        return self.position == len(self.data)


_SYNC_CONNECTED = 3


def is_event(frame: bytes) -> bool:
    """Whether a server's frame is a watch event: xid -1, an event type, and a state of 3.

    A request may carry the xid -1, too; the generator does so only where the reply is empty or begins with a zxid of
    epoch 0, which is no event type.
    """
    if len(frame) < 28 or frame[:4] != b"\xff\xff\xff\xff":
        return False
    return 1 <= _I32.unpack_from(frame, 16)[0] <= 4 and bool(_I32.unpack_from(frame, 20)[0] == _SYNC_CONNECTED)


def session_password(session_id: int) -> bytes:
    """The password that goes with a session id: four outputs of a 48-bit generator seeded with the id."""
    state = ((session_id ^ 0xB3415C00) ^ 0x5DEECE66D) & (2**48 - 1)
    words = []
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) & (2**48 - 1)
        words.append((state >> 16) & 0xFFFFFFFF)
    return struct.pack("<4I", *words)
