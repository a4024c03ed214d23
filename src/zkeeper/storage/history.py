"""Transactions for a learner out of the logs on the disk, when it lacks more than the committed log in memory holds.

1. A history is used only if it has no hole from the learner's last transaction to the committed log. It is looked
   through once before it is promised, and again while it is given out.
2. Within an epoch a hole shows in the zxids. Between two epochs it does not: a server that was away in between has
   received a snapshot, and logged nothing. So the next epoch is believed to follow the one before only where the
   snapshots reach back that far and none of them lies in between.
3. It has to be cheaper than a snapshot: the files after the first are together at most `snapshot_size_factor` times as
   large as the newest one (storage, section 10). Java does not count the first, which it has open then.
4. It is read away from the loop, in steps of bounded size; nothing but the step at hand is in memory.
"""

import os
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from zkeeper.errors import CorruptionError
from zkeeper.storage.disk import Disk
from zkeeper.storage.failures import failure
from zkeeper.storage.log_reader import LogReader
from zkeeper.storage.names import LogFile, snapshots_in
from zkeeper.storage.settings import DEFAULT_SNAPSHOT_SIZE_FACTOR, StorageSettings
from zkeeper.wire.zxids import counter_of, epoch_of

LANE: Final = "history"
SURVEY_STEP_BYTES: Final = 1024 * 1024
BATCH_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class HistoryFound:
    """Neighbours in a history without a hole: its last zxid at or before the learner's, and its first after that, or
    where the committed log goes on if there is none."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class HistoryRefused:
    """The learner gets a snapshot, for this reason."""

    reason: str


class DiskHistory:
    """The transactions after `peer_zxid` and before `until_zxid`, for one learner. Its methods are called one at a
    time, `close` in the end."""

    def __init__(self, disk: Disk, settings: StorageSettings, peer_zxid: int, until_zxid: int) -> None:
        self._disk = disk
        self._settings = settings
        self._peer_zxid = peer_zxid
        self._until_zxid = until_zxid
        self._snapshot_zxids: list[int] = []
        self._entries: Generator[tuple[int, bytes], None, None] | None = None
        self._before = self._after = -1
        self._is_at_end = False

    async def survey(self) -> HistoryFound | HistoryRefused:
        """Looks through it (rules 1 to 3)."""
        outcome: HistoryFound | HistoryRefused | None = await self._disk.submit(LANE, self._begin)
        while outcome is None:
            outcome = await self._disk.submit(LANE, self._survey_step)
        return outcome

    async def next_batch(self) -> list[tuple[int, bytes]]:
        """zxid and payload of the next transactions, `BATCH_BYTES` of them or little more; empty at the end.

        `StorageError` when they cannot be read though `survey` found them: the learner has to begin anew.
        """
        batch: list[tuple[int, bytes]] = []
        while not batch and not self._is_at_end:
            batch = await self._disk.submit(LANE, self._read_step)
        return batch

    async def close(self) -> None:
        await self._disk.submit(LANE, self._rewind)

    # Jobs of the lane.

    def _begin(self) -> HistoryRefused | None:
        if self._settings.snapshot_size_factor < 0:
            return HistoryRefused("snapshotSizeFactor says that the logs are not to be used")
        try:
            snapshots = snapshots_in(self._disk.names(self._settings.snapshot_folder))
            self._snapshot_zxids = [one.zxid for one in snapshots]
            return self._check_size(snapshots[-1].name if snapshots else None, self._reader().files)
        except OSError as error:
            return HistoryRefused(str(error))

    def _check_size(self, snapshot_name: str | None, files: list[LogFile]) -> HistoryRefused | None:
        """Rule 3. Padding counts, as for Java. Without a snapshot, or with an empty one, there is no limit."""
        settings, size_bytes = self._settings, self._disk.size_bytes
        factor = settings.snapshot_size_factor
        factor = factor if factor <= 1 else DEFAULT_SNAPSHOT_SIZE_FACTOR
        snapshot_bytes = size_bytes(os.path.join(settings.snapshot_folder, snapshot_name)) if snapshot_name else 0
        limit_bytes = int(snapshot_bytes * factor)
        logs_bytes = sum(size_bytes(os.path.join(settings.log_folder, log.name)) for log in files[1:])
        if 0 < limit_bytes < logs_bytes:
            return HistoryRefused(
                f"the logs have {logs_bytes} bytes, more than {factor} of a snapshot's {snapshot_bytes}"
            )
        return None

    def _survey_step(self) -> HistoryFound | HistoryRefused | None:
        left_bytes = SURVEY_STEP_BYTES
        try:
            for zxid, payload in self._linked_entries():
                if zxid > self._peer_zxid and self._after < 0:
                    self._after = zxid
                left_bytes -= len(payload)
                if left_bytes <= 0:
                    return None
        except (CorruptionError, OSError) as error:
            return HistoryRefused(str(error))
        self._rewind()
        return HistoryFound(self._before, self._after if self._after >= 0 else self._until_zxid)

    def _read_step(self) -> list[tuple[int, bytes]]:
        left_bytes = BATCH_BYTES
        batch: list[tuple[int, bytes]] = []
        try:
            for entry in self._linked_entries():
                if entry[0] > self._peer_zxid:
                    batch.append(entry)
                left_bytes -= len(entry[1])
                if left_bytes <= 0:
                    return batch
        except OSError as error:
            raise failure("reading", self._settings.log_folder, error) from error
        self._is_at_end = True
        return batch

    def _linked_entries(self) -> Generator[tuple[int, bytes], None, None]:
        """Goes on where it was left."""
        if self._entries is None:
            self._entries = self._read()
        return self._entries

    def _rewind(self) -> None:
        entries, self._entries = self._entries, None
        if entries is not None:
            entries.close()

    def _read(self) -> Generator[tuple[int, bytes], None, None]:
        """All up to `until_zxid` that is in the files, each once; `CorruptionError` at a hole behind the learner."""
        last_zxid = -1
        entries = self._reader().entries()
        try:
            for zxid, payload in entries:
                if zxid >= self._until_zxid:
                    break
                if zxid <= last_zxid:
                    continue
                self._link(last_zxid, zxid)
                yield zxid, payload
                last_zxid = zxid
                if zxid + 1 == self._until_zxid:
                    break  # What comes next may be half written.
        finally:
            entries.close()
        self._link(last_zxid, self._until_zxid)

    def _reader(self) -> LogReader:
        settings = self._settings
        return LogReader(self._disk, settings.log_folder, self._peer_zxid, settings.limit_bytes, fast_forward=False)

    def _link(self, last_zxid: int, zxid: int) -> None:
        if zxid <= self._peer_zxid:
            self._before = zxid
        elif last_zxid < 0:
            raise CorruptionError(f"the logs begin after zxid 0x{self._peer_zxid:x}")
        elif zxid != last_zxid + 1 and not self._is_next_epoch(last_zxid, zxid):
            raise CorruptionError(f"it is not sure that zxid 0x{zxid:x} follows 0x{last_zxid:x}")

    def _is_next_epoch(self, last_zxid: int, zxid: int) -> bool:
        """Rule 2."""
        if epoch_of(zxid) <= epoch_of(last_zxid) or counter_of(zxid) != 1 or not self._snapshot_zxids:
            return False
        reach_back = self._snapshot_zxids[0] <= last_zxid
        return reach_back and not any(last_zxid < snapshot < zxid for snapshot in self._snapshot_zxids)
