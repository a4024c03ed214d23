"""Watches: who is to be told of which change (semantics, section 8).

1. Two tables, data and child; in each a watcher has a set of modes on a path. A standard watch is gone once it fired.
2. Firing an event at a path tells every watcher of exactly this path, and in the data table every recursive watcher of
   an ancestor: each watcher once, however many of its modes matched.
3. A watcher that closed leaves nothing behind.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from zkeeper.database import paths
from zkeeper.database.acls import AclList
from zkeeper.wire import protocol

STANDARD: Final = 1
PERSISTENT: Final = 2
RECURSIVE: Final = 4
NULL_PATH: Final = b"\xff"
"""Stands for a null path, on which addWatch may set a watch that never fires; no path is this byte."""


class Watcher:
    """A connection that watches. `session_id` is for those who ask what is watched."""

    def __init__(self) -> None:
        self.session_id: i64 = 0

    def notify(self, event: i64, path: bytes, zxid: i64, acl: AclList) -> None:
        """Tells the client, if it may read what `acl` protects."""
        raise NotImplementedError


@final
class WatchTable:
    def __init__(self) -> None:
        self.by_path: dict[bytes, dict[Watcher, int]] = {}
        self.by_watcher: dict[Watcher, set[bytes]] = {}
        self._recursive_count: i64 = 0

    def add(self, watcher: Watcher, path: bytes, mode: int) -> None:
        watchers = self.by_path.get(path)
        if watchers is None:
            self.by_path[path] = {watcher: mode}
            modes = 0
        else:
            modes = watchers.get(watcher, 0)
            watchers[watcher] = modes | mode
        if mode & RECURSIVE and not modes & RECURSIVE:
            self._recursive_count += 1
        if not modes:
            self._watched_by(watcher).add(path)

    def _watched_by(self, watcher: Watcher) -> set[bytes]:
        watched = self.by_watcher.get(watcher)
        if watched is None:
            watched = set()
            self.by_watcher[watcher] = watched
        return watched

    def modes(self, watcher: Watcher, path: bytes) -> int:
        watchers = self.by_path.get(path)
        return watchers.get(watcher, 0) if watchers is not None else 0

    def remove(self, watcher: Watcher, path: bytes, removed: int) -> bool:
        """Takes modes away from a watcher; whether it had any of them."""
        modes = self.modes(watcher, path)
        if not modes & removed:
            return False
        if modes & removed & RECURSIVE:
            self._recursive_count -= 1
        self._keep(self.by_path[path], watcher, path, modes & ~removed)
        return True

    def _keep(self, watchers: dict[Watcher, int], watcher: Watcher, path: bytes, modes: int) -> None:
        if modes:
            watchers[watcher] = modes
            return
        del watchers[watcher]
        if not watchers:
            del self.by_path[path]
        watched = self.by_watcher[watcher]
        watched.discard(path)
        if not watched:
            del self.by_watcher[watcher]

    def remove_watcher(self, watcher: Watcher) -> None:
        for path in list(self.by_watcher.get(watcher, ())):
            self.remove(watcher, path, STANDARD | PERSISTENT | RECURSIVE)

    def fired(self, path: bytes) -> list[Watcher]:
        """Who is to be told of an event at `path`; uses up their standard watches."""
        watchers = self.by_path.get(path)
        told: list[Watcher] = []
        if watchers is not None:
            for watcher, modes in list(watchers.items()):
                told.append(watcher)
                if modes & STANDARD:
                    self._keep(watchers, watcher, path, modes & ~STANDARD)
        if self._recursive_count:
            self._add_recursive(path, told)
        return told

    def _add_recursive(self, path: bytes, told: list[Watcher]) -> None:
        seen = set(told)
        for ancestor in paths.ancestors(path):
            watchers = self.by_path.get(ancestor)
            if watchers is None:
                continue
            for watcher, modes in watchers.items():
                if modes & RECURSIVE and watcher not in seen:
                    seen.add(watcher)
                    told.append(watcher)

    def watch_count(self) -> int:
        return sum(len(watchers) for watchers in self.by_path.values())


@final
class WatchManager:
    """`on_fired` is called for each table in which an event met watchers: the event, and how many were told."""

    def __init__(self) -> None:
        self.data = WatchTable()
        self.child = WatchTable()
        self.on_fired: Callable[[int, int], object] | None = None

    def idle(self) -> bool:
        return not self.data.by_path and not self.child.by_path

    def add_watch(self, watcher: Watcher, path: bytes, recursive: bool) -> None:
        if recursive:
            self.data.add(watcher, path, RECURSIVE)
        else:
            self.data.add(watcher, path, PERSISTENT)
            self.child.add(watcher, path, PERSISTENT)

    def remove_watcher(self, watcher: Watcher) -> None:
        self.data.remove_watcher(watcher)
        self.child.remove_watcher(watcher)

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
