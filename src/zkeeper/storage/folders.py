"""The two folders that a server keeps its state in, checked before anything in them is believed."""

import os
from typing import Final

from zkeeper.errors import StorageError
from zkeeper.storage.disk import Disk
from zkeeper.storage.failures import failure
from zkeeper.storage.names import logs_in, remove_leftovers, snapshots_in
from zkeeper.storage.settings import StorageSettings

EPOCH_NAME: Final = "currentEpoch"


def prepare_folders(disk: Disk, settings: StorageSettings) -> None:
    """Makes the folders, unless that is not wanted, checks that they can be written and are not mixed up, and removes
    what an earlier server left unfinished. `StorageError` says what is wrong."""
    folders = tuple(dict.fromkeys((settings.snapshot_folder, settings.log_folder)))
    for folder in folders:
        try:
            _prepare(disk, settings, folder)
        except OSError as error:
            raise failure("preparing", folder, error) from error
    if len(folders) == 2:
        _check_not_swapped(disk, settings)


def _prepare(disk: Disk, settings: StorageSettings, folder: str) -> None:
    if not disk.exists(folder):
        if not settings.create_folders:
            advice = "make it for the server's user, or correct dataDir and dataLogDir"
            raise StorageError(f"{folder} does not exist, and datadir.autocreate=false forbids to make it; {advice}")
        disk.make_folders(folder)
    if not disk.is_writable(folder):
        advice = "give the server's user permission, mount the file system writable, or move a file of that name away"
        raise StorageError(f"{folder} is no folder that can be written to; {advice}")
    try:
        disk.lock(folder)
    except BlockingIOError as error:
        raise StorageError(f"{folder} is in use by another server; stop that one, or use another folder") from error
    remove_leftovers(disk, folder)


def epoch_file(disk: Disk, settings: StorageSettings) -> str | None:
    """The file that only a member of an ensemble keeps, if one is there."""
    path = os.path.join(settings.snapshot_folder, EPOCH_NAME)
    return path if disk.exists(path) else None


def _check_not_swapped(disk: Disk, settings: StorageSettings) -> None:
    snapshots = snapshots_in(disk.names(settings.log_folder))
    logs = logs_in(disk.names(settings.snapshot_folder))
    for folder, strays in ((settings.log_folder, snapshots), (settings.snapshot_folder, logs)):
        if strays:
            stray = os.path.join(folder, strays[0].name)
            raise StorageError(
                f"{stray} is in the wrong folder: with dataLogDir set, logs are there and snapshots in dataDir; "
                "move the files, or correct the two settings if they are swapped"
            )
