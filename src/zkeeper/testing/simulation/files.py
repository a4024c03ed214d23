"""Files and names on a simulated disk: what programs see, and what is durable.

Invariants:
1. `current` is what reads return; `durable` is what a crash cannot take away.
2. `durable`, with the unsynced changes applied in order, is `current` (unless a sync failed: what it should have
   made durable may never become so, as with a page cache that forgets failed writes).
"""

import errno
import os
import posixpath
import random

from .crash import FileChange, Unsynced, surviving_file_changes, surviving_name_changes


class Content:
    """Bytes of a file. Zeros at the end take no memory, so that space can be reserved for nothing."""

    __slots__ = ("data", "size_bytes")

    def __init__(self, data: bytes | bytearray = b"", size_bytes: int = 0) -> None:
        self.data = bytearray(data)
        self.size_bytes = size_bytes

    def copy(self) -> "Content":
        return Content(self.data, self.size_bytes)

    def read(self, offset: int, size_bytes: int) -> bytes:
        end = max(offset, min(offset + size_bytes, self.size_bytes))
        return bytes(self.data[offset:end]).ljust(end - offset, b"\0")

    def apply(self, change: FileChange) -> None:
        offset, data = change
        if data is None:
            del self.data[offset:]
            self.size_bytes = offset
            return
        if offset > len(self.data):
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset : offset + len(data)] = data
        self.size_bytes = max(self.size_bytes, offset + len(data))


class StoredFile:
    """A file, whatever its name: one that was removed lives on as long as it is open or durably named."""

    __slots__ = ("current", "durable", "unsynced")

    def __init__(self) -> None:
        self.current = Content()
        self.durable = Content()
        self.unsynced: list[FileChange] = []

    def change(self, offset: int, data: bytes | None) -> None:
        change = FileChange(offset, data)
        self.current.apply(change)
        self.unsynced.append(change)

    def sync(self) -> None:
        self._make_durable(self.unsynced)

    def fail_sync(self, random: random.Random) -> None:
        """Of the unsynced changes some reach the disk and others never will; reads go on to see them all."""
        self._make_durable([change for change in self.unsynced if random.random() < 0.5])

    def crash(self, fate: Unsynced, random: random.Random) -> None:
        if fate is not Unsynced.CACHED:
            self._make_durable(surviving_file_changes(self.unsynced, fate, random))
            self.current = self.durable.copy()

    def flip(self, offset: int, bit: int) -> None:
        for content in (self.current, self.durable):
            if offset < content.size_bytes:
                content.apply(FileChange(offset, bytes([content.read(offset, 1)[0] ^ (1 << bit)])))

    def _make_durable(self, changes: list[FileChange]) -> None:
        for change in changes:
            self.durable.apply(change)
        self.unsynced = []


class NameChange:
    """`removed` disappears and `added` becomes the name of `file`; either may be missing."""

    __slots__ = ("added", "file", "removed")

    def __init__(self, removed: str | None, added: str | None, file: StoredFile | None) -> None:
        self.removed = removed
        self.added = added
        self.file = file

    def concerns(self, folder: str) -> bool:
        return any(path is not None and posixpath.dirname(path) == folder for path in (self.removed, self.added))


Folders = dict[str, dict[str, StoredFile]]


class Names:
    """The folders and the names in them. Paths are absolute and normal (`normal_path`)."""

    def __init__(self) -> None:
        self.current: Folders = {"/": {}}
        self._durable: Folders = {"/": {}}
        self._unsynced: list[NameChange] = []

    def folder(self, folder: str) -> dict[str, StoredFile]:
        if folder not in self.current:
            raise missing(folder)
        return self.current[folder]

    def file(self, path: str) -> StoredFile:
        name = posixpath.basename(path)
        if path in self.current:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        file = self.folder(posixpath.dirname(path)).get(name)
        if file is None:
            raise missing(path)
        return file

    def listing(self, folder: str) -> list[str]:
        files = self.folder(folder)
        inner = [path for path in self.current if path != "/" and posixpath.dirname(path) == folder]
        return sorted([*files, *map(posixpath.basename, inner)])

    def make_folders(self, folder: str) -> None:
        """Makes the folder and its parents, durably."""
        if folder in self.current:
            return
        parent, name = posixpath.split(folder)
        self.make_folders(parent)
        if name in self.current[parent]:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), folder)
        self.current[folder] = {}
        self._durable[folder] = {}

    def change(self, removed: str | None, added: str | None, file: StoredFile | None) -> None:
        change = NameChange(removed, added, file)
        _apply(change, self.current)
        self._unsynced.append(change)

    def sync(self, folder: str) -> None:
        self.folder(folder)
        self._make_durable([change for change in self._unsynced if change.concerns(folder)])
        self._unsynced = [change for change in self._unsynced if not change.concerns(folder)]

    def crash(self, fate: Unsynced, random: random.Random) -> None:
        if fate is not Unsynced.CACHED:
            self._make_durable(surviving_name_changes(self._unsynced, fate, random))
            self._unsynced = []
            self.current = {folder: dict(files) for folder, files in self._durable.items()}

    def durable_files(self, folder: str) -> dict[str, bytes]:
        """What a crash that loses all that was not synced would leave of a folder's files."""
        files = self._durable.get(folder, {})
        return {name: file.durable.read(0, file.durable.size_bytes) for name, file in sorted(files.items())}

    def files(self) -> list[StoredFile]:
        return [file for files in self.current.values() for file in files.values()]

    def _make_durable(self, changes: list[NameChange]) -> None:
        for change in changes:
            _apply(change, self._durable)


def _apply(change: NameChange, folders: Folders) -> None:
    if change.removed is not None:
        folder, name = posixpath.split(change.removed)
        folders[folder].pop(name, None)
    if change.added is not None and change.file is not None:
        folder, name = posixpath.split(change.added)
        folders[folder][name] = change.file


def normal_path(path: str) -> str:
    return posixpath.normpath(posixpath.join("/", path))


def missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
