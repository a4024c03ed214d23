"""Reads transaction logs, entry by entry and file by file, in bounded memory.

1. An entry is given out only when its length, its end mark and its checksum were seen to be right.
2. A log ends at its padding, at the end of the file, or at a torn write. Where entries are missing although no crash
   explains it, reading stops with a `CorruptionError` that names the file and the place.
3. Nothing is changed on the disk.
"""

import os
from collections.abc import Callable, Generator, Iterator
from typing import Final
from zlib import adler32

from zkeeper.errors import CorruptionError
from zkeeper.storage.disk import Disk, DiskFile
from zkeeper.storage.log_format import (
    ENTRY_FRAME_BYTES,
    ENTRY_HEAD,
    ENTRY_HEAD_BYTES,
    LOG_HEADER,
    LOG_MAGIC,
    TXN_HEADER_BYTES,
    ZXID_OFFSET,
)
from zkeeper.storage.names import LogFile, logs_in, logs_since
from zkeeper.storage.torn import region_bytes, why_damaged
from zkeeper.wire.log_entry import END_MARK

CHUNK_BYTES: Final = 1024 * 1024
ADVICE: Final = (
    "restore the file from a backup, or, in an ensemble, empty this server's data folders so that it copies the "
    "leader's state; do not delete this file alone"
)

_LEAST_ZXID: Final = -(1 << 63)


def _ignore(_: str) -> None:
    """For readers that nobody listens to."""


