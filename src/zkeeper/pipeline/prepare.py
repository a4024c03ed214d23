"""Prepare: checks a request against the tree plus all that was proposed before, and turns it into a transaction.

1. A request that fails becomes an error transaction with a zxid of its own, so that order holds.
2. Checks come in ZooKeeper's order; the first that fails names the error (semantics, section 5).
3. Nothing here changes the tree; what a transaction will change is put into the `PendingTree`.
"""

from typing import Final, final

from mypy_extensions import i64

from zkeeper.database import paths, quota
from zkeeper.database.auth import AuthRules, Identity
from zkeeper.database.database import Database
from zkeeper.database.foreseen import Pending
from zkeeper.database.znode import CONTAINER_OWNER, EPHEMERAL, TTL_MAX_MS, TTL_OWNER
from zkeeper.errors import (
    BadArgumentsError,
    BadVersionError,
    MarshallingError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    QuotaExceededError,
    ReconfigDisabledError,
    RuntimeInconsistencyError,
    UnimplementedError,
    ZooKeeperError,
)
from zkeeper.pipeline.pending import PendingTree
from zkeeper.pipeline.requests import (
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    MultiRequest,
    SessionRequest,
    SetAclRequest,
    SetDataRequest,
    UndecodableRequest,
    WriteRequest,
)
from zkeeper.wire import protocol
from zkeeper.wire.jute import wrap_i32
from zkeeper.wire.txns import (
    CheckBody,
    CloseSessionBody,
    CreateBody,
    CreateSessionBody,
    DeleteBody,
    ErrorBody,
    MultiBody,
    SetAclBody,
    SetDataBody,
    SubTxn,
    Txn,
    TxnBody,
)

ANY_VERSION: Final = -1


class PrepareOptions:
    """`list_ephemerals`: a closeSession transaction carries the paths that it deletes."""

    def __init__(
        self, enforce_quota: bool = False, reconfig_enabled: bool = False, list_ephemerals: bool = True
    ) -> None:
        self.enforce_quota = enforce_quota
        self.reconfig_enabled = reconfig_enabled
        self.list_ephemerals = list_ephemerals


