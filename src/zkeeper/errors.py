"""What can go wrong, one exception per ZooKeeper error code, and who is to blame.

Three kinds of wrong (a fourth, we are wrong, is an `AssertionError`):
1. `ZooKeeperError`: the request cannot be done. Its `code` is the number on the wire.
2. `DecodeError`: a peer or a file sent bytes that mean nothing. The connection, or the file, is at fault.
3. `StorageError`: the world is wrong: a disk failed, or what it holds cannot be believed.
"""

from typing import ClassVar, Final

OK: Final = 0


class ZooKeeperError(Exception):
    """A request that failed, with ZooKeeper's error `code` (0 only on this base class)."""

    code: ClassVar[int] = OK


class RuntimeInconsistencyError(ZooKeeperError):
    """An operation of a multi was not tried, because an earlier one failed."""

    code = -2


class DataInconsistencyError(ZooKeeperError):
    code = -3


class ConnectionLossError(ZooKeeperError):
    """The connection broke; what became of a write in flight is unknown."""

    code = -4


class MarshallingError(ZooKeeperError):
    """The body of a request could not be decoded."""

    code = -5


class UnimplementedError(ZooKeeperError):
    code = -6


class OperationTimeoutError(ZooKeeperError):
    code = -7


class BadArgumentsError(ZooKeeperError):
    """An invalid path, mode or ttl."""

    code = -8


class NewConfigNoQuorumError(ZooKeeperError):
    code = -13


class ReconfigInProgressError(ZooKeeperError):
    code = -14


class NoNodeError(ZooKeeperError):
    """The znode, or the parent of one to be created, does not exist."""

    code = -101


class NoAuthError(ZooKeeperError):
    """The ACL grants this to none of the connection's credentials."""

    code = -102


class BadVersionError(ZooKeeperError):
    code = -103


class NoChildrenForEphemeralsError(ZooKeeperError):
    code = -108


class NodeExistsError(ZooKeeperError):
    code = -110


class NotEmptyError(ZooKeeperError):
    code = -111


class SessionExpiredError(ZooKeeperError):
    code = -112


class InvalidCallbackError(ZooKeeperError):
    code = -113


class InvalidAclError(ZooKeeperError):
    code = -114


class AuthFailedError(ZooKeeperError):
    code = -115


class SessionMovedError(ZooKeeperError):
    code = -118


class NotReadOnlyError(ZooKeeperError):
    """A write was sent to a server that serves reads only."""

    code = -119


class EphemeralOnLocalSessionError(ZooKeeperError):
    code = -120


class NoWatcherError(ZooKeeperError):
    code = -121


class RequestTimeoutError(ZooKeeperError):
    code = -122


class ReconfigDisabledError(ZooKeeperError):
    code = -123


class SessionClosedRequireSaslAuthError(ZooKeeperError):
    """The server demands authentication of a scheme that this connection has not passed."""

    code = -124


class QuotaExceededError(ZooKeeperError):
    code = -125


class ThrottledOpError(ZooKeeperError):
    """The request waited longer than the server allows and was not executed."""

    code = -127


class DecodeError(Exception):
    """Bytes that do not decode: a length out of range, an unknown type, a null where a value is needed."""


class EndOfDataError(DecodeError):
    """The bytes ended before the value did."""


class StorageError(Exception):
    """The data directory cannot be read or written safely; the message says which file, why, and what to do."""


class CorruptionError(StorageError):
    """A file holds what no server can have meant to write."""
