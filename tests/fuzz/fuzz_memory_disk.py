"""As much of a `Disk` as reading needs, over bytes in memory; it is made anew for every input."""

import asyncio
from collections.abc import Callable
from posixpath import dirname
from typing import TypeVar

T = TypeVar("T")


class MemoryFile:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, size_bytes: int) -> bytes:
        piece = self._data[self._at : self._at + size_bytes]
        self._at += len(piece)
        return piece

    def write(self, data: bytes) -> None:
        raise AssertionError("reading writes nothing")

    def reserve(self, size_bytes: int) -> None:
        raise AssertionError("reading reserves nothing")

    def sync(self) -> None: ...

    def close(self) -> None: ...


class MemoryDisk:
    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def names(self, folder: str) -> list[str]:
        return sorted(path[len(folder) + 1 :] for path in self.files if dirname(path) == folder)

    def exists(self, path: str) -> bool:
        return path in self.files or any(dirname(file).startswith(path) for file in self.files)

    def size_bytes(self, path: str) -> int:
        return len(self.files[path])

    def free_bytes(self, folder: str) -> int:
        return 1 << 40

    def is_writable(self, folder: str) -> bool:
        return True

    def make_folders(self, folder: str) -> None: ...

    def lock(self, folder: str) -> None: ...

    def open_reader(self, path: str) -> MemoryFile:
        if path not in self.files:
            raise FileNotFoundError(path)
        return MemoryFile(self.files[path])

    def open_writer(self, path: str, like: str | None = None) -> MemoryFile:
        raise AssertionError("reading writes nothing")

    def remove(self, path: str) -> None:
        del self.files[path]

    def rename(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)

    def truncate(self, path: str, size_bytes: int) -> None:
        self.files[path] = self.files[path][:size_bytes]

    def write_again(self, path: str, begin: int, end: int) -> None: ...

    def sync_folder(self, folder: str) -> None: ...

    def submit(self, lane: str, job: Callable[[], T]) -> "asyncio.Future[T]":
        raise AssertionError("reading submits nothing")

    def write_durably_soon(self, lane: str, file: object, data: bytes) -> "asyncio.Future[None]":
        raise AssertionError("reading writes nothing")

    def close(self) -> None: ...
