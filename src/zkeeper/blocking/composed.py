"""Operations that take several requests."""

from collections.abc import Iterable

from zkeeper.blocking.dispatcher import Once
from zkeeper.blocking.reads import Reads
from zkeeper.blocking.writes import Writes
from zkeeper.client.base import WatchCallback
from zkeeper.values import OPEN_ACL, Acl, RemoveWatches
from zkeeper.wire.client_pending import CONDITIONAL, RISKY


class Composed(Reads, Writes):
    """When one of these fails, takes too long or is interrupted, a part of its requests may have been done."""

    def ensure_path(self, path: str, *, acl: Iterable[Acl] = OPEN_ACL, timeout_s: float | None = None) -> None:
        """Creates `path` and its ancestors where they are missing, empty and with `acl`.

        Raises as `exists` and `create` do. After an error some of the ancestors may exist; calling it again is safe.

        Example:
            zk.ensure_path("/app/locks/a")
        """
        self._core.ask(CONDITIONAL, timeout_s, self._zk.ensure_path, path, acl=acl)

    def delete_tree(self, path: str, *, timeout_s: float | None = None) -> None:
        """Deletes a znode and all below it, children first; what is created below meanwhile is deleted, too.

        For `/` everything below it is deleted, but `/zookeeper`. Returns silently if there is nothing. Raises as
        `children` and `delete` do. After an error a part of the tree may be gone; calling it again is safe.

        Example:
            zk.delete_tree("/jobs")
        """
        self._core.ask(RISKY, timeout_s, self._zk.delete_tree, path)

    def remove_watches(
        self, path: str, kind: RemoveWatches = RemoveWatches.ANY, *, local: bool = False,
        timeout_s: float | None = None,
    ) -> None:  # fmt: skip
        """Removes all watches of a kind that this client has on `path`, of whichever callbacks.

        The callbacks are told once with DATA_WATCH_REMOVED, CHILD_WATCH_REMOVED or PERSISTENT_WATCH_REMOVED.
        `local`: where there is no connection, or it is lost meanwhile, the watches are forgotten here, and the next
        connection does not set them again; otherwise the removal waits for a connection.

        Raises `NoWatcherError` when there is none, `ConnectionLossError` (then they are not removed), and
        `BadArgumentsError` for the last two kinds on servers before ZooKeeper 3.9. To end a `Watch` of one's own,
        leave its block instead; to take back one callback, use `forget_watch`.

        Example:
            zk.remove_watches("/a", zkeeper.RemoveWatches.DATA)
        """
        self._core.ask(CONDITIONAL, timeout_s, self._zk.remove_watches, path, kind, local=local)

    def forget_watch(self, path: str, callback: WatchCallback) -> None:
        """Takes back a callback that was given to a read as `watch=`: it is not called any more.

        For who has stopped waiting for a change that may be long in coming. Nothing is sent, so the server may keep
        the watch until it fires; a reconnect does not set it again. Callbacks are compared by `==`; one that has no
        watch on `path` is no error. A callback of a `Watch` is taken back by what `add_callback` returned.

        Raises `BadArgumentsError` for an invalid path.

        Example:
            note = lambda event: print(event.type.name)
            if zk.exists("/lock", watch=note):
                zk.forget_watch("/lock", note)
        """
        self._core.do(self._zk.forget_watch, path, Once(self._core.dispatcher, callback))
