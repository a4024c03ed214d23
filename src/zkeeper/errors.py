"""What can go wrong, one exception per ZooKeeper error code, and who is to blame.

Three kinds of wrong (a fourth, we are wrong, is an `AssertionError`):
1. `ZooKeeperError`: the request cannot be done. Its `code` is the number on the wire.
2. `DecodeError`: a peer or a file sent bytes that mean nothing. The connection, or the file, is at fault.
3. `StorageError`: the world is wrong: a disk failed, or what it holds cannot be believed.
"""

import enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

OK: Final = 0


class Outcome(enum.Enum):
    """What is known of a request that failed.

    Example:
        try:
            await zk.create("/a")
        except zkeeper.errors.ZooKeeperError as error:
            if error.outcome is zkeeper.Outcome.UNKNOWN:
                ...  # look whether it is there
    """

    NOT_APPLIED = "not applied"
    """It changed nothing: the server refused it, it was never sent, or it was a read."""
    UNKNOWN = "unknown"
    """A write was on its way when the connection was lost: it has happened, or will, or never will."""


class ZooKeeperError(Exception):
    """A request that failed, with ZooKeeper's error `code` (0 only on this base class).

    What the client raises has the `path` that the caller gave, where there is one, and an `outcome`.
    """

    code: int = OK
    path: str | None = None
    outcome: Outcome = Outcome.NOT_APPLIED
    is_repeatable: bool = False
    """Whether the very same request may be sent again without a risk of being applied twice; `Retry` asks this.

    True for a request that was lost with its connection or session and was never sent, or is a read, or is a set or
    delete of one version.
    """


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


class UnknownCodeError(ZooKeeperError):
    """The server answered a code that this version does not know; `code` has it."""


class ClosedError(ZooKeeperError):
    """The client was closed, or not started yet. It sends nothing (more)."""

    code = -112


class ForkedError(ClosedError):
    """The client belongs to the process that this one was forked from. Make a new one here.

    Example:
        if os.fork() == 0:
            with zkeeper.Client("localhost") as zk:  # the parent's client raises ForkedError in the child
                zk.get("/a")
    """


class FrameTooLongError(BadArgumentsError):
    """A request is longer than the server takes (`jute.maxbuffer`), or a reply than the client does."""


class TransactionFailed(ZooKeeperError):
    """A transaction of which one operation failed; nothing of it was applied.

    `index` is the operation's place, counted from 0, and `operation` what it was: "create", "set", "delete" or "check".
    `errors` has one for each operation: the one that failed has its own, those after it `RuntimeInconsistencyError`,
    those before it None. `code` and `path` are of the one that failed.

    Example:
        try:
            await zk.transaction().check("/lock", 3).set("/state", b"x").commit()
        except zkeeper.TransactionFailed as failed:
            print(failed.operation, failed.path, failed.errors[failed.index])
    """

    operation: str = ""

    def __init__(self, index: int, errors: "list[ZooKeeperError | None]") -> None:
        failed = errors[index]
        super().__init__(f"operation {index} failed: {type(failed).__name__}")
        self.index = index
        self.errors = errors
        if failed is not None:
            self.code = failed.code
            self.path = failed.path

    def locate(self, operations: "Sequence[tuple[str, str]]") -> None:
        """Says what the operations were: the name and the path of each. Servers tell numbers only."""
        for error, (_, path) in zip(self.errors, operations, strict=True):
            if error is not None:
                error.path, error.args = path, (path,)
        self.operation, self.path = operations[self.index]
        kind = type(self.errors[self.index]).__name__
        place = f"operation {self.index} of {len(operations)}"
        self.args = (f"{self.operation} of {self.path} ({place}, counted from 0) failed: {kind}",)


class DecodeError(Exception):
    """Bytes that do not decode: a length out of range, an unknown type, a null where a value is needed."""


class EndOfDataError(DecodeError):
    """The bytes ended before the value did."""


class StorageError(Exception):
    """The data directory cannot be read or written safely; the message says which file, why, and what to do."""


class CorruptionError(StorageError):
    """A file holds what no server can have meant to write."""


PASSING: Final = (ConnectionLossError, OperationTimeoutError, SessionMovedError, ThrottledOpError)
"""Errors that say nothing about the request: it may be sent again if it may be done twice."""


def _own_codes() -> dict[int, type[ZooKeeperError]]:
    local = (UnknownCodeError, ClosedError, TransactionFailed)
    return {one.code: one for one in ZooKeeperError.__subclasses__() if one not in local}


BY_CODE: Final = _own_codes()


def error_of(code: int, path: str | None = None) -> ZooKeeperError:
    """The error that a server means by `code`, for a request about `path`."""
    kind = BY_CODE.get(code)
    if kind is None:
        error: ZooKeeperError = UnknownCodeError(f"error {code} of {path}" if path else f"error {code}")
        error.code = code
    else:
        error = kind(path) if path else kind()
    error.path = path
    return error
