"""The tree of znodes and how transactions change it.

1. A change is applied whole or answered with a ZooKeeper error code; nothing raises half way.
2. The same rules serve live transactions and replay over a fuzzy snapshot: what is there already, or gone already, is
   an error code, never an exception; a parent's cversion and pzxid only ever rise (storage, section 6).
3. `digest` is the sum of the digests of all znodes but those below /zookeeper, while `with_digest` is set.
4. Every znode is held by its parent alone, so a tree of a million costs one dictionary entry for each; `_hot`, a
   bounded index of whole paths, only spares the walk and never holds a path that is gone.
5. A znode that has become what was `foreseen` when its transaction was prepared, field by field, has the digest that
   was computed then. One that has not gets its own, and the sum tells that it went wrong.
"""

from typing import Final, final

from mypy_extensions import i32, i64

from zkeeper.database import paths, quota_usage
from zkeeper.database.acls import AclTable
from zkeeper.database.foreseen import Pending
from zkeeper.database.owners import OwnerIndex
from zkeeper.database.quota import QuotaIndex
from zkeeper.database.znode import OwnerRules, ZNode, node_digest
from zkeeper.errors import OK, BadArgumentsError, NodeExistsError, NoNodeError
from zkeeper.wire.acl import Acl

HOT_PATHS: Final = 1 << 14
READ_ONLY_CONFIG: Final[tuple[Acl, ...]] = ((1, b"world", b"anyone"),)


