"""The transaction log as the server sees it: append now, hear later that it is durable.

1. zxids are contiguous within an epoch; `append` asserts it.
2. `sync` hands everything appended before it to the disk as one job; its future resolves when all of it is durable.
   One job is under way at a time; syncs asked for meanwhile share the next.
3. After any failure the log is failed for good: every pending and later future fails with a `StorageError`, and
   nothing is acknowledged any more, because memory must not run ahead of the disk (ZOOKEEPER-4882).
4. File sizes and the places where a file ends are the same as Java's: they follow from what was appended when, so they
   are computed here, and the disk's lane only carries them out.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, final

from librt.strings import BytesWriter

from zkeeper.errors import StorageError
from zkeeper.storage.disk import Disk
from zkeeper.storage.log_files import LogFiles, Segment
from zkeeper.storage.log_format import LOG_HEADER, PADDING_MARGIN_BYTES, padded_size
from zkeeper.storage.settings import StorageSettings
from zkeeper.wire.log_entry import EntryBatch, write_entry
from zkeeper.wire.zxids import follows

LANE: Final = "log"


@final
class SyncResult:
    """What became durable: everything up to `zxid`. `free_bytes` is known when a file grew by padding."""

    def __init__(self, zxid: int, duration_s: float, free_bytes: int | None) -> None:
        self.zxid = zxid
        self.duration_s = duration_s
        self.free_bytes = free_bytes


Told = Callable[[SyncResult | StorageError], None]
Finish = Callable[[asyncio.Future[Any]], None]


@final
class TxnLog:
    """The log of one server, written by one role. `last_zxid` is the last that the files hold, -1 for none;
    `tell` takes sentences for the server's log."""

    def __init__(self, disk: Disk, settings: StorageSettings, last_zxid: int, tell: Callable[[str], None]) -> None:
        self._disk = disk
        self._settings = settings
        self._tell = tell
        self._files = LogFiles(disk, settings.log_folder, settings.force_sync)
        self._pre_alloc_bytes = settings.pre_alloc_bytes
        self.last_zxid = last_zxid
        self.slow_syncs = 0
        self.failed: StorageError | None = None
        self._batch: list[Segment] = []
        self._is_syncing = False
        self._told_next: list[Told] = []
        # The file at hand. `_out` gathers its next entries; its first `_position` bytes were handed to the disk.
        self._out: BytesWriter | None = None
        self._begins: int | None = None
        self._position = 0
        self._padded_bytes = 0
        self._grows = False
        self._rolled_bytes = 0

    def append(self, zxid: int, payload: bytes) -> None:
        """Adds a transaction; it is durable when a later `sync` says so."""
        write_entry(self._room_for(zxid, zxid), payload)

    def append_entries(self, batch: EntryBatch) -> None:
        """As `append`, for all the transactions of a batch, which is empty then."""
        out = self._room_for(int(batch.first_zxid), int(batch.last_zxid))
        out.write(batch.take())

    def _room_for(self, zxid: int, until_zxid: int) -> BytesWriter:
        if self.failed is not None:
            raise self.failed
        last_zxid = self.last_zxid
        assert zxid == last_zxid + 1 or last_zxid < 0 or follows(zxid, last_zxid), (
            f"zxid 0x{zxid:x} is appended after 0x{last_zxid:x}"
        )
        self.last_zxid = until_zxid
        out = self._out
        if out is None:
            out = self._begin(zxid)
        if self._position + PADDING_MARGIN_BYTES >= self._padded_bytes:
            self._pad()
        return out

    def _begin(self, zxid: int) -> BytesWriter:
        self._begins = zxid
        self._position = self._padded_bytes = len(LOG_HEADER)
        self._out = out = BytesWriter()
        return out

    def _pad(self) -> None:
        size_bytes = padded_size(self._position, self._padded_bytes, self._pre_alloc_bytes)
        self._grows = self._grows or size_bytes > self._padded_bytes
        self._padded_bytes = size_bytes

    def restart_after(self, zxid: int) -> None:
        """The next transaction is the one after `zxid`, since a snapshot that was received covers what lies between;
        it begins a file."""
        self.roll()
        self.last_zxid = zxid

    def roll(self) -> None:
        """Ends the file at hand; the next transaction begins another."""
        if self._out is not None:
            self._close_segment(self._out)
            self._end_file()

    def _end_file(self) -> None:
        self._rolled_bytes += max(self._padded_bytes, self._position)
        self._out = None
        self._position = self._padded_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Of the files written since `forget_size`, with their padding, as of the last `sync`."""
        return self._rolled_bytes + max(self._padded_bytes, self._position)

    def forget_size(self) -> None:
        """Counts the size anew, from here; to be called after `roll` when a snapshot begins."""
        assert self._out is None, "the size is counted anew at the beginning of a file"
        self._rolled_bytes = 0

    def sync(self) -> asyncio.Future[SyncResult]:
        """Makes durable what was appended so far. The future's exception is a `StorageError`."""
        done: asyncio.Future[SyncResult] = asyncio.get_running_loop().create_future()
        self.sync_then(partial(_settle, done))
        return done

    def sync_then(self, told: Told) -> None:
        """As `sync`, for a caller that is to be told without another turn of the loop."""
        if self.failed is not None:
            asyncio.get_running_loop().call_soon(told, self.failed)
        elif self._is_syncing:
            self._told_next.append(told)
        else:
            self._start_sync([told])

    def _start_sync(self, told: list[Told]) -> None:
        self._is_syncing = True
        batch = self._take_batch()
        finish: Finish = partial(self._finish, told, self.last_zxid, asyncio.get_running_loop().time())
        written = self._files.go_on(LANE, batch)
        if written is None:
            self._disk.submit(LANE, partial(self._files.write, batch)).add_done_callback(finish)
        else:
            written.add_done_callback(partial(self._went_on, len(batch[0].data), finish))

    def _went_on(self, size_bytes: int, finish: Finish, written: asyncio.Future[None]) -> None:
        error = _error_of(written)
        if error is None:
            self._files.went_on(size_bytes)
            finish(written)
        else:
            self._disk.submit(LANE, partial(self._files.give_up, error)).add_done_callback(finish)

    def _take_batch(self) -> list[Segment]:
        out = self._out
        if out is not None:
            self._close_segment(out)
            self._out = BytesWriter()
            limit_bytes = self._settings.txn_log_size_limit_bytes
            if 0 < limit_bytes < max(self._padded_bytes, self._position):
                self._end_file()
        batch, self._batch = self._batch, []
        return batch

    def _close_segment(self, out: BytesWriter) -> None:
        data = out.getvalue()
        if not data:
            return
        self._batch.append(Segment(self._begins, self._padded_bytes if self._grows else 0, data))
        self._position += len(data)
        self._begins = None
        self._grows = False

    def _finish(
        self, told: list[Told], zxid: int, started_s: float,
        job: asyncio.Future[Any],
    ) -> None:  # fmt: skip
        self._is_syncing = False
        error = _error_of(job)
        if error is not None:
            self._fail(error)
        following, self._told_next = self._told_next, []
        if self.failed is not None:
            _tell(told + following, self.failed)
            return
        if following:
            self._start_sync(following)
        _tell(told, self._result(zxid, asyncio.get_running_loop().time() - started_s, job.result()))

    def _fail(self, error: BaseException) -> None:
        if self.failed is None:
            wrong = error if isinstance(error, StorageError) else StorageError(f"the transaction log failed: {error!r}")
            wrong.__cause__ = wrong.__cause__ or (None if wrong is error else error)
            self.failed = wrong

    def _result(self, zxid: int, duration_s: float, free_bytes: int | None) -> SyncResult:
        if duration_s * 1000 > self._settings.sync_warning_ms:
            self.slow_syncs += 1
            self._tell(
                f"syncing the transaction log took {duration_s * 1000:.0f} ms; writes wait for it, "
                "so give the log a disk of its own or a faster one"
            )
        if free_bytes is not None and free_bytes < self._settings.low_space_bytes:
            self._tell(
                f"only {free_bytes} bytes are free for {self._settings.log_folder}; the server stops when the disk "
                "is full, so free space now"
            )
        return SyncResult(zxid, duration_s, free_bytes)

    def close(self) -> asyncio.Future[None]:
        """Closes the file at hand, after the syncs under way. What was appended and not synced is forgotten."""
        return self._disk.submit(LANE, self._files.close)


def _error_of(job: asyncio.Future[Any]) -> BaseException | None:
    return asyncio.CancelledError() if job.cancelled() else job.exception()


def _tell(told: list[Told], outcome: SyncResult | StorageError) -> None:
    for one in told:
        one(outcome)


def _settle(done: asyncio.Future[SyncResult], outcome: SyncResult | StorageError) -> None:
    if done.done():
        return
    if isinstance(outcome, StorageError):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
