"""The operations that change nothing. All of them may be repeated without a risk."""

from asyncio import Future
from typing import Any

from zkeeper.client.base import Base, WatchCallback
from zkeeper.values import AclData, Children, NodeData, RemoveWatches, Stat
from zkeeper.wire import client_replies as shapes
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import rooted
from zkeeper.wire.client_pending import READ
from zkeeper.wire.client_requests import path_and_number, path_body


class Reads(Base):
    """Reading znodes and what the server knows about the session.

    Each returns at once, with a future; the request is on its way when the loop turns. A read sees what the
    connection's server has applied, which may be behind other servers; what this client has seen or written before
    is always in it. `sync` first where the newest state of all is needed.

    All raise `BadArgumentsError` for an invalid path and `ClosedError` after `close`, at the call. The futures fail
    with `ConnectionLossError` when the connection was lost before the reply, `SessionExpiredError` when the session
    was lost before the request was sent, `NoAuthError` without the permission, and what is named below.
    """

    def get(self, path: str, *, watch: WatchCallback | None = None) -> Future[NodeData]:
        """The data of a znode (bytes) with its `Stat`.

        `watch` is called once: when the znode's data is set or it is deleted, or with the type NONE when the session
        is lost or closed. No watch is set if the read fails.

        Raises `NoNodeError`. Needs the permission READ.

        Example:
            data, stat, _ = await zk.get("/config")
            print(data.decode(), stat.version)
        """
        watcher = None if watch is None else self._watcher(watch)
        future: Future[NodeData] = self._outbox.read(protocol.GET_DATA, shapes.NODE_DATA, self._root, path, watcher)
        return future

    def exists(self, path: str, *, watch: WatchCallback | None = None) -> Future[Stat | None]:
        """The `Stat` of a znode, or None where there is none.

        `watch` is called once: when the znode is created, set or deleted, or with the type NONE when the session is
        lost or closed. It is set whether the znode exists or not.

        Example:
            if await zk.exists("/leader", watch=print) is None:
                print("nobody leads")
        """
        watcher = None if watch is None else self._watcher(watch)
        future: Future[Stat | None] = self._outbox.read(protocol.EXISTS, shapes.STAT, self._root, path, watcher)
        return future

    def children(self, path: str, *, watch: WatchCallback | None = None) -> Future[list[str]]:
        """The names of a znode's children (not their paths), in no order that means anything.

        `watch` is called once: when a child is created or deleted, or the znode itself is deleted, or with the type
        NONE when the session is lost or closed. No watch is set if the read fails.

        Raises `NoNodeError`. Needs the permission READ.

        Example:
            for name in sorted(await zk.children("/members")):
                print(name)
        """
        watcher = None if watch is None else self._watcher(watch)
        future: Future[list[str]] = self._outbox.read(
            protocol.GET_CHILDREN, shapes.CHILD_NAMES, self._root, path, watcher
        )
        return future

    def children2(self, path: str, *, watch: WatchCallback | None = None) -> Future[Children]:
        """As `children`, with the `Stat` of the znode itself, of the same moment.

        Example:
            names, stat = await zk.children2("/members")
        """
        watcher = None if watch is None else self._watcher(watch)
        future: Future[Children] = self._outbox.read(protocol.GET_CHILDREN2, shapes.CHILDREN, self._root, path, watcher)
        return future

    def acl(self, path: str) -> Future[AclData]:
        """The ACL of a znode with its `Stat`. Without ADMIN the secrets of digest entries are masked.

        Raises `NoNodeError`. Needs READ or ADMIN.

        Example:
            for entry in (await zk.acl("/a")).acl:
                print(entry.scheme, entry.id, entry.permissions)
        """
        future: Future[AclData] = self._ask(protocol.GET_ACL, shapes.ACL, path)
        return future

    def sync(self, path: str = "/") -> Future[None]:
        """Returns when the connection's server has applied all that was committed when the request came to the leader.

        Reads that are asked for after it see at least that. The path means nothing to the servers of today.

        Raises `NotReadOnlyError` on a server without a quorum.

        Example:
            zk.sync()
            newest = await zk.get("/config")
        """
        future: Future[None] = self._outbox.request(
            protocol.SYNC, shapes.NOTHING, READ, 0, path, path_body(rooted(self._root, path))
        )
        return future

    def whoami(self) -> Future[list[tuple[str, str]]]:
        """The credentials of the connection: scheme and user. Raises `UnimplementedError` before ZooKeeper 3.7.

        Example:
            assert ("digest", "ann") in await zk.whoami()
        """
        future: Future[list[tuple[str, str]]] = self._outbox.request(
            protocol.WHO_AM_I, shapes.CREDENTIALS, READ, 0, None, b""
        )
        return future

    def ephemerals(self, prefix: str = "/") -> Future[list[str]]:
        """Paths of this session's ephemerals that begin with `prefix` (as text), below the chroot.

        Raises `UnimplementedError` before ZooKeeper 3.6.

        Example:
            print(await zk.ephemerals("/members"))
        """
        future: Future[list[str]] = self._outbox.request(
            protocol.GET_EPHEMERALS,
            shapes.PATHS,
            READ,
            self._root_length,
            prefix,
            path_body((self._root + prefix).encode()),
        )
        return future

    def descendant_count(self, path: str) -> Future[int]:
        """How many znodes there are below `path`, at all depths.

        Raises `NoNodeError`, and `UnimplementedError` before ZooKeeper 3.6. Needs READ on `path` itself only.

        Example:
            print(await zk.descendant_count("/jobs"))
        """
        future: Future[int] = self._ask(protocol.GET_ALL_CHILDREN_NUMBER, shapes.COUNT, path)
        return future

    def config(self, *, watch: WatchCallback | None = None) -> Future[NodeData]:
        """The ensemble's members, as text lines `server.N=...` and `version=...`, of `/zookeeper/config`.

        The chroot plays no part. `watch` as for `get`.

        Example:
            print((await zk.config()).data.decode())
        """
        watcher = None if watch is None else Base(self._session, "")._watcher(watch)
        future: Future[NodeData] = self._outbox.read(
            protocol.GET_DATA, shapes.NODE_DATA, "", "/zookeeper/config", watcher
        )
        return future

    def check_watches(self, path: str, kind: RemoveWatches = RemoveWatches.ANY) -> Future[None]:
        """Whether the server knows a watch of this connection: returns, or raises `NoWatcherError`.

        Example:
            await zk.check_watches("/a", zkeeper.RemoveWatches.DATA)
        """
        body = path_and_number(rooted(self._root, path), int(RemoveWatches(kind)))
        future: Future[None] = self._outbox.request(protocol.CHECK_WATCHES, shapes.NOTHING, READ, 0, path, body)
        return future

    def _ask(self, op: int, shape: int, path: str) -> Any:
        return self._outbox.request(op, shape, READ, self._root_length, path, path_body(rooted(self._root, path)))
