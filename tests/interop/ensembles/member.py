"""A member of an ensemble: a process, one after the other, on the same data directory and ports.

1. Signals go to its own process id alone.
2. Its kind may change while it is stopped; the next process finds the files as the one before has left them.
3. What all its processes print is in one log, `Member.log`, which outlives them.
"""

import shutil
import signal
import subprocess
from pathlib import Path

from interop.servers import Server, ServerNotStarted, serve_command, serve_environment, stop
from simulation.log_files import Entry, parse

from . import status
from .layout import Address

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java starts in half the time so, and many start at once here on few cores."""
LOG_TAIL_LINES = 60
JAVA_DEFINES = ("-Dzkjava.log=INFO",)


class Member:
    """`kind` is `java` or `zkeeper`; the words `defines` are added to the command line of its processes."""

    def __init__(self, sid: int, kind: str, home: Path, config: Path, address: Address) -> None:
        self.sid = sid
        self.kind = kind
        self.home = home
        self.address = address
        self.log = home / "server.log"
        self.config = config
        self.defines: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_meant_to_run = False
        self.is_paused = False

    def __repr__(self) -> str:
        return f"server {self.sid} ({self.kind})"

    # The process.

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def server(self) -> Server:
        """It as a server of the other tests."""
        assert self._process is not None, f"{self} was never started"
        return Server(self.kind, self.address.client, self._process, self.log)

    def start(self) -> None:
        """Starts the next process; does not wait until it serves."""
        assert not self.is_running, f"{self} is running"
        self._is_meant_to_run = True
        environment = {"JAVA_TOOL_OPTIONS": JAVA_OPTIONS, **serve_environment()}
        defines = (*self.defines, *(JAVA_DEFINES if self.kind == "java" else ()))
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*serve_command(self.kind, self.config), *defines],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
            )  # fmt: skip

    def stop(self) -> None:
        """Asks it to end, and waits until it has."""
        self.resume()
        self._is_meant_to_run = False
        if self._process is not None:
            stop(self._process)

    def kill(self) -> None:
        """Ends it as a power cut would, paused or not."""
        self.is_paused = self._is_meant_to_run = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Stops it where it stands (SIGSTOP). Its connections stay, and what comes on them waits in the kernel."""
        self._signal(signal.SIGSTOP)
        self.is_paused = True

    def resume(self) -> None:
        """Lets a paused one go on (SIGCONT)."""
        if self.is_paused:
            self._signal(signal.SIGCONT)
        self.is_paused = False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def check_running(self) -> None:
        """Raises `ServerNotStarted` if its process has ended by itself."""
        if self._is_meant_to_run and not self.is_running:
            code = self.server.process.returncode
            raise ServerNotStarted(f"{self} ended by itself with code {code}:\n{self.log_tail()}")

    # What it says.

    @property
    def mode(self) -> str:
        """Its mode, once it serves clients; "" otherwise."""
        return status.mode(self.address.client) if self.is_running and not self.is_paused else ""

    @property
    def zxid(self) -> int:
        """The zxid that it has applied last."""
        return status.last_zxid(self.address.client)

    def metric(self, name: str) -> int:
        """A number of `mntr`, without `zk_`; 0 for one that it does not tell."""
        return int(float(status.metrics(self.address.client).get(name, "0")))

    # Its files.

    @property
    def folder(self) -> Path:
        """Where its logs and snapshots are."""
        return self.home / "data" / "version-2"

    def epoch(self, name: str) -> int:
        """What its file `acceptedEpoch` or `currentEpoch` says."""
        return int((self.folder / name).read_text())

    def logged(self, since_zxid: int = 0) -> list[Entry]:
        """The transactions in its logs, all or those from a zxid on."""
        starts = {int(path.name[4:], 16): path for path in self.folder.glob("log.*")}
        first = max((zxid for zxid in starts if zxid <= since_zxid), default=0)
        entries = [entry for zxid in sorted(starts) if zxid >= first for entry in parse(starts[zxid].read_bytes())]
        return [entry for entry in entries if entry.zxid >= since_zxid]

    def wipe(self) -> None:
        """Removes its data, as if its disk had been replaced; it keeps its id."""
        assert not self.is_running, f"{self} is running"
        shutil.rmtree(self.folder)

    def log_tail(self) -> str:
        """The end of its log, without the traces of our own questions."""
        text = self.log.read_text(errors="replace")
        lines = [line for line in text.splitlines() if "Processing srvr command" not in line]
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def printed(self, phrase: str) -> int:
        """How often `phrase` is in its log."""
        return self.log.read_text(errors="replace").count(phrase)
