"""Run the programs under `clients/` and read what they report.

A program is given three addresses (the server, a proxy to it, the proxy's control port) and prints one line a
check: `ok NAME` or `FAILED NAME: reason`. Everything else that it prints is talk, kept for the failure report.

1. A check counts as passed only if its `ok` line was printed exactly once and no `FAILED` line names it.
2. A program that ends with 0 has printed no `FAILED` line, and the other way round; anything else is a fault.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .proxy import run_proxy
from .servers import Server, zkjava_script

HERE = Path(__file__).resolve().parent
TARGET = HERE / "target"
RUN_DEADLINE_S = 120.0
OUTPUT_TAIL_CHARS = 12_000
_LINE = re.compile(r"^(ok|FAILED) ([a-z0-9_]+)(?:: (.*))?$")


@dataclass(frozen=True)
class Outcome:
    """What one run of a program reported."""

    passed: Counter[str]
    failed: dict[str, str]
    exit_code: int
    output: str

    def problem_with(self, check: str) -> str | None:
        """Why `check` does not count as passed, or None if it does."""
        if check in self.failed:
            return f"{check}: {self.failed[check]}\n{self.output_tail()}"
        if self.passed[check] != 1:
            return f"{check} reported ok {self.passed[check]} times (exit {self.exit_code})\n{self.output_tail()}"
        return None

    def problem_with_run(self, expected: tuple[str, ...]) -> str | None:
        """What is wrong with the run as a whole: names that nobody expects, an exit code that does not fit."""
        unexpected = sorted((set(self.passed) | set(self.failed)) - set(expected))
        if unexpected:
            return f"checks that the suite does not list: {', '.join(unexpected)}"
        if (self.exit_code == 0) != (not self.failed):
            return f"exit code {self.exit_code} with {len(self.failed)} failed checks\n{self.output_tail()}"
        return None

    def output_tail(self) -> str:
        """The end of what the program printed."""
        return self.output[-OUTPUT_TAIL_CHARS:]


def read_outcome(output: str, exit_code: int) -> Outcome:
    """Parse what a program printed."""
    lines = [match.groups() for match in map(_LINE.match, output.splitlines()) if match]
    passed = Counter(name for verdict, name, _ in lines if verdict == "ok")
    failed = {name: reason or "no reason given" for verdict, name, reason in lines if verdict == "FAILED"}
    return Outcome(passed, failed, exit_code, output)


def run_program(command: list[str], server: Server, deadline_s: float = RUN_DEADLINE_S) -> Outcome:
    """Run `command` against `server`, with a proxy of its own, and return what it reported."""
    with run_proxy(server.port) as proxy:
        arguments = [server.address, proxy.address, proxy.control]
        with subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
        ) as process:
            try:
                printed, _ = process.communicate(timeout=deadline_s)
            except subprocess.TimeoutExpired:
                process.kill()
                printed, _ = process.communicate()
                printed += f"\nkilled after {deadline_s} s\n".encode()
    return read_outcome(printed.decode(errors="replace"), process.returncode)


def environment() -> dict[str, str]:
    """What programs find around them: this package, the compiled Java classes, a small heap."""
    return {
        "ZKJAVA_HEAP": "256m",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")])),
        "ZKJAVA_CP": str(TARGET / "curator"),
    }


def command_for(client: str) -> list[str]:
    """The command line of a client's program, without the addresses."""
    match client:
        case "kazoo" | "shell":
            module = {"kazoo": "kazoo_client", "shell": "java_shell"}[client]
            return [sys.executable, "-m", f"interop.clients.{module}"]
        case "curator":
            return [sys.executable, str(zkjava_script()), "main", "Main", "-Dzkjava.log=ERROR"]
        case "node":
            return ["node", str(HERE / "clients" / "node" / "main.js")]
        case "c":
            return [str(TARGET / "c" / "checks")]
        case _:
            raise ValueError(f"no such client: {client}")
