"""Removing watches before they fire."""

from zkeeper.client.base import Base
from zkeeper.values import EventType, RemoveWatches
from zkeeper.wire import client_replies as shapes
from zkeeper.wire import protocol
from zkeeper.wire.client_exchange import CONDITIONAL
from zkeeper.wire.client_paths import full_path
from zkeeper.wire.client_requests import path_and_number
from zkeeper.wire.client_watches import CHILD, DATA, EXIST, PERSISTENT, RECURSIVE

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

    async def remove_watches(self, path: str, kind: RemoveWatches = RemoveWatches.ANY) -> None:
        """Removes all watches of a kind that this client has on `path`, of whichever callbacks.

        The callbacks are told once with DATA_WATCH_REMOVED, CHILD_WATCH_REMOVED or PERSISTENT_WATCH_REMOVED.

        Raises `NoWatcherError` when there is none, `ConnectionLossError`, and `BadArgumentsError` for the last two
        kinds on servers before ZooKeeper 3.9. To end a `Watch` of one's own, leave its block instead.

        Example:
            await zk.remove_watches("/a", zkeeper.RemoveWatches.DATA)
        """
        full = full_path(self._root, path)
        body = path_and_number(full.encode(), int(kind))
        await self._exchange.request(protocol.REMOVE_WATCHES, shapes.NOTHING, CONDITIONAL, 0, path, body)
        for table in TABLES[kind]:
            for watcher in self._exchange.watches.remove_all(table, full):
                self._exchange.tell(watcher, int(REMOVED[table]), full)
