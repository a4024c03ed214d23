"""Prepare's part for deletes: a client's, the reaper's, and those of a session that ends."""

from typing import final

from zkeeper.database import paths
from zkeeper.database.acls import Identity
from zkeeper.database.database import Database
from zkeeper.database.foreseen import Pending
from zkeeper.errors import BadArgumentsError, BadVersionError, NotEmptyError
from zkeeper.pipeline.checks import Checks, check_slash, check_version, need_path
from zkeeper.pipeline.pending import PendingTree
from zkeeper.pipeline.requests import DeleteRequest
from zkeeper.wire import protocol
from zkeeper.wire.txns import DeleteBody, Txn, TxnBody


@final
class Deletes:
    def __init__(self, database: Database, pending: PendingTree, checks: Checks) -> None:
        self._database = database
        self._pending = pending
        self._checks = checks

    def prepare(self, txn: Txn, request: DeleteRequest, credentials: list[Identity]) -> TxnBody:
        """The body of `txn` for `request`; the first check that fails raises its error."""
        if request.op == protocol.DELETE_CONTAINER:
            return self._container(txn, request)
        path = need_path(request.path)
        check_slash(path)
        if path in paths.RESERVED:
            raise BadArgumentsError("the path is reserved")
        parent = self._checks.need(paths.parent(path))
        self._checks.need_permission(parent, protocol.DELETE_CHILD, credentials)
        node = self._checks.need(path)
        check_version(request.version, node.version)
        if node.child_count > 0:
            raise NotEmptyError
        self._propose(txn, node, parent)
        return DeleteBody(path)

    def _container(self, txn: Txn, request: DeleteRequest) -> TxnBody:
        """The reaper's; it has no session and needs no permission."""
        path = need_path(request.path)
        if path in paths.RESERVED:
            raise BadArgumentsError("the path is reserved")
        node = self._checks.need(path)
        if node.child_count > 0:
            raise NotEmptyError
        if self._database.tree.owner_rules.ephemeral_owner(node.owner) != 0:
            raise BadVersionError
        self._propose(txn, node, self._checks.need(paths.parent(path)))
        return DeleteBody(path)

    def ephemerals(self, txn: Txn) -> list[bytes]:
        """Deletes what the session of `txn` owns; the paths."""
        owned = self._pending.ephemerals(txn.session_id)
        for path in owned:
            node = self._pending.get(path)
            parent = self._pending.get(paths.parent(path))
            if node is not None and parent is not None:
                self._propose(txn, node, parent)
        return owned

    def _propose(self, txn: Txn, node: Pending, parent: Pending) -> None:
        old_digest = parent.digest
        changed = self._pending.change(parent, txn.zxid)
        changed.child_count -= 1
        if txn.zxid > changed.pzxid:
            changed.pzxid = txn.zxid
        self._pending.put(changed, old_digest)
        old_digest = node.digest
        gone = self._pending.change(node, txn.zxid)
        gone.exists = False
        self._pending.put(gone, old_digest)
