"""A file of the operating system: written through the page cache, or past it where `direct_writes.py` can."""

import os
from collections.abc import Callable

from zkeeper.storage.direct_writes import DirectFile, DirectWriter

# Valid as a number and never open, so that the operating system itself refuses a closed file.
NO_DESCRIPTOR = (1 << 31) - 1

RWF_DSYNC: int = getattr(os, "RWF_DSYNC", 0)
"""Linux makes a write durable in the call that writes: one turn of the interpreter's lock less than two calls."""


class RealFile:
    """A `DiskFile` on a file descriptor. Once closed, every operation fails with `EBADF`."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path
        self._position = 0
        self._reserved_bytes = 0
        self._direct: DirectFile | None = None
        self.was_direct_tried = False

    def read(self, size_bytes: int) -> bytes:
        try:
            data = os.pread(self._descriptor, size_bytes, self._position)
        except OSError as error:
            error.filename = self._path  # One of many that a recovery reads.
            raise
        self._position += len(data)
        return data

    def write(self, data: bytes) -> None:
        written_bytes = os.pwrite(self._descriptor, data, self._position)
        self._position += written_bytes
        if written_bytes < len(data):
            self._write_rest(memoryview(data)[written_bytes:])

    def write_durably(self, data: bytes) -> None:
        written_bytes = os.pwritev(self._descriptor, [data], self._position, RWF_DSYNC)
        self._position += written_bytes
        if written_bytes < len(data):
            self._write_rest(memoryview(data)[written_bytes:])
        if written_bytes < len(data) or not RWF_DSYNC:
            self.sync()

    def try_direct(self) -> None:
        """To be called once, before the first `write_directly`."""
        self.was_direct_tried = True
        self._direct = DirectFile.of(self._descriptor)

    @property
    def is_direct(self) -> bool:
        """Whether its file system allows direct writes; not before that was tried."""
        return self._direct is not None

    def write_directly(self, writer: DirectWriter, data: bytes, told: Callable[[bool], None]) -> bool:
        """`DirectFile.write` at the position. `wrote_directly` is to be called when `told` hears that it is durable."""
        direct = self._direct
        return direct is not None and direct.write(writer, data, self._position, self._reserved_bytes, told)

    def wrote_directly(self, size_bytes: int) -> bool:
        """Moves the position behind a direct write. Whether `zero_next` is due."""
        self._position += size_bytes
        return self._direct is not None and self._direct.wants_zeros(self._position, self._reserved_bytes)

    def zero_next(self) -> None:
        """A job that has blocks written before data comes to them."""
        if self._direct is not None:
            self._direct.zero_next(self._position, self._reserved_bytes)

    def reserve(self, size_bytes: int) -> None:
        self._reserved_bytes = max(size_bytes, os.fstat(self._descriptor).st_size)
        if size_bytes == self._reserved_bytes:
            os.ftruncate(self._descriptor, size_bytes)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, NO_DESCRIPTOR
        if descriptor != NO_DESCRIPTOR:
            os.close(descriptor)
        self.end_direct()

    def end_direct(self) -> None:
        """No direct write follows, and none is on its way: what was opened and locked for them is given back."""
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.close()

    def _write_rest(self, data: memoryview) -> None:
        """A write may stop short, at the end of the room for one; the next one says why."""
        while data:
            written_bytes = os.pwrite(self._descriptor, data, self._position)
            self._position += written_bytes
            data = data[written_bytes:]
