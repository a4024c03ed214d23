"""Prepare: checks a request against the tree plus all that was proposed before, and turns it into a transaction.

1. A request that fails becomes an error transaction with a zxid of its own, so that order holds.
2. Checks come in ZooKeeper's order; the first that fails names the error (semantics, section 5).
3. Nothing here changes the tree; what a transaction will change is put into the `PendingTree`.
4. No transaction is longer than logs and peers take (ZOOKEEPER-3496). A request is bounded, but what it stands for may
   be longer: `auth` in an ACL stands for all that the client is, the end of a session for all its ephemerals.
"""

from typing import Final, final

from mypy_extensions import i64

from zkeeper.database import paths
from zkeeper.database.acls import Identity
from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database
from zkeeper.errors import (
    BadArgumentsError,
    MarshallingError,
    RuntimeInconsistencyError,
    ZooKeeperError,
    error_of,
)
from zkeeper.pipeline.checks import Checks, check_version, need_named_path
from zkeeper.pipeline.creates import Creates
from zkeeper.pipeline.deletes import Deletes
from zkeeper.pipeline.pending import PendingTree
from zkeeper.pipeline.reconfigs import Reconfigs
from zkeeper.pipeline.requests import (
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    MultiRequest,
    ReconfigRequest,
    RefusedRequest,
    SessionRequest,
    SetAclRequest,
    SetDataRequest,
    WriteRequest,
)
from zkeeper.wire import protocol
from zkeeper.wire.jute import MAX_BUFFER_BYTES, wrap_i32
from zkeeper.wire.txns import (
    CheckBody,
    CloseSessionBody,
    CreateSessionBody,
    ErrorBody,
    MultiBody,
    SetAclBody,
    SetDataBody,
    SubTxn,
    Txn,
    TxnBody,
)

TXN_BYTES: Final = 64
"""What a transaction takes beside its body, at most."""


class PrepareOptions:
    """`list_ephemerals`: a closeSession transaction carries the paths that it deletes; `max_txn_bytes` is rule 4's."""

    def __init__(
        self, enforce_quota: bool = False, reconfig_enabled: bool = False, list_ephemerals: bool = True,
        max_txn_bytes: i64 = 2 * MAX_BUFFER_BYTES,
    ) -> None:  # fmt: skip
        self.max_txn_bytes: i64 = max_txn_bytes
        self.enforce_quota = enforce_quota
        self.reconfig_enabled = reconfig_enabled
        self.list_ephemerals = list_ephemerals


