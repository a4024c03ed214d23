"""A disk that forgets what was not synced, and has faults when a test asks for them.

Every operation that changes something, and every sync, is a step; a machine can be killed at any step:
1. A change has been made, but is not synced, when its step kills.
2. A sync has not been done when its step kills.
3. After the kill the files that were open, and all that the dead machine still tries, raise `Killed`.
"""

import asyncio
import errno
import os
import posixpath
import random
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from .away import Settle, run_away
from .crash import Unsynced
from .errors import Killed
from .files import Names, StoredFile, normal_path
from .life import is_ghost
from .open_file import SimulatedFile

T = TypeVar("T")

UNLIMITED_BYTES = 1 << 40
JOB_LATENCY_S = (0.0001, 0.0005)
# From the end of a job to the loop hearing of it.
REPORT_LATENCY_S = (0.00001, 0.00005)


class CanWriteDurably(Protocol):
    def write_durably(self, data: bytes) -> None: ...


OnStep = Callable[[str, str, int], None]


class SimulatedDisk:
    """A `Disk`. Paths are absolute; the folder "/" exists. Usable without a simulation, except for `submit`.

    Faults: `capacity_bytes` (None for no limit), `is_lying` (syncs do nothing), `is_read_only`, `set_latency`,
    `fail_next`, `flip`, `kill_at_step`. `count_steps` counts the steps so far.
    """

    def __init__(self, random: random.Random, on_step: OnStep | None = None) -> None:
        self.capacity_bytes: int | None = None
        self.is_lying = False
        self.is_read_only = False
        self.count_steps = 0
        self.life_number = 0
        self.random = random
        self._on_step = on_step
        self._names = Names()
        self._failures: dict[str, tuple[int, int]] = {}
        self._latencies: dict[str | None, tuple[float, float]] = {None: JOB_LATENCY_S}
        self._lane_free_s: dict[str, float] = {}
        self._kill_countdown = 0
        self._kill: Callable[[], None] | None = None

    # The disk as programs see it.

    def names(self, folder: str) -> list[str]:
        self._check()
        return self._names.listing(normal_path(folder))

    def exists(self, path: str) -> bool:
        self._check()
        folder, name = posixpath.split(normal_path(path))
        return normal_path(path) in self._names.current or name in self._names.current.get(folder, {})

    def size_bytes(self, path: str) -> int:
        self._check()
        return self._names.file(normal_path(path)).current.size_bytes

    def free_bytes(self, folder: str) -> int:
        self._check()
        self._names.folder(normal_path(folder))
        return max(0, self.room_bytes())

    def is_writable(self, folder: str) -> bool:
        self._check()
        return normal_path(folder) in self._names.current and not self.is_read_only

    def lock(self, folder: str) -> None:
        """A simulated machine runs one server at a time: nobody else can be there."""
        self.begin("lock", folder)

    def make_folders(self, folder: str) -> None:
        self.begin("make_folders", folder)
        self.step("make_folders", folder)
        self._names.make_folders(normal_path(folder))

    def open_reader(self, path: str) -> SimulatedFile:
        self.begin("open", path)
        return SimulatedFile(self, path, self._names.file(normal_path(path)), can_write=False)

    def open_writer(self, path: str, like: str | None = None) -> SimulatedFile:
        """Whoever there is may read and write everything, so `like` changes nothing."""
        self.begin("create", path)
        path = normal_path(path)
        if self.exists(path):
            file = self._names.file(path)
            file.change(0, None)
        else:
            self._names.folder(posixpath.dirname(path))
            file = StoredFile()
            self._names.change(None, path, file)
        self.step("create", path)
        return SimulatedFile(self, path, file, can_write=True)

    def remove(self, path: str) -> None:
        self.begin("remove", path)
        path = normal_path(path)
        self._names.file(path)
        self._names.change(path, None, None)
        self.step("remove", path)

    def rename(self, old: str, new: str) -> None:
        self.begin("rename", old)
        old, new = normal_path(old), normal_path(new)
        file = self._names.file(old)
        self._names.folder(posixpath.dirname(new))
        self._names.change(old, new, file)
        self.step("rename", new)

    def truncate(self, path: str, size_bytes: int) -> None:
        self.begin("truncate", path)
        file = self._names.file(normal_path(path))
        file.change(size_bytes, None)
        self.step("truncate", path, size_bytes)
        self.sync_file(file)

    def write_again(self, path: str, begin: int, end: int) -> None:
        self.begin("write", path)
        file = self._names.file(normal_path(path))
        file.change(begin, file.current.read(begin, end - begin))
        self.step("write", path, end - begin)
        self.sync_file(file)

    def sync_folder(self, folder: str) -> None:
        self.begin("sync_folder", folder)
        self.step("sync_folder", folder)
        if not self.is_lying:
            self._names.sync(normal_path(folder))

    def submit(self, lane: str, job: Callable[[], T]) -> asyncio.Future[T]:
        self._check()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        latency_s = self.random.uniform(*self._latencies.get(lane, self._latencies[None]))
        when_s = max(loop.time(), self._lane_free_s.get(lane, 0.0)) + latency_s
        self._lane_free_s[lane] = when_s
        loop.call_at(when_s, self._run_job, job, future)
        return future

    def write_durably_soon(self, lane: str, file: CanWriteDurably, data: bytes) -> asyncio.Future[None]:
        return self.submit(lane, partial(file.write_durably, data))

    def close(self) -> None:
        """Nothing to end: lanes are no threads here, and jobs run when their time comes."""

    def _run_job(self, job: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        settle: Settle = run_away(job, future)
        asyncio.get_running_loop().call_later(self.random.uniform(*REPORT_LATENCY_S), settle)

    # Faults.

    def set_latency(self, low_s: float, high_s: float, lane: str | None = None) -> None:
        """How long jobs take from now on: those of `lane`, or those of all lanes that have no latency of their own."""
        self._latencies[lane] = (low_s, high_s)

    def fail_next(self, kind: str, code: int = errno.EIO, count: int = 1) -> None:
        """The next `count` operations of this kind raise `OSError(code)`.

        Kinds: open, read, create, write, reserve, sync, rename, remove, truncate, make_folders, sync_folder.
        """
        self._failures[kind] = (code, count)

    def flip(self, path: str, offset: int, bit: int = 0) -> None:
        """Flips one bit of the file, durably."""
        self._names.file(normal_path(path)).flip(offset, bit)

    def kill_at_step(self, count: int, kill: Callable[[], None] | None = None) -> None:
        """The `count`th step from now kills: it calls `kill` (by default `crash`) and raises `Killed`."""
        self._kill_countdown, self._kill = count, kill or self.crash

    def crash(self, fate: Unsynced = Unsynced.RANDOM) -> None:
        """The machine dies now. What was not synced meets its fate; open files are dead."""
        self.life_number += 1
        self._kill_countdown, self._kill = 0, None
        self._lane_free_s.clear()
        self._names.crash(fate, self.random)
        for file in self._names.files():
            file.crash(fate, self.random)

    def durable_files(self, folder: str) -> dict[str, bytes]:
        """What a crash now would leave at least of the files in `folder`, by name."""
        return self._names.durable_files(normal_path(folder))

    # What files need of their disk.

    def begin(self, kind: str, path: str) -> None:
        """Comes before every operation that may fail. Raises what a test has asked for."""
        self._check()
        code, count = self._failures.get(kind, (0, 0))
        if count > 0:
            self._failures[kind] = (code, count - 1)
            raise OSError(code, os.strerror(code), path)
        if self.is_read_only and kind not in ("open", "read", "sync", "sync_folder"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    def step(self, kind: str, path: str, detail: int = 0) -> None:
        self.count_steps += 1
        if self._on_step is not None:
            self._on_step(kind, path, detail)
        if self._kill is None:
            return
        self._kill_countdown -= 1
        if self._kill_countdown <= 0:
            self._kill()
            raise Killed(f"{kind} {path}")

    def sync_file(self, file: StoredFile) -> None:
        if not self.is_lying:
            file.sync()

    def room_bytes(self) -> int:
        """How much more data fits. Reserved space that was never written to takes no room."""
        if self.capacity_bytes is None:
            return UNLIMITED_BYTES
        return self.capacity_bytes - sum(len(file.current.data) for file in self._names.files())

    def _check(self) -> None:
        if is_ghost():
            raise Killed("the machine is dead")
