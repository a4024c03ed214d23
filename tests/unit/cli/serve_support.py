"""`zkeeper serve` as a process of its own, as an operator meets it."""

import os
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import raw_wire as raw

DEADLINE_S = 60
COMMAND = [sys.executable, "-m", "zkeeper", "serve"]
SERVING = re.compile(r"serving clients on (\S+) port ([0-9]+)")


class Ended(NamedTuple):
    """How a server ended that was not asked to."""

    code: int
    told: str


def start_and_end(*arguments: str, cwd: Path, through: Sequence[str] = ()) -> Ended:
    """Runs a server that cannot start, by the command `through` if one is given."""
    done = subprocess.run(
        [*through, *COMMAND, *arguments],
        cwd=cwd,
        env=_environment(),
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
    )
    return Ended(done.returncode, done.stderr)


class Running:
    """A server that serves; `address` is where."""

    def __init__(self, process: subprocess.Popen[str], told: list[str], address: tuple[str, int]) -> None:
        self.process = process
        self.address = address
        self._told = told

    def open_session(self, timeout_ms: int = 10_000) -> socket.socket:
        client = socket.create_connection(self.address, timeout=DEADLINE_S)
        client.sendall(raw.connect(timeout_ms=timeout_ms))
        read_frame(client)
        return client

    def write(self, count: int) -> None:
        """Creates so many znodes, one after the other."""
        with self.open_session() as client:
            for number in range(count):
                client.sendall(raw.request(number + 1, raw.CREATE, raw.create(b"/%d" % number, b"x" * 100)))
                assert raw.reply(read_frame(client)).err == 0

    def end(self) -> Ended:
        """What it tells until it ends by itself."""
        _, rest = self.process.communicate(timeout=DEADLINE_S)
        return Ended(self.process.returncode, "".join(self._told) + rest)

    def stop(self) -> Ended:
        self.process.terminate()
        return self.end()


@contextmanager
def serving(*arguments: str, cwd: Path, prepare: Callable[[], None] | None = None) -> Iterator[Running]:
    """A server that serves; it is ended with the block, if it has not ended before. `prepare` runs in its process."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=_environment(), stderr=subprocess.PIPE, text=True, preexec_fn=prepare
    )
    try:
        assert process.stderr is not None
        told: list[str] = []
        for line in process.stderr:
            told.append(line)
            if found := SERVING.search(line):
                break
        else:
            raise AssertionError("".join(told))
        yield Running(process, told, (found[1], int(found[2])))
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def read_frame(client: socket.socket) -> bytes:
    size = struct.unpack(">i", _read(client, 4))[0]
    return _read(client, size)


def _read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = client.recv(size - len(data))
        assert piece, "the server closed the connection"
        data += piece
    return data


def _environment() -> dict[str, str]:
    ours = ("JVMFLAGS", "SERVER_JVMFLAGS", "ZOO_DATADIR_AUTOCREATE_DISABLE")
    return {name: value for name, value in os.environ.items() if name not in ours}
