"""Public test support: a server inside the test's process with faults on demand, a pytest plugin, the simulator.

    from zkeeper.testing import Server

    with Server() as server:
        ...                      # any ZooKeeper client, connected to server.address
        server.drop_connections()

`docs/testing.md` tells the rest. The names here are loaded when they are first used, so that the pytest plugin costs
nothing where nobody asks for a server.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zkeeper.testing.server import Server as Server

__all__ = ["Server"]


def __getattr__(name: str) -> object:
    if name == "Server":
        from zkeeper.testing.server import Server

        return Server
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
