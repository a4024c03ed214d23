"""ZooKeeper's shell as a child process that is given commands and answers with lines.

1. `run` returns what one command printed: it follows the command with an `ls` of a node that cannot exist, and the
   shell's complaint about that node marks the end.
2. Watch events, which the shell prints whenever they come, are kept apart in `events` and never among the answers.
"""

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable

from interop.clients.harness import WAIT_DEADLINE_S, expect
from interop.servers import zkjava_script

END_DEADLINE_S = 10.0
DEFAULT_TIMEOUT_MS = 15_000


def cli_command(address: str, *arguments: str) -> list[str]:
    """The command line of the shell; `arguments` make it run one command and end."""
    return [sys.executable, str(zkjava_script()), "cli", "-server", address, *arguments]


def run_once(address: str, *arguments: str) -> tuple[int, list[str]]:
    """Run one command in a shell of its own; return its exit code and what it printed besides events."""
    done = subprocess.run(
        cli_command(address, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, [line for line in done.stdout.splitlines() if not _is_decoration(line)]


def _is_decoration(line: str) -> bool:
    return not line or line.startswith(("WATCHER::", "WatchedEvent ", "Connecting to "))


class Shell:
    """A running shell. `address` is where it connects."""

    def __init__(self, address: str, timeout_ms: int = DEFAULT_TIMEOUT_MS) -> None:
        self.events: list[str] = []
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._marks = itertools.count()
        self._process = subprocess.Popen(
            cli_command(address, "-timeout", str(timeout_ms)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for_event("state:SyncConnected type:None path:null")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._sort_in(line.rstrip("\n"))
                self._changed.notify_all()

    def _sort_in(self, line: str) -> None:
        if line.startswith("WatchedEvent "):
            self.events.append(line.removeprefix("WatchedEvent ").partition(" zxid:")[0])
        elif not _is_decoration(line):
            self._lines.append(line)

    def run(self, command: str) -> list[str]:
        """Run one command and return the lines that it printed."""
        mark = f"/no-such-node-{os.getpid()}-{next(self._marks)}"
        self._lines.clear()
        self.send(f"{command}\nls {mark}")
        end = f"Node does not exist: {mark}"
        self._wait(lambda: end in self._lines, f"the end of {command!r}")
        return self._lines[: self._lines.index(end)]

    def send(self, text: str) -> None:
        """Type lines without waiting for what they print."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")

    def wait_for_event(self, wanted: str) -> None:
        """Return when an event that reads `state:... type:... path:...` has come, and forget those up to it."""
        self._wait(lambda: wanted in self.events, f"the event {wanted!r}")
        del self.events[: self.events.index(wanted) + 1]

    def expect_event(self, kind: str, path: str) -> None:
        """Fail unless the next event is of that type and path."""
        self._wait(lambda: bool(self.events), f"{kind} of {path}")
        expect(self.events.pop(0), f"state:SyncConnected type:{kind} path:{path}", "event")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, WAIT_DEADLINE_S):
                raise AssertionError(f"waited in vain for {what}; lines {self._lines}, events {self.events}")

    def close(self) -> int:
        """Leave the shell, which closes its session, and return its exit code."""
        if self._process.poll() is None:
            self.send("quit")
        try:
            return self._process.wait(END_DEADLINE_S)
        finally:
            self._process.kill()
            self._reader.join()
