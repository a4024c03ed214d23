"""Ties the request road to the disk: group commit, and the snapshots that keep the log short.

1. One sync is under way at a time; what is appended meanwhile is the next one's batch. After a small batch the next one
   starts before the finished one is applied, so disk and processor work side by side. After one of `GATHER_FROM` or
   more it gathers for `GATHER_TURNS` of the loop first: a sync costs the processor as much as some requests do.
2. Nothing is said to be durable before the disk confirmed it. The first failure, of the disk or of anything that is
   done here on the loop, ends the server's role: `on_failure` is called once, and nothing is said any more.
3. A snapshot is taken beside the service; one that fails is told and tried again at the next trigger, since the log
   still holds everything. In an ensemble memory may be ahead of the own log, so a snapshot gets its name only when the
   log has all that it may show: never is there one that older snapshots and the logs do not lead to.
4. When it is closed, all that was appended is durable, unless the log has failed (ZOOKEEPER-4882, 4646).
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Final

from zkeeper.database.database import Database
from zkeeper.errors import StorageError
from zkeeper.pipeline.stats import ServiceStats
from zkeeper.storage.disk import Disk
from zkeeper.storage.log_writer import SyncResult, TxnLog
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_writer import SnapshotWriter, WrittenSnapshot
from zkeeper.storage.triggers import SnapshotTrigger
from zkeeper.wire.log_entry import EntryBatch
from zkeeper.wire.zxids import txns_between

GATHER_FROM: Final = 5
GATHER_TURNS: Final = 4

logger = logging.getLogger("zkeeper.storage")


class DurableLog:
    """`batch` is the sink of a `Service`, whose `committed` is called in return; `tell` takes what an operator should
    look at, of a slow or nearly full disk."""

    def __init__(
        self, disk: Disk, settings: StorageSettings, database: Database, random: Random,
        committed: Callable[[int], None], on_failure: Callable[[Exception], None], stats: ServiceStats,
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._database = database
        self._committed = committed
        self._on_failure = on_failure
        self._stats = stats
        self._log = TxnLog(disk, settings, int(database.last_zxid), tell)
        self._snapshots = SnapshotWriter(disk, settings)
        self._trigger = SnapshotTrigger(settings, random)
        self._counted_zxid = self._durable_zxid = int(database.last_zxid)
        self._next_sync: asyncio.Future[None] | None = None
        self._syncing = False
        self._turns_left = 0
        self._is_closed = False
        self._failure: Exception | None = None
        self._snapshot_task: asyncio.Task[None] | None = None
        self.last_snapshot: WrittenSnapshot | None = None
        self.batch = EntryBatch()

    def wake(self) -> None:
        """Something was appended: it is synced once the loop has read what else is there."""
        if self._may_sync():
            asyncio.get_running_loop().call_soon(self._sync_more)

    def _may_sync(self) -> bool:
        return not (self._syncing or self._turns_left or self._is_closed) and self._failure is None

    def _sync_more(self) -> None:
        if self._may_sync() and not self.batch.is_empty():
            self._start_sync()

    def _gather(self) -> None:
        self._turns_left -= 1
        if self._turns_left:
            asyncio.get_running_loop().call_soon(self._gather)
        else:
            self._sync_more()

    def _start_sync(self) -> None:
        try:
            self._log.append_entries(self.batch)
            self._syncing = True
            self._log.sync_then(self._synced)
        except Exception as error:
            self._fail(error)

    def _synced(self, result: SyncResult | StorageError) -> None:
        self._syncing = False
        if isinstance(result, StorageError):
            self._fail(result)
            return
        try:
            self._go_on(result)
        except Exception as error:
            self._fail(error)

    def _go_on(self, result: SyncResult) -> None:
        self._durable_zxid = result.zxid
        self._wake_snapshot()
        self._stats.fsync_ms.add(int(result.duration_s * 1000))
        if txns_between(self._counted_zxid, result.zxid) >= GATHER_FROM:
            self._turns_left = GATHER_TURNS
            asyncio.get_running_loop().call_soon(self._gather)
        self._sync_more()
        self._committed(result.zxid)
        self._sync_more()  # Applying a batch may itself have led to new transactions.
        self._maybe_snapshot(result.zxid)

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
            self._wake_snapshot()
            self._on_failure(error)

    def _wake_snapshot(self) -> None:
        if self._next_sync is not None and not self._next_sync.done():
            self._next_sync.set_result(None)

    def _maybe_snapshot(self, zxid: int) -> None:
        txns, self._counted_zxid = txns_between(self._counted_zxid, zxid), zxid
        self._stats.batch_size.add(txns)
        if self._is_closed or not self._trigger.appended(self._log.size_bytes, txns):
            return
        self._log.roll()
        self._log.forget_size()
        self.snapshot_soon()

    def snapshot_soon(self) -> None:
        """Takes a snapshot beside the service, unless one is being taken."""
        if self._snapshot_task is None or self._snapshot_task.done():
            self._snapshot_task = asyncio.get_running_loop().create_task(self._snapshot())

    async def _snapshot(self) -> None:
        try:
            await self.snapshot_now()
        except StorageError as error:
            logger.error("no snapshot: %s; the log still holds everything, the next trigger tries again", error)

    async def snapshot_now(self) -> WrittenSnapshot:
        """Takes a snapshot and returns when it is durable. `StorageError` when the disk refuses."""
        written = await self._snapshots.write(self._database, self._reach_memory)
        self.last_snapshot = written
        self._stats.snapshot_ms.add(int(written.duration_s * 1000))
        logger.info("snapshot 0x%x: %d bytes in %.0f ms", written.zxid, written.size_bytes, written.duration_s * 1000)
        return written

    async def _reach_memory(self) -> None:
        """Returns when the log has all that the database has now (rule 3)."""
        zxid = int(self._database.last_zxid)
        while self._durable_zxid < zxid:
            if self._failure is not None:
                raise self._failure
            self._next_sync = asyncio.get_running_loop().create_future()
            await self._next_sync

    async def close(self) -> None:
        """Makes durable what was appended (rule 4), and gives up a snapshot under way."""
        self._is_closed = True
        if self._snapshot_task is not None:
            self._snapshot_task.cancel()
            await asyncio.gather(self._snapshot_task, return_exceptions=True)
        while self._failure is None and (self._syncing or not self.batch.is_empty()):
            try:
                if not self.batch.is_empty():
                    self._log.append_entries(self.batch)
                await self._log.sync()
            except Exception as error:
                self._fail(error)
        await self._log.close()
