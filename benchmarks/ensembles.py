"""Ensembles of three servers, one of each contender: started with equal settings, measured in turn, stopped.

Invariants:
1. Every process that is started is ended, by its own id, when its block ends, however it ends.
2. All members serve when `running` yields, one of them as leader.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contenders import Contender
from figures import BenchError
from run import Run
from servers import START_LIMIT_S, Server, Setup, configuration, launch, stop
from wire import await_first_session

SIZE = 3
POLL_S = 0.05
ASK_TIMEOUT_S = 5.0


@dataclass
class Ensemble:
    """Running servers of one contender."""

    label: str
    contender: Contender
    servers: list[Server]
    is_large: bool = False

    @property
    def address(self) -> str:
        """`host:port,...` of all."""
        return ",".join(server.address for server in self.servers)

    @property
    def pids(self) -> list[int]:
        """The ids of all processes."""
        return [server.pid for server in self.servers]

    @property
    def leader(self) -> Server:
        """The server that leads; raises BenchError if none or several do."""
        leaders = [server for server in self.servers if _mode(server) == "leader"]
        if len(leaders) != 1:
            raise BenchError(f"{self.label} has {len(leaders)} leaders")
        return leaders[0]

    def followers(self) -> list[Server]:
        """All but the leader."""
        leader = self.leader
        return [server for server in self.servers if server is not leader]

    def check_alive(self) -> None:
        """Raises BenchError if a server has ended by itself."""
        for server in self.servers:
            server.check_alive()

    def start(self, server: Server) -> None:
        """Starts a server that was killed, and waits for nothing."""
        server.process = launch(self.contender, server.data_dir.parent / "zoo.cfg", self.is_large)

    def restart(self, server: Server) -> None:
        """Starts a server that was killed, and waits until all serve."""
        self.start(server)
        self.await_service()

    def is_complete(self) -> bool:
        """Whether one leads and all others follow; raises BenchError if a server has ended by itself."""
        self.check_alive()
        return sorted(map(_mode, self.servers)) == ["follower"] * (SIZE - 1) + ["leader"]

    def await_service(self) -> None:
        """Waits until one leads and all others follow."""
        deadline = time.monotonic() + START_LIMIT_S
        while not self.is_complete():
            if time.monotonic() > deadline:
                raise BenchError(f"{self.label} does not serve after {START_LIMIT_S:.0f} s")
            time.sleep(POLL_S)


def _mode(server: Server) -> str:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), ASK_TIMEOUT_S) as asked:
        asked.sendall(b"srvr")
        lines = asked.makefile().read().splitlines()
        return next((line.removeprefix("Mode: ") for line in lines if line.startswith("Mode: ")), "")
    return ""


@contextlib.contextmanager
def running(run: Run, contender: Contender, is_large: bool = False) -> Iterator[Ensemble]:
    """A fresh ensemble of a contender that serves; `is_large` says that it will hold the large tree."""
    home = run.new_home(contender.label)
    ensemble = Ensemble(contender.label, contender, [], is_large)
    try:
        for cfg, port in _prepare(run, home):
            process = launch(contender, cfg, is_large)
            ensemble.servers.append(Server(contender.label, port, cfg.parent / "data", process))
        for server in ensemble.servers:
            await_first_session(server.port, ensemble.check_alive, START_LIMIT_S)
        ensemble.await_service()
        yield ensemble
    finally:
        for server in ensemble.servers:
            stop(server)
            shutil.rmtree(server.data_dir, ignore_errors=True)


def _prepare(run: Run, home: Path) -> list[tuple[Path, int]]:
    """Writes the files of all members; returns the path of each `zoo.cfg`, and the client port."""
    sids = range(1, SIZE + 1)
    ports = {sid: (run.ports.take(), run.ports.take(), run.ports.take()) for sid in sids}
    lines = "".join(f"server.{sid}=127.0.0.1:{quorum}:{election}\n" for sid, (_, quorum, election) in ports.items())
    for sid in sids:
        data_dir = home / str(sid) / "data"
        data_dir.mkdir(parents=True)
        (data_dir / "myid").write_text(f"{sid}\n")
        text = configuration(data_dir, ports[sid][0], Setup()) + "initLimit=10\nsyncLimit=5\n" + lines
        (home / str(sid) / "zoo.cfg").write_text(text)
    subprocess.run(["sync", "-f", str(home)], check=True)
    return [(home / str(sid) / "zoo.cfg", ports[sid][0]) for sid in sids]


@contextlib.contextmanager
def all_running(run: Run) -> Iterator[list[Ensemble]]:
    """A fresh ensemble of each contender."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(running(run, contender)) for contender in run.contenders]
