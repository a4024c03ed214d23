"""Several operations as one request: transactions, which are done as a whole or not at all, and batches of reads."""

from collections.abc import Iterable
from typing import Self

from zkeeper.blocking.core import Core
from zkeeper.client import transaction as on_loop
from zkeeper.client.transaction import TransactionResult
from zkeeper.errors import ZooKeeperError
from zkeeper.values import OPEN_ACL, Acl, NodeData
from zkeeper.wire.client_pending import READ, RISKY


class Transaction:
    """Made by `Client.transaction`. All operations happen, in their order and as one step that no other client
    sees the inside of, or none does. A transaction may be committed again, which does it again.

    Example:
        t = zk.transaction().check("/leader", 3).set("/state", b"x")
        path, *_ = zk.transaction().create("/log/e-", sequential=True).commit()
    """

    def __init__(self, core: Core, transaction: on_loop.Transaction) -> None:
        self._core = core
        self._transaction = transaction

    def __len__(self) -> int:
        return len(self._transaction)

    def create(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
    ) -> Self:  # fmt: skip
        """As `Client.create`; its result is the path.

        Example:
            path, *_ = zk.transaction().create("/jobs/j-", b"x", sequential=True).commit()
        """
        self._transaction.create(
            path, data, acl=acl, ephemeral=ephemeral, sequential=sequential, container=container, ttl_ms=ttl_ms
        )
        return self

    def create2(
        self, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = False,
        sequential: bool = False, container: bool = False, ttl_ms: int | None = None,
    ) -> Self:  # fmt: skip
        """As `Client.create2`; its result is a `Created`, whose Stat is None before ZooKeeper 3.7.

        Example:
            (created,) = zk.transaction().create2("/a").commit()
            print(created.path, created.stat)
        """
        self._transaction.create2(
            path, data, acl=acl, ephemeral=ephemeral, sequential=sequential, container=container, ttl_ms=ttl_ms
        )
        return self

    def set(self, path: str, data: bytes | None, version: int = -1) -> Self:
        """As `Client.set`; its result is the `Stat`.

        Example:
            (stat,) = zk.transaction().set("/a", b"x", 3).commit()
        """
        self._transaction.set(path, data, version)
        return self

    def delete(self, path: str, version: int = -1) -> Self:
        """As `Client.delete`; its result is None.

        Example:
            zk.transaction().delete("/a/b").delete("/a").commit()
        """
        self._transaction.delete(path, version)
        return self

    def check(self, path: str, version: int) -> Self:
        """Has the transaction fail unless the znode has that version (-1: unless it exists). Its result is None.

        With the version of one's own lock this fences: the rest happens only while the lock is held.

        Example:
            zk.transaction().check(held.path, 0).set("/state", b"x").commit()
        """
        self._transaction.check(path, version)
        return self

    def commit(self, *, timeout_s: float | None = None) -> list[TransactionResult]:
        """Sends it, and returns one result for each operation.

        Raises `TransactionFailed` when one operation failed, and so none happened; `ConnectionLossError`, outcome
        UNKNOWN: all of it may have happened, or nothing; and else as the operations do.

        Example:
            try:
                zk.transaction().check("/lock", 3).set("/state", b"x").commit()
            except zkeeper.TransactionFailed as failed:
                print(failed.operation, failed.path)
        """
        return self._core.ask(RISKY, timeout_s, self._transaction.commit)


class ReadBatch:
    """Made by `Client.multi_read`: reads that see one and the same state. Needs ZooKeeper 3.6.

    Example:
        a, names = zk.multi_read().get("/a").children("/b").fetch()
    """

    def __init__(self, core: Core, batch: on_loop.ReadBatch) -> None:
        self._core = core
        self._batch = batch

    def __len__(self) -> int:
        return len(self._batch)

    def get(self, path: str) -> Self:
        """The result is a `NodeData`.

        Example:
            (node,) = zk.multi_read().get("/a").fetch()
        """
        self._batch.get(path)
        return self

    def children(self, path: str) -> Self:
        """The result is a list of names.

        Example:
            (names,) = zk.multi_read().children("/members").fetch()
        """
        self._batch.children(path)
        return self

    def fetch(self, *, timeout_s: float | None = None) -> list[NodeData | list[str] | ZooKeeperError]:
        """One result for each read; that of a read which failed is the error, which is not raised.

        Raises `ConnectionLossError` and `SessionExpiredError` as reads do, `UnimplementedError` by old servers.

        Example:
            for result in zk.multi_read().get("/a").get("/missing").fetch():
                print("failed" if isinstance(result, zkeeper.ZooKeeperError) else result)
        """
        return self._core.ask(READ, timeout_s, self._batch.fetch)
