"""What a write is checked for before it becomes a transaction; each check passes or raises the error of its own.

Their order is the business of those who call them (semantics, section 5).
"""

from typing import Final, final

from mypy_extensions import i64

from zkeeper.database import paths, quota
from zkeeper.database.acls import Identity
from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database
from zkeeper.database.foreseen import Pending
from zkeeper.errors import (
    BadArgumentsError,
    BadVersionError,
    MarshallingError,
    NoAuthError,
    NoNodeError,
    QuotaExceededError,
)
from zkeeper.pipeline.pending import PendingTree

ANY_VERSION: Final = -1


@final
class Checks:
    """Against the tree as it will be; quotas, where `enforce_quota` is set, against what is committed."""

    def __init__(self, database: Database, pending: PendingTree, auth: AuthRules, enforce_quota: bool) -> None:
        self._database = database
        self._pending = pending
        self._auth = auth
        self._enforce_quota = enforce_quota

    def need(self, path: bytes) -> Pending:
        node = self._pending.get(path)
        if node is None:
            raise NoNodeError
        return node

    def need_at_valid_path(self, path: bytes) -> Pending:
        """Znodes have valid paths, so the path's form matters only where there is none."""
        node = self._pending.get(path) if path else None
        if node is None:
            if not paths.is_valid(path):
                raise BadArgumentsError("the path is not valid")
            raise NoNodeError
        return node

    def need_permission(self, node: Pending, permission: i64, credentials: list[Identity]) -> None:
        acl = node.acl
        if not acl.world_permissions & permission and not self._auth.allows(acl, permission, credentials):
            raise NoAuthError

    def check_quota(self, path: bytes, data: bytes | None, count: i64, replaced_bytes: i64) -> None:
        """Hard limits against what is committed: a burst may pass them, as with Java."""
        if not self._enforce_quota:
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


def need_path(path: bytes | None) -> bytes:
    if path is None:
        raise MarshallingError("the path is null")
    return path


def need_named_path(path: bytes | None) -> bytes:
    """Here Java takes null for an invalid path."""
    if path is None:
        raise BadArgumentsError("the path is null")
    return path


def check_slash(path: bytes) -> None:
    if b"/" not in path or b"\x00" in path:
        raise BadArgumentsError("the path has no slash, or a zero byte")


def check_version(expected: i64, current: i64) -> None:
    if expected != ANY_VERSION and expected != current:
        raise BadVersionError
