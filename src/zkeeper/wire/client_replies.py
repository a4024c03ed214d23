"""Replies of a server as values (wire format, sections 6.1 and 8.3). The shape says which record a reply holds."""

from typing import Any, Final

from librt.strings import read_i32_be, read_i64_be
from mypy_extensions import i64

from zkeeper.errors import DecodeError, EndOfDataError, TransactionFailed, ZooKeeperError, error_of
from zkeeper.values import Acl, AclData, Children, Created, NodeData, Permission, Stat
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import without_root
from zkeeper.wire.jute import Reader

NOTHING: Final = 0
STAT: Final = 1
NODE_DATA: Final = 2
CHILD_NAMES: Final = 3
CHILDREN: Final = 4
PATH: Final = 5
"""The path that a create made. A Stat that follows it is ignored."""
CREATED: Final = 6
ACL: Final = 7
PATHS: Final = 8
COUNT: Final = 9
CREDENTIALS: Final = 10
TRANSACTION: Final = 11
READ_BATCH: Final = 12


class Welcome:
    """A connect response. `timeout_ms` is 0 or less where the session is refused."""

    def __init__(self, timeout_ms: int, session_id: int, password: bytes, read_only: bool) -> None:
        self.timeout_ms = timeout_ms
        self.session_id = session_id
        self.password = password
        self.read_only = read_only


def read_welcome(payload: bytes) -> Welcome:
    """Raises `DecodeError` for a frame that is none."""
    reader = Reader(payload)
    reader.int32()
    timeout_ms = reader.int32()
    session_id = reader.int64()
    password = reader.need_buffer()
    return Welcome(timeout_ms, session_id, password, reader.remaining() > 0 and reader.boolean())


def read_value(reader: Reader, shape: i64, root_length: i64, path: str | None) -> Any:
    """The value that a reply without an error holds."""
    if shape == NODE_DATA:
        data = reader.buffer()
        stat = read_stat(reader)
        return tuple.__new__(NodeData, (b"" if data is None else data, stat, data is None))
    if shape == STAT:
        return read_stat(reader)
    if shape == NOTHING:
        return None
    if shape == CHILD_NAMES:
        return read_strings(reader)
    if shape == CHILDREN:
        names = read_strings(reader)
        return Children(names, read_stat(reader))
    if shape == PATH:
        return without_root(root_length, read_string(reader))
    if shape == CREATED:
        created = without_root(root_length, read_string(reader))
        return Created(created, read_stat(reader))
    return _read_rare(reader, shape, root_length)


def _read_rare(reader: Reader, shape: i64, root_length: i64) -> Any:
    if shape == ACL:
        entries = _read_acl(reader)
        return AclData(entries, read_stat(reader))
    if shape == PATHS:
        return [without_root(root_length, one) for one in read_strings(reader)]
    if shape == COUNT:
        return int(reader.int32())
    if shape == CREDENTIALS:
        return _read_credentials(reader)
    if shape == TRANSACTION:
        return _read_transaction(reader, root_length)
    assert shape == READ_BATCH
    return _read_results(reader, root_length)


def read_stat(reader: Reader) -> Stat:
    data = reader.data
    at = reader.position
    if at + protocol.STAT_BYTES > reader.end:
        raise EndOfDataError("a Stat is cut off")
    reader.position = at + protocol.STAT_BYTES
    found: Stat = tuple.__new__(
        Stat,
        (
            read_i64_be(data, at),
            read_i64_be(data, at + 8),
            read_i64_be(data, at + 16),
            read_i64_be(data, at + 24),
            read_i32_be(data, at + 32),
            read_i32_be(data, at + 36),
            read_i32_be(data, at + 40),
            read_i64_be(data, at + 44),
            read_i32_be(data, at + 52),
            read_i32_be(data, at + 56),
            read_i64_be(data, at + 60),
        ),
    )
    return found


def read_string(reader: Reader) -> str:
    return reader.need_buffer().decode("utf-8", "replace")


def read_strings(reader: Reader) -> list[str]:
    """A null vector reads as empty."""
    count = reader.int32()
    found: list[str] = []
    while count > 0:
        found.append(reader.need_buffer().decode("utf-8", "replace"))
        count -= 1
    return found


def _read_acl(reader: Reader) -> list[Acl]:
    count = reader.int32()
    found: list[Acl] = []
    while count > 0:
        permissions = int(reader.int32())
        scheme = read_string(reader)
        found.append(Acl(Permission(permissions), scheme, read_string(reader)))
        count -= 1
    return found


def _read_credentials(reader: Reader) -> list[tuple[str, str]]:
    count = reader.int32()
    found: list[tuple[str, str]] = []
    while count > 0:
        scheme = read_string(reader)
        found.append((scheme, read_string(reader)))
        count -= 1
    return found


def _read_transaction(reader: Reader, root_length: i64) -> list[Any]:
    """The results of a multi. Raises `TransactionFailed`, whose errors have no paths yet."""
    results = _read_results(reader, root_length)
    errors: list[ZooKeeperError | None] = []
    failed = -1
    for index, result in enumerate(results):
        error = result if isinstance(result, ZooKeeperError) else None
        errors.append(error)
        if error is not None and failed < 0:
            failed = index
    if failed >= 0:
        raise TransactionFailed(failed, errors)
    return results


def _read_results(reader: Reader, root_length: i64) -> list[Any]:
    results: list[Any] = []
    while True:
        op = reader.int32()
        is_done = reader.boolean()
        reader.int32()
        if is_done:
            return results
        results.append(_read_result(reader, op, root_length))


def _read_result(reader: Reader, op: i64, root_length: i64) -> Any:
    """One operation's; an error with the code 0 is that of an operation before the one that failed."""
    if op == protocol.ERROR:
        code = reader.int32()
        return None if code == 0 else error_of(int(code))
    if op == protocol.DELETE or op == protocol.CHECK:
        return None
    return read_value(reader, _shape_of_result(op), root_length, None)


def _shape_of_result(op: i64) -> i64:
    if op == protocol.CREATE:
        return PATH
    if op == protocol.CREATE2:
        return CREATED
    if op == protocol.SET_DATA:
        return STAT
    if op == protocol.GET_CHILDREN:
        return CHILD_NAMES
    if op == protocol.GET_DATA:
        return NODE_DATA
    raise DecodeError(f"a multi answers with a result of type {op}")
