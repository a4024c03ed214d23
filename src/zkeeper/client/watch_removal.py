"""Removing watches before they fire, and taking single callbacks back."""

from zkeeper.client.base import Base, WatchCallback
from zkeeper.client.states import CONNECTED
from zkeeper.errors import ConnectionLossError, NoWatcherError, error_of
from zkeeper.values import EventType, RemoveWatches
from zkeeper.wire import client_replies as shapes
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import full_path
from zkeeper.wire.client_pending import CONDITIONAL
from zkeeper.wire.client_requests import path_and_number
from zkeeper.wire.client_watches import CHILD, DATA, EXIST, PERSISTENT, RECURSIVE, Watcher

TABLES = {
    RemoveWatches.CHILDREN: (CHILD,),
    RemoveWatches.DATA: (DATA, EXIST),
    RemoveWatches.ANY: (DATA, EXIST, CHILD, PERSISTENT, RECURSIVE),
    RemoveWatches.PERSISTENT: (PERSISTENT,),
    RemoveWatches.PERSISTENT_RECURSIVE: (RECURSIVE,),
}
REMOVED = {
    DATA: EventType.DATA_WATCH_REMOVED,
    EXIST: EventType.DATA_WATCH_REMOVED,
    CHILD: EventType.CHILD_WATCH_REMOVED,
    PERSISTENT: EventType.PERSISTENT_WATCH_REMOVED,
    RECURSIVE: EventType.PERSISTENT_WATCH_REMOVED,
}


class WatchRemoval(Base):
    """Part of `AsyncClient`."""

    async def remove_watches(self, path: str, kind: RemoveWatches = RemoveWatches.ANY, *, local: bool = False) -> None:
        """Removes all watches of a kind that this client has on `path`, of whichever callbacks.

        The callbacks are told once with DATA_WATCH_REMOVED, CHILD_WATCH_REMOVED or PERSISTENT_WATCH_REMOVED.
        `local`: where there is no connection, or it is lost meanwhile, the watches are forgotten here, and the next
        connection does not set them again; otherwise the removal waits for a connection.

        Raises `NoWatcherError` when there is none, `ConnectionLossError` (then they are not removed), and
        `BadArgumentsError` for the last two kinds on servers before ZooKeeper 3.9. To end a `Watch` of one's own,
        leave its block instead; to take back one callback, use `forget_watch`.

        Example:
            await zk.remove_watches("/a", zkeeper.RemoveWatches.DATA)
        """
        full, kind = full_path(self._root, path), RemoveWatches(kind)
        if not local or self._session.state in CONNECTED:
            body = path_and_number(full.encode(), int(kind))
            try:
                await self._outbox.request(protocol.REMOVE_WATCHES, shapes.NOTHING, CONDITIONAL, 0, path, body)
            except ConnectionLossError:
                if not local:
                    raise
        elif not any(self._exchange.watches.has(table, full) for table in TABLES[kind]):
            raise error_of(NoWatcherError.code, path)
        for table in TABLES[kind]:
            for watcher in self._exchange.watches.remove_all(table, full):
                self._exchange.tell(watcher, int(REMOVED[table]), full)

    def forget_watch(self, path: str, callback: WatchCallback) -> None:
        """Takes back a callback that was given to a read as `watch=`: it is not called any more.

        For who has stopped waiting for a change that may be long in coming. Nothing is sent, so the server may keep
        the watch until it fires; a reconnect does not set it again. Callbacks are compared by `==`; one that has no
        watch on `path` is no error. A callback of a `Watch` is taken back by what `add_callback` returned.

        Raises `BadArgumentsError` for an invalid path.

        Example:
            note = lambda event: print(event.type.name)
            if await zk.exists("/lock", watch=note):
                zk.forget_watch("/lock", note)
        """
        self._exchange.take_back(full_path(self._root, path), Watcher(callback, self._root_length))
