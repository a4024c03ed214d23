"""When to take a snapshot: after a number of transactions or of log bytes.

Each limit is drawn anew between half of the configured value and the whole, so that the servers of an ensemble do not
write their snapshots at the same time.
"""

from random import Random
from typing import final

from zkeeper.storage.settings import MIN_SNAP_COUNT, StorageSettings


@final
class SnapshotTrigger:
    """Counts since the last snapshot was triggered, or since the start."""

    def __init__(self, settings: StorageSettings, random: Random) -> None:
        self._half_count = max(MIN_SNAP_COUNT, settings.snap_count) // 2
        self._half_bytes = max(0, settings.snap_size_limit_bytes) // 2
        self._random = random
        self._restart()

    def _restart(self) -> None:
        self._txns = 0
        self._txns_limit = self._half_count + self._random.randrange(self._half_count)
        self._bytes_limit = self._half_bytes + self._random.randrange(self._half_bytes) if self._half_bytes else 0

    def appended(self, log_bytes: int, txns: int = 1) -> bool:
        """Counts transactions that were appended, with the size of the logs since the last snapshot. True when a
        snapshot is due; the caller then rolls the log and counts its size anew."""
        self._txns += txns
        due = self._txns > self._txns_limit or 0 < self._bytes_limit < log_bytes
        if due:
            self._restart()
        return due
