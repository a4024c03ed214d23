"""The command line of a benchmark: what to run and how, and the Markdown table that comes of it.

Contenders run with equal settings, fsync on and data on the same disk; all are warmed; they are measured in turn
(A B A B), and medians and their ratios are told. Progress goes to stderr, the table to stdout.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import report
import tools
from contenders import contenders, facts
from figures import BenchError, Row, Samples
from run import FULL, QUICK, Run, Scenario
from servers import Ports


@dataclass(frozen=True)
class Benchmark:
    """A program that measures these scenarios; `about` is its docstring."""

    program: str
    about: str
    scenarios: list[Scenario]


def _arguments(benchmark: Benchmark, argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=benchmark.program, description=benchmark.about)
    parser.add_argument(
        "--only",
        type=lambda only: _scenarios(benchmark, only),
        default=benchmark.scenarios,
        metavar="NAME,...",
        help=f"of: {', '.join(one.name for one in benchmark.scenarios)}",
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run: every step, but figures that mean nothing")
    parser.add_argument("--servers", default="java,zkeeper", metavar="A,B", help="the baseline, then the subject")
    parser.add_argument("--rounds", type=int, help="rounds per figure (3; 1 with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to a file as well")
    parser.add_argument("--work-dir", type=Path, metavar="DIR", help="where data directories go (the temporary folder)")
    parser.add_argument("--first-port", type=int, default=27181, metavar="PORT", help="ports are taken upwards from it")
    return parser.parse_args(argv)


def _scenarios(benchmark: Benchmark, only: str) -> list[Scenario]:
    by_name = {scenario.name: scenario for scenario in benchmark.scenarios}
    unknown = [name for name in only.split(",") if name not in by_name]
    if unknown:
        raise argparse.ArgumentTypeError(f"no figure is called {', '.join(unknown)}; there are: {', '.join(by_name)}")
    return [by_name[name] for name in only.split(",")]


def _measure(scenario: Scenario, run: Run) -> list[Row]:
    figures = scenario.figures
    print(f"{scenario.name} ...", file=sys.stderr, flush=True)
    try:
        samples = scenario.measure(run)
    except BenchError as error:
        print(f"    failed: {error}", file=sys.stderr, flush=True)
        return [Row(figure, Samples(), str(error)) for figure in figures]
    return [Row(figure if run.scale.judged else replace(figure, goal=None), samples[figure.name]) for figure in figures]


def _command(benchmark: Benchmark, arguments: argparse.Namespace) -> str:
    """The command as a reader would type it, without what depends on this machine."""
    chosen = ",".join(scenario.name for scenario in arguments.only)
    only = f" --only {chosen}" if arguments.only is not benchmark.scenarios else ""
    quick = " --quick" if arguments.quick else ""
    rounds = f" --rounds {arguments.rounds}" if arguments.rounds else ""
    return f"python benchmarks/{benchmark.program} --servers {arguments.servers}{only}{quick}{rounds}"


def _run(benchmark: Benchmark, arguments: argparse.Namespace, work_dir: Path) -> list[Row]:
    kinds = arguments.servers.split(",")
    told = facts(kinds, work_dir)
    run = Run(
        contenders=contenders(kinds),
        programs=tools.build(work_dir / "build"),
        ports=Ports(arguments.first_port),
        work_dir=work_dir,
        scale=QUICK if arguments.quick else FULL,
        rounds=arguments.rounds or (1 if arguments.quick else 3),
    )
    rows = [row for scenario in arguments.only for row in _measure(scenario, run)]
    labels = [contender.label for contender in run.contenders]
    print(report.table(rows, labels))
    print(f"\n{', '.join(told)}; {_meaning(arguments, run)}\n\n    {_command(benchmark, arguments)}")
    if arguments.json:
        report.write_json(arguments.json, rows, labels, told, run.details)
    return rows


def _meaning(arguments: argparse.Namespace, run: Run) -> str:
    """What the figures are worth: how often they were taken, and how busy others kept the machine meanwhile."""
    if arguments.quick:
        return "a smoke run, whose figures mean nothing"
    told = f"medians of {run.rounds} rounds"
    if not run.foreign_shares:
        return told
    median, worst = statistics.median(run.foreign_shares), max(run.foreign_shares)
    return f"{told}; other programs used {median:.0%} of the machine (median of the loads; {worst:.0%} at most)"


def _keep_logs(work_dir: Path) -> None:
    for tree in work_dir.glob("tree-*"):
        shutil.rmtree(tree, ignore_errors=True)
    print(f"logs are kept in {work_dir}", file=sys.stderr)


def run_benchmark(benchmark: Benchmark, argv: list[str]) -> int:
    """Runs the benchmark; 0 when every figure asked for was measured, whatever it came to."""
    arguments = _arguments(benchmark, argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that servers are stopped on the way out.
    work_dir = Path(tempfile.mkdtemp(prefix="zkeeper-bench-", dir=arguments.work_dir))
    measured = False
    try:
        measured = not any(row.failure for row in _run(benchmark, arguments, work_dir))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
    finally:
        if measured:
            shutil.rmtree(work_dir)
        else:
            _keep_logs(work_dir)
    return 0 if measured else 1
