"""Group commit: batches of the request road go to the log, and the road is told what became durable.

1. One sync is under way at a time; what is appended meanwhile is the next one's batch. After a small batch the next one
   starts before the finished one is applied, so disk and processor work side by side. After one of `GATHER_FROM` or
   more it gathers for `GATHER_TURNS` of the loop first: a sync costs the processor as much as some requests do.
2. Nothing is said to be durable before the disk confirmed it. The first failure, of the disk or of anything that is
   done here on the loop, ends the server's role: `on_failure` is called once, and nothing is said any more.
"""

import asyncio
from collections.abc import Callable
from typing import Final, final

from zkeeper.errors import StorageError
from zkeeper.pipeline.stats import ServiceStats
from zkeeper.storage.log_writer import SyncResult, TxnLog
from zkeeper.storage.triggers import SnapshotTrigger
from zkeeper.wire.log_entry import EntryBatch
from zkeeper.wire.zxids import txns_between

GATHER_FROM: Final = 5
GATHER_TURNS: Final = 4


@final
class GroupCommit:
    """`snapshot` begins one when `trigger` says that it is due."""

    def __init__(
        self, log: TxnLog, trigger: SnapshotTrigger, committed: Callable[[int], None],
        on_failure: Callable[[Exception], None], snapshot: Callable[[], None], stats: ServiceStats,
    ) -> None:  # fmt: skip
        self._log = log
        self._trigger = trigger
        self._committed = committed
        self._on_failure = on_failure
        self._snapshot = snapshot
        self._stats = stats
        self._counted_zxid = self.durable_zxid = log.last_zxid
        self._next_sync: asyncio.Future[None] | None = None
        self._is_syncing = False
        self._is_stopped = False
        self._turns_left = 0
        self.failure: Exception | None = None
        self.batch = EntryBatch()

    def wake(self) -> None:
        """Something was appended: it is synced once the loop has read what else is there."""
        if self._may_sync():
            asyncio.get_running_loop().call_soon(self._sync_more)

    def _may_sync(self) -> bool:
        return not (self._is_syncing or self._turns_left or self._is_stopped) and self.failure is None

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
            self._is_syncing = True
            self._log.sync_then(self._synced)
        except Exception as error:
            self.fail(error)

    def _synced(self, result: SyncResult | StorageError) -> None:
        self._is_syncing = False
        if isinstance(result, StorageError):
            self.fail(result)
            return
        try:
            self._go_on(result)
        except Exception as error:
            self.fail(error)

    def _go_on(self, result: SyncResult) -> None:
        self.durable_zxid = result.zxid
        self._tell_next_sync()
        self._stats.fsync_ms.add(int(result.duration_s * 1000))
        txns = txns_between(self._counted_zxid, result.zxid)
        self._counted_zxid = result.zxid
        if txns >= GATHER_FROM:
            self._turns_left = GATHER_TURNS
            asyncio.get_running_loop().call_soon(self._gather)
        self._sync_more()
        self._committed(result.zxid)
        self._sync_more()  # Applying a batch may itself have led to new transactions.
        self._count(txns)

    def _count(self, txns: int) -> None:
        self._stats.batch_size.add(txns)
        if not self._is_stopped and self._trigger.appended(self._log.size_bytes, txns):
            self._log.roll()
            self._log.forget_size()
            self._snapshot()

    def fail(self, error: Exception) -> None:
        if self.failure is None:
            self.failure = error
            self._tell_next_sync()
            self._on_failure(error)

    def next_sync(self) -> asyncio.Future[None]:
        """Done when another batch is durable, or never will be: `failure` says why. One at a time may wait."""
        self._next_sync = asyncio.get_running_loop().create_future()
        return self._next_sync

    def _tell_next_sync(self) -> None:
        waiting, self._next_sync = self._next_sync, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def stop(self) -> None:
        """No further sync starts by itself, and no snapshot."""
        self._is_stopped = True

    def has_rest(self) -> bool:
        """Whether something of what was appended may yet become durable."""
        return self.failure is None and (self._is_syncing or not self.batch.is_empty())

    def sync_rest(self) -> asyncio.Future[SyncResult]:
        if not self.batch.is_empty():
            self._log.append_entries(self.batch)
        return self._log.sync()
