"""Requests that change something, decoded (wire, sections 6 to 8).

A body that cannot be decoded raises `DecodeError`; what is well-formed but wrong is for `prepare` to refuse.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from zkeeper.errors import DecodeError, MarshallingError
from zkeeper.wire import protocol
from zkeeper.wire.acl import RawAcl, read_raw_acl
from zkeeper.wire.jute import Reader

NO_TTL: Final = -1


@mypyc_attr(acyclic=True)
class WriteRequest:
    """`op` says what it asks for. A null path is None; prepare refuses it."""

    def __init__(self, op: i64, path: bytes | None) -> None:
        self.op: i64 = op
        self.path = path


@mypyc_attr(acyclic=True)
class CreateRequest(WriteRequest):
    def __init__(
        self, op: i64, path: bytes | None, data: bytes | None, acl: list[RawAcl] | None, flags: i64, ttl_ms: i64
    ) -> None:
        super().__init__(op, path)
        self.data = data
        self.acl = acl
        self.flags: i64 = flags
        self.ttl_ms: i64 = ttl_ms


@mypyc_attr(acyclic=True)
class DeleteRequest(WriteRequest):
    def __init__(self, op: i64, path: bytes | None, version: i64) -> None:
        super().__init__(op, path)
        self.version: i64 = version


@mypyc_attr(acyclic=True)
class SetDataRequest(WriteRequest):
    def __init__(self, path: bytes | None, data: bytes | None, version: i64) -> None:
        super().__init__(protocol.SET_DATA, path)
        self.data = data
        self.version: i64 = version


@mypyc_attr(acyclic=True)
class SetAclRequest(WriteRequest):
    def __init__(self, path: bytes | None, acl: list[RawAcl] | None, version: i64) -> None:
        super().__init__(protocol.SET_ACL, path)
        self.acl = acl
        self.version: i64 = version


@mypyc_attr(acyclic=True)
class CheckRequest(WriteRequest):
    def __init__(self, path: bytes | None, version: i64) -> None:
        super().__init__(protocol.CHECK, path)
        self.version: i64 = version


@mypyc_attr(acyclic=True)
class MultiRequest(WriteRequest):
    def __init__(self, ops: list[WriteRequest]) -> None:
        super().__init__(protocol.MULTI, None)
        self.ops = ops


@mypyc_attr(acyclic=True)
class SessionRequest(WriteRequest):
    """createSession and closeSession; `timeout_ms` is the former's."""

    def __init__(self, op: i64, timeout_ms: i64) -> None:
        super().__init__(op, None)
        self.timeout_ms: i64 = timeout_ms


@mypyc_attr(acyclic=True)
class ReconfigRequest(WriteRequest):
    """Servers that join and leave, or a whole membership; `config_id` is the version that it is to follow, -1 for any.

    What the texts say is for those who know memberships.
    """

    def __init__(
        self, joining: bytes | None, leaving: bytes | None, new_members: bytes | None, config_id: i64
    ) -> None:  # fmt: skip
        super().__init__(protocol.RECONFIG, None)
        self.joining = joining
        self.leaving = leaving
        self.new_members = new_members
        self.config_id: i64 = config_id


@mypyc_attr(acyclic=True)
class RefusedRequest(WriteRequest):
    """One that fails with `code`, and has its place in the order of zxids all the same.

    Such is a multi whose body does not decode, unlike any other such request of a server's own clients. A multi that
    lacks an ACL does decode, but is refused before it gets a zxid: as with Java, in both cases.
    """

    def __init__(self, op: i64, code: i64) -> None:
        super().__init__(op, None)
        self.code: i64 = code


def decode_write(op: i64, reader: Reader) -> WriteRequest:
    if op == protocol.SET_DATA:
        path = reader.buffer()
        data = reader.buffer()
        return SetDataRequest(path, data, reader.int32())
    if op == protocol.DELETE:
        path = reader.buffer()
        return DeleteRequest(op, path, reader.int32())
    if op == protocol.MULTI:
        return _decode_multi(reader)
    if op == protocol.SET_ACL:
        path = reader.buffer()
        acl = read_raw_acl(reader)
        return SetAclRequest(path, acl, reader.int32())
    if op == protocol.CLOSE_SESSION:
        return SessionRequest(op, 0)
    if op == protocol.RECONFIG:
        joining = reader.buffer()
        leaving = reader.buffer()
        new_members = reader.buffer()
        return ReconfigRequest(joining, leaving, new_members, reader.int64())
    if op == protocol.CHECK:
        path = reader.buffer()
        return CheckRequest(path, reader.int32())
    return _decode_create(op, reader)


def _decode_create(op: i64, reader: Reader) -> CreateRequest:
    path = reader.buffer()
    data = reader.buffer()
    acl = read_raw_acl(reader)
    flags = reader.int32()
    ttl_ms = reader.int64() if op == protocol.CREATE_TTL else NO_TTL
    return CreateRequest(op, path, data, acl, flags, ttl_ms)


def _decode_multi(reader: Reader) -> MultiRequest:
    """Reads are refused; but a create that lacks its ACL is noticed first, even if it stands among them."""
    ops: list[WriteRequest] = []
    has_reads = False
    while True:
        op = reader.int32()
        done = reader.boolean()
        reader.int32()
        if done:
            break
        if is_multi_read_op(op) and not ops:
            has_reads = True
            reader.buffer()
            reader.boolean()
            continue
        ops.append(decode_multi_op(op, reader))
        if has_reads:
            break
    if has_reads:
        raise DecodeError("reads inside a multi")
    return MultiRequest(ops)


def is_multi_read_op(op: i64) -> bool:
    return op == protocol.GET_DATA or op == protocol.GET_CHILDREN


def decode_multi_op(op: i64, reader: Reader) -> WriteRequest:
    if not _is_multi_op(op):
        raise DecodeError(f"operation {op} inside a multi")
    return _normal_form(decode_write(op, reader))


def _is_multi_op(op: i64) -> bool:
    return (
        op == protocol.CREATE
        or op == protocol.DELETE
        or op == protocol.SET_DATA
        or op == protocol.CHECK
        or op == protocol.CREATE2
        or op == protocol.CREATE_CONTAINER
        or op == protocol.CREATE_TTL
    )


def _normal_form(request: WriteRequest) -> WriteRequest:
    """What a create inside a multi means, which differs from one that travels alone (wire, section 8.2)."""
    if not isinstance(request, CreateRequest):
        return request
    flags = request.flags
    if request.op == protocol.CREATE_TTL:
        if flags < protocol.FLAGS_CONTAINER and flags >= 0:
            request.op = protocol.CREATE
            request.ttl_ms = NO_TTL
        elif flags == protocol.FLAGS_CONTAINER:
            request.op = protocol.CREATE_CONTAINER
            request.ttl_ms = NO_TTL
        return request
    if flags < 0 or flags > protocol.FLAGS_SEQUENTIAL_TTL:
        raise DecodeError("a create inside a multi has impossible flags")
    if request.acl is None:
        raise MarshallingError("a create inside a multi has no ACL")
    if flags > protocol.FLAGS_CONTAINER:
        raise DecodeError("a create inside a multi has the flags of a ttl, but brings none")
    if flags == protocol.FLAGS_CONTAINER:
        request.op = protocol.CREATE_CONTAINER
    return request