class LogFileReader:
    """Reads one log. After the iteration `offset` is where the next entry would begin; during it `entry_offset` is
    where the entry just given out begins, and `offset` where it ends.

    `next_begins` is the first zxid of the log after it, None for the newest.
    """

    def __init__(
        self, disk: Disk, path: str, begins: int, next_begins: int | None, limit_bytes: int,
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.path = path
        self.offset = len(LOG_HEADER)
        self.entry_offset = self.offset
        self._disk = disk
        self._last_zxid = begins - 1
        self._next_begins = next_begins
        self._limit_bytes = limit_bytes
        self._tell = tell

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """zxid and payload of each entry, in the order of the file."""
        file = self._disk.open_reader(self.path)
        try:
            header = _read_fully(file, len(LOG_HEADER))
            if self._check_header(header, file):
                yield from self._read_entries(file)
        finally:
            file.close()

    def _check_header(self, header: bytes, file: DiskFile) -> bool:
        """False for a newest log that a crash left before its header was durable; such a log was never synced."""
        if len(header) == len(LOG_HEADER) and header.startswith(LOG_MAGIC):
            return True
        if self._next_begins is None and _is_stillborn(header, file):
            self._tell(f"{self.path} was left behind by a crash before anything was written to it")
            return False
        raise self._corrupt(0, "it does not begin as a log does")

    def _read_entries(self, file: DiskFile) -> Iterator[tuple[int, bytes]]:
        buffer, at = b"", 0
        limit_bytes = self._limit_bytes
        unpack, from_bytes = ENTRY_HEAD.unpack_from, int.from_bytes
        while True:
            if len(buffer) - at < ENTRY_HEAD_BYTES:
                buffer, at = _refill(file, buffer, at, ENTRY_HEAD_BYTES), 0
                if len(buffer) < ENTRY_HEAD_BYTES:
                    break
            checksum, length = unpack(buffer, at)
            if length <= 0 or length > limit_bytes:
                break
            end = at + ENTRY_HEAD_BYTES + length
            if end >= len(buffer):
                buffer, at, end = _refill(file, buffer, at, end + 1 - at), 0, end - at
                if end >= len(buffer):
                    break
            payload = buffer[at + ENTRY_HEAD_BYTES : end]
            if buffer[end] != END_MARK or adler32(payload) != checksum:
                break
            if length < TXN_HEADER_BYTES:
                raise self._corrupt(self.offset, f"an entry of {length} bytes is no transaction")
            self.entry_offset = self.offset
            self.offset += ENTRY_FRAME_BYTES + length
            at = end + 1
            zxid = self._last_zxid = from_bytes(payload[ZXID_OFFSET : ZXID_OFFSET + 8], signed=True)
            yield zxid, payload
        self._judge_end(file, buffer, at)

    def _judge_end(self, file: DiskFile, buffer: bytes, at: int) -> None:
        """Rule 2. A log that goes on with the very next zxid shows that nothing is missing."""
        if self._next_begins is not None and self._next_begins == self._last_zxid + 1:
            return
        region = _refill(file, buffer, at, region_bytes(self._limit_bytes))[: region_bytes(self._limit_bytes)]
        if not any(region) and _is_zero_to_end(file):
            return
        wrong = why_damaged(region, self.offset, self._last_zxid, self._limit_bytes)
        if wrong is not None:
            raise self._corrupt(self.offset, wrong)
        self._tell(
            f"{self.path} ends with a torn write at offset {self.offset}, after zxid 0x{self._last_zxid:x}; "
            "a crash leaves this behind, and nothing of it was acknowledged"
        )

    def _corrupt(self, offset: int, wrong: str) -> CorruptionError:
        return CorruptionError(f"{self.path} is damaged at offset {offset}: {wrong}; {ADVICE}")


def is_stillborn(disk: Disk, path: str) -> bool:
    """Whether a crash ended the life of the log at `path` before its header was durable, hence before any entry was."""
    file = disk.open_reader(path)
    try:
        return _is_stillborn(_read_fully(file, len(LOG_HEADER)), file)
    finally:
        file.close()


def _is_stillborn(header: bytes, file: DiskFile) -> bool:
    return header != LOG_HEADER and LOG_HEADER.startswith(header.rstrip(b"\0")) and _is_zero_to_end(file)


def _read_fully(file: DiskFile, size_bytes: int) -> bytes:
    data = file.read(size_bytes)
    while len(data) < size_bytes and (more := file.read(size_bytes - len(data))):
        data += more
    return data


def _refill(file: DiskFile, buffer: bytes, at: int, need_bytes: int) -> bytes:
    """What `buffer` holds from `at`, and more from the file: at least `need_bytes`, or else all there is."""
    rest = buffer[at:]
    return rest + _read_fully(file, max(CHUNK_BYTES, need_bytes - len(rest)))


def _is_zero_to_end(file: DiskFile) -> bool:
    zeros = bytes(CHUNK_BYTES)
    while chunk := file.read(CHUNK_BYTES):
        if chunk != zeros[: len(chunk)]:
            return False
    return True


class LogReader:
    """Reads the logs of a folder as one, from `start_zxid` on, or without `fast_forward` from the beginning of the file
    that may hold it. `reader` is the file at hand; `bytes_read` counts the entries and headers gone by."""

    def __init__(
        self, disk: Disk, folder: str, start_zxid: int, limit_bytes: int, tell: Callable[[str], None] = _ignore,
        fast_forward: bool = True,
    ) -> None:  # fmt: skip
        self._disk = disk
        self._folder = folder
        self._start_zxid = start_zxid if fast_forward else _LEAST_ZXID
        self._limit_bytes = limit_bytes
        self._tell = tell
        self._bytes_before = 0
        self.files: list[LogFile] = logs_since(logs_in(disk.names(folder)), start_zxid)
        self.reader: LogFileReader | None = None

    @property
    def bytes_read(self) -> int:
        return self._bytes_before + (self.reader.offset if self.reader is not None else 0)

    def entries(self) -> Generator[tuple[int, bytes], None, None]:
        """zxid and payload of each entry from the start on, in the order of the files."""
        nexts: list[int | None] = [log.zxid for log in self.files[1:]]
        for log, next_begins in zip(self.files, [*nexts, None], strict=False):
            path = os.path.join(self._folder, log.name)
            self._bytes_before = self.bytes_read
            self.reader = LogFileReader(self._disk, path, log.zxid, next_begins, self._limit_bytes, self._tell)
            for entry in self.reader.entries():
                if entry[0] >= self._start_zxid:
                    yield entry


def last_logged_zxid(disk: Disk, folder: str, limit_bytes: int) -> int:
    """The zxid of the last whole entry, -1 when there is none. Damage ends the search silently, as for Java."""
    last_zxid = -1
    for log in reversed(logs_in(disk.names(folder))):
        reader = LogFileReader(disk, os.path.join(folder, log.name), log.zxid, None, limit_bytes, _ignore)
        try:
            for zxid, _ in reader.entries():
                last_zxid = zxid
        except CorruptionError:
            pass
        if last_zxid != -1:
            break
    return last_zxid
