"""Small files that are written and read as a whole."""

import os
from typing import Final

from zkeeper.storage.disk import Disk

TEMPORARY_SUFFIX: Final = ".tmp"
"""Of a file in the making; what a crash leaves of one means nothing."""

_PIECE_BYTES: Final = 1 << 20


def replace_file(disk: Disk, path: str, data: bytes, like: str | None = None) -> None:
    """Puts `data` in the place of `path`, durably: a crash leaves what was there before, or all of it.

    The file gets the permissions of `like`, if that is named.
    """
    file = disk.open_writer(path + TEMPORARY_SUFFIX, like)
    try:
        file.write(data)
        file.sync()
    finally:
        file.close()
    disk.rename(path + TEMPORARY_SUFFIX, path)
    disk.sync_folder(os.path.dirname(path))


def read_file(disk: Disk, path: str) -> bytes:
    file = disk.open_reader(path)
    try:
        pieces: list[bytes] = []
        while piece := file.read(_PIECE_BYTES):
            pieces.append(piece)
    finally:
        file.close()
    return b"".join(pieces)
