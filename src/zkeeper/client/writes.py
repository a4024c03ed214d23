"""The operations that change something."""

from asyncio import Future
from collections.abc import Iterable, Sequence
from typing import Any

from zkeeper import arguments
from zkeeper.client.base import Base, acl_entries, create_flags
from zkeeper.values import OPEN_ACL, Acl, Created, NodeData, Stat
from zkeeper.wire import client_replies as shapes
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import rooted, rooted_deletable, rooted_sequential
from zkeeper.wire.client_pending import CONDITIONAL, RISKY
from zkeeper.wire.client_requests import create_body, path_and_number, reconfig_body, set_acl_body, set_data_body


class Writes(Base):
    """Creating, setting and deleting znodes.

    Each returns at once, with a future; the request is on its way when the loop turns. Cancelling the future, or what
    awaits it, drops the reply and not the request.

    All raise `BadArgumentsError` for an invalid path or a version beyond 32 bits, `TypeError` for what is of a wrong
    type (data are bytes), `FrameTooLongError` for more than the server takes and `ClosedError` after `close`, at the
    call; then nothing has happened. The futures fail with

    - `ConnectionLossError`, outcome UNKNOWN: sent, but the connection was lost before the reply. It may have happened.
    - `SessionExpiredError`, outcome NOT_APPLIED: the session was lost before the request was sent.
    - `NoAuthError`, `QuotaExceededError`, `NotReadOnlyError` and what is named below, outcome NOT_APPLIED: the server
      refused it, and nothing has changed.
    """

    def create(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
    ) -> Future[str]:  # fmt: skip
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
            path = await zk.create("/locks/a-", b"host-7", ephemeral=True, sequential=True)
        """
        op, flags = create_flags(ephemeral, sequential, container, ttl_ms)
        op = protocol.CREATE if op == protocol.CREATE2 else op
        future: Future[str] = self._create(op, shapes.PATH, path, data, acl, flags, ttl_ms)
        return future

    def create2(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
    ) -> Future[Created]:  # fmt: skip
        """As `create`, and returns the path with the new znode's `Stat`, whose `czxid` no other znode has.

        Example:
            path, stat = await zk.create2("/jobs/j-", sequential=True)
        """
        op, flags = create_flags(ephemeral, sequential, container, ttl_ms)
        future: Future[Created] = self._create(op, shapes.CREATED, path, data, acl, flags, ttl_ms)
        return future

    def _create(
        self, op: int, shape: int, path: str, data: bytes | None, acl: Iterable[Acl], flags: int, ttl_ms: int | None
    ) -> Any:
        is_sequential = flags in (2, 3, 6)
        raw = rooted_sequential(self._root, path) if is_sequential else rooted(self._root, path)
        body = create_body(op, raw, arguments.data(data), acl_entries(acl), flags, ttl_ms or 0)
        return self._outbox.request(op, shape, RISKY, self._root_length, path, body)

    def set(self, path: str, data: bytes | None, version: int = -1) -> Future[Stat]:
        """Sets the data of a znode if it has that version (-1 for any), and returns its new `Stat`.

        Raises `NoNodeError`, `BadVersionError`. Needs WRITE. After `ConnectionLossError` it may have been set; with a
        version it can be repeated safely, and then `BadVersionError` may mean that the first one succeeded.

        Example:
            data, stat, _ = await zk.get("/counter")
            await zk.set("/counter", b"%d" % (int(data) + 1), stat.version)
        """
        body = set_data_body(rooted(self._root, path), arguments.data(data), arguments.version(version))
        future: Future[Stat] = self._outbox.request(
            protocol.SET_DATA, shapes.STAT, RISKY if version < 0 else CONDITIONAL, 0, path, body
        )
        return future

    def delete(self, path: str, version: int = -1) -> Future[None]:
        """Deletes a znode without children if it has that version (-1 for any).

        Raises `NoNodeError`, `BadVersionError`, `NotEmptyError`; `BadArgumentsError` for `/`, at the call, and for what
        else is reserved. Needs DELETE on the parent. After `ConnectionLossError` it may have been deleted; with a
        version it can be repeated safely, and then `NoNodeError` may mean that the first one succeeded.

        Example:
            await zk.delete("/jobs/j-0000000007")
        """
        body = path_and_number(rooted_deletable(self._root, path), arguments.version(version))
        future: Future[None] = self._outbox.request(
            protocol.DELETE, shapes.NOTHING, RISKY if version < 0 else CONDITIONAL, 0, path, body
        )
        return future

    def set_acl(self, path: str, acl: Iterable[Acl], version: int = -1) -> Future[Stat]:
        """Sets the ACL of a znode if its ACL has that version (`Stat.aversion`; -1 for any); returns the new `Stat`.

        Raises `NoNodeError`, `BadVersionError`, `InvalidAclError`. Needs ADMIN.

        Example:
            await zk.set_acl("/a", [zkeeper.digest_acl("ann", "secret"), *zkeeper.READ_ONLY_ACL])
        """
        body = set_acl_body(rooted(self._root, path), acl_entries(acl), arguments.version(version))
        future: Future[Stat] = self._outbox.request(
            protocol.SET_ACL, shapes.STAT, RISKY if version < 0 else CONDITIONAL, 0, path, body
        )
        return future

    def reconfig(
        self, *, joining: Sequence[str] = (), leaving: Sequence[str | int] = (), members: Sequence[str] | None = None,
        version: int = -1,
    ) -> Future[NodeData]:  # fmt: skip
        """Changes the members of the ensemble and returns the new configuration, as `config` does.

        `joining` are lines `server.N=...`, `leaving` ids; or `members` is the whole new list. `version` is that of
        the configuration that is meant to be changed, -1 for any.

        Raises `ReconfigDisabledError`, `UnimplementedError` (a server on its own), `ReconfigInProgressError`,
        `NewConfigNoQuorumError`, `BadVersionError`, `BadArgumentsError`. Needs WRITE on `/zookeeper/config`.

        Example:
            await zk.reconfig(leaving=[3])
        """
        if isinstance(joining, str) or isinstance(leaving, str) or isinstance(members, str):
            raise TypeError("joining, leaving and members are lists, each entry for one server")
        body = reconfig_body(
            ",".join(joining) or None, ",".join(map(str, leaving)) or None,
            None if members is None else ",".join(members), version,
        )  # fmt: skip
        future: Future[NodeData] = self._outbox.request(
            protocol.RECONFIG, shapes.NODE_DATA, RISKY, 0, "/zookeeper/config", body
        )
        return future
