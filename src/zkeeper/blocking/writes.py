"""The operations that change something."""

from collections.abc import Iterable, Sequence

from zkeeper.blocking.base import Base, risk_of
from zkeeper.values import OPEN_ACL, Acl, Created, NodeData, Stat
from zkeeper.wire.client_pending import RISKY


class Writes(Base):
    """Creating, setting and deleting znodes.

    `timeout_s` limits the wait, in seconds; None does not. A wait that ends so, or by Ctrl-C, drops the reply and not
    the request.

    All raise `BadArgumentsError` for an invalid path, `FrameTooLongError` for more than the server takes and
    `ClosedError` after `close`: then nothing has happened. And

    - `ConnectionLossError`, outcome UNKNOWN: sent, but the connection was lost before the reply. It may have happened.
    - `CallTimeoutError`, outcome UNKNOWN: it may have happened, or may still.
    - `SessionExpiredError`, outcome NOT_APPLIED: the session was lost before the request was sent.
    - `NoAuthError`, `QuotaExceededError`, `NotReadOnlyError` and what is named below, outcome NOT_APPLIED: the server
      refused it, and nothing has changed.
    """

    def create(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
        timeout_s: float | None = None,
    ) -> str:  # fmt: skip
        """Creates a znode and returns its path, which is `path` unless it is sequential.

        `data` are the bytes it holds, None for null. `ephemeral`: it goes with the session. `sequential`: the server
        appends a number of ten digits that grows. `container`: the server deletes it some time after its last child.
        `ttl_ms`: the server deletes it when it has no children and was not set for so long, in milliseconds, 1 to
        2**40 - 1; the server must have extended types enabled.

        Raises `NodeExistsError`, `NoNodeError` (no parent), `NoChildrenForEphemeralsError` (the parent is ephemeral),
        `InvalidAclError`, `UnimplementedError` (a ttl where they are not enabled); `ValueError` at the call for
        kinds that do not go together. Needs CREATE on the parent. After `ConnectionLossError` the znode may exist,
        and a sequential one has a name that the caller does not know; `create_protected` finds it again.

        Example:
            path = zk.create("/locks/a-", b"host-7", ephemeral=True, sequential=True)
        """
        return self._core.ask(
            RISKY, timeout_s, self._zk.create, path, data, acl=acl, ephemeral=ephemeral, sequential=sequential,
            container=container, ttl_ms=ttl_ms
        )  # fmt: skip

    def create2(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
        timeout_s: float | None = None,
    ) -> Created:  # fmt: skip
        """As `create`, and returns the path with the new znode's `Stat`, whose `czxid` no other znode has.

        Example:
            path, stat = zk.create2("/jobs/j-", sequential=True)
        """
        return self._core.ask(
            RISKY, timeout_s, self._zk.create2, path, data, acl=acl, ephemeral=ephemeral, sequential=sequential,
            container=container, ttl_ms=ttl_ms
        )  # fmt: skip

    def set(self, path: str, data: bytes | None, version: int = -1, *, timeout_s: float | None = None) -> Stat:
        """Sets the data of a znode if it has that version (-1 for any), and returns its new `Stat`.

        Raises `NoNodeError`, `BadVersionError`. Needs WRITE. After `ConnectionLossError` it may have been set; with a
        version it can be repeated safely, and then `BadVersionError` may mean that the first one succeeded.

        Example:
            data, stat, _ = zk.get("/counter")
            zk.set("/counter", b"%d" % (int(data) + 1), stat.version)
        """
        return self._core.ask(risk_of(version), timeout_s, self._zk.set, path, data, version)

    def delete(self, path: str, version: int = -1, *, timeout_s: float | None = None) -> None:
        """Deletes a znode without children if it has that version (-1 for any).

        Raises `NoNodeError`, `BadVersionError`, `NotEmptyError`; `BadArgumentsError` for `/`, at the call, and for what
        else is reserved. Needs DELETE on the parent. After `ConnectionLossError` it may have been deleted; with a
        version it can be repeated safely, and then `NoNodeError` may mean that the first one succeeded.

        Example:
            zk.delete("/jobs/j-0000000007")
        """
        self._core.ask(risk_of(version), timeout_s, self._zk.delete, path, version)

    def set_acl(self, path: str, acl: Iterable[Acl], version: int = -1, *, timeout_s: float | None = None) -> Stat:
        """Sets the ACL of a znode if its ACL has that version (`Stat.aversion`; -1 for any); returns the new `Stat`.

        Raises `NoNodeError`, `BadVersionError`, `InvalidAclError`. Needs ADMIN.

        Example:
            zk.set_acl("/a", [zkeeper.digest_acl("ann", "secret"), *zkeeper.READ_ONLY_ACL])
        """
        return self._core.ask(risk_of(version), timeout_s, self._zk.set_acl, path, acl, version)

    def reconfig(
        self, *, joining: Sequence[str] = (), leaving: Sequence[str | int] = (),
        members: Sequence[str] | None = None, version: int = -1, timeout_s: float | None = None,
    ) -> NodeData:  # fmt: skip
        """Changes the members of the ensemble and returns the new configuration, as `config` does.

        `joining` are lines `server.N=...`, `leaving` ids; or `members` is the whole new list. `version` is that of
        the configuration that is meant to be changed, -1 for any.

        Raises `ReconfigDisabledError`, `UnimplementedError` (a server on its own), `ReconfigInProgressError`,
        `NewConfigNoQuorumError`, `BadVersionError`, `BadArgumentsError`. Needs WRITE on `/zookeeper/config`.

        Example:
            zk.reconfig(leaving=[3])
        """
        return self._core.ask(
            RISKY, timeout_s, self._zk.reconfig, joining=joining, leaving=leaving, members=members, version=version
        )  # fmt: skip
