"""Server processes: started with equal settings, stopped without fail.

Invariants:
1. Every process that is started is ended, by its own id, when its block ends, however it ends.
2. Data directories go when the server goes; its log stays until the whole run has succeeded.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contenders import Contender, server_environment
from figures import BenchError
from wire import await_first_session

START_LIMIT_S = 120.0
STOP_LIMIT_S = 20.0


@dataclass(frozen=True)
class Setup:
    """How a server is to be started: with which data, how often it snapshots, how large it will get."""

    data_from: Path | None = None
    snap_count: int | None = None
    large: bool = False


@dataclass
class Server:
    """A running server. `first_session_s` is the time from its start until it granted a session."""

    label: str
    port: int
    data_dir: Path
    process: subprocess.Popen[bytes]
    first_session_s: float = 0.0

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.process.pid

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        """The ids of all processes that serve: one."""
        return [self.pid]

    def check_alive(self) -> None:
        """Raises BenchError if the server has ended by itself."""
        if self.process.poll() is not None:
            raise BenchError(f"{self.label} ended with code {self.process.returncode}; see its server.log")

    def snapshots(self) -> set[str]:
        """Names of the snapshot files that the server has begun so far."""
        return {path.name for path in self.data_dir.glob("version-2/snapshot.*") if path.suffix != ".tmp"}

    def kill(self) -> None:
        """Ends the server as a power cut would: it gets no chance to tidy up."""
        self.process.kill()
        self.process.wait()


class Ports:
    """Hands out ports of this machine, upwards from the first, skipping those in use."""

    def __init__(self, first: int) -> None:
        self._next = first

    def take(self) -> int:
        """The next port on which a server can listen."""
        while True:
            port, self._next = self._next, self._next + 1
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return port


def configuration(data_dir: Path, port: int, setup: Setup) -> str:
    """The `zoo.cfg` of a server."""
    settings: dict[str, object] = {
        "tickTime": 2000,
        "dataDir": data_dir,
        "clientPort": port,
        "clientPortAddress": "127.0.0.1",
        "maxClientCnxns": 0,
        "admin.enableServer": "false",
        "4lw.commands.whitelist": "*",
    }
    if setup.snap_count is not None:
        settings["snapCount"] = setup.snap_count
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def copy_data(source: Path, target: Path) -> None:
    """Copies a data directory. Preallocated log files stay sparse: their empty part would be most of the copy."""
    subprocess.run(["cp", "-r", "--sparse=always", str(source), str(target)], check=True)


def _prepare(home: Path, port: int, setup: Setup) -> Path:
    data_dir, cfg = home / "data", home / "zoo.cfg"
    home.mkdir(parents=True)
    if setup.data_from:
        copy_data(setup.data_from, data_dir)
    else:
        data_dir.mkdir()
    cfg.write_text(configuration(data_dir, port, setup))
    # What was copied is written out now, not while the server is being timed.
    subprocess.run(["sync", "-f", str(home)], check=True)
    return cfg


def launch(contender: Contender, cfg: Path, large: bool = False) -> subprocess.Popen[bytes]:
    """Starts a server's process; what it prints goes to `server.log` beside its configuration."""
    with (cfg.parent / "server.log").open("ab") as log:
        command = [*contender.command(large), str(cfg)]
        return subprocess.Popen(command, stdout=log, stderr=log, env=server_environment())


def _spawn(contender: Contender, home: Path, port: int, setup: Setup) -> Server:
    cfg = _prepare(home, port, setup)
    started_at = time.perf_counter()
    server = Server(contender.label, port, home / "data", launch(contender, cfg, setup.large))
    try:
        ready_at = await_first_session(port, server.check_alive, START_LIMIT_S)
    except BaseException:
        server.kill()
        raise
    server.first_session_s = ready_at - started_at
    return server


def stop(server: Server) -> None:
    """Asks a server to end; kills it after `STOP_LIMIT_S`."""
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        server.kill()


@contextlib.contextmanager
def running(contender: Contender, home: Path, ports: Ports, setup: Setup) -> Iterator[Server]:
    """A server that has granted its first session, in a folder of its own that must not exist yet."""
    try:
        server = _spawn(contender, home, ports.take(), setup)
        try:
            yield server
        finally:
            stop(server)
    finally:
        shutil.rmtree(home / "data", ignore_errors=True)
