"""The side of a snapshot that touches the disk, run on its lane.

1. A snapshot has its name only when it is complete and durable: it is written under a temporary name, synced, renamed,
   and its folder is synced.
2. It is synced in steps, so that a sync of the transaction log beside it never waits for a mountain of its pages.
"""

import os
from collections.abc import Sequence
from typing import Final
from zlib import adler32

from zkeeper.errors import StorageError
from zkeeper.storage.compression import encoder
from zkeeper.storage.disk import Disk, DiskFile
from zkeeper.storage.failures import failure
from zkeeper.storage.names import SnapshotFile, temporary_name
from zkeeper.storage.snapshot_format import SNAPSHOT_HEADER, encode_seal

SYNC_STEP_BYTES: Final = 4 * 1024 * 1024


class SnapshotSink:
    """Only jobs of the snapshots' lane may call its methods, and they run one at a time."""

    def __init__(self, disk: Disk, folder: str, snapshot: SnapshotFile) -> None:
        self.path = os.path.join(folder, snapshot.name)
        self._disk = disk
        self._folder = folder
        self._temporary_path = os.path.join(folder, temporary_name(snapshot.name))
        self._encoder = encoder(snapshot.compression)
        self._file: DiskFile | None = None
        self._checksum = 1
        self._size_bytes = 0
        self._unsynced_bytes = 0

    def open(self) -> None:
        """Begins the file."""
        try:
            self._file = self._disk.open_writer(self._temporary_path)
        except OSError as error:
            raise failure("writing", self._temporary_path, error) from error
        self.write(SNAPSHOT_HEADER)

    def write(self, piece: bytes) -> None:
        """Adds a piece of the uncompressed stream."""
        self._checksum = adler32(piece, self._checksum)
        try:
            self._put(self._encoder.encode(piece))
        except OSError as error:
            raise failure("writing", self._temporary_path, error) from error

    def _put(self, data: bytes) -> None:
        if self._file is None:
            raise StorageError(f"{self._temporary_path} was given up")
        self._file.write(data)
        self._size_bytes += len(data)
        self._unsynced_bytes += len(data)
        if self._unsynced_bytes >= SYNC_STEP_BYTES:
            self._file.sync()
            self._unsynced_bytes = 0

    def finish(self, sections: Sequence[bytes]) -> int:
        """Seals the image, adds `sections`, each with its seal, and gives the file its name; returns its size."""
        for part in (b"", *sections):
            self.write(part)
            self.write(encode_seal(self._checksum))
        try:
            self._put(self._encoder.finish())
            self._publish()
        except OSError as error:
            raise failure("writing", self.path, error) from error
        return self._size_bytes

    def _publish(self) -> None:
        assert self._file is not None
        self._file.sync()
        self._close()
        self._disk.rename(self._temporary_path, self.path)
        self._disk.sync_folder(self._folder)

    def discard(self) -> None:
        """Gives up: closes the file and removes what was written. Harmless when there is nothing."""
        try:
            self._close()
            if self._disk.exists(self._temporary_path):
                self._disk.remove(self._temporary_path)
        except OSError as error:
            raise failure("removing", self._temporary_path, error) from error

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
