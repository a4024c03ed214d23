"""Prepare's part for creates of all kinds: plain, ephemeral, sequential, containers, with a ttl."""

from typing import final

from mypy_extensions import i64

from zkeeper.database import paths, quota
from zkeeper.database.acls import Identity
from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database
from zkeeper.database.foreseen import Pending
from zkeeper.database.znode import CONTAINER_OWNER, EPHEMERAL, TTL_OWNER
from zkeeper.errors import (
    OK,
    BadArgumentsError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    UnimplementedError,
    error_of,
)
from zkeeper.pipeline.checks import Checks, check_slash, need_path
from zkeeper.pipeline.pending import PendingTree
from zkeeper.pipeline.requests import CreateRequest
from zkeeper.wire import protocol
from zkeeper.wire.acl import Acl
from zkeeper.wire.jute import wrap_i32
from zkeeper.wire.txns import CreateBody, Txn, TxnBody


@final
class Creates:
    """`refusal` is the code with which ephemerals are refused, for a session that cannot have any."""

    def __init__(self, database: Database, pending: PendingTree, auth: AuthRules, checks: Checks) -> None:
        self._database = database
        self._pending = pending
        self._auth = auth
        self._checks = checks
        self.refusal: i64 = OK

    def prepare(self, txn: Txn, request: CreateRequest, credentials: list[Identity]) -> TxnBody:
        """The body of `txn` for `request`; the first check that fails raises its error."""
        self._check_mode(request)
        if self.refusal != OK and is_ephemeral(request):
            raise error_of(int(self.refusal))
        path = need_path(request.path)
        check_slash(path)
        acl = self._auth.fix_acl(request.acl, credentials)
        parent = self._checks.need(paths.parent(path))
        self._checks.need_permission(parent, protocol.CREATE_CHILD, credentials)
        if _is_sequential(request.flags):
            path += b"%010d" % parent.cversion
        # The parent exists, so its part of the path is valid; `//x` has the root for a parent.
        if path.startswith(b"//") or (path != paths.ROOT and not paths.is_valid_name(paths.name(path))):
            raise BadArgumentsError("the path is not valid")
        if self._pending.get(path) is not None:
            raise NodeExistsError
        if parent.owner != 0 and self._database.tree.owner_rules.kind(parent.owner) == EPHEMERAL:
            raise NoChildrenForEphemeralsError
        if path == paths.QUOTA_PREFIX + quota.LIMITS_NAME:
            raise BadArgumentsError("the root cannot have a quota")
        self._checks.check_quota(path, request.data, 1, 0)
        return self._propose(txn, request, path, acl, parent)

    def _check_mode(self, request: CreateRequest) -> None:
        flags, ttl_ms = request.flags, request.ttl_ms
        if flags < 0 or flags > protocol.FLAGS_SEQUENTIAL_TTL:
            raise BadArgumentsError("unknown create flags")
        if flags >= protocol.FLAGS_TTL:
            if not self._database.options.extended_types:
                raise UnimplementedError("znodes with a ttl need extendedTypesEnabled=true")
            if ttl_ms < 1 or ttl_ms > protocol.MAX_TTL_MS:
                raise BadArgumentsError("the ttl is out of range")
        elif request.op == protocol.CREATE_TTL:
            # With a negative ttl Java lets this pass, and dies when it applies the transaction.
            raise BadArgumentsError("createTTL without flags for a ttl")

    def _propose(self, txn: Txn, request: CreateRequest, path: bytes, acl: tuple[Acl, ...], parent: Pending) -> TxnBody:
        op = request.op
        ephemeral = is_ephemeral(request)
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
        changed = self._pending.change(parent, txn.zxid)
        changed.child_count += 1
        if cversion > changed.cversion:
            changed.cversion = cversion
            changed.pzxid = txn.zxid
        self._pending.put(changed, old_digest)
        self._pending.put(node, 0)
        return body


def is_ephemeral(request: CreateRequest) -> bool:
    return request.op != protocol.CREATE_CONTAINER and (request.flags == 1 or request.flags == 3)


def _is_sequential(flags: i64) -> bool:
    return flags == 2 or flags == 3 or flags == protocol.FLAGS_SEQUENTIAL_TTL
