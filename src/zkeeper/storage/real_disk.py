"""The disk of the operating system.

Rules, beside those of `Disk`:
1. A lane is made when it is first used; `lane.py` says what it does.
2. `write_durably_soon` takes the short way of `direct_writes.py` where that is possible, and the lane where not.
   What the short way leaves unfinished the lane does again, before anything that was submitted later.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from zkeeper.storage.direct_writes import DirectFile, DirectWriter
from zkeeper.storage.disk import DiskFile
from zkeeper.storage.lane import Lane, succeed

T = TypeVar("T")

FILE_MODE = 0o666
# Valid as a number and never open, so that the operating system itself refuses a closed file.
NO_DESCRIPTOR = (1 << 31) - 1

RWF_DSYNC: int = getattr(os, "RWF_DSYNC", 0)
"""Linux makes a write durable in the call that writes: one turn of the interpreter's lock less than two calls."""


class RealFile:
    """A `DiskFile` on a file descriptor. Once closed, every operation fails with `EBADF`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0
        self._reserved_bytes = 0
        self._direct: DirectFile | None = None
        self._was_direct_tried = False

    def read(self, size_bytes: int) -> bytes:
        data = os.pread(self._descriptor, size_bytes, self._position)
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

    def write_directly(self, writer: DirectWriter, data: bytes, told: Callable[[bool], None]) -> bool:
        """`DirectFile.write` at the position, which moves on when it is done."""
        if not self._was_direct_tried:
            self._was_direct_tried = True
            self._direct = DirectFile.of(self._descriptor)

        def done(is_durable: bool) -> None:
            if is_durable:
                self._position += len(data)
            told(is_durable)

        direct = self._direct
        return direct is not None and direct.write(writer, data, self._position, self._reserved_bytes, done)

    def wants_zeros(self) -> bool:
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
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.close()

    def _write_rest(self, data: memoryview) -> None:
        """A write may stop short, at the end of the room for one; the next one says why."""
        while data:
            written_bytes = os.pwrite(self._descriptor, data, self._position)
            self._position += written_bytes
            data = data[written_bytes:]


class RealDisk:
    """A `Disk` on the file systems of this computer. `direct_writes` lets it take the short way (rule 2)."""

    def __init__(self, direct_writes: bool = True) -> None:
        self._lanes: dict[str, Lane] = {}
        self._writer: DirectWriter | None = None
        self._was_writer_tried = not direct_writes
        self._locks: dict[str, int] = {}
        self._is_closed = False

    def names(self, folder: str) -> list[str]:
        return sorted(os.listdir(folder))

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def size_bytes(self, path: str) -> int:
        return os.stat(path).st_size

    def free_bytes(self, folder: str) -> int:
        file_system = os.statvfs(folder)
        return file_system.f_bavail * file_system.f_frsize

    def is_writable(self, folder: str) -> bool:
        return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)

    def lock(self, folder: str) -> None:
        if folder in self._locks:
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        self._locks[folder] = descriptor

    def make_folders(self, folder: str) -> None:
        folder = os.path.abspath(folder)
        if os.path.isdir(folder):
            return
        parent = os.path.dirname(folder)
        self.make_folders(parent)
        os.mkdir(folder)
        self.sync_folder(parent)

    def open_reader(self, path: str) -> RealFile:
        return RealFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def open_writer(self, path: str) -> RealFile:
        return RealFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE))

    def remove(self, path: str) -> None:
        os.remove(path)

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)

    def truncate(self, path: str, size_bytes: int) -> None:
        with _descriptor(path, os.O_WRONLY) as descriptor:
            os.ftruncate(descriptor, size_bytes)
            os.fdatasync(descriptor)

    def sync_folder(self, folder: str) -> None:
        with _descriptor(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
            os.fsync(descriptor)

    def submit(self, lane: str, job: Callable[[], T]) -> asyncio.Future[T]:
        return self._lane(lane).submit(job)

    def write_durably_soon(self, lane: str, file: DiskFile, data: bytes) -> asyncio.Future[None]:
        worker = self._lane(lane)
        writer = self._direct_writer()
        if writer is not None and isinstance(file, RealFile) and worker.is_idle():
            written = _write_directly(worker, writer, file, data)
            if written is not None:
                return written
        return worker.submit(partial(file.write_durably, data))

    def _lane(self, name: str) -> Lane:
        if self._is_closed:
            raise RuntimeError("the disk is closed")
        worker = self._lanes.get(name)
        if worker is None:
            worker = self._lanes[name] = Lane(name)
        return worker

    def _direct_writer(self) -> DirectWriter | None:
        """The one of this disk, which serves the loop that asked first."""
        loop = asyncio.get_running_loop()
        if not self._was_writer_tried:
            self._was_writer_tried = True
            self._writer = DirectWriter.on(loop)
        writer = self._writer
        return writer if writer is not None and writer.loop is loop and writer.is_free() else None

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._writer is not None:
            self._writer.close()
        for lane in self._lanes.values():
            lane.end()
        self._lanes.clear()
        for descriptor in self._locks.values():
            os.close(descriptor)
        self._locks.clear()


def _write_directly(worker: Lane, writer: DirectWriter, file: RealFile, data: bytes) -> asyncio.Future[None] | None:
    """Holds the lane and starts to write; None when the file or the data do not allow it."""
    future: asyncio.Future[None] = writer.loop.create_future()

    def told(is_durable: bool) -> None:
        if not is_durable:
            writer.is_usable = False
            worker.release((partial(file.write_durably, data), writer.loop, future))
            return
        worker.release()
        succeed(future, None)
        if file.wants_zeros():
            worker.submit(file.zero_next)

    worker.hold()
    if file.write_directly(writer, data, told):
        return future
    worker.release()
    return None


@contextlib.contextmanager
def _descriptor(path: str, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
