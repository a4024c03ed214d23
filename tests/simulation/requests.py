"""Requests that the simulated clients send: what they mean to the model, their bytes, and how their replies are read.

`read_reply` gives the same value that the model's answer has, so that the two can be compared.
"""

from dataclasses import dataclass
from typing import ClassVar

from raw_jute import (  # noqa: F401  The opcodes of all requests, also of those that only a log holds.
    ADD_WATCH,
    CHECK,
    CLOSE_SESSION,
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_SESSION,
    CREATE_TTL,
    DELETE,
    DELETE_CONTAINER,
    ERROR,
    EXISTS,
    GET_CHILDREN2,
    GET_DATA,
    GET_EPHEMERALS,
    MULTI,
    PING,
    RECONFIG,
    SET_ACL,
    SET_DATA,
    SYNC,
)

from .codec import OPEN_PERMISSIONS, Cursor, boolean, buffer, i32, i64, string, world_acl

EPHEMERAL, SEQUENTIAL, CONTAINER, TTL = 1, 2, 4, 5

PING_XID = -2


@dataclass(frozen=True)
class Request:
    opcode: ClassVar[int]
    is_write: ClassVar[bool] = False

    def code(self) -> int:
        return self.opcode

    def body(self) -> bytes:
        return b""

    def read_reply(self, reply: Cursor) -> object:
        """The value of a reply without an error."""
        return None


@dataclass(frozen=True)
class Write(Request):
    is_write: ClassVar[bool] = True


@dataclass(frozen=True)
class Create(Write):
    """`form` is the opcode: the kind of the znode follows from it and from `flags`."""

    path: str
    data: bytes | None = b""
    flags: int = 0
    permissions: int = OPEN_PERMISSIONS
    ttl_ms: int = 0
    form: int = CREATE2

    def code(self) -> int:
        return self.form

    def body(self) -> bytes:
        plain = string(self.path) + buffer(self.data) + world_acl(self.permissions) + i32(self.flags)
        return plain + i64(self.ttl_ms) if self.form == CREATE_TTL else plain

    def read_reply(self, reply: Cursor) -> object:
        path = reply.string()
        return path if self.form == CREATE else (path, reply.stat())


@dataclass(frozen=True)
class Delete(Write):
    opcode: ClassVar[int] = DELETE
    path: str
    version: int = -1

    def body(self) -> bytes:
        return string(self.path) + i32(self.version)


@dataclass(frozen=True)
class SetData(Write):
    opcode: ClassVar[int] = SET_DATA
    path: str
    data: bytes | None = b""
    version: int = -1

    def body(self) -> bytes:
        return string(self.path) + buffer(self.data) + i32(self.version)

    def read_reply(self, reply: Cursor) -> object:
        return reply.stat()


@dataclass(frozen=True)
class SetAcl(Write):
    opcode: ClassVar[int] = SET_ACL
    path: str
    permissions: int
    version: int = -1

    def body(self) -> bytes:
        return string(self.path) + world_acl(self.permissions) + i32(self.version)

    def read_reply(self, reply: Cursor) -> object:
        return reply.stat()


@dataclass(frozen=True)
class Check(Write):
    """Only inside a multi."""

    opcode: ClassVar[int] = CHECK
    path: str
    version: int = -1

    def body(self) -> bytes:
        return string(self.path) + i32(self.version)


@dataclass(frozen=True)
class Multi(Write):
    """Its value is a list with a type, a code and a value for each operation."""

    opcode: ClassVar[int] = MULTI
    operations: tuple[Write, ...]

    def body(self) -> bytes:
        parts = [i32(each.code()) + b"\0" + i32(-1) + each.body() for each in self.operations]
        return b"".join(parts) + i32(-1) + b"\1" + i32(-1)

    def read_reply(self, reply: Cursor) -> object:
        results: list[tuple[int, int, object]] = []
        for operation in self.operations:
            kind, _, code = reply.i32(), reply.boolean(), reply.i32()
            if kind == ERROR:
                assert reply.i32() == code
                results.append((kind, code, None))
            else:
                results.append((kind, code, operation.read_reply(reply)))
        assert (reply.i32(), reply.boolean(), reply.i32()) == (ERROR, True, -1), "the end of a multi's results"
        return results


@dataclass(frozen=True)
class CloseSession(Write):
    opcode: ClassVar[int] = CLOSE_SESSION


@dataclass(frozen=True)
class Read(Request):
    path: str
    is_watching: bool = False

    def body(self) -> bytes:
        return string(self.path) + boolean(self.is_watching)


@dataclass(frozen=True)
class Exists(Read):
    opcode: ClassVar[int] = EXISTS

    def read_reply(self, reply: Cursor) -> object:
        return reply.stat()


@dataclass(frozen=True)
class GetData(Read):
    opcode: ClassVar[int] = GET_DATA

    def read_reply(self, reply: Cursor) -> object:
        return (reply.buffer(), reply.stat())


@dataclass(frozen=True)
class GetChildren(Read):
    opcode: ClassVar[int] = GET_CHILDREN2

    def read_reply(self, reply: Cursor) -> object:
        return (sorted(reply.strings()), reply.stat())


@dataclass(frozen=True)
class GetEphemerals(Request):
    opcode: ClassVar[int] = GET_EPHEMERALS

    def body(self) -> bytes:
        return string("/")

    def read_reply(self, reply: Cursor) -> object:
        return sorted(reply.strings())


@dataclass(frozen=True)
class Sync(Request):
    opcode: ClassVar[int] = SYNC
    path: str = "/"

    def body(self) -> bytes:
        return string(self.path)

    def read_reply(self, reply: Cursor) -> object:
        return reply.string()


@dataclass(frozen=True)
class Ping(Request):
    opcode: ClassVar[int] = PING


@dataclass(frozen=True)
class AddWatch(Request):
    opcode: ClassVar[int] = ADD_WATCH
    path: str
    is_recursive: bool = False

    def body(self) -> bytes:
        return string(self.path) + i32(1 if self.is_recursive else 0)
