"""The disk of the operating system.

Rules, beside those of `Disk`:
1. A lane is a daemon thread, made when the lane is first used. It does nothing between jobs but wait for the next.
2. The outcome of a job reaches its loop with one `call_soon_threadsafe`; if that loop was closed meanwhile, nobody
   waits any more and the outcome is dropped.
"""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

FILE_MODE = 0o666
# Valid as a number and never open, so that the operating system itself refuses a closed file.
NO_DESCRIPTOR = (1 << 31) - 1

RWF_DSYNC: int = getattr(os, "RWF_DSYNC", 0)
"""Linux makes a write durable in the call that writes: one turn of the interpreter's lock less than two calls."""

Work = tuple[Callable[[], Any], asyncio.AbstractEventLoop, asyncio.Future[Any]]


class RealFile:
    """A `DiskFile` on a file descriptor. Once closed, every operation fails with `EBADF`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

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

    def reserve(self, size_bytes: int) -> None:
        if size_bytes > os.fstat(self._descriptor).st_size:
            os.ftruncate(self._descriptor, size_bytes)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, NO_DESCRIPTOR
        if descriptor != NO_DESCRIPTOR:
            os.close(descriptor)

    def _write_rest(self, data: memoryview) -> None:
        """A write may stop short, at the end of the room for one; the next one says why."""
        while data:
            written_bytes = os.pwrite(self._descriptor, data, self._position)
            self._position += written_bytes
            data = data[written_bytes:]


class RealDisk:
    """A `Disk` on the file systems of this computer."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
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
        return RealFile(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE))

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
        if self._is_closed:
            raise RuntimeError("the disk is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        worker = self._lanes.get(lane)
        if worker is None:
            worker = self._lanes[lane] = _Lane(lane)
        worker.work.put((job, loop, future))
        return future

    def close(self) -> None:
        self._is_closed = True
        for lane in self._lanes.values():
            lane.work.put(None)
        for lane in self._lanes.values():
            lane.thread.join()
        self._lanes.clear()
        for descriptor in self._locks.values():
            os.close(descriptor)
        self._locks.clear()


class _Lane:
    """One thread and its queue; None in the queue ends it."""

    def __init__(self, name: str) -> None:
        self.work: SimpleQueue[Work | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, name=f"disk-{name}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while (work := self.work.get()) is not None:
            _perform(*work)
            # A waiting lane keeps nothing alive.
            del work


def _perform(job: Callable[[], T], loop: asyncio.AbstractEventLoop, future: asyncio.Future[T]) -> None:
    try:
        result = job()
    except BaseException as error:
        _report(loop, _fail, future, error)
    else:
        _report(loop, _succeed, future, result)


def _report(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[asyncio.Future[Any], Any], None],
    future: asyncio.Future[Any],
    outcome: object,
) -> None:
    # RuntimeError: the loop was closed (rule 2).
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle, future, outcome)


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


@contextlib.contextmanager
def _descriptor(path: str, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
