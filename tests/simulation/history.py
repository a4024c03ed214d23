"""What is known about a run: every connection with its frames, the transactions that lasted, photographs.

1. A transaction that a server had applied, or that was in the logs when a server had recovered, has lasted: under its
   zxid nothing else may ever be found again.
2. What a write's outcome was is known from its reply; without one it is unknown until the logs are read.
"""

from dataclasses import dataclass, field

from zkeeper.storage.disk import Disk

from .log_files import Entry, read_file, read_logs
from .node import Photo
from .raw_client import RawClient, Sent, Session


class Violation(AssertionError):
    """The server broke a promise."""


@dataclass(frozen=True)
class Connection:
    """`instance` numbers the server that it was made to. `is_expired`: the server said that the session is over."""

    client: RawClient
    instance: int
    wanted_timeout_ms: int
    resumed: Session
    is_expired: bool


@dataclass
class History:
    connections: list[Connection] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)
    recovered_zxids: list[int] = field(default_factory=list)
    """For each server that served, in order, the zxid it began with."""
    instances: list[int] = field(default_factory=list)
    """The numbers of those servers."""
    entries: dict[int, Entry] = field(default_factory=dict)
    sent: dict[tuple[int, int], Sent] = field(default_factory=dict)
    """Writes by session and xid."""
    _purged: dict[int, Entry] = field(default_factory=dict)

    def note_removal(self, disk: Disk, path: str) -> None:
        """A log is about to be removed: what it holds has to be remembered."""
        if "/log." in path:
            self._purged.update({entry.zxid: entry for entry in read_file(disk, path)})

    def recovered(self, disk: Disk, photo: Photo, instance: int) -> None:
        """A server begins to serve what it found on its disk."""
        found = self._harvest(disk)
        if photo.zxid not in (0, max(found, default=0)) or any(zxid > photo.zxid for zxid in found):
            raise Violation(f"recovered to zxid {photo.zxid}, but the logs hold {sorted(found)[-3:]} last")
        lasting = {zxid: entry for zxid, entry in self.entries.items() if zxid <= photo.zxid}
        self._check_lasting(found, lasting)
        self.entries = {**lasting, **found}
        self.recovered_zxids.append(photo.zxid)
        self.instances.append(instance)
        self.photos.append(photo)

    def ended(self, disk: Disk, photo: Photo) -> None:
        """Nothing is under way any more: the logs hold exactly what the server shows."""
        found = self._harvest(disk)
        self._check_lasting(found, self.entries)
        self.entries = {**self.entries, **found}
        self.photos.append(photo)

    def _harvest(self, disk: Disk) -> dict[int, Entry]:
        return {**self._purged, **read_logs(disk)}

    def _check_lasting(self, found: dict[int, Entry], lasting: dict[int, Entry]) -> None:
        for zxid, entry in found.items():
            if lasting.get(zxid, entry) != entry:
                raise Violation(f"zxid {zxid} was {lasting[zxid]} and is now {entry}")

    def count_unknown(self) -> int:
        return sum(1 for sent in self.sent.values() if sent.reply is None)
