"""Throughput and latency of a warm server under zkload.

Both servers run all the time, but only one is under load at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from figures import Figure, Goal, Samples, ratio_at_least, ratio_at_most
from run import Run, Scenario, Target
from tools import LoadResult

PIPELINED = ["-c", "16", "-d", "32"]
ONE_EACH = ["-c", "64", "-d", "1"]
SINGLE = ["-c", "1", "-d", "1"]
READS = ["-r", "1.0"]
WRITES = ["-r", "0.0"]
MIX = ["-r", "0.9"]
CHURN = ["-o", "churn"]


def ops_per_s(result: LoadResult) -> float:
    """Requests per second."""
    return result.ops_per_s


def median_latency_us(result: LoadResult) -> float:
    """Median latency in microseconds."""
    return result.p50_us


def _measure(run: Run, options: list[str], pick: Callable[[LoadResult], float]) -> Samples:
    with run.all_servers() as servers:
        return measure_warm(run, servers, options, pick)


def measure_warm(
    run: Run, targets: Sequence[Target], options: list[str], pick: Callable[[LoadResult], float]
) -> Samples:
    """Warms all with the load that is measured, then puts it on each in turn."""
    scale, samples = run.scale, Samples()
    options = [*options, "-n", str(scale.keys), "-b", "100"]
    for target in targets:
        run.load(target, options, scale.measure_s / 5, scale.warm_s)
    for _ in range(run.rounds):
        for target in targets:
            result = run.load(target, options, scale.measure_s / 5, scale.measure_s)
            samples.add(target.label, pick(result))
    return samples


def _scenario(figure: Figure, options: list[str], pick: Callable[[LoadResult], float]) -> Scenario:
    return Scenario(figure.name, [figure], lambda run: {figure.name: _measure(run, options, pick)})


def _throughput(name: str, title: str, goal: Goal, options: list[str]) -> Scenario:
    return _scenario(Figure(name, title, "ops/s", goal), options, ops_per_s)


SCENARIOS = [
    _throughput("reads_pipelined", "reads, 16 connections x 32", ratio_at_least(6), [*PIPELINED, *READS]),
    _throughput("reads", "reads, 64 x 1", ratio_at_least(1.8), [*ONE_EACH, *READS]),
    _throughput("writes_pipelined", "writes, 16 x 32", ratio_at_least(2.5), [*PIPELINED, *WRITES]),
    _throughput("writes", "writes, 64 x 1", ratio_at_least(1.8), [*ONE_EACH, *WRITES]),
    _scenario(
        Figure("write_latency", "write latency of one client, median", "µs", ratio_at_most(0.9)),
        [*SINGLE, *WRITES],
        median_latency_us,
    ),
    _throughput("mix_pipelined", "90 % reads, 10 % writes, 16 x 32", ratio_at_least(4), [*PIPELINED, *MIX]),
    _throughput("churn", "create and delete, 16 x 32", ratio_at_least(2.5), [*PIPELINED, *CHURN]),
]
