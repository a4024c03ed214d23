"""Public test support: servers inside the test's process with faults on demand, a pytest plugin, the simulator.

    from zkeeper.testing import Ensemble, Server

    with Server() as server:
        ...                      # any ZooKeeper client, connected to server.address
        server.drop_connections()

    with Ensemble(3) as ensemble:
        ...                      # connected to ensemble.connect_string
        ensemble.kill(ensemble.leader())

`docs/testing.md` tells the rest. The names here are loaded when they are first used, so that the pytest plugin costs
nothing where nobody asks for a server.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zkeeper.testing.ensemble import Ensemble as Ensemble
    from zkeeper.testing.server import Server as Server

__all__ = ["Ensemble", "Server"]


def __getattr__(name: str) -> object:
    if name == "Server":
        from zkeeper.testing.server import Server

        return Server
    if name == "Ensemble":
        from zkeeper.testing.ensemble import Ensemble

        return Ensemble
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
