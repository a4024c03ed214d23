"""The door to files: everything that zkeeper reads from or writes to a disk goes through a `Disk`.

Rules of the door:
1. The plain methods block. They are for start-up and for jobs; nothing calls them on a loop that serves clients.
2. `submit` runs a job away from the loop. Jobs of one lane run one at a time, in the order they were submitted;
   lanes are independent of one another. The future resolves on the loop that submitted it.
3. Nothing is durable before it was synced: a file's bytes by `DiskFile.sync`, a name (created, renamed, removed)
   by `sync_folder`. The simulated disk forgets what was not.
4. Failures are `OSError` with its errno (`ENOSPC` for a full disk), as the operating system gives them.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class DiskFile(Protocol):
    """An open file with one position, which reads and writes move forward. Positions and sizes are bytes."""

    def read(self, size_bytes: int) -> bytes:
        """Up to `size_bytes` from the position; empty at the end of the file."""
        ...

    def write(self, data: bytes) -> None:
        """Writes all of `data` at the position. After an `OSError` how much was written is unknown."""
        ...

    def write_durably(self, data: bytes) -> None:
        """`write`, then `sync`, in one step where the system has one."""
        ...

    def reserve(self, size_bytes: int) -> None:
        """Makes the file at least `size_bytes` long; what is new reads as zeros. The position stays."""
        ...

    def sync(self) -> None:
        """Returns once all that was written is durable (fdatasync)."""
        ...

    def close(self) -> None:
        """Closes the file without syncing it; closing twice is harmless."""
        ...


class Disk(Protocol):
    """Folders and files of one machine. Paths are those of the operating system."""

    def names(self, folder: str) -> list[str]:
        """Names in `folder`, sorted. `FileNotFoundError` when there is no such folder."""
        ...

    def exists(self, path: str) -> bool: ...

    def size_bytes(self, path: str) -> int: ...

    def free_bytes(self, folder: str) -> int:
        """Room left for writing on the file system that holds `folder`."""
        ...

    def is_writable(self, folder: str) -> bool: ...

    def lock(self, folder: str) -> None:
        """Keeps other processes that lock `folder` out of it until `close`. `BlockingIOError` when one is there."""
        ...

    def make_folders(self, folder: str) -> None:
        """Makes `folder` and its parents, where missing, and makes their names durable."""
        ...

    def open_reader(self, path: str) -> DiskFile: ...

    def open_writer(self, path: str, like: str | None = None) -> DiskFile:
        """Creates `path`, or empties it when it exists, for those who may use the file `like`, if that is named."""
        ...

    def remove(self, path: str) -> None: ...

    def rename(self, old: str, new: str) -> None:
        """Puts `old` in the place of `new` in one step."""
        ...

    def truncate(self, path: str, size_bytes: int) -> None:
        """Makes the file `size_bytes` long, durably."""
        ...

    def write_again(self, path: str, begin: int, end: int) -> None:
        """Writes what the file has from offset `begin` to `end` once more, durably. A system whose sync has failed may
        go on to show what it could not write, and take it for written; only a new write makes it try again."""
        ...

    def sync_folder(self, folder: str) -> None: ...

    def submit(self, lane: str, job: Callable[[], T]) -> asyncio.Future[T]:
        """Runs `job` on the lane (rule 2). An exception of the job, `OSError` or other, is the future's."""
        ...

    def write_durably_soon(self, lane: str, file: DiskFile, data: bytes) -> asyncio.Future[None]:
        """`file.write_durably(data)` as a job of the lane, by a shorter way where the system has one.

        Until the future is done `file` may be used by jobs of the lane only.
        """
        ...

    def close(self) -> None:
        """Waits for the jobs submitted so far and ends the lanes."""
        ...
