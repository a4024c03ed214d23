"""The side of the transaction log that touches the disk, run on its lane.

1. A batch is durable when `write` returns: each file's bytes are synced before the next file is begun, and a file's
   header and name are durable before its first entry.
2. After a failure nothing is ever written again: an entry behind a torn one would be lost at recovery.
3. What a failed write or sync left behind is cut off, as far as the disk still lets us. A restart would find it in the
   operating system's cache and believe it, though it may never become durable.
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from typing import NoReturn, final

from zkeeper.errors import StorageError
from zkeeper.storage.disk import Disk, DiskFile
from zkeeper.storage.failures import failure
from zkeeper.storage.log_format import LOG_HEADER
from zkeeper.storage.names import log_name


@final
class Segment:
    """Entries for one file. `begins` is the first zxid of a file to be begun with them, None to go on with the file
    at hand; `size_bytes` is the size that padding gives the file first, 0 for none."""

    def __init__(self, begins: int | None, size_bytes: int, data: bytes) -> None:
        self.begins = begins
        self.size_bytes = size_bytes
        self.data = data


@final
class LogFiles:
    """Its methods are called one at a time: by jobs of the log's lane, and `go_on` between them."""

    def __init__(self, disk: Disk, folder: str, force_sync: bool) -> None:
        self._disk = disk
        self._folder = folder
        self._force_sync = force_sync
        self._file: DiskFile | None = None
        self._path = folder
        self._durable_bytes = 0
        self._trusted = True

    def write(self, batch: Sequence[Segment]) -> int | None:
        """Makes `batch` durable; returns the free bytes of the file system when a file grew by padding, else None."""
        if not self._trusted:
            raise StorageError(f"{self._path} is not written to any more, because an earlier write failed; restart")
        self._trusted = False
        try:
            grew = [self._write_segment(segment) for segment in batch]
            free_bytes = self._disk.free_bytes(self._folder) if any(grew) else None
        except OSError as error:
            self.give_up(error)
        self._trusted = True
        return free_bytes

    def go_on(self, lane: str, batch: Sequence[Segment]) -> asyncio.Future[None] | None:
        """Begins what `write` does, from the loop, if the batch just goes on with the file at hand; else None.

        The caller ends it with `went_on`, or with the job `give_up`.
        """
        if len(batch) != 1 or batch[0].begins is not None or batch[0].size_bytes or not self._force_sync:
            return None
        if self._file is None or not self._trusted:
            return None
        self._trusted = False
        return self._disk.write_durably_soon(lane, self._file, batch[0].data)

    def went_on(self, size_bytes: int) -> None:
        self._durable_bytes += size_bytes
        self._trusted = True

    def give_up(self, error: BaseException) -> NoReturn:
        """What a failed write leaves to do. Raises what is told of it."""
        self._cut_off()
        if not isinstance(error, OSError):
            raise error
        wrong = failure("writing", self._path, error)
        wrong.__cause__ = error  # `raise from` loses it when it is compiled.
        raise wrong

    def _cut_off(self) -> None:
        with contextlib.suppress(OSError):
            self.close()
            if self._disk.exists(self._path):
                self._disk.truncate(self._path, self._durable_bytes)

    def _write_segment(self, segment: Segment) -> bool:
        file = self._file if segment.begins is None else self._begin(segment.begins, segment.size_bytes)
        assert file is not None, "a batch goes on with a file that was never begun"
        if segment.begins is None and segment.size_bytes:
            file.reserve(segment.size_bytes)
        if self._force_sync:
            file.write_durably(segment.data)
        else:
            file.write(segment.data)
        self._durable_bytes += len(segment.data)
        return segment.size_bytes > 0 or segment.begins is not None

    def _begin(self, first_zxid: int, size_bytes: int) -> DiskFile:
        self.close()
        self._path = os.path.join(self._folder, log_name(first_zxid))
        self._durable_bytes = 0
        file = self._file = self._disk.open_writer(self._path)
        file.write(LOG_HEADER)
        if size_bytes:
            file.reserve(size_bytes)
        if self._force_sync:
            file.sync()
            self._disk.sync_folder(self._folder)
        self._durable_bytes = len(LOG_HEADER)
        return file

    def close(self) -> None:
        """Closes the file at hand."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
