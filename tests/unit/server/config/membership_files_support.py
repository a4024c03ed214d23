"""A simulated disk with a server's configuration, and what a start makes of it."""

import random
from collections.abc import Mapping

from zkeeper.server.config import QuorumConfig, load
from zkeeper.server.config.dynamic_files import DynamicFiles
from zkeeper.storage.whole_files import read_file
from zkeeper.testing.simulation import SimulatedDisk

CONF = "/conf"
STATIC = f"{CONF}/zoo.cfg"


def disk_with(files: Mapping[str, str]) -> SimulatedDisk:
    disk = SimulatedDisk(random.Random(1))
    for folder in (CONF, "/data"):
        disk.make_folders(folder)
    for path, text in files.items():
        file = disk.open_writer(path)
        file.write(text.encode())
        file.sync()
    for folder in (CONF, "/data"):
        disk.sync_folder(folder)
    return disk


def loaded(disk: SimulatedDisk) -> QuorumConfig:
    quorum = load(STATIC, {}, {}, lambda path: read_file(disk, path)).config.quorum
    assert quorum is not None
    return quorum


def started(disk: SimulatedDisk) -> DynamicFiles:
    files = DynamicFiles(disk, loaded(disk))
    files.prepare()
    return files


def at_rest(disk: SimulatedDisk) -> dict[str, str]:
    """What a loss of power leaves in the folder."""
    disk.crash()
    return {name: read_file(disk, f"{CONF}/{name}").decode() for name in disk.names(CONF)}
