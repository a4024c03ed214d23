"""Where the members of an ensemble listen, and the files that tell them: `zoo.cfg` and `myid`.

1. Ports lie below those that systems give to outgoing connections: a member that was stopped finds its own free again.
   Each of the processes that run tests side by side has ports of its own.
2. A `zoo.cfg` is written once. With reconfiguration the servers write it from then on, whatever their kind.
3. `routes` says where a member looks for another one, if not where that one listens; who has routes listens on all
   interfaces, so that it tells the others no address and they look for it where their own files say.
4. With `is_apart` each member has a loopback address of its own for the other members, as on machines of their own.
   Then all may listen on the same port, `observerMasterPort`.
"""

import contextlib
import itertools
import os
import random
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from interop.servers import CONFIG, HOST, ServerNotStarted

WILDCARD = "0.0.0.0"
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
PORTS = range(15_000 + _WORKER, 32_000, _WORKERS)
TICK_MS, SYNC_TICKS = 500, 6
ENSEMBLE_CONFIG: Mapping[str, str] = {
    **CONFIG,
    "tickTime": str(TICK_MS),
    "initLimit": "30",
    "syncLimit": str(SYNC_TICKS),
    "preAllocSize": "64",
}
PORTS_OF_A_MEMBER = 3
_given: set[int] = set()


@dataclass(frozen=True)
class Address:
    """The ports of one member on this machine."""

    client: int
    quorum: int
    election: int


@dataclass(frozen=True)
class Layout:
    """Members by id, which of them are observers, and whether they may be reconfigured."""

    addresses: dict[int, Address]
    observers: frozenset[int] = frozenset()
    reconfig: bool = False
    is_apart: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """The quorum and election port where the first one looks for the second one."""

    @property
    def participants(self) -> list[int]:
        """The members that vote."""
        return sorted(self.addresses.keys() - self.observers)

    def line(self, sid: int, seen_by: int, role: str = "") -> str:
        """`server.N=...` of a member as it stands in the file of another one, or in its own."""
        address = self.addresses[sid]
        quorum, election = self.routes.get((seen_by, sid), (address.quorum, address.election))
        host = WILDCARD if self.routes and sid == seen_by else self._host(sid)
        role = role or ("observer" if sid in self.observers else "participant")
        client = f";{HOST}:{address.client}" if self.reconfig else ""
        return f"server.{sid}={host}:{quorum}:{election}:{role}{client}"

    def _host(self, sid: int) -> str:
        return f"127.0.0.{sid}" if self.is_apart else HOST

    def write(self, home: Path, sid: int, members: list[int]) -> Path:
        """Writes the files of a member that knows of `members`, and returns the path of its `zoo.cfg`."""
        data = home / "data"
        data.mkdir(parents=True)
        (data / "myid").write_text(f"{sid}\n")
        values = {"dataDir": str(data), **ENSEMBLE_CONFIG, **self._own(sid), **self.settings}
        lines = [f"{name}={value}" for name, value in values.items()]
        config = home / "zoo.cfg"
        config.write_text("\n".join([*lines, *(self.line(other, sid) for other in members)]) + "\n")
        return config

    def _own(self, sid: int) -> dict[str, str]:
        if self.reconfig:
            return {"reconfigEnabled": "true"}
        own = {"clientPort": str(self.addresses[sid].client), "clientPortAddress": HOST}
        return own | ({"peerType": "observer"} if sid in self.observers else {})


def new_addresses(sids: list[int]) -> dict[int, Address]:
    """Free ports for each member."""
    ports = free_ports(len(sids) * PORTS_OF_A_MEMBER)
    return {sid: Address(*itertools.islice(ports, PORTS_OF_A_MEMBER)) for sid in sids}


def free_ports(count: int) -> Iterator[int]:
    """Ports on which nobody listens, and that were not given out before by this process."""
    start = random.randrange(len(PORTS))
    candidates = (PORTS[(start + step) % len(PORTS)] for step in range(len(PORTS)))
    found = list(itertools.islice((port for port in candidates if port not in _given and _is_free(port)), count))
    if len(found) < count:
        raise ServerNotStarted(f"there are no {count} free ports")
    _given.update(found)
    return iter(found)


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((WILDCARD, port))
        return True
    return False
