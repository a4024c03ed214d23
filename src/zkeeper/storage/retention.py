"""Removes snapshots and logs that no recovery needs any more.

1. The newest `retain_count` snapshots that look whole stay, and every log that a recovery from the oldest of them can
   need; without such a snapshot nothing is removed.
2. Only files whose names a server gives are removed. (Java also removes whatever begins with "log." or "snapshot.".)
3. Snapshots go before logs, and the oldest first: whatever a crash leaves, no snapshot lacks the logs after it.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from zkeeper.storage.disk import Disk
from zkeeper.storage.failures import failure
from zkeeper.storage.names import LogFile, SnapshotFile, logs_in, snapshots_in
from zkeeper.storage.settings import MIN_RETAIN_COUNT, StorageSettings
from zkeeper.storage.snapshot_reader import looks_whole
from zkeeper.storage.snapshot_writer import LANE


@dataclass(frozen=True, slots=True)
class PurgePlan:
    """What is to be removed, in this order."""

    snapshots: tuple[SnapshotFile, ...]
    logs: tuple[LogFile, ...]


def plan_purge(snapshots: Sequence[SnapshotFile], logs: Sequence[LogFile], kept: Sequence[SnapshotFile]) -> PurgePlan:
    """Rule 1, for the snapshots to keep among all; both `snapshots` and `logs` are oldest first."""
    if not kept:
        return PurgePlan((), ())
    oldest_zxid = min(snapshot.zxid for snapshot in kept)
    before = [log for log in logs if log.zxid <= oldest_zxid]
    return PurgePlan(tuple(one for one in snapshots if one.zxid < oldest_zxid), tuple(before[:-1]))


def purge(disk: Disk, settings: StorageSettings) -> asyncio.Future[PurgePlan]:
    """Removes what is not needed, away from the loop; tells what was removed. The exception is a `StorageError`."""
    return disk.submit(LANE, partial(purge_now, disk, settings))


def purge_now(disk: Disk, settings: StorageSettings) -> PurgePlan:
    """As `purge`, but blocks."""
    try:
        snapshots = snapshots_in(disk.names(settings.snapshot_folder))
        logs = logs_in(disk.names(settings.log_folder))
        kept = _newest_whole(disk, settings, snapshots)
        plan = plan_purge(snapshots, logs, kept)
        _remove(disk, settings.snapshot_folder, [snapshot.name for snapshot in plan.snapshots])
        _remove(disk, settings.log_folder, [log.name for log in plan.logs])
    except OSError as error:
        raise failure("purging", settings.data_dir, error) from error
    return plan


def _newest_whole(disk: Disk, settings: StorageSettings, snapshots: list[SnapshotFile]) -> list[SnapshotFile]:
    kept: list[SnapshotFile] = []
    for snapshot in reversed(snapshots):
        if looks_whole(disk, settings.snapshot_folder, snapshot):
            kept.append(snapshot)
        if len({one.zxid for one in kept}) >= max(MIN_RETAIN_COUNT, settings.retain_count):
            break
    return kept


def _remove(disk: Disk, folder: str, names: list[str]) -> None:
    for name in names:
        disk.remove(os.path.join(folder, name))
    if names:
        disk.sync_folder(folder)
