"""What a transaction on its way will make of a znode."""

from typing import final

from mypy_extensions import i64, mypyc_attr

from zkeeper.database.acls import AclList
from zkeeper.database.znode import ZNode, digest_of


@mypyc_attr(acyclic=True)
@final
class Pending:
    """A znode after the transaction `zxid`; one that is only read from the tree has zxid 0."""

    def __init__(self, path: bytes, zxid: i64, data: bytes | None, acl: AclList, owner: i64) -> None:
        self.path = path
        self.zxid: i64 = zxid
        self.exists = True
        self.data = data
        self.acl = acl
        self.owner: i64 = owner
        self.czxid: i64 = zxid
        self.mzxid: i64 = zxid
        self.pzxid: i64 = zxid
        self.ctime_ms: i64 = 0
        self.mtime_ms: i64 = 0
        self.version: i64 = 0
        self.cversion: i64 = 0
        self.aversion: i64 = 0
        self.child_count: i64 = 0
        self.digest: i64 = 0

    def copy(self, zxid: i64) -> "Pending":
        other = Pending(self.path, zxid, self.data, self.acl, self.owner)
        other.exists = self.exists
        other.czxid = self.czxid
        other.mzxid = self.mzxid
        other.pzxid = self.pzxid
        other.ctime_ms = self.ctime_ms
        other.mtime_ms = self.mtime_ms
        other.version = self.version
        other.cversion = self.cversion
        other.aversion = self.aversion
        other.child_count = self.child_count
        other.digest = self.digest
        return other

    def is_like(self, node: ZNode) -> bool:
        """Whether the znode has become what was foreseen; then its digest is, too."""
        return (
            self.exists
            and self.mzxid == node.mzxid
            and self.pzxid == node.pzxid
            and self.czxid == node.czxid
            and self.mtime_ms == node.mtime_ms
            and self.ctime_ms == node.ctime_ms
            and self.version == i64(node.version)
            and self.cversion == i64(node.cversion)
            and self.aversion == i64(node.aversion)
            and self.owner == node.owner
            and self.data is node.data
        )

    def compute_digest(self) -> i64:
        if self.path.startswith(b"/zookeeper/"):
            return 0
        return digest_of(
            self.path, self.data, self.czxid, self.mzxid, self.pzxid, self.ctime_ms, self.mtime_ms,
            self.version, self.cversion, self.aversion, self.owner,
        )  # fmt: skip
