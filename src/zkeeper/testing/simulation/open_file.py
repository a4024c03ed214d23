"""An open file of the simulated disk."""

import errno
import os
from typing import TYPE_CHECKING

from .errors import Killed
from .files import StoredFile

if TYPE_CHECKING:
    from .disk import SimulatedDisk


class SimulatedFile:
    """A `DiskFile`. Dead when its disk has crashed since it was opened."""

    def __init__(self, disk: "SimulatedDisk", path: str, file: StoredFile, can_write: bool) -> None:
        self._disk = disk
        self._path = path
        self._file = file
        self._can_write = can_write
        self._is_closed = False
        self._position = 0
        self._life_number = disk.life_number

    def read(self, size_bytes: int) -> bytes:
        self._begin("read")
        data = self._file.current.read(self._position, size_bytes)
        self._position += len(data)
        return data

    def write(self, data: bytes) -> None:
        self._begin("write")
        size_bytes = self._fitting_bytes(len(data))
        if size_bytes > 0:
            self._file.change(self._position, bytes(data[:size_bytes]))
            self._position += size_bytes
        self._disk.step("write", self._path, size_bytes)
        if size_bytes < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)

    def reserve(self, size_bytes: int) -> None:
        self._begin("reserve")
        if size_bytes > self._file.current.size_bytes:
            self._file.change(size_bytes, None)
        self._disk.step("reserve", self._path, size_bytes)

    def write_durably(self, data: bytes) -> None:
        self.write(data)
        self.sync()

    def sync(self) -> None:
        try:
            self._begin("sync")
        except OSError:
            self._file.fail_sync(self._disk.random)
            raise
        self._disk.step("sync", self._path)
        self._disk.sync_file(self._file)

    def close(self) -> None:
        self._is_closed = True

    def _begin(self, kind: str) -> None:
        if self._life_number != self._disk.life_number:
            raise Killed(f"{self._path} was opened by a machine that died since")
        if self._is_closed or (not self._can_write and kind != "read"):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._path)
        self._disk.begin(kind, self._path)

    def _fitting_bytes(self, size_bytes: int) -> int:
        """How much of a write fits: what it overwrites has its room already."""
        growth_bytes = self._position + size_bytes - len(self._file.current.data)
        lacking_bytes = growth_bytes - self._disk.room_bytes() if growth_bytes > 0 else 0
        return size_bytes if lacking_bytes <= 0 else max(0, size_bytes - lacking_bytes)