@final
class Preparer:
    """`last_zxid` is the last one given out, `payload` its transaction as it is logged."""

    def __init__(self, database: Database, auth: AuthRules, options: PrepareOptions) -> None:
        self._database = database
        self._auth = auth
        self._options = options
        self.pending = PendingTree(database)
        self._checks = Checks(database, self.pending, auth, options.enforce_quota)
        self._creates = Creates(database, self.pending, auth, self._checks)
        self._deletes = Deletes(database, self.pending, self._checks)
        self.reconfigs = Reconfigs(self.pending, self._checks, options.reconfig_enabled)
        self.last_zxid: i64 = database.last_zxid
        self.payload = b""

    def refuse_ephemerals(self, code: i64) -> None:
        """From now on with `code`; with `OK` they are allowed."""
        self._creates.refusal = code

    def prepare(
        self, session_id: i64, cxid: i64, request: WriteRequest, credentials: list[Identity], now_ms: i64
    ) -> Txn:
        """The transaction for `request`, with the next zxid; `now_ms` is the wall clock."""
        self.last_zxid += 1
        txn = Txn(session_id, cxid, self.last_zxid, now_ms, request.op, _NOTHING)
        may_be_long = len(credentials) > 1 or isinstance(request, MultiRequest)
        if may_be_long:
            self.pending.begin()
        try:
            self._fill(txn, request, credentials)
            self.payload = txn.encode()
            if may_be_long:
                self._check_length()
                self.pending.commit()
        except ZooKeeperError as error:
            if may_be_long:
                self.pending.roll_back()
            if request.op == protocol.RECONFIG:
                self.reconfigs.tell_refused(session_id, error)
            txn = Txn(session_id, cxid, self.last_zxid, now_ms, protocol.ERROR, ErrorBody(error.code))
            self.payload = txn.encode()
        return txn

    def _fill(self, txn: Txn, request: WriteRequest, credentials: list[Identity]) -> None:
        if isinstance(request, MultiRequest):
            self._multi(txn, request, credentials)
        else:
            txn.body = self._body(txn, request, credentials)
        if self._database.tree.with_digest:
            txn.has_digest = True
            txn.digest = self.pending.digest()

    def _check_length(self) -> None:
        """Rule 4."""
        if len(self.payload) > self._options.max_txn_bytes:
            raise MarshallingError(f"the transaction would have {len(self.payload)} bytes")

    def _body(self, txn: Txn, request: WriteRequest, credentials: list[Identity]) -> TxnBody:
        if isinstance(request, SetDataRequest):
            return self._set_data(txn, request, credentials)
        if isinstance(request, CreateRequest):
            return self._creates.prepare(txn, request, credentials)
        if isinstance(request, DeleteRequest):
            return self._deletes.prepare(txn, request, credentials)
        if isinstance(request, SetAclRequest):
            return self._set_acl(txn, request, credentials)
        if isinstance(request, CheckRequest):
            return self._check(request, credentials)
        if isinstance(request, SessionRequest):
            return self._session(txn, request)
        if isinstance(request, ReconfigRequest):
            return self.reconfigs.prepare(txn, request, credentials)
        assert isinstance(request, RefusedRequest), "a request that nobody prepares"
        if request.op == protocol.RECONFIG and request.code != MarshallingError.code:
            self.reconfigs.check_enabled()
        raise error_of(int(request.code))

    # Changes.

    def _set_data(self, txn: Txn, request: SetDataRequest, credentials: list[Identity]) -> TxnBody:
        path = need_named_path(request.path)
        node = self._checks.need_at_valid_path(path)
        self._checks.need_permission(node, protocol.WRITE, credentials)
        self._checks.check_quota(path, request.data, 0, len(node.data) if node.data is not None else 0)
        check_version(request.version, node.version)
        old_digest = node.digest
        changed = self.pending.change(node, txn.zxid)
        changed.data = request.data
        changed.version = wrap_i32(node.version + 1)
        changed.mzxid = txn.zxid
        changed.mtime_ms = txn.time_ms
        self.pending.put(changed, old_digest)
        return SetDataBody(path, request.data, changed.version)

    def _set_acl(self, txn: Txn, request: SetAclRequest, credentials: list[Identity]) -> TxnBody:
        path = need_named_path(request.path)
        if not paths.is_valid(path):
            raise BadArgumentsError("the path is not valid")
        acl = self._auth.fix_acl(request.acl, credentials)
        node = self._checks.need(path)
        self._checks.need_permission(node, protocol.ADMIN, credentials)
        check_version(request.version, node.aversion)
        old_digest = node.digest
        changed = self.pending.change(node, txn.zxid)
        changed.acl = self._database.tree.acls.preview(acl)
        changed.aversion = wrap_i32(node.aversion + 1)
        self.pending.put(changed, old_digest)
        return SetAclBody(path, acl, changed.aversion)

    def _check(self, request: CheckRequest, credentials: list[Identity]) -> TxnBody:
        path = need_named_path(request.path)
        node = self._checks.need_at_valid_path(path)
        self._checks.need_permission(node, protocol.READ, credentials)
        check_version(request.version, node.version)
        return CheckBody(path, wrap_i32(node.version + 1))

    def _session(self, txn: Txn, request: SessionRequest) -> TxnBody:
        if request.op == protocol.CREATE_SESSION:
            return CreateSessionBody(request.timeout_ms)
        owned = self._deletes.ephemerals(txn)
        return CloseSessionBody(owned if self._options.list_ephemerals and self._is_short(owned) else None)

    def _is_short(self, paths_: list[bytes]) -> bool:
        """Whether a transaction may list them; whoever applies it knows what the session owns."""
        return sum([len(path) + 4 for path in paths_]) + TXN_BYTES <= self._options.max_txn_bytes

    # Multi.

    def _multi(self, txn: Txn, request: MultiRequest, credentials: list[Identity]) -> None:
        ops: list[SubTxn] = []
        failure: ZooKeeperError | None = None
        for op in request.ops:
            if failure is not None:
                ops.append(SubTxn(protocol.ERROR, ErrorBody(RuntimeInconsistencyError.code)))
                continue
            try:
                body = self._body(txn, op, credentials)
                ops.append(SubTxn(op.op, body))
            except MarshallingError:
                raise  # A field that is null where it must not be fails the whole request.
            except ZooKeeperError as error:
                failure = error
                ops.append(SubTxn(protocol.ERROR, ErrorBody(error.code)))
        if failure is not None:
            self.pending.roll_back()
        txn.body = MultiBody(ops)


_NOTHING: Final = ErrorBody(0)
