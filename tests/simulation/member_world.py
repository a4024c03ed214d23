"""A whole ensemble in the simulator, without faults of its own: members by their numbers, clients, words.

The machine of member N is called `mN`. All members have the same zoo.cfg.
"""

import asyncio
from collections.abc import Mapping
from random import Random
from types import TracebackType
from typing import Any, Self

import zkeeper
from zkeeper.server.config import load
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.ensemble.member import EnsembleServer
from zkeeper.testing.simulation import Simulation

CLIENT_PORT = 2181
_SETTINGS = "tickTime=100\ninitLimit=20\nsyncLimit=10\npreAllocSize=64\n4lw.commands.whitelist=*\ndataDir=/data\n"


def member_config(sid: int, participants: int, observers: int, more: str = "") -> ServerConfig:
    return config_of(sid, member_lines(participants, observers) + more)


def member_lines(participants: int, observers: int) -> str:
    return "".join(
        f"server.{each}=m{each}:2888:3888:{'participant' if each <= participants else 'observer'};{CLIENT_PORT}\n"
        for each in range(1, participants + observers + 1)
    )


def config_of(sid: int, lines: str) -> ServerConfig:
    """What member `sid` makes of these lines of zoo.cfg, beside the settings that all have."""
    files = {"/zoo.cfg": _SETTINGS + lines, "/data/myid": f"{sid}\n"}
    return load("/zoo.cfg", {}, {}, lambda path: files[path].encode()).config


def client_of(hosts: str, timeout_ms: int = 10_000, number: int = 0, **options: Any) -> zkeeper.AsyncClient:
    """Not connected yet. What it leaves to chance follows from the hosts and the number: every run is the same."""
    return zkeeper.connect(hosts, timeout_ms, random=Random(f"{hosts} {number}"), **options)


class MemberWorld:
    """The members are not started yet."""

    def __init__(self, participants: int = 3, observers: int = 0, seed: int = 1, more: str = "") -> None:
        self.sim = Simulation(seed)
        self.sids = list(range(1, participants + observers + 1))
        self.configs = {sid: member_config(sid, participants, observers, more) for sid in self.sids}
        self.servers: dict[int, EnsembleServer] = {}

    def __enter__(self) -> Self:
        self.sim.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The members are killed; what they would do at the end of the process is of no interest."""
        for sid in list(self.servers):
            self.kill(sid)
        self.sim.__exit__(kind, error, trace)

    def start(self, *sids: int) -> None:
        """Starts members and returns when their ports are open; they look for a leader from then on."""
        for sid in sids:
            machine = self.sim.machine(f"m{sid}")
            if not machine.is_alive:
                machine.restart()
            server = EnsembleServer(self.configs[sid], machine.disk, machine.clock, machine.random)
            self.sim.run(server.start(), machine)
            self.servers[sid] = server

    def kill(self, sid: int) -> None:
        self.sim.machine(f"m{sid}").kill()
        del self.servers[sid]

    def await_serving(self, *sids: int) -> None:
        self.sim.run_until(lambda: all(self.servers[sid].service.serves() for sid in sids))

    @property
    def leader(self) -> int:
        (sid,) = [sid for sid, server in self.servers.items() if "Mode: leader" in self.ask(sid, "srvr")]
        return sid

    def ask(self, sid: int, word: str) -> str:
        return self.sim.run(_ask(f"m{sid}", word), self.sim.machine("operator"))

    def metrics(self, sid: int) -> Mapping[str, str]:
        pairs = [line.split("\t") for line in self.ask(sid, "mntr").splitlines()]
        return {name.removeprefix("zk_"): value for name, value in pairs}

    def client(self) -> Any:
        """The machine on which a test's client runs."""
        return self.sim.machine("client")


async def _ask(host: str, word: str) -> str:
    reader, writer = await asyncio.open_connection(host, CLIENT_PORT)
    writer.write(word.encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()
