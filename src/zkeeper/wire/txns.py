"""Transactions: what a write became once it was decided, as logged, proposed and applied (storage format, section 4).

A payload is `TxnHeader | body | TxnDigest?`. The digest, known only by the bytes left after the body, is the digest of
the tree after the transaction.
"""

from typing import Final

from librt.strings import BytesWriter, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, mypyc_attr

from zkeeper.errors import DecodeError, EndOfDataError
from zkeeper.wire import protocol
from zkeeper.wire.acl import Acl, read_acl, write_acl
from zkeeper.wire.jute import Reader, write_bool, write_buffer, write_strings

DIGEST_VERSION: Final = 2
DIGEST_BYTES: Final = 12


@mypyc_attr(acyclic=True)
class TxnBody:
    """What a transaction of one type says; subclasses are told apart by the type beside them."""

    def encode(self, out: BytesWriter) -> None:
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class CreateBody(TxnBody):
    """create, create2, createContainer and createTTL. A `parent_cversion` of -1 means one more than the parent has."""

    def __init__(
        self, txn_type: i64, path: bytes, data: bytes | None, acl: tuple[Acl, ...], ephemeral: bool,
        parent_cversion: i64, ttl_ms: i64,
    ) -> None:  # fmt: skip
        self.txn_type: i64 = txn_type
        self.path = path
        self.data = data
        self.acl = acl
        self.ephemeral = ephemeral
        self.parent_cversion: i64 = parent_cversion
        self.ttl_ms: i64 = ttl_ms

    def encode(self, out: BytesWriter) -> None:
        write_buffer(out, self.path)
        write_buffer(out, self.data)
        write_acl(out, self.acl)
        if self.txn_type == protocol.CREATE or self.txn_type == protocol.CREATE2:
            write_bool(out, self.ephemeral)
        write_i32_be(out, i32(self.parent_cversion))
        if self.txn_type == protocol.CREATE_TTL:
            write_i64_be(out, self.ttl_ms)


@mypyc_attr(acyclic=True)
class DeleteBody(TxnBody):
    """delete and deleteContainer."""

    def __init__(self, path: bytes) -> None:
        self.path = path

    def encode(self, out: BytesWriter) -> None:
        write_buffer(out, self.path)


@mypyc_attr(acyclic=True)
class SetDataBody(TxnBody):
    """setData and reconfig; `version` is the one that the znode will have."""

    def __init__(self, path: bytes, data: bytes | None, version: i64) -> None:
        self.path = path
        self.data = data
        self.version: i64 = version

    def encode(self, out: BytesWriter) -> None:
        write_buffer(out, self.path)
        write_buffer(out, self.data)
        write_i32_be(out, i32(self.version))


@mypyc_attr(acyclic=True)
class SetAclBody(TxnBody):
    """`version` is the aversion that the znode will have."""

    def __init__(self, path: bytes, acl: tuple[Acl, ...], version: i64) -> None:
        self.path = path
        self.acl = acl
        self.version: i64 = version

    def encode(self, out: BytesWriter) -> None:
        write_buffer(out, self.path)
        write_acl(out, self.acl)
        write_i32_be(out, i32(self.version))


@mypyc_attr(acyclic=True)
class CheckBody(TxnBody):
    """Only inside a multi; `version` is one more than the version that was checked."""

    def __init__(self, path: bytes, version: i64) -> None:
        self.path = path
        self.version: i64 = version

    def encode(self, out: BytesWriter) -> None:
        write_buffer(out, self.path)
        write_i32_be(out, i32(self.version))


@mypyc_attr(acyclic=True)
class CreateSessionBody(TxnBody):
    def __init__(self, timeout_ms: i64) -> None:
        self.timeout_ms: i64 = timeout_ms

    def encode(self, out: BytesWriter) -> None:
        write_i32_be(out, i32(self.timeout_ms))


@mypyc_attr(acyclic=True)
class CloseSessionBody(TxnBody):
    """`paths` are the session's ephemerals; None when an older server, which did not list them, wrote the txn."""

    def __init__(self, paths: list[bytes] | None) -> None:
        self.paths = paths

    def encode(self, out: BytesWriter) -> None:
        if self.paths is not None:
            write_strings(out, self.paths)


@mypyc_attr(acyclic=True)
class ErrorBody(TxnBody):
    """A write that failed with `code`; it changes nothing but has its place in the order."""

    def __init__(self, code: i64) -> None:
        self.code: i64 = code

    def encode(self, out: BytesWriter) -> None:
        write_i32_be(out, i32(self.code))


@mypyc_attr(acyclic=True)
class SubTxn:
    """One operation of a multi."""

    def __init__(self, txn_type: i64, body: TxnBody) -> None:
        self.txn_type: i64 = txn_type
        self.body = body


@mypyc_attr(acyclic=True)
class MultiBody(TxnBody):
    def __init__(self, ops: list[SubTxn]) -> None:
        self.ops = ops

    def failed(self) -> bool:
        """A multi in which one operation failed applies none of them."""
        return any(op.txn_type == protocol.ERROR for op in self.ops)

    def encode(self, out: BytesWriter) -> None:
        write_i32_be(out, i32(len(self.ops)))
        for op in self.ops:
            write_i32_be(out, i32(op.txn_type))
            body = BytesWriter()
            op.body.encode(body)
            write_buffer(out, body.getvalue())


