"""`python benchmarks/profile_server.py [--with TOOL] -- -c 16 -d 32 -r 1.0`: where zkeeper spends its time under load.

What follows `--` goes to zkload. py-spy or perf sample the running server; cProfile, which is always there, slows it
down and sees only what is not compiled.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tools
from contenders import Contender
from figures import BenchError
from servers import Ports, Server, Setup, running

LEAD_S = 1.5  # zkload first writes its keys.
STOP_LIMIT_S = 60.0

Sampler = Callable[[Server, Path, float], list[str]]


def _py_spy(server: Server, out: Path, seconds: float) -> list[str]:
    return [
        "py-spy",
        "record",
        "-r",
        "250",
        "-d",
        str(int(seconds)),
        "-f",
        "speedscope",
        "-o",
        str(out),
        "-p",
        str(server.pid),
    ]


def _perf(server: Server, out: Path, seconds: float) -> list[str]:
    return ["perf", "record", "-F", "499", "-g", "-o", str(out), "-p", str(server.pid), "--", "sleep", str(seconds)]


SAMPLERS: dict[str, tuple[Sampler, str]] = {
    "py-spy": (_py_spy, "profile.speedscope.json"),
    "perf": (_perf, "perf.data"),
}


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="profile_server.py", description=__doc__)
    parser.add_argument("--with", dest="tool", choices=[*SAMPLERS, "cprofile"], help="the first that is installed")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="where the profile goes")
    parser.add_argument("--first-port", type=int, default=27181, metavar="PORT")
    parser.add_argument("load", nargs="*", metavar="ZKLOAD_OPTION")
    return parser.parse_args(argv)


def _choose_tool() -> str:
    return next((name for name in SAMPLERS if shutil.which(name)), "cprofile")


def _contender(tool: str, profile: Path) -> Contender:
    watched = ["-m", "cProfile", "-o", str(profile)] if tool == "cprofile" else []
    return Contender("zkeeper", lambda large: [sys.executable, *watched, "-m", "zkeeper", "serve"])


def _run_load(arguments: argparse.Namespace, program: Path, server: Server, sampler: list[str]) -> None:
    seconds = arguments.seconds + LEAD_S
    with tools.start(program, server.address, [*arguments.load, "-w", "0", "-t", str(seconds)], seconds) as load:
        time.sleep(LEAD_S)
        if sampler:
            subprocess.run(sampler, check=True, timeout=seconds + STOP_LIMIT_S)
        print(load.result())


def _interrupt(server: Server) -> None:
    """cProfile writes its file only when the program returns, which an interrupted server does."""
    server.process.send_signal(signal.SIGINT)
    server.process.wait(STOP_LIMIT_S)


def _profile(arguments: argparse.Namespace, work_dir: Path) -> Path:
    tool = arguments.tool or _choose_tool()
    sampler, file_name = SAMPLERS.get(tool, (None, "profile.pstats"))
    profile: Path = arguments.out.resolve() / file_name
    program = tools.build(work_dir).zkload
    with running(_contender(tool, profile), work_dir / "server", Ports(arguments.first_port), Setup()) as server:
        _run_load(arguments, program, server, sampler(server, profile, arguments.seconds) if sampler else [])
        if sampler is None:
            _interrupt(server)
    return profile


def main(argv: list[str]) -> int:
    """Profiles one load; 0 when the profile was written."""
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that the server is stopped on the way out.
    with tempfile.TemporaryDirectory(prefix="zkeeper-profile-") as work_dir:
        try:
            print(_profile(arguments, Path(work_dir)))
        except (BenchError, subprocess.SubprocessError) as error:
            print(f"profile: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
