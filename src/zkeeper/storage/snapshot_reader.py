"""Reads snapshots back: the newest that is whole, each attempt into a fresh database.

1. Nothing of a snapshot is believed before its last seal was seen to match.
2. The database then stands at the zxid in the file's name; what the image holds of later transactions is mended by
   replaying the log from there.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from zlib import adler32

from zkeeper.database.database import Database
from zkeeper.database.image import ImageReader
from zkeeper.errors import CorruptionError, DecodeError
from zkeeper.storage.compression import CHUNK_BYTES, GZIP_MAGIC, SNAPPY_MAGIC, decoded
from zkeeper.storage.disk import Disk, DiskFile
from zkeeper.storage.names import SnapshotFile, snapshots_in
from zkeeper.storage.settings import Compression, StorageSettings
from zkeeper.storage.snapshot_format import (
    MAX_TAIL_BYTES,
    MIN_PLAIN_BYTES,
    SEAL_END,
    SNAPSHOT_HEADER,
    SNAPSHOT_MAGIC,
    SnapshotTail,
    decode_tail,
)

MAX_CANDIDATES: Final = 100


@dataclass(frozen=True, slots=True)
class LoadedSnapshot:
    """A database as a snapshot holds it, standing at the snapshot's zxid."""

    database: Database
    file: SnapshotFile
    tail: SnapshotTail


@dataclass(frozen=True, slots=True)
class Rejected:
    """A snapshot that could not be loaded, and why."""

    file: SnapshotFile
    reason: str


def load_newest(
    disk: Disk, settings: StorageSettings, make_database: Callable[[], Database]
) -> tuple[LoadedSnapshot | None, list[Rejected]]:
    """The newest snapshot that is whole, and those newer than it that are not."""
    rejected: list[Rejected] = []
    folder = settings.snapshot_folder
    for snapshot in reversed(snapshots_in(disk.names(folder))[-MAX_CANDIDATES:]):
        try:
            return load_snapshot(disk, folder, snapshot, make_database(), settings.limit_bytes), rejected
        except (DecodeError, CorruptionError, OSError) as error:
            rejected.append(Rejected(snapshot, str(error)))
    return None, rejected


def load_snapshot(
    disk: Disk, folder: str, snapshot: SnapshotFile, database: Database, limit_bytes: int
) -> LoadedSnapshot:
    """Fills `database`, which must be fresh. Raises `DecodeError` or `CorruptionError` when the file is not whole."""
    file = disk.open_reader(os.path.join(folder, snapshot.name))
    try:
        tail = _read_into(database, decoded(file, snapshot.compression), limit_bytes)
    finally:
        file.close()
    database.last_zxid = snapshot.zxid
    if tail.digest is not None and tail.digest.zxid > 0:
        database.await_digest(tail.digest.zxid, tail.digest.version, tail.digest.digest)
    elif tail.digest is None or snapshot.zxid > 0:
        database.await_agreement()
    return LoadedSnapshot(database, snapshot, tail)


def _read_into(database: Database, pieces: Iterator[bytes], limit_bytes: int) -> SnapshotTail:
    image = ImageReader(database, limit_bytes)
    piece, checksum = _read_header(pieces)
    while (rest := image.feed(piece)) is None:
        checksum = adler32(piece, checksum)
        following = next(pieces, None)
        if following is None:
            raise DecodeError("it ends before its last znode")
        piece = following
    checksum = adler32(piece[: len(piece) - len(rest)], checksum)
    return decode_tail(_read_tail(rest, pieces), checksum)


def _read_header(pieces: Iterator[bytes]) -> tuple[bytes, int]:
    """The bytes after the header, as far as they were read, and the checksum of the header."""
    data = b""
    while len(data) < len(SNAPSHOT_HEADER) and (piece := next(pieces, None)) is not None:
        data += piece
    if len(data) < len(SNAPSHOT_HEADER) or not data.startswith(SNAPSHOT_MAGIC):
        raise DecodeError("it does not begin as a snapshot does")
    return data[len(SNAPSHOT_HEADER) :], adler32(data[: len(SNAPSHOT_HEADER)])


def _read_tail(tail: bytes, pieces: Iterator[bytes]) -> bytes:
    while len(tail) <= MAX_TAIL_BYTES and (piece := next(pieces, None)) is not None:
        tail += piece
    return tail


def looks_whole(disk: Disk, folder: str, snapshot: SnapshotFile) -> bool:
    """A quick check, the same as Java's: how a plain file ends, how a compressed one begins."""
    file = disk.open_reader(os.path.join(folder, snapshot.name))
    try:
        return _looks_whole(file, snapshot.compression)
    finally:
        file.close()


def _looks_whole(file: DiskFile, compression: Compression) -> bool:
    if compression == "gz":
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    if compression == "snappy":
        return file.read(len(SNAPPY_MAGIC)) == SNAPPY_MAGIC
    size_bytes, end = 0, b""
    while piece := file.read(CHUNK_BYTES):
        size_bytes += len(piece)
        end = (end + piece)[-len(SEAL_END) :]
    return size_bytes >= MIN_PLAIN_BYTES and end == SEAL_END