@final
class DataTree:
    def __init__(self, owner_rules: OwnerRules, with_digest: bool = True) -> None:
        self.owner_rules = owner_rules
        self.with_digest = with_digest
        self.acls = AclTable()
        self.quotas = QuotaIndex()
        self.owners = OwnerIndex(owner_rules)
        self.digest: i64 = 0
        self.node_count: i64 = 1
        self.data_bytes: i64 = 0
        self.touched: ZNode | None = None
        self.foreseen: list[Pending] | None = None
        self._hot: dict[bytes, ZNode] = {}
        self.root = ZNode(b"", self.acls.open, 0, 0, 0)
        self._root_children: dict[bytes, ZNode] = {}
        self.root.children = self._root_children

    def replace_root(self, node: ZNode) -> None:
        """Takes the root of a snapshot, which comes before all others."""
        self._hot.clear()
        node.children = self._root_children
        self.root = node
        if self.with_digest:
            node.digest = node_digest(paths.ROOT, node)
            self.digest += node.digest

    def plant_reserved(self) -> None:
        """Adds the znodes of a fresh tree, whose Stats are all zero."""
        if self.with_digest:
            self.root.digest = node_digest(paths.ROOT, self.root)
            self.digest = self.root.digest
        open_list = self.acls.open
        self.attach(paths.ZOOKEEPER, ZNode(b"", open_list, 0, 0, 0))
        self.attach(paths.QUOTA, ZNode(b"", open_list, 0, 0, 0))
        config = ZNode(b"", self.acls.use(READ_ONLY_CONFIG), 0, 0, 0)
        config.aversion = -1
        self.attach(paths.CONFIG, config)

    def lookup(self, path: bytes) -> ZNode | None:
        """The znode at `path`; the empty path is an alias of the root, as for Java."""
        node = self._hot.get(path)
        if node is None:
            node = self._walk(path)
            if node is not None:
                if len(self._hot) >= HOT_PATHS:
                    self._hot.clear()
                self._hot[path] = node
        return node

    def _walk(self, path: bytes) -> ZNode | None:
        parts = path.split(b"/")
        last = len(parts) - 1
        if parts[0]:
            return None
        if last == 0 or (last == 1 and not parts[1]):
            return self.root
        children: dict[bytes, ZNode] | None = self._root_children
        node: ZNode | None = None
        for index in range(1, last + 1):
            if children is None:
                return None
            node = children.get(parts[index])
            if node is None:
                return None
            children = node.children
        return node

    def attach(self, path: bytes, node: ZNode) -> bool:
        """Puts a znode, whose fields are final, in its place; False when it has no parent. Replaces what is there."""
        parent = self.lookup(paths.parent(path))
        if parent is None:
            return False
        self._attach_below(parent, path, paths.name(path), node)
        return True

    def _attach_below(self, parent: ZNode, path: bytes, name: bytes, node: ZNode) -> None:
        children = parent.children
        if children is None:
            children = {}
            parent.children = children
        children[name] = node
        self.node_count += 1
        self.data_bytes += len(path) + node.data_bytes()
        if node.owner != 0:
            self.owners.add(path, node.owner)
        if self.with_digest:
            node.digest = self._digest_of(path, node)
            self.digest += node.digest

    def _digest_of(self, path: bytes, node: ZNode) -> i64:
        """Rule 5."""
        foreseen = self.foreseen
        if foreseen is not None:
            for pending in foreseen:
                if pending.path == path and pending.is_like(node):
                    return pending.digest
        return node_digest(path, node)

    def create(
        self, path: bytes, data: bytes | None, acl: tuple[Acl, ...], owner: i64, parent_cversion: i64,
        zxid: i64, time_ms: i64,
    ) -> i64:  # fmt: skip
        parent_path = paths.parent(path)
        parent = self.lookup(parent_path)
        if parent is None:
            return NoNodeError.code
        acl_list = self.acls.use(acl)
        name = paths.name(path)
        children = parent.children
        existing = children.get(name) if children is not None else None
        if existing is not None:
            self.touched = existing
            # A fuzzy snapshot held the znode already; its list may have come later than the table.
            self.acls.release(existing.acl)
            existing.acl = acl_list
            self._raise_parent(parent_path, parent, parent_cversion, zxid)
            return NodeExistsError.code
        self._raise_parent(parent_path, parent, parent_cversion, zxid)
        node = ZNode(data, acl_list, zxid, time_ms, owner)
        self.touched = node
        self._attach_below(parent, path, name, node)
        if path.startswith(paths.QUOTA_PREFIX):
            quota_usage.quota_created(self, path)
        self._account(path, 1, len(data) if data is not None else 0)
        return OK

    def _raise_parent(self, path: bytes, parent: ZNode, parent_cversion: i64, zxid: i64) -> None:
        cversion = parent_cversion if parent_cversion != -1 else i64(parent.cversion) + 1
        if cversion > i64(parent.cversion):
            parent.cversion = i32(cversion)
            parent.pzxid = zxid
            self.refresh_digest(path, parent)

    def refresh_digest(self, path: bytes, node: ZNode) -> None:
        """Counts the znode's new state in place of its old."""
        if self.with_digest:
            digest = self._digest_of(path, node)
            self.digest += digest - node.digest
            node.digest = digest

    def delete(self, path: bytes, zxid: i64) -> i64:
        if path in paths.RESERVED:
            return BadArgumentsError.code
        parent_path = paths.parent(path)
        parent = self.lookup(parent_path)
        if parent is None:
            return NoNodeError.code
        children = parent.children
        node = children.pop(paths.name(path), None) if children is not None else None
        if zxid > parent.pzxid:
            parent.pzxid = zxid
            self.refresh_digest(parent_path, parent)
        if node is None:
            return NoNodeError.code
        if not children and parent is not self.root:
            parent.children = None
        self._detached(path, node)
        return OK

    def _detached(self, path: bytes, node: ZNode) -> None:
        """Forgets a znode that has left the tree; replay may find one with children, which the image took up later.

        However deep they are: how deep is for clients to choose, so nothing recurses here.
        """
        gone = [(path, node)]
        while gone:
            path, node = gone.pop()
            children = node.children
            if children is not None:
                gone += [(path + b"/" + name, child) for name, child in children.items()]
            self._forget(path, node)

    def _forget(self, path: bytes, node: ZNode) -> None:
        self._hot.pop(path, None)
        if self.with_digest:
            self.digest -= node.digest
        self.node_count -= 1
        self.data_bytes -= len(path) + node.data_bytes()
        if node.owner != 0:
            self.owners.discard(path, node.owner)
        self.acls.release(node.acl)
        if path.startswith(paths.QUOTA_PREFIX):
            quota_usage.quota_gone(self, path)
        self._account(path, -1, -node.data_bytes())

    def set_data(self, path: bytes, data: bytes | None, version: i64, zxid: i64, time_ms: i64) -> i64:
        node = self.lookup(path)
        self.touched = node
        if node is None:
            return NoNodeError.code
        growth: i64 = (len(data) if data is not None else 0) - node.data_bytes()
        node.data = data
        node.mtime_ms = time_ms
        node.mzxid = zxid
        node.version = i32(version)
        self.data_bytes += growth
        self.refresh_digest(path, node)
        self._account(path, 0, growth)
        return OK

    def set_acl(self, path: bytes, acl: tuple[Acl, ...], aversion: i64) -> i64:
        node = self.lookup(path)
        self.touched = node
        if node is None:
            return NoNodeError.code
        acl_list = self.acls.use(acl)
        self.acls.release(node.acl)
        node.acl = acl_list
        node.aversion = i32(aversion)
        self.refresh_digest(path, node)
        return OK

    def _account(self, path: bytes, count: i64, growth_bytes: i64) -> None:
        if self.quotas.quota_paths:
            quota_usage.account(self, path, count, growth_bytes)
