"""Where a test server lives on this computer: its ports, its disk, its clock. All of it goes when the place is closed.

1. A port is held from the beginning to the end by a socket that is bound and never listens. So a server that is away
   for a while finds its port again, and a client that tries to connect meanwhile is refused. Without it, such a client
   could be given that very port as its own and be connected to itself.
2. Only the process that made the place removes its folder; one that was forked off from it leaves it alone.
3. Sockets that listen are made here and not by the loop, which would resolve the address. uvloop does that in threads
   of libuv's pool, even for a number; a child that was forked off would wait for them at its end, and crash, since it
   does not have them.
"""

import errno
import os
import shutil
import socket
import tempfile
import time
from random import Random
from typing import Final

from zkeeper.storage.disk import Disk
from zkeeper.storage.real_disk import RealDisk

HOST: Final = "127.0.0.1"
FOLDER_IN_MEMORY: Final = "/data"


class Place:
    """`port` 0 is any free one. `folder` None is a temporary one; one that is given is kept at the end.

    With `in_memory` there is no folder on a disk at all, and no thread that writes to it. `more_ports` says how many
    other free ports are held. `OSError` for a port in use.
    """

    def __init__(self, port: int, folder: str | None, in_memory: bool, more_ports: int = 0) -> None:
        self._process = os.getpid()
        self._holders: list[socket.socket] = []
        self.port = self._hold(port)
        self.more_ports = [self._hold(0) for _ in range(more_ports)]
        self._temporary = None if folder or in_memory else tempfile.mkdtemp(prefix="zkeeper-")
        self.disk: Disk = _disk_in_memory() if in_memory else RealDisk()
        self.folder = folder or self._temporary or FOLDER_IN_MEMORY

    def _hold(self, port: int) -> int:
        holder = _hold(port)
        self._holders.append(holder)
        return int(holder.getsockname()[1])

    def close(self) -> None:
        for holder in self._holders:
            holder.close()
        self.disk.close()
        if self._temporary is not None and os.getpid() == self._process:
            shutil.rmtree(self._temporary, ignore_errors=True)


def _hold(port: int) -> socket.socket:
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, port))
    except OSError as error:
        holder.close()
        advice = "another program has it: give another port, or 0 for any free one"
        text = f"{error.strerror}: port {port} on {HOST} cannot be opened"
        raise OSError(error.errno, f"{text}; {advice}" if error.errno == errno.EADDRINUSE else text) from None
    except BaseException:
        holder.close()
        raise
    return holder


def listener(host: str, port: int, backlog: int) -> socket.socket:
    """A socket that listens, for a loop's `create_server`: invariant 3."""
    return socket.create_server((host, port), backlog=backlog)


def _disk_in_memory() -> Disk:
    """The simulator's disk, without the latency that it has there; loaded for those who want it."""
    from zkeeper.testing.simulation.disk import SimulatedDisk

    disk = SimulatedDisk(Random())
    disk.set_latency(0, 0)
    return disk


def wall_ms() -> int:
    return time.time_ns() // 1_000_000
