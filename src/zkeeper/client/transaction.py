"""Several operations as one request: transactions, which are done as a whole or not at all, and batches of reads."""

from collections.abc import Iterable
from typing import Any, Final, Self

from zkeeper import arguments
from zkeeper.client.base import Base, acl_entries, create_flags
from zkeeper.client.session import Session
from zkeeper.errors import TransactionFailed, ZooKeeperError, tell_path
from zkeeper.values import OPEN_ACL, Acl, Created, NodeData, Stat
from zkeeper.wire import client_replies as shapes
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import rooted, rooted_deletable, rooted_sequential
from zkeeper.wire.client_pending import READ, RISKY
from zkeeper.wire.client_requests import create_body, multi_body, path_and_number, set_data_body, watch_body

_NAMES: Final = {
    protocol.CREATE: "create",
    protocol.CREATE2: "create",
    protocol.CREATE_CONTAINER: "create",
    protocol.CREATE_TTL: "create",
    protocol.SET_DATA: "set",
    protocol.DELETE: "delete",
    protocol.CHECK: "check",
}

TransactionResult = str | Created | Stat | None


class _Operations(Base):
    """Operations that gather. Paths are checked when an operation is added."""

    def __init__(self, session: Session, root: str) -> None:
        super().__init__(session, root)
        self._operations: list[tuple[int, bytes]] = []
        self._paths: list[str] = []

    def _add(self, op: int, path: str, body: bytes) -> Self:
        self._operations.append((op, body))
        self._paths.append(path)
        return self

    def __len__(self) -> int:
        return len(self._operations)


class Transaction(_Operations):
    """Made by `AsyncClient.transaction`. All operations happen, in their order and as one step that no other client
    sees the inside of, or none does. A transaction may be committed again, which does it again.

    Example:
        t = zk.transaction().check("/leader", 3).set("/state", b"x")
        path, *_ = await zk.transaction().create("/log/e-", sequential=True).commit()
    """

    def __init__(self, session: Session, root: str) -> None:
        super().__init__(session, root)
        self._wants_path: list[bool] = []

    def _add(self, op: int, path: str, body: bytes, wants_path: bool = False) -> Self:
        self._wants_path.append(wants_path)
        return super()._add(op, path, body)

    def create(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
    ) -> Self:  # fmt: skip
        """As `AsyncClient.create`; its result is the path.

        Example:
            path, *_ = await zk.transaction().create("/jobs/j-", b"x", sequential=True).commit()
        """
        return self._create(True, path, data, acl, create_flags(ephemeral, sequential, container, ttl_ms), ttl_ms)

    def create2(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
    ) -> Self:  # fmt: skip
        """As `AsyncClient.create2`; its result is a `Created`, whose Stat is None before ZooKeeper 3.7.

        Example:
            (created,) = await zk.transaction().create2("/a").commit()
            print(created.path, created.stat)
        """
        return self._create(False, path, data, acl, create_flags(ephemeral, sequential, container, ttl_ms), ttl_ms)

    def _create(
        self, wants_path: bool, path: str, data: bytes | None, acl: Iterable[Acl], kind: tuple[int, int],
        ttl_ms: int | None,
    ) -> Self:  # fmt: skip
        op, flags = kind
        op = protocol.CREATE if wants_path and op == protocol.CREATE2 else op
        raw = rooted_sequential(self._root, path) if flags in (2, 3, 6) else rooted(self._root, path)
        body = create_body(op, raw, arguments.data(data), acl_entries(acl), flags, ttl_ms or 0)
        return self._add(op, path, body, wants_path)

    def set(self, path: str, data: bytes | None, version: int = -1) -> Self:
        """As `AsyncClient.set`; its result is the `Stat`.

        Example:
            (stat,) = await zk.transaction().set("/a", b"x", 3).commit()
        """
        body = set_data_body(rooted(self._root, path), arguments.data(data), arguments.version(version))
        return self._add(protocol.SET_DATA, path, body)

    def delete(self, path: str, version: int = -1) -> Self:
        """As `AsyncClient.delete`; its result is None.

        Example:
            await zk.transaction().delete("/a/b").delete("/a").commit()
        """
        raw = rooted_deletable(self._root, path)
        return self._add(protocol.DELETE, path, path_and_number(raw, arguments.version(version)))

    def check(self, path: str, version: int) -> Self:
        """Has the transaction fail unless the znode has that version (-1: unless it exists). Its result is None.

        With the version of one's own lock this fences: the rest happens only while the lock is held.

        Example:
            await zk.transaction().check(held.path, 0).set("/state", b"x").commit()
        """
        return self._add(protocol.CHECK, path, path_and_number(rooted(self._root, path), arguments.version(version)))

    async def commit(self) -> list[TransactionResult]:
        """Sends it, and returns one result for each operation.

        Raises `TransactionFailed` when one operation failed, and so none happened; `ConnectionLossError`, outcome
        UNKNOWN: all of it may have happened, or nothing; and else as the operations do.

        Example:
            try:
                await zk.transaction().check("/lock", 3).set("/state", b"x").commit()
            except zkeeper.TransactionFailed as failed:
                print(failed.operation, failed.path)
        """
        try:
            results = await self._outbox.request(
                protocol.MULTI, shapes.TRANSACTION, RISKY, self._root_length, None, multi_body(self._operations)
            )
        except TransactionFailed as failure:
            failure.locate([(_NAMES[op], path) for (op, _), path in zip(self._operations, self._paths, strict=True)])
            raise
        return [self._result(result, wants) for result, wants in zip(results, self._wants_path, strict=True)]

    def _result(self, result: Any, wants_path: bool) -> TransactionResult:
        """A server answers a create of one kind or another with more, or less, than was asked."""
        if wants_path:
            return result.path if isinstance(result, Created) else str(result)
        if isinstance(result, str):
            return Created(result, None)
        found: TransactionResult = result
        return found


class ReadBatch(_Operations):
    """Made by `AsyncClient.multi_read`: reads that see one and the same state. Needs ZooKeeper 3.6.

    Example:
        a, names = await zk.multi_read().get("/a").children("/b").fetch()
    """

    def get(self, path: str) -> Self:
        """The result is a `NodeData`.

        Example:
            (node,) = await zk.multi_read().get("/a").fetch()
        """
        return self._add(protocol.GET_DATA, path, watch_body(rooted(self._root, path), False))

    def children(self, path: str) -> Self:
        """The result is a list of names.

        Example:
            (names,) = await zk.multi_read().children("/members").fetch()
        """
        return self._add(protocol.GET_CHILDREN, path, watch_body(rooted(self._root, path), False))

    async def fetch(self) -> list[NodeData | list[str] | ZooKeeperError]:
        """One result for each read; that of a read which failed is the error, which is not raised.

        Raises `ConnectionLossError` and `SessionExpiredError` as reads do, `UnimplementedError` by old servers.

        Example:
            for result in await zk.multi_read().get("/a").get("/missing").fetch():
                print("failed" if isinstance(result, zkeeper.ZooKeeperError) else result)
        """
        results: list[NodeData | list[str] | ZooKeeperError] = await self._outbox.request(
            protocol.MULTI_READ, shapes.READ_BATCH, READ, self._root_length, None, multi_body(self._operations)
        )
        for result, path in zip(results, self._paths, strict=True):
            if isinstance(result, ZooKeeperError):
                tell_path(result, path)
        return results
