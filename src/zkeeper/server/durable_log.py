"""What the request road has of the disk: group commit (`group_commit.py`), and the snapshots that keep the log short.

1. A snapshot is taken beside the service; one that fails is told and tried again at the next trigger, since the log
   still holds everything. In an ensemble memory may be ahead of the own log, so a snapshot gets its name only when the
   log has all that it may show: never is there one that older snapshots and the logs do not lead to.
2. When it is closed, all that was appended is durable, unless the log has failed (ZOOKEEPER-4882, 4646).
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random

from zkeeper.database.database import Database
from zkeeper.errors import StorageError
from zkeeper.pipeline.stats import ServiceStats
from zkeeper.server.group_commit import GroupCommit
from zkeeper.storage.disk import Disk
from zkeeper.storage.log_writer import TxnLog
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_writer import SnapshotWriter, WrittenSnapshot
from zkeeper.storage.triggers import SnapshotTrigger

logger = logging.getLogger("zkeeper.storage")


class DurableLog:
    """`batch` is the sink of a `Service`, `wake` is to be called when something is in it, and the service's `committed`
    is called in return; `tell` takes what an operator should look at, of a slow or nearly full disk."""

    def __init__(
        self, disk: Disk, settings: StorageSettings, database: Database, random: Random,
        committed: Callable[[int], None], on_failure: Callable[[Exception], None], stats: ServiceStats,
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._database = database
        self._stats = stats
        self._log = TxnLog(disk, settings, int(database.last_zxid), tell)
        trigger = SnapshotTrigger(settings, random)
        self._commit = GroupCommit(self._log, trigger, committed, on_failure, self.snapshot_soon, stats)
        self._snapshots = SnapshotWriter(disk, settings)
        self._snapshot_task: asyncio.Task[None] | None = None
        self.last_snapshot: WrittenSnapshot | None = None
        self.batch = self._commit.batch
        self.wake = self._commit.wake

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
        """Returns when the log has all that the database has now (rule 1)."""
        zxid = int(self._database.last_zxid)
        while self._commit.durable_zxid < zxid:
            if self._commit.failure is not None:
                raise self._commit.failure
            await self._commit.next_sync()

    async def close(self) -> None:
        """Makes durable what was appended (rule 2), and gives up a snapshot under way."""
        self._commit.stop()
        if self._snapshot_task is not None:
            self._snapshot_task.cancel()
            await asyncio.gather(self._snapshot_task, return_exceptions=True)
        while self._commit.has_rest():
            try:
                await self._commit.sync_rest()
            except Exception as error:
                self._commit.fail(error)
        await self._log.close()
