"""The two epochs that a member of an ensemble remembers: the highest that it promised to follow, and that of the last
leader whose history it has (storage, section 2).

1. Neither ever goes back, in memory or on the disk, and `accepted` is never less than `current`.
2. A value that a caller was told of is durable: temporary file, sync, rename, sync of the folder. Whatever a crash
   leaves of that is the old value or the new.
3. A crash between a transaction of a new epoch and `currentEpoch` leaves a file that is behind. A history with a
   transaction of an epoch begins with all that the epoch's leader began with, so the file is brought up to the
   history, as long as the epoch was promised. (Java starts then only if it finds `currentEpoch.tmp`.)
"""

import asyncio
import os
import re
from collections.abc import Callable
from functools import partial
from typing import Final

from zkeeper.errors import StorageError
from zkeeper.storage.disk import Disk
from zkeeper.storage.failures import failure
from zkeeper.storage.folders import EPOCH_NAME
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.whole_files import TEMPORARY_SUFFIX, replace_file
from zkeeper.wire.zxids import epoch_of

LANE: Final = "epochs"
ACCEPTED_NAME: Final = "acceptedEpoch"
CURRENT_NAME: Final = EPOCH_NAME
NO_EPOCH: Final = -1
"""Of a server that must not trust its empty state; its zxid is -1, too."""
MAX_EPOCH: Final = (1 << 31) - 1
"""A zxid has no room for more."""
ADVICE: Final = (
    "restore the folder as a whole from a backup, or empty this server's data folders so that it copies the leader's "
    "state; an epoch file that is changed by hand can lose what was acknowledged"
)

_CONTENT: Final = re.compile(rb"[+-]?[0-9]{1,19}")
_MAX_FILE_BYTES: Final = 64


class Epochs:
    """Of one server, for all its roles. `accepted` and `current` are what is durable."""

    def __init__(self, disk: Disk, folder: str, accepted: int, current: int) -> None:
        assert accepted >= current, "an epoch is promised before its history is accepted"
        self.accepted = accepted
        self.current = current
        self._disk = disk
        self._folder = folder
        self._latest = {ACCEPTED_NAME: accepted, CURRENT_NAME: current}

    async def accept(self, epoch: int) -> None:
        """Promises to follow no leader of an earlier epoch. Durable on return.

        `StorageError` when the disk refuses; which epoch it holds is unknown then, so that the server has to stop or
        to ask for the same again.
        """
        if epoch != self.accepted:
            await self._write(ACCEPTED_NAME, epoch)

    async def set_current(self, epoch: int) -> None:
        """Says that the history of that epoch's leader is durable here, as it has to be by then. Else as `accept`."""
        assert epoch <= self.accepted, f"epoch {epoch} is made current, but only {self.accepted} was promised"
        if epoch != self.current:
            await self._write(CURRENT_NAME, epoch)

    async def _write(self, name: str, epoch: int) -> None:
        latest = self._latest[name]
        assert latest <= epoch <= MAX_EPOCH, f"{name} goes from {latest} to {epoch}"
        self._latest[name] = epoch
        written = self._disk.submit(LANE, partial(_write, self._disk, self._folder, name, epoch))
        # A role that ends meanwhile does not take back what the disk has, so what is in memory follows all the same.
        written.add_done_callback(partial(self._written, name, epoch))
        await asyncio.shield(written)

    def _written(self, name: str, epoch: int, written: asyncio.Future[None]) -> None:
        if written.cancelled() or written.exception() is not None:
            return
        if name == ACCEPTED_NAME:
            self.accepted = epoch
        else:
            self.current = epoch


def load_epochs(disk: Disk, settings: StorageSettings, last_zxid: int, tell: Callable[[str], None]) -> Epochs:
    """The epochs of a server whose recovered history ends with `last_zxid`. Blocks; for the start.

    Makes the files that are missing, and mends what a crash has left. Raises `StorageError` when the files cannot be
    believed; `tell` takes sentences for the server's log.
    """
    folder = settings.snapshot_folder
    try:
        return _load(disk, folder, int(epoch_of(last_zxid)), tell)
    except OSError as error:
        raise failure("keeping epochs in", folder, error) from error


def _load(disk: Disk, folder: str, of_history: int, tell: Callable[[str], None]) -> Epochs:
    current = _read(disk, folder, CURRENT_NAME)
    accepted = _read(disk, folder, ACCEPTED_NAME)
    if current is None:
        current = _make(disk, folder, CURRENT_NAME, of_history)
    if accepted is None:
        accepted = _make(disk, folder, ACCEPTED_NAME, of_history)
    if of_history > current and of_history <= accepted:
        tell(f"the history goes up to epoch {of_history}, {CURRENT_NAME} says {current}: a crash came between the two")
        current = _make(disk, folder, CURRENT_NAME, of_history)
    _check(folder, accepted, current, of_history)
    _remove_leftovers(disk, folder)
    return Epochs(disk, folder, accepted, current)


def _check(folder: str, accepted: int, current: int, of_history: int) -> None:
    if of_history > current:
        raise StorageError(
            f"{folder} holds transactions of epoch {of_history}, but {CURRENT_NAME} says {current} and "
            f"{ACCEPTED_NAME} {accepted}; {ADVICE}"
        )
    if accepted < current:
        raise StorageError(f"in {folder}, {ACCEPTED_NAME} says {accepted} and {CURRENT_NAME} {current}; {ADVICE}")


def _make(disk: Disk, folder: str, name: str, epoch: int) -> int:
    _write_now(disk, folder, name, epoch)
    return epoch


def _read(disk: Disk, folder: str, name: str) -> int | None:
    path = os.path.join(folder, name)
    if not disk.exists(path):
        return None
    file = disk.open_reader(path)
    try:
        content = file.read(_MAX_FILE_BYTES)
    finally:
        file.close()
    line = content.splitlines()[0] if content else b""
    if _CONTENT.fullmatch(line) is None or not NO_EPOCH <= int(line) <= MAX_EPOCH:
        raise StorageError(f"{path} holds {line!r}, which is no epoch; {ADVICE}")
    return int(line)


def _write(disk: Disk, folder: str, name: str, epoch: int) -> None:
    try:
        _write_now(disk, folder, name, epoch)
    except OSError as error:
        raise failure("writing", os.path.join(folder, name), error) from error


def _write_now(disk: Disk, folder: str, name: str, epoch: int) -> None:
    replace_file(disk, os.path.join(folder, name), b"%d" % epoch)


def _remove_leftovers(disk: Disk, folder: str) -> None:
    for name in (CURRENT_NAME, ACCEPTED_NAME):
        path = os.path.join(folder, name + TEMPORARY_SUFFIX)
        if disk.exists(path):
            disk.remove(path)
