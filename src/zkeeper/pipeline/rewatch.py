"""setWatches and setWatches2: a client that reconnected brings its watches again (semantics, section 8).

1. For each watch the event that the client missed meanwhile is written, or the watch is registered: never both.
2. Missed events are written before the reply, which is the caller's to write.
3. A null among lists or paths raises `DecodeError` half way, as with Java: what came before it stays done. So does
   `TooManyWatchesError`.
"""

from typing import Final, final

from mypy_extensions import i64

from zkeeper.database.database import Database
from zkeeper.database.watch_table import Watcher
from zkeeper.errors import DecodeError
from zkeeper.pipeline.reads import watched_path
from zkeeper.pipeline.replies import ReplyWriter
from zkeeper.wire import protocol
from zkeeper.wire.jute import Reader, java_string

MISSED_ZXID: Final = -1
"""In place of the zxid of an event that the client missed."""


def set_watches(op: i64, reader: Reader, database: Database, watcher: Watcher, replies: ReplyWriter) -> None:
    """Every list is decoded before the first watch of any is looked at."""
    relative_zxid = reader.int64()
    lists = [reader.strings() for _ in range(5 if op == protocol.SET_WATCHES2 else 3)]
    renewal = _Renewal(database, watcher, replies)
    renewal.data_watches(_need_strings(lists[0]), relative_zxid)
    renewal.exist_watches(_need_strings(lists[1]))
    renewal.child_watches(_need_strings(lists[2]), relative_zxid)
    if op == protocol.SET_WATCHES2:
        renewal.persistent_watches(_need_strings(lists[3]), False)
        renewal.persistent_watches(_need_strings(lists[4]), True)


@final
class _Renewal:
    def __init__(self, database: Database, watcher: Watcher, replies: ReplyWriter) -> None:
        self._tree = database.tree
        self._watches = database.watches
        self._watcher = watcher
        self._replies = replies

    def data_watches(self, paths: list[bytes | None], relative_zxid: i64) -> None:
        for name in paths:
            path = _need_string(name)
            node = self._tree.lookup(path)
            if node is None:
                self._missed(protocol.NODE_DELETED, path)
            elif node.mzxid > relative_zxid:
                self._missed(protocol.NODE_DATA_CHANGED, path)
            else:
                self._watches.watch_data(self._watcher, path)

    def exist_watches(self, paths: list[bytes | None]) -> None:
        for name in paths:
            path = _need_string(name)
            if self._tree.lookup(path) is not None:
                self._missed(protocol.NODE_CREATED, path)
            else:
                self._watches.watch_data(self._watcher, path)

    def child_watches(self, paths: list[bytes | None], relative_zxid: i64) -> None:
        for name in paths:
            path = _need_string(name)
            node = self._tree.lookup(path)
            if node is None:
                self._missed(protocol.NODE_DELETED, path)
            elif node.pzxid > relative_zxid:
                self._missed(protocol.NODE_CHILDREN_CHANGED, path)
            else:
                self._watches.watch_children(self._watcher, path)

    def persistent_watches(self, paths: list[bytes | None], recursive: bool) -> None:
        for path in paths:
            self._watches.add_watch(self._watcher, watched_path(path), recursive)

    def _missed(self, event: i64, path: bytes) -> None:
        self._replies.event(event, path, MISSED_ZXID)


def _need_strings(strings: list[bytes | None] | None) -> list[bytes | None]:
    if strings is None:
        raise DecodeError("a list of watches is null")
    return strings


def _need_string(string: bytes | None) -> bytes:
    if string is None:
        raise DecodeError("the path of a watch is null")
    return java_string(string)
