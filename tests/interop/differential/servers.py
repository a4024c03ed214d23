"""Starting the two servers, each on a data directory of its own that goes when the server goes.

A side is named ``java``, ``zkeeper`` or ``host:port``; the last is attached to and never started or stopped.
The command that runs a Java server in the foreground, given a zoo.cfg, comes from ``--java-command`` or from the
environment variable ``ZOOKEEPER_SERVER_COMMAND``.
"""

import contextlib
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .profiles import PROCESS_PROPERTIES, Profile

COMMAND_VARIABLE = "ZOOKEEPER_SERVER_COMMAND"
_START_TIMEOUT_S = 60.0
_POLL_S = 0.05
_ANSWER_TIMEOUT_S = 2.0
_STOP_TIMEOUT_S = 10.0
_LAST_WORDS = 3000
_QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


class StartError(Exception):
    """A server did not start; the message says what it printed."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens, and the file with what it prints, if it is ours."""

    address: tuple[str, int]
    log: pathlib.Path | None

    def last_words(self) -> str:
        """The end of what the server printed."""
        return "" if self.log is None else self.log.read_text(errors="replace")[-_LAST_WORDS:]


def is_address(name: str) -> bool:
    return ":" in name


def command(name: str, java_command: str | None) -> list[str]:
    """The command line of a server, but for its configuration file."""
    if name == "zkeeper":
        return [sys.executable, "-m", "zkeeper", "serve"]
    java = java_command or os.environ.get(COMMAND_VARIABLE)
    if not java:
        raise StartError(f"how does a Java server start? Set {COMMAND_VARIABLE} or give --java-command")
    return shlex.split(java)


@contextlib.contextmanager
def running(name: str, profile: Profile, port: int, java_command: str | None) -> Iterator[Server]:
    """A fresh server, for as long as the block lasts; or the one at the address that the name is."""
    if is_address(name):
        host, _, given_port = name.rpartition(":")
        yield Server((host, int(given_port)), None)
        return
    with tempfile.TemporaryDirectory(prefix=f"differential-{port}-") as home:
        config = pathlib.Path(home, "zoo.cfg")
        config.write_text(profile.zoo_cfg(f"{home}/data", port))
        arguments = [*command(name, java_command), str(config)]
        with open(f"{home}/log", "wb") as log, _process(arguments, log.fileno()) as server:
            _await_port(server, port, pathlib.Path(home, "log"))
            yield Server(("127.0.0.1", port), pathlib.Path(home, "log"))


@contextlib.contextmanager
def _process(arguments: Sequence[str], log: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment()) as server:
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                server.kill()


def _environment() -> dict[str, str]:
    properties = " ".join(f"-D{name}={value}" for name, value in PROCESS_PROPERTIES.items())
    return os.environ | {"JAVA_TOOL_OPTIONS": f"{properties} {_QUICK_JVM}", "SERVER_JVMFLAGS": properties}


def _await_port(server: subprocess.Popen[bytes], port: int, log: pathlib.Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if _is_serving(port):
            return
        time.sleep(_POLL_S)
    printed = Server(("127.0.0.1", port), log).last_words()
    raise StartError(f"no server on port {port} (exit code {server.poll()}):\n{printed}")


def _is_serving(port: int) -> bool:
    """Whether the four-letter word ``srvr`` is answered as by a server at work; asking costs no zxid."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), _ANSWER_TIMEOUT_S) as connection:
        connection.sendall(b"srvr")
        with connection.makefile("rb") as answer:
            return b"Mode: standalone" in answer.read()
    return False
