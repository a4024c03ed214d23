"""The watches that a client has set: which callbacks an event reaches, and what to set again on a new connection.

1. A one-shot watch is told once, of an event or of the end of its session, and is forgotten before it is told.
2. One event reaches a watcher once, however many of its watches the event fires.
3. Persistent watches stay until they are removed; the table does not look into what they do with an event.
4. Paths are full paths, with the chroot.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from zkeeper.values import EventType, WatchEvent
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import without_root

DATA: Final = 0
EXIST: Final = 1
CHILD: Final = 2
PERSISTENT: Final = 3
RECURSIVE: Final = 4
ONE_SHOT: Final = (DATA, EXIST, CHILD)

EVENT_TYPES: Final = {int(one): one for one in EventType}


@final
class Watcher:
    """Somebody who wants to be told, and how much of a path is the chroot that they do not see."""

    def __init__(self, callback: Callable[[WatchEvent], object], root_length: i64) -> None:
        self.callback = callback
        self.root_length: i64 = root_length

    def tell(self, event_type: i64, path: str, zxid: i64, on_error: Callable[[Exception], object]) -> None:
        event: WatchEvent = tuple.__new__(
            WatchEvent, (EVENT_TYPES[event_type], without_root(self.root_length, path), zxid)
        )
        try:
            self.callback(event)
        except Exception as error:
            on_error(error)

    def is_for(self, other: "Watcher") -> bool:
        return self.callback == other.callback and self.root_length == other.root_length


Table = dict[str, list[Watcher]]


@final
class WatchTable:
    """All watches of a session. Tables are told apart by the numbers above, in the order of setWatches2."""

    def __init__(self) -> None:
        self._tables: list[Table] = [{}, {}, {}, {}, {}]

    def add(self, kind: i64, path: str, watcher: Watcher) -> None:
        """Adding a watcher that is there already changes nothing."""
        table = self._tables[kind]
        watchers = table.get(path)
        if watchers is None:
            table[path] = [watcher]
        elif not any(one.is_for(watcher) for one in watchers):
            watchers.append(watcher)

    def remove(self, kind: i64, path: str, watcher: Watcher) -> bool:
        """Removes a watcher, and says whether it was the last of its path."""
        watchers = self._tables[kind].get(path)
        if watchers is None:
            return False
        left = [one for one in watchers if one is not watcher]
        if left:
            self._tables[kind][path] = left
            return False
        del self._tables[kind][path]
        return True

    def take_back(self, path: str, watcher: Watcher) -> None:
        """Removes a watcher from all one-shot watches of a path."""
        for kind in ONE_SHOT:
            for one in list(self._tables[kind].get(path, ())):
                if one.is_for(watcher):
                    self.remove(kind, path, one)

    def remove_all(self, kind: i64, path: str) -> list[Watcher]:
        return self._tables[kind].pop(path, [])

    def has(self, kind: i64, path: str) -> bool:
        return path in self._tables[kind]

    def count(self) -> int:
        return sum([len(watchers) for table in self._tables for watchers in table.values()])

    def take_fired(self, event_type: i64, path: str) -> list[Watcher]:
        """Whom an event reaches; one-shot watches that it fires are removed."""
        found: list[Watcher] = []
        if event_type != protocol.NODE_CHILDREN_CHANGED:
            self._take(DATA, path, found)
            self._take(EXIST, path, found)
        if event_type == protocol.NODE_CHILDREN_CHANGED or event_type == protocol.NODE_DELETED:
            self._take(CHILD, path, found)
        _gather(self._tables[PERSISTENT].get(path), found)
        if event_type != protocol.NODE_CHILDREN_CHANGED and self._tables[RECURSIVE]:
            self._gather_recursive(path, found)
        return found

    def _take(self, kind: i64, path: str, found: list[Watcher]) -> None:
        _gather(self._tables[kind].pop(path, None), found)

    def _gather_recursive(self, path: str, found: list[Watcher]) -> None:
        table = self._tables[RECURSIVE]
        while path != "/":
            _gather(table.get(path), found)
            path = path[: path.rfind("/")] or "/"
        _gather(table.get("/"), found)

    def take_one_shots(self) -> list[tuple[str, Watcher]]:
        """All one-shot watches, which are removed: their session is over. A watcher comes once for each path."""
        found: dict[str, list[Watcher]] = {}
        for kind in ONE_SHOT:
            for path, watchers in self._tables[kind].items():
                _gather(watchers, found.setdefault(path, []))
            self._tables[kind] = {}
        return [(path, watcher) for path, watchers in found.items() for watcher in watchers]

    def persistent(self) -> list[tuple[str, Watcher]]:
        """Everybody with a persistent or recursive watch, and its path."""
        return [
            (path, watcher)
            for kind in (PERSISTENT, RECURSIVE)
            for path, watchers in self._tables[kind].items()
            for watcher in watchers
        ]

    def paths(self) -> list[list[str]]:
        """What setWatches2 sets again."""
        return [list(table) for table in self._tables]


def _gather(watchers: list[Watcher] | None, found: list[Watcher]) -> None:
    if watchers is None:
        return
    for watcher in watchers:
        if not any(one.is_for(watcher) for one in found):
            found.append(watcher)


def kind_set_by(op: i64, code: i64) -> i64:
    """The table that a read with a watch belongs to once it was answered with `code`; -1 for none."""
    if op == protocol.EXISTS:
        return DATA if code == 0 else EXIST if code == -101 else -1
    if code != 0:
        return -1
    return DATA if op == protocol.GET_DATA else CHILD
