"""Start and stop a ZooKeeper server of a given kind as a process of its own.

1. `run_server` yields only when the server has answered `srvr` on its port as one that takes clients.
2. A server is stopped by its process id: asked first (SIGTERM), killed after `STOP_DEADLINE_S`.
3. Whatever the server prints goes to `Server.log`, which outlives it.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
KINDS = ("zkeeper", "java")
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 10.0
POLL_S = 0.05
LOG_TAIL_BYTES = 8_000

# Short ticks, so that sessions that ask for a second expire within two; long timeouts stay allowed,
# so that a busy machine does not expire the sessions that are meant to live.
CONFIG: Mapping[str, str] = {
    "tickTime": "250",
    "maxSessionTimeout": "60000",
    "maxClientCnxns": "0",
    "admin.enableServer": "false",
    "4lw.commands.whitelist": "*",
    "extendedTypesEnabled": "true",
}
# Java takes this one as a system property only; other servers find the same name in zoo.cfg.
REAPER_PROPERTY, REAPER_INTERVAL_MS = "znode.container.checkIntervalMs", 300


class ServerNotStarted(Exception):
    """The server ended, or did not answer in time; the message carries the end of its log."""


class ServerMissing(Exception):
    """This machine lacks what a server of that kind needs; the message says what."""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, its process and where its output is kept."""

    kind: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self.port}"

    def log_tail(self) -> str:
        """The last `LOG_TAIL_BYTES` of what the server printed."""
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


def selected_kinds() -> list[str]:
    """The kinds that `ZKEEPER_INTEROP_SERVERS` names (comma separated; default: zkeeper alone)."""
    kinds = [kind.strip() for kind in os.environ.get("ZKEEPER_INTEROP_SERVERS", "zkeeper").split(",") if kind.strip()]
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown or not kinds:
        raise ValueError(f"ZKEEPER_INTEROP_SERVERS must name servers among {KINDS}, not {unknown}")
    return kinds


def zkjava_script() -> Path:
    """The script that runs Apache ZooKeeper: `$ZKJAVA`, else `shared/tools/zkjava` beside the checkout."""
    beside_checkout = Path(__file__).resolve().parents[3] / "shared" / "tools" / "zkjava"
    script = Path(os.environ.get("ZKJAVA", beside_checkout))
    if not script.is_file():
        raise ServerMissing("zkjava is not here: set ZKJAVA to the script that runs Apache ZooKeeper")
    return script


@contextlib.contextmanager
def run_server(kind: str, home: Path, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server of `kind` with its files under `home`; `settings` go into its zoo.cfg over `CONFIG`."""
    port = free_port()
    config = write_config(home, port, settings or {})
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            serve_command(kind, config), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=serve_environment()
        )
    server = Server(kind, port, process, log)
    try:
        wait_until_serving(server)
        yield server
    finally:
        stop(process)


def free_port() -> int:
    """A port that nobody listens on, from `ZKEEPER_INTEROP_PORTS` (`first-last`) or of the system's choice."""
    first, _, last = os.environ.get("ZKEEPER_INTEROP_PORTS", "0-0").partition("-")
    for port in range(int(first), int(last) + 1):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise ServerNotStarted(f"no free port in {first}-{last}")


def write_config(home: Path, port: int, settings: Mapping[str, str]) -> Path:
    """Write `home/zoo.cfg` and return its path."""
    data_dir = home / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    values = {
        "dataDir": str(data_dir),
        "clientPort": str(port),
        "clientPortAddress": HOST,
        REAPER_PROPERTY: str(REAPER_INTERVAL_MS),
        **CONFIG,
        **settings,
    }
    config = home / "zoo.cfg"
    config.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return config


def serve_command(kind: str, config: Path) -> list[str]:
    """The command line that runs a server of `kind` in the foreground."""
    if kind == "java":
        reaper = f"-D{REAPER_PROPERTY}={REAPER_INTERVAL_MS}"
        return [sys.executable, str(zkjava_script()), "server", str(config), reaper]
    return [sys.executable, "-m", "zkeeper", "serve", str(config)]


def serve_environment() -> dict[str, str]:
    """The environment of a server: ours, with a heap that leaves room for the clients."""
    return {"ZKJAVA_HEAP": "256m", **os.environ}


def wait_until_serving(server: Server) -> None:
    """Return when the server says that it serves; raise `ServerNotStarted` when it ends or the deadline passes."""
    deadline = time.monotonic() + START_DEADLINE_S
    while not serves(server.port):
        if server.process.poll() is not None:
            raise ServerNotStarted(f"{server.kind} ended with code {server.process.returncode}:\n{server.log_tail()}")
        if time.monotonic() > deadline:
            raise ServerNotStarted(f"{server.kind} did not answer in {START_DEADLINE_S} s:\n{server.log_tail()}")
        time.sleep(POLL_S)


def serves(port: int) -> bool:
    """Whether a server on `port` answers `srvr` with its mode, which it does only when it takes clients."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0) as connection:
            connection.sendall(b"srvr")
            return b"Mode: " in connection.makefile("rb").read()
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process: by asking, then by force."""
    process.terminate()
    try:
        process.wait(STOP_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