@mypyc_attr(acyclic=True)
class Txn:
    """A transaction. `time_ms` is the leader's wall clock; `digest` means something only if `has_digest`."""

    def __init__(
        self, session_id: i64, cxid: i64, zxid: i64, time_ms: i64, txn_type: i64, body: TxnBody,
        has_digest: bool = False, digest: i64 = 0,
    ) -> None:  # fmt: skip
        self.session_id: i64 = session_id
        self.cxid: i64 = cxid
        self.zxid: i64 = zxid
        self.time_ms: i64 = time_ms
        self.txn_type: i64 = txn_type
        self.body = body
        self.has_digest = has_digest
        self.digest: i64 = digest

    def encode(self) -> bytes:
        out = BytesWriter()
        write_i64_be(out, self.session_id)
        write_i32_be(out, i32(self.cxid))
        write_i64_be(out, self.zxid)
        write_i64_be(out, self.time_ms)
        write_i32_be(out, i32(self.txn_type))
        self.body.encode(out)
        if self.has_digest:
            write_i32_be(out, DIGEST_VERSION)
            write_i64_be(out, self.digest)
        return out.getvalue()


def decode_txn(payload: bytes, limit_bytes: i64, with_digest: bool = True) -> Txn:
    """The transaction in `payload`. Raises `DecodeError` for an unknown type or a body that is not whole."""
    reader = Reader(payload, 0, -1, limit_bytes)
    session_id = reader.int64()
    cxid = reader.int32()
    zxid = reader.int64()
    time_ms = reader.int64()
    txn_type = reader.int32()
    if txn_type == protocol.CHECK:
        raise DecodeError("a check stands outside a multi")
    txn = Txn(session_id, cxid, zxid, time_ms, txn_type, _decode_body(reader, txn_type))
    if with_digest and reader.remaining() >= DIGEST_BYTES and reader.int32() == DIGEST_VERSION:
        txn.digest = reader.int64()
        txn.has_digest = True
    return txn


def _decode_body(reader: Reader, txn_type: i64) -> TxnBody:
    if txn_type == protocol.CREATE or txn_type == protocol.CREATE2:
        return _decode_create(reader, txn_type)
    if txn_type == protocol.CREATE_CONTAINER or txn_type == protocol.CREATE_TTL:
        return _decode_container_or_ttl(reader, txn_type)
    if txn_type == protocol.DELETE or txn_type == protocol.DELETE_CONTAINER:
        return DeleteBody(reader.need_buffer())
    if txn_type == protocol.SET_DATA or txn_type == protocol.RECONFIG:
        path = reader.need_buffer()
        data = reader.buffer()
        return SetDataBody(path, data, reader.int32())
    if txn_type == protocol.SET_ACL:
        path = reader.need_buffer()
        acl = read_acl(reader)
        return SetAclBody(path, acl, reader.int32())
    if txn_type == protocol.CHECK:
        path = reader.need_buffer()
        return CheckBody(path, reader.int32())
    if txn_type == protocol.MULTI:
        return _decode_multi(reader)
    if txn_type == protocol.CREATE_SESSION:
        return CreateSessionBody(reader.int32())
    if txn_type == protocol.CLOSE_SESSION:
        return _decode_close_session(reader)
    if txn_type == protocol.ERROR:
        return ErrorBody(reader.int32())
    raise DecodeError(f"unknown transaction type {txn_type}")


def _decode_create(reader: Reader, txn_type: i64) -> TxnBody:
    path = reader.need_buffer()
    data = reader.buffer()
    acl = read_acl(reader)
    ephemeral = reader.boolean()
    try:
        parent_cversion = reader.int32()
    except EndOfDataError:
        if txn_type != protocol.CREATE:
            raise
        reader.position = reader.end
        parent_cversion = -1  # ZooKeeper before 3.4 did not record it.
    return CreateBody(txn_type, path, data, acl, ephemeral, parent_cversion, 0)


def _decode_container_or_ttl(reader: Reader, txn_type: i64) -> TxnBody:
    path = reader.need_buffer()
    data = reader.buffer()
    acl = read_acl(reader)
    parent_cversion = reader.int32()
    ttl_ms = reader.int64() if txn_type == protocol.CREATE_TTL else 0
    return CreateBody(txn_type, path, data, acl, False, parent_cversion, ttl_ms)


def _decode_close_session(reader: Reader) -> TxnBody:
    if reader.remaining() == 0 or _only_digest_is_left(reader):
        return CloseSessionBody(None)
    paths = reader.strings()
    if paths is None:
        return CloseSessionBody(None)
    return CloseSessionBody([path for path in paths if path is not None])


def _only_digest_is_left(reader: Reader) -> bool:
    """Where closeSessionTxn.enabled is false the digest comes at once. A list of two paths would be longer."""
    if reader.remaining() != DIGEST_BYTES:
        return False
    return Reader(reader.data, reader.position, reader.end).int32() == DIGEST_VERSION


def _decode_multi(reader: Reader) -> TxnBody:
    ops: list[SubTxn] = []
    count = reader.int32()
    while count > 0:
        txn_type = reader.int32()
        if txn_type == protocol.MULTI or txn_type == protocol.CREATE_SESSION or txn_type == protocol.CLOSE_SESSION:
            raise DecodeError(f"transaction type {txn_type} inside a multi")
        data = reader.need_buffer()
        ops.append(SubTxn(txn_type, _decode_body(Reader(data, 0, -1, reader.limit_bytes), txn_type)))
        count -= 1
    return MultiBody(ops)
