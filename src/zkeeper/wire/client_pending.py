"""A request of a client that has no reply yet, and the errors that it may end with instead of one.

1. A future is completed once; one that was cancelled is left alone.
2. Every request fails with an error of its own, which says what is known of it.
"""

from typing import Any, Final, final

from mypy_extensions import i64

from zkeeper.errors import ConnectionLossError, FrameTooLongError, Outcome, ZooKeeperError
from zkeeper.wire.client_watches import Watcher

RISKY: Final = 0
"""A write whose repetition may apply it twice."""
CONDITIONAL: Final = 1
"""A write of one version: repeated, it is refused if it was applied."""
READ: Final = 2


@final
class Pending:
    """A request without a reply. `watcher` is of a read that sets a watch, `watched` the full path of it."""

    def __init__(
        self, xid: i64, op: i64, shape: i64, risk: i64, path: str | None, root_length: i64, future: Any
    ) -> None:
        self.xid: i64 = xid
        self.op: i64 = op
        self.shape: i64 = shape
        self.risk: i64 = risk
        self.path = path
        self.root_length: i64 = root_length
        self.future: Any = future
        self.watcher: Watcher | None = None
        self.watched = ""

    def fail(self, error: ZooKeeperError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def lost(pending: Pending, reason: str) -> ZooKeeperError:
    error = ConnectionLossError(f"{pending.path}: {reason}" if pending.path else reason)
    error.path = pending.path
    error.outcome = Outcome.NOT_APPLIED if pending.risk == READ else Outcome.UNKNOWN
    error.is_repeatable = pending.risk != RISKY
    return error


def copy_of(error: ZooKeeperError) -> ZooKeeperError:
    """An exception of one's own for each request: tracebacks grow on what is raised."""
    own = type(error)(*error.args)
    own.outcome = error.outcome
    own.is_repeatable = error.is_repeatable
    own.__cause__ = error.__cause__
    return own


def too_long(path: str | None, reason: str) -> ZooKeeperError:
    error = FrameTooLongError(f"{path}: {reason}" if path else reason)
    error.path = path
    return error
