"""Reconfig requests, prepared: the checks in ZooKeeper's order, and the transaction (quorum, section 16.2).

What a membership may become is decided elsewhere, by the `Reconfigurer` of a leader. A server without one is on its own
and has no membership to change.
"""

from collections.abc import Callable
from typing import Final, Protocol, final

from mypy_extensions import i64

from zkeeper.database import paths
from zkeeper.database.acls import Identity
from zkeeper.database.database import CONFIG_VERSION
from zkeeper.database.sessions import shown_session_id
from zkeeper.errors import NoAuthError, ReconfigDisabledError, UnimplementedError, ZooKeeperError
from zkeeper.pipeline.checks import Checks
from zkeeper.pipeline.pending import PendingTree
from zkeeper.pipeline.requests import ReconfigRequest
from zkeeper.wire import protocol
from zkeeper.wire.txns import SetDataBody, Txn, TxnBody

MAX_REASON_CHARS: Final = 300


class Reconfigurer(Protocol):
    """Decides about changes of the membership. `begin` takes the one that was planned last."""

    def plan(self, request: ReconfigRequest, zxid: int) -> bytes:
        """The text of the membership that the transaction `zxid` proposes. Raises a `ZooKeeperError`."""
        ...

    def begin(self) -> None: ...


@final
class Reconfigs:
    """`tell` takes sentences for the server's log."""

    def __init__(self, pending: PendingTree, checks: Checks, is_enabled: bool) -> None:
        self.reconfigurer: Reconfigurer | None = None
        self.tell: Callable[[str], None] | None = None
        self._pending = pending
        self._checks = checks
        self._is_enabled = is_enabled

    def check_enabled(self) -> None:
        """Comes before all else, also before the question whether the session is alive."""
        if not self._is_enabled:
            raise ReconfigDisabledError("reconfigEnabled is not true")

    def prepare(self, txn: Txn, request: ReconfigRequest, credentials: list[Identity]) -> TxnBody:
        self.check_enabled()
        reconfigurer = self.reconfigurer
        if reconfigurer is None:
            raise UnimplementedError("a standalone server has no ensemble to change")
        text = reconfigurer.plan(request, txn.zxid)
        node = self._checks.need(paths.CONFIG)
        self._checks.need_permission(node, protocol.WRITE, credentials)
        changed = self._pending.change(node, txn.zxid)
        changed.data = text
        changed.version = CONFIG_VERSION
        changed.mzxid = txn.zxid
        changed.mtime_ms = txn.time_ms
        self._pending.put(changed, 0)
        reconfigurer.begin()
        return SetDataBody(paths.CONFIG, text, CONFIG_VERSION)

    def tell_refused(self, session_id: i64, error: ZooKeeperError) -> None:
        """The client hears no more than a code, and whoever is to find out why asks the log."""
        if self.tell is not None:
            self.tell(f"a reconfig of session {shown_session_id(session_id)} is refused: {_reason(error)}")


def _reason(error: ZooKeeperError) -> str:
    """On one line, as parts of it may be a client's own words."""
    if isinstance(error, NoAuthError):
        return "its client may not write /zookeeper/config; that takes the super user, or an ACL of this znode"
    reason = str(error) or type(error).__name__
    return "".join([sign if sign.isprintable() else "?" for sign in reason[:MAX_REASON_CHARS]])
