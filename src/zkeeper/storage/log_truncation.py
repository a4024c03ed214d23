"""Takes back transactions, when the leader says that they were never committed, or sends a snapshot without them.

1. Snapshots that hold them go first, then later logs, newest first, then the end of the log that holds the last one
   to keep. A crash at any point leaves a state from which the same truncation can be done again.
2. A truncation changes nothing unless a log holds that last transaction and a snapshot that is not later remains.
"""

import os
from collections.abc import Callable

from zkeeper.errors import CorruptionError
from zkeeper.storage.disk import Disk
from zkeeper.storage.log_reader import LogFileReader, LogReader
from zkeeper.storage.names import logs_in, snapshots_in
from zkeeper.storage.settings import StorageSettings


def truncate_history(disk: Disk, settings: StorageSettings, zxid: int) -> bool:
    """Makes the transaction `zxid` the last that the data folders hold, durably. Blocks; the log must be closed.

    False (rule 2) when that cannot be: the server then needs the leader's whole state. Raises `CorruptionError` for a
    damaged log.
    """
    base = [one for one in snapshots_in(disk.names(settings.snapshot_folder)) if one.zxid <= zxid]
    log = _log_that_ends(disk, settings, zxid)
    if log is None or not base:
        return False
    _remove_snapshots_after(disk, settings.snapshot_folder, zxid)
    _remove_logs_after(disk, settings.log_folder, zxid)
    disk.truncate(log.path, log.offset)
    return True


def forget_after(disk: Disk, settings: StorageSettings, zxid: int, tell: Callable[[str], None]) -> None:
    """Removes what the data folders hold behind `zxid`, durably, once a snapshot of exactly that has been received and
    is durable. Blocks; the log must be closed.

    A log that is damaged goes as a whole: nobody needs it beside the snapshot, but a recovery would stumble over it.
    """
    _remove_snapshots_after(disk, settings.snapshot_folder, zxid)
    _remove_logs_after(disk, settings.log_folder, zxid)
    logs = logs_in(disk.names(settings.log_folder))
    if logs:
        _forget_end(disk, settings, os.path.join(settings.log_folder, logs[-1].name), logs[-1].zxid, zxid, tell)


def _forget_end(
    disk: Disk, settings: StorageSettings, path: str, begins: int, zxid: int, tell: Callable[[str], None]
) -> None:
    reader = LogFileReader(disk, path, begins, None, settings.limit_bytes, tell)
    try:
        for found, _ in reader.entries():
            if found > zxid:
                disk.truncate(path, reader.entry_offset)
                return
    except CorruptionError as error:
        tell(f"a snapshot has taken the place of a log that goes therefore: {error}")
        disk.remove(path)
        disk.sync_folder(settings.log_folder)


def _log_that_ends(disk: Disk, settings: StorageSettings, zxid: int) -> LogFileReader | None:
    """The reader of the log that holds `zxid`, standing behind it."""
    reader = LogReader(disk, settings.log_folder, zxid, settings.limit_bytes)
    first = next(reader.entries(), None)
    return reader.reader if first is not None and first[0] == zxid else None


def _remove_snapshots_after(disk: Disk, folder: str, zxid: int) -> None:
    for snapshot in reversed(snapshots_in(disk.names(folder))):
        if snapshot.zxid > zxid:
            disk.remove(os.path.join(folder, snapshot.name))
    disk.sync_folder(folder)


def _remove_logs_after(disk: Disk, folder: str, zxid: int) -> None:
    for log in reversed(logs_in(disk.names(folder))):
        if log.zxid > zxid:
            disk.remove(os.path.join(folder, log.name))
            disk.sync_folder(folder)
