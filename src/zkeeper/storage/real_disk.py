"""The disk of the operating system.

Rules, beside those of `Disk`:
1. A lane is made when it is first used; `lane.py` says what it does.
2. `write_durably_soon` takes the short way of `direct_writes.py` where that is possible, and the lane where not; `tell`
   hears which, when that was decided. What the short way leaves unfinished the lane does again, before anything that
   was submitted later.
3. A lock on a folder is there when nothing of a process that died is on its way into files of that folder any more.
"""

import asyncio
import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar
from weakref import WeakSet

from zkeeper.storage.direct_writes import DirectWriter
from zkeeper.storage.disk import DiskFile
from zkeeper.storage.lane import Lane
from zkeeper.storage.real_file import RealFile

T = TypeVar("T")

FILE_MODE: Final = 0o666
REWRITE_CHUNK_BYTES: Final = 1 << 20
DIRECT_WAY: Final = "durable writes go past the page cache (io_uring, O_DIRECT)"
LANE_WAY: Final = "durable writes take a thread"


def _ignore(sentence: str) -> None:
    """For those who do not want to be told."""


class RealDisk:
    """A `Disk` on the file systems of this computer. `direct_writes` lets it take the short way (rule 2)."""

    def __init__(self, direct_writes: bool = True, tell: Callable[[str], None] = _ignore) -> None:
        self._tell = tell
        self._told_way = ""
        self._lanes: dict[str, Lane] = {}
        self._writer: DirectWriter | None = None
        self._may_write_directly = direct_writes
        self._was_writer_tried = False
        self._direct_files: WeakSet[RealFile] = WeakSet()
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
        for name in self.names(folder):
            _wait_for_writes(os.path.join(folder, name))

    def make_folders(self, folder: str) -> None:
        folder = os.path.abspath(folder)
        if os.path.isdir(folder):
            return
        parent = os.path.dirname(folder)
        self.make_folders(parent)
        os.mkdir(folder)
        self.sync_folder(parent)

    def open_reader(self, path: str) -> RealFile:
        return RealFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC), path)

    def open_writer(self, path: str, like: str | None = None) -> RealFile:
        mode = FILE_MODE if like is None else stat.S_IMODE(os.stat(like).st_mode)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        if like is not None:
            os.fchmod(descriptor, mode)
        return RealFile(descriptor, path)

    def remove(self, path: str) -> None:
        os.remove(path)

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)

    def truncate(self, path: str, size_bytes: int) -> None:
        with _descriptor(path, os.O_WRONLY) as descriptor:
            os.ftruncate(descriptor, size_bytes)
            os.fdatasync(descriptor)

    def write_again(self, path: str, begin: int, end: int) -> None:
        with _descriptor(path, os.O_RDWR) as descriptor:
            while begin < end:
                data = os.pread(descriptor, min(REWRITE_CHUNK_BYTES, end - begin), begin)
                if not data:
                    break
                begin += os.pwrite(descriptor, data, begin)
            os.fdatasync(descriptor)

    def sync_folder(self, folder: str) -> None:
        with _descriptor(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
            os.fsync(descriptor)

    def submit(self, lane: str, job: Callable[[], T]) -> asyncio.Future[T]:
        return self._lane(lane).submit(job)

    def write_durably_soon(self, lane: str, file: DiskFile, data: bytes) -> asyncio.Future[None]:
        worker = self._lane(lane)
        writer = self._direct_writer()
        if writer is not None and isinstance(file, RealFile) and worker.hold():
            written = self._write_directly(worker, writer, file, data)
            if written is not None:
                return written
            worker.release()
        return worker.submit(partial(file.write_durably, data))

    def _write_directly(
        self, worker: Lane, writer: DirectWriter, file: RealFile, data: bytes
    ) -> asyncio.Future[None] | None:
        """Starts to write while the lane is held, and then releases it; None when the file or the data do not allow
        it."""
        loop = writer.loop
        future: asyncio.Future[None] = loop.create_future()

        def told(is_durable: bool) -> None:
            if not is_durable:
                writer.is_usable = False
                self._tell_way(f"{LANE_WAY} from now on, since a direct write was not done")
                worker.release((partial(file.write_durably, data), loop, future))
                return
            # Asked while the lane is held: afterwards a job of it may be closing the file.
            wants_zeros = file.wrote_directly(len(data)) and writer.is_usable
            worker.release()
            if not (future.done() or loop.is_closed()):
                future.set_result(None)
            if wants_zeros:
                worker.submit(file.zero_next)

        if not file.was_direct_tried:
            file.try_direct()
            self._direct_files.add(file)
        if file.write_directly(writer, data, told):
            if self._told_way != DIRECT_WAY:
                self._tell_way(DIRECT_WAY)
            return future
        if not file.is_direct:
            self._tell_way(f"{LANE_WAY}: the file system refuses direct writes")
        return None

    def _tell_way(self, way: str) -> None:
        if way != self._told_way:
            self._told_way = way
            self._tell(way)

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
            self._writer = DirectWriter.on(loop) if self._may_write_directly else None
            if self._writer is None:
                why = "io_uring is not there or not allowed" if self._may_write_directly else "that was asked for"
                self._tell_way(f"{LANE_WAY}: {why}")
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
        for file in self._direct_files:
            file.end_direct()
        for descriptor in self._locks.values():
            os.close(descriptor)
        self._locks.clear()


def _wait_for_writes(path: str) -> None:
    """Returns when what a process that died was writing to the file, if anything, is there (`direct_writes.py`)."""
    with contextlib.suppress(OSError):  # What cannot be opened is told by whoever needs it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _descriptor(path: str, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
