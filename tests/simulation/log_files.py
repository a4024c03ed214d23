"""What transaction logs hold, on a simulated disk or as bytes, read with nothing of `zkeeper.storage`."""

import struct
from typing import NamedTuple
from zlib import adler32

from zkeeper.storage.disk import Disk

from .node import FOLDER

_HEAD, _TXN = struct.Struct(">qi"), struct.Struct(">qiqqi")
HEADER_BYTES, END_MARK = 16, 0x42
WHOLE_FILE_BYTES = 1 << 30


class Entry(NamedTuple):
    """A transaction as the log has it; `body` comes after the header of every transaction."""

    session_id: int
    cxid: int
    zxid: int
    time_ms: int
    kind: int
    body: bytes


def read_file(disk: Disk, path: str) -> list[Entry]:
    """The entries of a log on a disk."""
    reader = disk.open_reader(path)
    data = reader.read(min(disk.size_bytes(path), WHOLE_FILE_BYTES))
    reader.close()
    return parse(data)


def parse(data: bytes) -> list[Entry]:
    """The entries of a log's bytes up to the first that is not whole."""
    data = data.rstrip(b"\0")
    entries: list[Entry] = []
    position = HEADER_BYTES
    while position + _HEAD.size <= len(data):
        checksum, length = _HEAD.unpack_from(data, position)
        payload = data[position + _HEAD.size : position + _HEAD.size + length]
        position += _HEAD.size + length + 1
        if length <= 0 or position > len(data) or data[position - 1] != END_MARK or adler32(payload) != checksum:
            break
        entries.append(entry_of(payload))
    return entries


def entry_of(payload: bytes) -> Entry:
    """A transaction as logs and servers send it."""
    return Entry._make((*_TXN.unpack_from(payload), payload[_TXN.size :]))


def log_names(disk: Disk) -> list[str]:
    """Paths of the logs, oldest first."""
    if not disk.exists(FOLDER):
        return []
    names = [name for name in disk.names(FOLDER) if name.startswith("log.")]
    return [f"{FOLDER}/{name}" for name in sorted(names, key=lambda name: int(name[4:], 16))]


def read_logs(disk: Disk) -> dict[int, Entry]:
    """All entries by zxid. Files do not overlap on a disk that only zkeeper has written."""
    found: dict[int, Entry] = {}
    for path in log_names(disk):
        for entry in read_file(disk, path):
            assert entry.zxid not in found, f"zxid {entry.zxid} is in the logs twice"
            found[entry.zxid] = entry
    return found
