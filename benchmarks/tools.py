"""The programs that make load: building them, running them within a time limit, reading what they print.

Invariant: a run in which any request failed or any connection was lost gives no figure.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import BenchError

REPOSITORY = Path(__file__).resolve().parent.parent
GRACE_S = 120.0  # Above a run's own duration: creating keys and opening sessions on a slow disk.


@dataclass(frozen=True)
class Tools:
    """The compiled load generators."""

    zkload: Path
    zktree: Path


@dataclass(frozen=True)
class LoadResult:
    """What one run of zkload found, latencies in microseconds."""

    ops_per_s: float
    p50_us: float
    p999_us: float
    raw: dict[str, Any]


def shared_tool(variable: str, name: str) -> Path:
    """A tool named by an environment variable, or else found in shared/tools beside the checkout."""
    path = Path(os.environ.get(variable) or REPOSITORY.parent / "shared" / "tools" / name)
    if not path.exists():
        raise BenchError(f"{name} not found beside the checkout; name it with {variable}")
    return path


def _compile(source: Path, target: Path) -> Path:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    done = subprocess.run([*compiler, "-O2", "-o", str(target), str(source)], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{source.name} does not compile: {done.stderr.strip()}")
    return target


def build(folder: Path) -> Tools:
    """Compiles both generators into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    zkload = _compile(shared_tool("ZKLOAD_SOURCE", "zkload.c"), folder / "zkload")
    return Tools(zkload, _compile(Path(__file__).with_name("zktree.c"), folder / "zktree"))


class Running:
    """A generator at work. As a context manager it never outlives the block."""

    def __init__(self, command: list[str], duration_s: float) -> None:
        self._name = Path(command[0]).name
        self._limit_s = duration_s + GRACE_S
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def result(self) -> dict[str, Any]:
        """Waits for the end and returns the JSON object that was printed."""
        try:
            out, err = self._process.communicate(timeout=self._limit_s)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self._name} did not end within {self._limit_s:.0f} s") from None
        if self._process.returncode:
            raise BenchError(f"{self._name} failed: {(err or out).strip()}")
        printed: dict[str, Any] = json.loads(out)
        if printed["errors"] or printed.get("unanswered"):
            raise BenchError(f"{self._name}: requests failed: {out.strip()}")
        return printed


def start(program: Path, address: str, options: list[str], duration_s: float) -> Running:
    """Starts a generator against servers, `host:port,...`."""
    verb, flags = (options[:1], options[1:]) if not options[0].startswith("-") else ([], options)
    return Running([str(program), *verb, "-s", address, *flags], duration_s)


def load_result(raw: dict[str, Any]) -> LoadResult:
    """The part of zkload's answer that figures are made of."""
    return LoadResult(raw["ops_per_s"], raw["p50_us"], raw["p999_us"], raw)
