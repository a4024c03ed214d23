"""Replays onto a database what the logs hold beyond it.

1. Every logged transaction is replayed, acknowledged or not; none is left out silently. Where one is missing within an
   epoch replay refuses, unless `accept_gaps` says otherwise.
2. A transaction that an overlapping log repeats is replayed once.
3. Between two epochs, and behind the last transaction, nothing shows that some are missing, unless a snapshot was
   there that held them and cannot be read any more. Then replay refuses, too.
"""

import os
from collections.abc import Callable
from typing import Final

from zkeeper.database.database import Database
from zkeeper.errors import CorruptionError, DecodeError
from zkeeper.storage.disk import Disk
from zkeeper.storage.log_reader import ADVICE, LogReader
from zkeeper.storage.names import SnapshotFile
from zkeeper.storage.settings import StorageSettings
from zkeeper.wire.txns import decode_txn
from zkeeper.wire.zxids import epoch_begins_late, follows

PROGRESS_TXNS: Final = 10_000
WRITTEN_AGAIN_BYTES: Final = 1 << 26
"""More than a batch of transactions, with which a log ends whose sync has failed."""

Each = Callable[[int, bytes], None]
Progress = Callable[[int, int], None]


class Replay:
    """`tell` takes sentences for the server's log; `each` the zxid and payload of each transaction; `progress` how many
    bytes of how many are done. `txns` were replayed, `repeated` left out (rule 2)."""

    def __init__(
        self, disk: Disk, settings: StorageSettings, tell: Callable[[str], None], *, each: Each | None = None,
        progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self.txns = 0
        self.repeated = 0
        self._disk = disk
        self._settings = settings
        self._tell = tell
        self._each = each
        self._progress = progress
        self._unreadable: list[SnapshotFile] = []

    def run(self, database: Database, unreadable: list[SnapshotFile]) -> None:
        """Blocks. `unreadable` are the snapshots that are there and cannot be read. Raises `CorruptionError`."""
        self._unreadable = unreadable
        settings = self._settings
        start_zxid = int(database.last_zxid) + 1
        reader = LogReader(self._disk, settings.log_folder, start_zxid, settings.limit_bytes, self._tell)
        total_bytes = self._total_bytes(reader)
        last_zxid = start_zxid - 1
        for zxid, payload in reader.entries():
            if zxid != last_zxid + 1:
                if zxid <= last_zxid:
                    self.repeated += 1
                    continue
                self._check_jump(reader, zxid, last_zxid)
            try:
                database.apply(decode_txn(payload, settings.limit_bytes, settings.digest_enabled))
            except DecodeError as error:
                wrong = f"its transaction 0x{zxid:x} does not decode ({error})"
                raise CorruptionError(f"{_place(reader)}: {wrong}; {ADVICE}") from error
            last_zxid = zxid
            self._count(zxid, payload, reader, total_bytes)
        self._check_end(last_zxid)
        self._make_durable(reader)
        self._tell_end(database)

    def _count(self, zxid: int, payload: bytes, reader: LogReader, total_bytes: int) -> None:
        self.txns += 1
        if self._each is not None:
            self._each(zxid, payload)
        if self._progress is not None and self.txns % PROGRESS_TXNS == 0:
            self._progress(reader.bytes_read, total_bytes)

    def _total_bytes(self, reader: LogReader) -> int:
        folder = self._settings.log_folder
        return sum(self._disk.size_bytes(os.path.join(folder, log.name)) for log in reader.files)

    def _make_durable(self, reader: LogReader) -> None:
        """A server that was killed may have written what it had not synced, or what could not be synced, and may have
        begun a file whose name was not synced. What was replayed will be built upon, so it must not be lost any more.
        """
        last = reader.reader
        if last is not None:
            self._disk.write_again(last.path, max(0, last.offset - WRITTEN_AGAIN_BYTES), last.offset)
            self._disk.sync_folder(self._settings.log_folder)

    def _check_jump(self, reader: LogReader, zxid: int, last_zxid: int) -> None:
        lost = next((one for one in self._unreadable if last_zxid < one.zxid < zxid), None)
        if not follows(zxid, last_zxid):
            missing = f"transactions 0x{last_zxid + 1:x} to 0x{zxid - 1:x} are missing before it"
            self._refuse(f"{_place(reader)}: {missing}", f"zxid 0x{zxid:x} is replayed all the same")
        elif lost is not None:
            missing = f"what {lost.name} held between 0x{last_zxid:x} and 0x{zxid:x} is missing"
            self._refuse(f"{_place(reader)}: {missing}", f"zxid 0x{zxid:x} is replayed all the same")
        elif epoch_begins_late(zxid, last_zxid):
            self._tell(f"after zxid 0x{last_zxid:x} the log goes on with 0x{zxid:x}, in the middle of an epoch")

    def _check_end(self, last_zxid: int) -> None:
        lost = next((one for one in self._unreadable if one.zxid > last_zxid), None)
        if lost is not None:
            folder = self._settings.snapshot_folder
            wrong = f"{os.path.join(folder, lost.name)} cannot be read, and the logs end with zxid 0x{last_zxid:x}"
            self._refuse(wrong, "the server goes on from there")

    def _refuse(self, wrong: str, all_the_same: str) -> None:
        if not self._settings.accept_gaps:
            raise CorruptionError(f"{wrong}; {ADVICE}")
        self._tell(f"{wrong}: {all_the_same}, as the settings say")

    def _tell_end(self, database: Database) -> None:
        if self.repeated:
            self._tell(f"the logs overlap: {self.repeated} transactions were there twice and replayed once")
        if database.awaits_digest():
            self._tell("the log ends before the transaction with which the snapshot's digest can be compared")
            database.forget_awaited_digest()
            database.await_agreement()


def _place(reader: LogReader) -> str:
    assert reader.reader is not None
    return f"{reader.reader.path}, offset {reader.reader.entry_offset}"
