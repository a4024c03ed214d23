"""The server that is killed: a process of its own on one data directory, one life after the other.

1. Signals go to its process id alone.
2. Every life has its own `zoo.cfg`; what all of them print goes to one log.
"""

import random
import signal
import subprocess
from pathlib import Path

from interop.servers import free_port, serve_command, serve_environment, stop, write_config

LOG_TAIL_BYTES = 8_000


def draw_settings(rng: random.Random) -> dict[str, str]:
    """Small files, so that a life of a second has snapshots and several logs."""
    return {
        "tickTime": "200",
        "snapCount": str(rng.choice((50, 200, 200, 1000, 5000))),
        "preAllocSize": str(rng.choice((1, 16, 64))),
        "txnLogSizeLimitInKb": str(rng.choice((-1, -1, 50))),
        "snapshot.compression.method": rng.choice(("", "", "gz", "snappy")),
        "autopurge.purgeInterval": str(rng.choice((0, 1))),
    }


class Victim:
    """`kill` and `start` as often as one likes; `close` asks the last process to end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.logs = home / "data" / "version-2"
        self.printed = home / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: dict[str, str]) -> None:
        """Starts the next life; does not wait until it serves."""
        assert not self.is_alive
        config = write_config(self.home, self.port, settings)
        with self.printed.open("ab") as output:
            self._process = subprocess.Popen(
                serve_command("zkeeper", config),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=serve_environment(),
            )  # fmt: skip

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None:
            stop(self._process)

    def said(self, phrase: str) -> int:
        """How often `phrase` is in what it printed."""
        return self.printed.read_text(errors="replace").count(phrase)

    def last_words(self) -> str:
        return self.printed.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
