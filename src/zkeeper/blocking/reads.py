"""The operations that change nothing."""

from zkeeper.blocking.base import Base
from zkeeper.client.base import WatchCallback
from zkeeper.values import AclData, Children, NodeData, RemoveWatches, Stat
from zkeeper.wire.client_pending import READ


class Reads(Base):
    """Reading znodes and what the server knows about the session.

    A read sees what the connection's server has applied, which may be behind other servers; what this client has seen
    or written before, in whichever thread, is always in it. `sync` first where the newest state of all is needed.

    `timeout_s` limits the wait, in seconds; None does not. Without a limit a read waits for the next connection, too.
    Callbacks (`watch`) run in a thread of their own: see `Client`.

    All raise `BadArgumentsError` for an invalid path, `ClosedError` after `close`, `CallTimeoutError`,
    `ConnectionLossError` when the connection was lost before the reply, `SessionExpiredError` when the session was lost
    before the request was sent, `NoAuthError` without the permission, and what is named below. All may be repeated
    without a risk.
    """

    def get(self, path: str, *, watch: WatchCallback | None = None, timeout_s: float | None = None) -> NodeData:
        """The data of a znode (bytes) with its `Stat`.

        `watch` is called once: when the znode's data is set or it is deleted, or with the type NONE when the session
        is lost or closed. No watch is set if the read fails.

        Raises `NoNodeError`. Needs the permission READ.

        Example:
            data, stat, _ = zk.get("/config")
            print(data.decode(), stat.version)
        """
        return self._core.ask(READ, timeout_s, self._zk.get, path, watch=self._core.told_once(watch))

    def exists(self, path: str, *, watch: WatchCallback | None = None, timeout_s: float | None = None) -> Stat | None:
        """The `Stat` of a znode, or None where there is none.

        `watch` is called once: when the znode is created, set or deleted, or with the type NONE when the session is
        lost or closed. It is set whether the znode exists or not.

        Example:
            if zk.exists("/leader", watch=print) is None:
                print("nobody leads")
        """
        return self._core.ask(READ, timeout_s, self._zk.exists, path, watch=self._core.told_once(watch))

    def children(self, path: str, *, watch: WatchCallback | None = None, timeout_s: float | None = None) -> list[str]:
        """The names of a znode's children (not their paths), in no order that means anything.

        `watch` is called once: when a child is created or deleted, or the znode itself is deleted, or with the type
        NONE when the session is lost or closed. No watch is set if the read fails.

        Raises `NoNodeError`. Needs the permission READ.

        Example:
            for name in sorted(zk.children("/members")):
                print(name)
        """
        return self._core.ask(READ, timeout_s, self._zk.children, path, watch=self._core.told_once(watch))

    def children2(self, path: str, *, watch: WatchCallback | None = None, timeout_s: float | None = None) -> Children:
        """As `children`, with the `Stat` of the znode itself, of the same moment.

        Example:
            names, stat = zk.children2("/members")
        """
        return self._core.ask(READ, timeout_s, self._zk.children2, path, watch=self._core.told_once(watch))

    def acl(self, path: str, *, timeout_s: float | None = None) -> AclData:
        """The ACL of a znode with its `Stat`. Without ADMIN the secrets of digest entries are masked.

        Raises `NoNodeError`. Needs READ or ADMIN.

        Example:
            for entry in zk.acl("/a").acl:
                print(entry.scheme, entry.id, entry.permissions)
        """
        return self._core.ask(READ, timeout_s, self._zk.acl, path)

    def sync(self, path: str = "/", *, timeout_s: float | None = None) -> None:
        """Returns when the connection's server has applied all that was committed when the request came to the leader.

        Reads that are asked for after it see at least that. The path means nothing to the servers of today.

        Raises `NotReadOnlyError` on a server without a quorum.

        Example:
            zk.sync()
            newest = zk.get("/config")
        """
        self._core.ask(READ, timeout_s, self._zk.sync, path)

    def whoami(self, *, timeout_s: float | None = None) -> list[tuple[str, str]]:
        """The credentials of the connection: scheme and user. Raises `UnimplementedError` before ZooKeeper 3.7.

        Example:
            assert ("digest", "ann") in zk.whoami()
        """
        return self._core.ask(READ, timeout_s, self._zk.whoami)

    def ephemerals(self, prefix: str = "/", *, timeout_s: float | None = None) -> list[str]:
        """Paths of this session's ephemerals that begin with `prefix` (as text), below the chroot.

        Raises `UnimplementedError` before ZooKeeper 3.6.

        Example:
            print(zk.ephemerals("/members"))
        """
        return self._core.ask(READ, timeout_s, self._zk.ephemerals, prefix)

    def descendant_count(self, path: str, *, timeout_s: float | None = None) -> int:
        """How many znodes there are below `path`, at all depths.

        Raises `NoNodeError`, and `UnimplementedError` before ZooKeeper 3.6. Needs READ on `path` itself only.

        Example:
            print(zk.descendant_count("/jobs"))
        """
        return self._core.ask(READ, timeout_s, self._zk.descendant_count, path)

    def config(self, *, watch: WatchCallback | None = None, timeout_s: float | None = None) -> NodeData:
        """The ensemble's members, as text lines `server.N=...` and `version=...`, of `/zookeeper/config`.

        The chroot plays no part. `watch` as for `get`.

        Example:
            print(zk.config().data.decode())
        """
        return self._core.ask(READ, timeout_s, self._zk.config, watch=self._core.told_once(watch))

    def check_watches(
        self, path: str, kind: RemoveWatches = RemoveWatches.ANY, *, timeout_s: float | None = None,
    ) -> None:  # fmt: skip
        """Whether the server knows a watch of this connection: returns, or raises `NoWatcherError`.

        Example:
            zk.check_watches("/a", zkeeper.RemoveWatches.DATA)
        """
        self._core.ask(READ, timeout_s, self._zk.check_watches, path, kind)
