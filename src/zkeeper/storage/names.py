"""File names of logs and snapshots.

1. A name is believed only if it is exactly the one that a server writes: `log.<zxid>` or `snapshot.<zxid>[.gz|.snappy]`
   with the zxid as lower-case hex without padding. `log.5.bak` and `snapshot.5.tmp` are somebody's business, not data.
2. A file in the making has a name that no server takes for data, not Java's either.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from zkeeper.storage.disk import Disk
from zkeeper.storage.settings import Compression

LOG_PREFIX: Final = "log."
SNAPSHOT_PREFIX: Final = "snapshot."
TEMPORARY_PREFIX: Final = "tmp."

_LOG: Final = re.compile(r"log\.(0|[1-9a-f][0-9a-f]{0,15})")
_SNAPSHOT: Final = re.compile(r"snapshot\.(0|[1-9a-f][0-9a-f]{0,15})(?:\.(gz|snappy))?")
_LARGEST_ZXID: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log and the zxid of its first transaction."""

    zxid: int

    @property
    def name(self) -> str:
        return log_name(self.zxid)


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A snapshot and the last zxid that it holds completely."""

    zxid: int
    compression: Compression = ""

    @property
    def name(self) -> str:
        return snapshot_name(self.zxid, self.compression)


def log_name(first_zxid: int) -> str:
    assert first_zxid >= 0, "a log begins with a transaction"
    return f"{LOG_PREFIX}{first_zxid:x}"


def snapshot_name(zxid: int, compression: Compression = "") -> str:
    assert zxid >= 0, "there is no snapshot of a database that knows nothing"
    return f"{SNAPSHOT_PREFIX}{zxid:x}" + (f".{compression}" if compression else "")


def temporary_name(name: str) -> str:
    return TEMPORARY_PREFIX + name


def is_temporary(name: str) -> bool:
    return name.startswith(TEMPORARY_PREFIX + SNAPSHOT_PREFIX)


def parse_log_name(name: str) -> LogFile | None:
    found = _LOG.fullmatch(name)
    if found is None or (zxid := int(found[1], 16)) > _LARGEST_ZXID:
        return None
    return LogFile(zxid)


def parse_snapshot_name(name: str) -> SnapshotFile | None:
    found = _SNAPSHOT.fullmatch(name)
    if found is None or (zxid := int(found[1], 16)) > _LARGEST_ZXID:
        return None
    compression: Compression = "gz" if found[2] == "gz" else "snappy" if found[2] == "snappy" else ""
    return SnapshotFile(zxid, compression)


def logs_in(names: Iterable[str]) -> list[LogFile]:
    """The logs among `names`, oldest first."""
    found = (parse_log_name(name) for name in names)
    return sorted((log for log in found if log is not None), key=lambda log: log.zxid)


def snapshots_in(names: Iterable[str]) -> list[SnapshotFile]:
    """The snapshots among `names`, oldest first."""
    found = (parse_snapshot_name(name) for name in names)
    return sorted((one for one in found if one is not None), key=lambda one: (one.zxid, one.compression))


def logs_since(logs: list[LogFile], start_zxid: int) -> list[LogFile]:
    """Of `logs`, oldest first, those that may hold `start_zxid` or later: the newest that begins before it, and all
    that begin at it or after."""
    before = [log for log in logs if log.zxid < start_zxid]
    return before[-1:] + logs[len(before) :]


def remove_leftovers(disk: Disk, folder: str) -> list[str]:
    """Removes files that were in the making when an earlier server ended; returns their names."""
    leftovers = [name for name in disk.names(folder) if is_temporary(name)]
    for name in leftovers:
        disk.remove(os.path.join(folder, name))
    return leftovers
