"""One table of watches: which watcher has which modes on which path.

1. A watcher has a set of modes on a path. A standard watch is gone once it fired.
2. A path on which a watcher has any mode counts once in the watcher's `watched`, and once more for each KiB of it; so
   what is counted bounds the memory that watches take.
3. Nothing is left of a watcher without watches.
"""

from typing import Final, final

from mypy_extensions import i64

from zkeeper.database import paths
from zkeeper.database.acls import AclList

STANDARD: Final = 1
PERSISTENT: Final = 2
RECURSIVE: Final = 4


class Watcher:
    """A connection that watches. `session_id` is for those who ask what is watched; `watched` counts its watches in all
    tables (rule 2)."""

    def __init__(self) -> None:
        self.session_id: i64 = 0
        self.watched: i64 = 0

    def notify(self, event: i64, path: bytes, zxid: i64, acl: AclList) -> None:
        """Tells the client, if it may read what `acl` protects."""
        raise NotImplementedError


@final
class WatchTable:
    def __init__(self) -> None:
        self.by_path: dict[bytes, dict[Watcher, int]] = {}
        self.by_watcher: dict[Watcher, set[bytes]] = {}
        self._count: i64 = 0
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
            self._count += 1
            watcher.watched += _weight(path)
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
        self._left(watchers, watcher, path)
        watched = self.by_watcher[watcher]
        watched.discard(path)
        if not watched:
            del self.by_watcher[watcher]

    def _left(self, watchers: dict[Watcher, int], watcher: Watcher, path: bytes) -> None:
        """`watcher` is not among the `watchers` of `path` any more."""
        self._count -= 1
        watcher.watched -= _weight(path)
        if not watchers:
            del self.by_path[path]

    def remove_some(self, watcher: Watcher, most: i64) -> i64:
        """Forgets up to `most` paths of a watcher, with all modes; how many it were."""
        watched = self.by_watcher.get(watcher)
        if watched is None:
            return 0
        count: i64 = 0
        while watched and count < most:
            path = watched.pop()
            watchers = self.by_path[path]
            if watchers.pop(watcher) & RECURSIVE:
                self._recursive_count -= 1
            self._left(watchers, watcher, path)
            count += 1
        if not watched:
            del self.by_watcher[watcher]
        return count

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
        return self._count


def _weight(path: bytes) -> i64:
    return 1 + (len(path) >> 10)
