"""Watches: who is to be told of which change (semantics, section 8).

1. There are two tables, data and child. Firing an event at a path tells every watcher of exactly this path, and in the
   data table every recursive watcher of an ancestor: each watcher once, however many of its modes matched.
2. A watcher that closed leaves nothing behind.
3. A watcher has a limit. A request that would take it beyond sets no watch.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from zkeeper.database.acls import AclList
from zkeeper.database.watch_table import PERSISTENT, RECURSIVE, STANDARD, Watcher, WatchTable
from zkeeper.wire import protocol

NULL_PATH: Final = b"\xff"
"""Stands for a null path, on which addWatch may set a watch that never fires; no path is this byte."""
NO_LIMIT: Final = 1 << 62


class TooManyWatchesError(Exception):
    """A watcher has as many watches as it may have. No code of ZooKeeper's says it, so the caller chooses one."""


@final
class WatchManager:
    """`on_fired` is called for each table in which an event met watchers: the event, and how many were told. `most` is
    what a watcher's `watched` may come to."""

    def __init__(self) -> None:
        self.data = WatchTable()
        self.child = WatchTable()
        self.on_fired: Callable[[int, int], object] | None = None
        self.most: i64 = NO_LIMIT

    def idle(self) -> bool:
        return not self.data.by_path and not self.child.by_path

    def watch_data(self, watcher: Watcher, path: bytes) -> None:
        """A standard watch; raises `TooManyWatchesError`, as all that add one do."""
        self._need_room(self.data, watcher, path)
        self.data.add(watcher, path, STANDARD)

    def watch_children(self, watcher: Watcher, path: bytes) -> None:
        self._need_room(self.child, watcher, path)
        self.child.add(watcher, path, STANDARD)

    def add_watch(self, watcher: Watcher, path: bytes, recursive: bool) -> None:
        self._need_room(self.data, watcher, path)
        if recursive:
            self.data.add(watcher, path, RECURSIVE)
        else:
            self.data.add(watcher, path, PERSISTENT)
            self.child.add(watcher, path, PERSISTENT)

    def _need_room(self, table: WatchTable, watcher: Watcher, path: bytes) -> None:
        """Watching again what is watched needs none."""
        if watcher.watched >= self.most and not table.modes(watcher, path):
            raise TooManyWatchesError

    def remove_some(self, watcher: Watcher, most: i64) -> bool:
        """Forgets up to `most` watches of a watcher that closed; False if there may be more."""
        count = self.data.remove_some(watcher, most)
        count += self.child.remove_some(watcher, most - count)
        return count < most

    def has(self, watcher: Watcher, path: bytes, watcher_type: i64) -> bool:
        data, child = _modes_of_type(watcher_type)
        return bool(self.data.modes(watcher, path) & data or self.child.modes(watcher, path) & child)

    def remove(self, watcher: Watcher, path: bytes, watcher_type: i64) -> bool:
        data, child = _modes_of_type(watcher_type)
        had_data = self.data.remove(watcher, path, data)
        had_child = self.child.remove(watcher, path, child)
        return had_data or had_child

    def created(self, path: bytes, parent_path: bytes, zxid: i64, acl: AclList, parent_acl: AclList) -> None:
        self._tell(self.data.fired(path), protocol.NODE_CREATED, path, zxid, acl)
        self.children_changed(parent_path, zxid, parent_acl)

    def deleted(self, path: bytes, parent_path: bytes, zxid: i64, acl: AclList, parent_acl: AclList) -> None:
        told = self.data.fired(path)
        self._tell(told, protocol.NODE_DELETED, path, zxid, acl)
        seen = set(told)
        others = [watcher for watcher in self.child.fired(path) if watcher not in seen]
        self._tell(others, protocol.NODE_DELETED, path, zxid, acl)
        self.children_changed(parent_path, zxid, parent_acl)

    def data_changed(self, path: bytes, zxid: i64, acl: AclList) -> None:
        self._tell(self.data.fired(path), protocol.NODE_DATA_CHANGED, path, zxid, acl)

    def children_changed(self, path: bytes, zxid: i64, acl: AclList) -> None:
        self._tell(self.child.fired(path), protocol.NODE_CHILDREN_CHANGED, path, zxid, acl)

    def _tell(self, watchers: list[Watcher], event: i64, path: bytes, zxid: i64, acl: AclList) -> None:
        for watcher in watchers:
            watcher.notify(event, path, zxid, acl)
        if watchers and self.on_fired is not None:
            self.on_fired(event, len(watchers))


def _modes_of_type(watcher_type: i64) -> tuple[int, int]:
    """The modes in the data and in the child table that a type of removeWatches means."""
    if watcher_type == protocol.WATCHER_CHILDREN:
        return 0, STANDARD
    if watcher_type == protocol.WATCHER_DATA:
        return STANDARD, 0
    if watcher_type == protocol.WATCHER_PERSISTENT:
        return PERSISTENT, PERSISTENT
    if watcher_type == protocol.WATCHER_RECURSIVE:
        return RECURSIVE, 0
    return STANDARD | PERSISTENT | RECURSIVE, STANDARD | PERSISTENT