@final
class Preparer:
    """`last_zxid` is the last one given out."""

    def __init__(self, database: Database, auth: AuthRules, options: PrepareOptions) -> None:
        self._database = database
        self._auth = auth
        self._options = options
        self.pending = PendingTree(database)
        self.last_zxid: i64 = database.last_zxid

    def prepare(
        self, session_id: i64, cxid: i64, request: WriteRequest, credentials: list[Identity], now_ms: i64
    ) -> Txn:
        """The transaction for `request`, with the next zxid; `now_ms` is the wall clock."""
        self.last_zxid += 1
        txn = Txn(session_id, cxid, self.last_zxid, now_ms, request.op, _NOTHING)
        try:
            if isinstance(request, MultiRequest):
                self._multi(txn, request, credentials)
            else:
                txn.body = self._body(txn, request, credentials)
        except ZooKeeperError as error:
            txn.txn_type = protocol.ERROR
            txn.body = ErrorBody(error.code)
            return txn
        if self._database.tree.with_digest:
            txn.has_digest = True
            txn.digest = self.pending.digest()
        return txn

    def _body(self, txn: Txn, request: WriteRequest, credentials: list[Identity]) -> TxnBody:
        if isinstance(request, SetDataRequest):
            return self._set_data(txn, request, credentials)
        if isinstance(request, CreateRequest):
            return self._create(txn, request, credentials)
        if isinstance(request, DeleteRequest):
            if request.op == protocol.DELETE_CONTAINER:
                return self._delete_container(txn, request)
            return self._delete(txn, request, credentials)
        if isinstance(request, SetAclRequest):
            return self._set_acl(txn, request, credentials)
        if isinstance(request, CheckRequest):
            return self._check(request, credentials)
        if isinstance(request, SessionRequest):
            return self._session(txn, request)
        if isinstance(request, UndecodableRequest):
            raise MarshallingError("the multi does not decode")
        if self._options.reconfig_enabled:
            raise UnimplementedError("a standalone server has no ensemble to change")
        raise ReconfigDisabledError("reconfigEnabled is not true")

    # Create.

    def _create(self, txn: Txn, request: CreateRequest, credentials: list[Identity]) -> TxnBody:
        self._check_create_mode(request)
        path = _need_path(request.path)
        _check_slash(path)
        acl = self._auth.fix_acl(request.acl, credentials)
        parent = self._need(paths.parent(path))
        self._need_permission(parent, protocol.CREATE_CHILD, credentials)
        if _is_sequential(request.flags):
            path += b"%010d" % parent.cversion
        # The parent exists, so its part of the path is valid; `//x` has the root for a parent.
        if path.startswith(b"//") or (path != paths.ROOT and not paths.is_valid_name(paths.name(path))):
            raise BadArgumentsError("the path is not valid")
        if self.pending.get(path) is not None:
            raise NodeExistsError
        if parent.owner != 0 and self._database.tree.owner_rules.kind(parent.owner) == EPHEMERAL:
            raise NoChildrenForEphemeralsError
        if path == paths.QUOTA_PREFIX + quota.LIMITS_NAME:
            raise BadArgumentsError("the root cannot have a quota")
        self._check_quota(path, request.data, 1, 0)
        return self._propose_create(txn, request, path, acl, parent)

    def _check_create_mode(self, request: CreateRequest) -> None:
        flags, ttl_ms = request.flags, request.ttl_ms
        if flags < 0 or flags > protocol.FLAGS_SEQUENTIAL_TTL:
            raise BadArgumentsError("unknown create flags")
        if flags >= protocol.FLAGS_TTL:
            if not self._database.options.extended_types:
                raise UnimplementedError("znodes with a ttl need extendedTypesEnabled=true")
            if ttl_ms < 1 or ttl_ms > TTL_MAX_MS:
                raise BadArgumentsError("the ttl is out of range")
        elif request.op == protocol.CREATE_TTL:
            # With a negative ttl Java lets this pass, and dies when it applies the transaction.
            raise BadArgumentsError("createTTL without flags for a ttl")

    def _propose_create(
        self, txn: Txn, request: CreateRequest, path: bytes, acl: tuple[tuple[int, bytes, bytes], ...], parent: Pending
    ) -> TxnBody:
        op = request.op
        ephemeral = op != protocol.CREATE_CONTAINER and _is_ephemeral(request.flags)
        cversion = wrap_i32(parent.cversion + 1)
        body = CreateBody(op, path, request.data, acl, ephemeral, cversion, request.ttl_ms)
        node = Pending(path, txn.zxid, request.data, self._database.tree.acls.preview(acl), 0)
        node.ctime_ms = txn.time_ms
        node.mtime_ms = txn.time_ms
        if ephemeral:
            node.owner = txn.session_id
        elif op == protocol.CREATE_CONTAINER:
            node.owner = CONTAINER_OWNER
        elif op == protocol.CREATE_TTL:
            node.owner = TTL_OWNER + request.ttl_ms
        old_digest = parent.digest
        changed = self.pending.change(parent, txn.zxid)
        changed.child_count += 1
        if cversion > changed.cversion:
            changed.cversion = cversion
            changed.pzxid = txn.zxid
        self.pending.put(changed, old_digest)
        self.pending.put(node, 0)
        return body

    # The other changes.

    def _delete(self, txn: Txn, request: DeleteRequest, credentials: list[Identity]) -> TxnBody:
        path = _need_path(request.path)
        _check_slash(path)
        if path in paths.RESERVED:
            raise BadArgumentsError("the path is reserved")
        parent = self._need(paths.parent(path))
        self._need_permission(parent, protocol.DELETE_CHILD, credentials)
        node = self._need(path)
        _check_version(request.version, node.version)
        if node.child_count > 0:
            raise NotEmptyError
        self._propose_delete(txn, node, parent)
        return DeleteBody(path)

    def _delete_container(self, txn: Txn, request: DeleteRequest) -> TxnBody:
        """The reaper's; it has no session and needs no permission."""
        path = _need_path(request.path)
        if path in paths.RESERVED:
            raise BadArgumentsError("the path is reserved")
        node = self._need(path)
        if node.child_count > 0:
            raise NotEmptyError
        if self._database.tree.owner_rules.ephemeral_owner(node.owner) != 0:
            raise BadVersionError
        self._propose_delete(txn, node, self._need(paths.parent(path)))
        return DeleteBody(path)

    def _propose_delete(self, txn: Txn, node: Pending, parent: Pending) -> None:
        old_digest = parent.digest
        changed = self.pending.change(parent, txn.zxid)
        changed.child_count -= 1
        if txn.zxid > changed.pzxid:
            changed.pzxid = txn.zxid
        self.pending.put(changed, old_digest)
        old_digest = node.digest
        gone = self.pending.change(node, txn.zxid)
        gone.exists = False
        self.pending.put(gone, old_digest)

    def _set_data(self, txn: Txn, request: SetDataRequest, credentials: list[Identity]) -> TxnBody:
        path = _need_named_path(request.path)
        node = self._need_at_valid_path(path)
        self._need_permission(node, protocol.WRITE, credentials)
        self._check_quota(path, request.data, 0, len(node.data) if node.data is not None else 0)
        _check_version(request.version, node.version)
        old_digest = node.digest
        changed = self.pending.change(node, txn.zxid)
        changed.data = request.data
        changed.version = wrap_i32(node.version + 1)
        changed.mzxid = txn.zxid
        changed.mtime_ms = txn.time_ms
        self.pending.put(changed, old_digest)
        return SetDataBody(path, request.data, changed.version)

    def _set_acl(self, txn: Txn, request: SetAclRequest, credentials: list[Identity]) -> TxnBody:
        path = _need_named_path(request.path)
        if not paths.is_valid(path):
            raise BadArgumentsError("the path is not valid")
        acl = self._auth.fix_acl(request.acl, credentials)
        node = self._need(path)
        self._need_permission(node, protocol.ADMIN, credentials)
        _check_version(request.version, node.aversion)
        old_digest = node.digest
        changed = self.pending.change(node, txn.zxid)
        changed.acl = self._database.tree.acls.preview(acl)
        changed.aversion = wrap_i32(node.aversion + 1)
        self.pending.put(changed, old_digest)
        return SetAclBody(path, acl, changed.aversion)

    def _check(self, request: CheckRequest, credentials: list[Identity]) -> TxnBody:
        path = _need_named_path(request.path)
        node = self._need_at_valid_path(path)
        self._need_permission(node, protocol.READ, credentials)
        _check_version(request.version, node.version)
        return CheckBody(path, wrap_i32(node.version + 1))

    def _session(self, txn: Txn, request: SessionRequest) -> TxnBody:
        if request.op == protocol.CREATE_SESSION:
            return CreateSessionBody(request.timeout_ms)
        owned = self.pending.ephemerals(txn.session_id)
        for path in owned:
            node = self.pending.get(path)
            parent = self.pending.get(paths.parent(path))
            if node is not None and parent is not None:
                self._propose_delete(txn, node, parent)
        return CloseSessionBody(owned if self._options.list_ephemerals else None)

    # Multi.

    def _multi(self, txn: Txn, request: MultiRequest, credentials: list[Identity]) -> None:
        ops: list[SubTxn] = []
        failure: ZooKeeperError | None = None
        self.pending.begin()
        for op in request.ops:
            if failure is not None:
                ops.append(SubTxn(protocol.ERROR, ErrorBody(RuntimeInconsistencyError.code)))
                continue
            try:
                body = self._body(txn, op, credentials)
                ops.append(SubTxn(op.op, body))
            except MarshallingError:
                self.pending.roll_back()
                raise  # A field that is null where it must not be fails the whole request.
            except ZooKeeperError as error:
                failure = error
                ops.append(SubTxn(protocol.ERROR, ErrorBody(error.code)))
        if failure is None:
            self.pending.commit()
        else:
            self.pending.roll_back()
        txn.body = MultiBody(ops)

    # Checks.

    def _need(self, path: bytes) -> Pending:
        node = self.pending.get(path)
        if node is None:
            raise NoNodeError
        return node

    def _need_at_valid_path(self, path: bytes) -> Pending:
        """Znodes have valid paths, so the path's form matters only where there is none."""
        node = self.pending.get(path) if path else None
        if node is None:
            if not paths.is_valid(path):
                raise BadArgumentsError("the path is not valid")
            raise NoNodeError
        return node

    def _need_permission(self, node: Pending, permission: i64, credentials: list[Identity]) -> None:
        acl = node.acl
        if not acl.world_permissions & permission and not self._auth.allows(acl, permission, credentials):
            raise NoAuthError

    def _check_quota(self, path: bytes, data: bytes | None, count: i64, replaced_bytes: i64) -> None:
        """Hard limits against what is committed: a burst may pass them, as with Java."""
        if not self._options.enforce_quota:
            return
        tree = self._database.tree
        subject = tree.quotas.deepest(path)
        limits_node = tree.lookup(quota.limits_path(subject)) if subject is not None else None
        if subject is None or limits_node is None:
            return
        limits = quota.parse_quota(limits_node.data)
        usage_node = tree.lookup(quota.stats_path(subject))
        if usage_node is None:
            return
        usage = quota.parse_usage(usage_node.data)
        growth = (len(data) if data is not None else 0) - replaced_bytes
        if count and limits.count_hard > quota.NO_LIMIT and usage.count + count > limits.count_hard:
            raise QuotaExceededError
        if growth and limits.bytes_hard > quota.NO_LIMIT and usage.bytes_ + growth > limits.bytes_hard:
            raise QuotaExceededError


_NOTHING: Final = ErrorBody(0)


def _is_ephemeral(flags: i64) -> bool:
    return flags == 1 or flags == 3


def _is_sequential(flags: i64) -> bool:
    return flags == 2 or flags == 3 or flags == protocol.FLAGS_SEQUENTIAL_TTL


def _need_path(path: bytes | None) -> bytes:
    if path is None:
        raise MarshallingError("the path is null")
    return path


def _need_named_path(path: bytes | None) -> bytes:
    """Here Java takes null for an invalid path."""
    if path is None:
        raise BadArgumentsError("the path is null")
    return path


def _check_slash(path: bytes) -> None:
    if b"/" not in path or b"\x00" in path:
        raise BadArgumentsError("the path has no slash, or a zero byte")


def _check_version(expected: i64, current: i64) -> None:
    if expected != ANY_VERSION and expected != current:
        raise BadVersionError
