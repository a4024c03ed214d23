"""A machine as the network sees it: its address, its ports, whether it answers."""

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import SimulatedServer

ANY_ADDRESS = "0.0.0.0"
LOOPBACK = "127.0.0.1"
FIRST_FREE_PORT = 32768

Address = tuple[str, int]


class Host:
    """Outlives the lives of its machine. A host that is down answers nothing; one that is up refuses and resets."""

    __slots__ = ("_next_port", "address", "is_refusing", "is_up", "listeners", "name", "number", "waiting")

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.address = f"10.0.{number >> 8}.{number & 255}"
        self.is_up = True
        self.is_refusing = False
        # A port that is bound and not yet listening has no server.
        self.listeners: dict[Address, SimulatedServer | None] = {}
        # What peers go on sending to a host that is down; each is called when it is up again.
        self.waiting: list[Callable[[], None]] = []
        self._next_port = FIRST_FREE_PORT

    def free_port(self) -> int:
        self._next_port += 1
        return self._next_port

    def bind(self, address: str, port: int) -> Address:
        """Takes a port; port 0 asks for a free one."""
        if address not in (self.address, LOOPBACK, ANY_ADDRESS):
            raise OSError(errno.EADDRNOTAVAIL, f"{address} is no address of {self.name}")
        name = (address, port or self.free_port())
        if name in self.listeners or (ANY_ADDRESS, name[1]) in self.listeners:
            raise OSError(errno.EADDRINUSE, f"{os.strerror(errno.EADDRINUSE)}: {name}")
        self.listeners[name] = None
        return name

    def listener(self, address: str, port: int) -> "SimulatedServer | None":
        if self.is_refusing:
            return None
        return self.listeners.get((address, port)) or self.listeners.get((ANY_ADDRESS, port))
