"""What the disk of a server may refuse, and how a test takes that back."""

import errno

from zkeeper.testing.simulation import SimulatedDisk

FAULTY_OPERATIONS = ("write", "sync", "reserve", "create", "rename", "sync_folder", "remove")


def make_sound(disk: SimulatedDisk) -> None:
    """It takes and keeps everything; nobody dies of it."""
    disk.capacity_bytes = None
    for kind in FAULTY_OPERATIONS:
        disk.fail_next(kind, errno.EIO, 0)
    disk.kill_at_step(1 << 60)
