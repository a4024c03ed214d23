"""The tree as it will be once all that was proposed is applied.

1. A path that no transaction in flight touches is read from the tree; one that is touched has a `Pending` here, which
   is never changed once it stands, only replaced by a later one.
2. What is here leaves when its transaction is applied.
3. Every path whose `Pending` has an owner, also one that it is losing, is in `_by_owner` under that owner and no other,
   so the ephemerals of a session are found without a look at those of all others.
"""

from typing import final

from mypy_extensions import i64

from zkeeper.database.database import Database
from zkeeper.database.foreseen import Pending
from zkeeper.database.znode import ZNode


def _from_tree(path: bytes, node: ZNode) -> Pending:
    found = Pending(path, 0, node.data, node.acl, node.owner)
    found.czxid = node.czxid
    found.mzxid = node.mzxid
    found.pzxid = node.pzxid
    found.ctime_ms = node.ctime_ms
    found.mtime_ms = node.mtime_ms
    found.version = i64(node.version)
    found.cversion = i64(node.cversion)
    found.aversion = i64(node.aversion)
    found.child_count = node.child_count()
    found.digest = node.digest
    return found


@final
class PendingTree:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_path: dict[bytes, Pending] = {}
        self._by_owner: dict[int, set[bytes]] = {}
        self._changes: list[Pending] = []
        self._undo: list[tuple[bytes, Pending | None]] = []
        self._undo_digest: i64 = 0
        self._recording = False
        self._digest: i64 = 0

    def digest(self) -> i64:
        """Of the whole tree, with all that is pending."""
        return self._digest if self._by_path else self._database.tree.digest

    def get(self, path: bytes) -> Pending | None:
        """The znode at `path`, None if there will be none. Not to be changed; see `change`."""
        found = self._by_path.get(path)
        if found is not None:
            return found if found.exists else None
        node = self._database.tree.lookup(path)
        return _from_tree(path, node) if node is not None else None

    def change(self, found: Pending, zxid: i64) -> Pending:
        """A version of `found` that may be changed and then given to `put`."""
        if found.zxid == 0:
            found.zxid = zxid
            return found
        return found.copy(zxid)

    def put(self, changed: Pending, old_digest: i64) -> None:
        """Makes `changed` what is pending at its path; `old_digest` is its share in the digest so far."""
        by_path = self._by_path
        if self._database.tree.with_digest:
            base = self._digest if by_path else self._database.tree.digest
            changed.digest = changed.compute_digest() if changed.exists else 0
            self._digest = base + changed.digest - old_digest
        if self._recording:
            self._undo.append((changed.path, by_path.get(changed.path)))
        if changed.owner != 0 or self._by_owner:
            self._disown(by_path.get(changed.path))
            self._own(changed)
        by_path[changed.path] = changed
        self._changes.append(changed)

    def _own(self, pending: Pending) -> None:
        if pending.owner != 0:
            self._by_owner.setdefault(pending.owner, set()).add(pending.path)

    def _disown(self, pending: Pending | None) -> None:
        if pending is None or pending.owner == 0:
            return
        owned = self._by_owner[pending.owner]
        owned.remove(pending.path)
        if not owned:
            del self._by_owner[pending.owner]

    def take_changes(self) -> list[Pending]:
        """What was put since the last call: the changes of one transaction, to be given to `applied` with it."""
        changes = self._changes
        self._changes = []
        return changes

    def applied(self, changes: list[Pending]) -> None:
        """Forgets what a transaction changed: it is in the tree now."""
        by_path = self._by_path
        for done in changes:
            if by_path.get(done.path) is done:
                del by_path[done.path]
                self._disown(done)

    def begin(self) -> None:
        """Until `commit` or `roll_back`, changes can be taken back together."""
        self._recording = True
        self._undo_digest = self.digest()

    def commit(self) -> None:
        self._recording = False
        self._undo = []

    def roll_back(self) -> None:
        for path, before in reversed(self._undo):
            self._changes.pop()
            self._disown(self._by_path.pop(path))
            if before is not None:
                self._by_path[path] = before
                self._own(before)
        self._digest = self._undo_digest
        self.commit()

    def ephemerals(self, session_id: i64) -> list[bytes]:
        """What a session will own."""
        known = self._database.tree.owners.ephemerals.get(session_id, ())
        owned = [path for path in known if path not in self._by_path]
        for path in self._by_owner.get(session_id, ()):
            if self._by_path[path].exists:
                owned.append(path)
        return sorted(owned)
