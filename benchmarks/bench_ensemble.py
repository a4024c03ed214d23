"""`python benchmarks/bench_ensemble.py`: three servers of zkeeper side by side with three of Apache ZooKeeper.

Both ensembles run all the time on this machine, only one of them under load at any moment. Clients of throughput are
spread over the three servers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from command import Benchmark, run_benchmark
from ensembles import Ensemble, all_running, running
from figures import Figure, Goal, Samples, ratio_at_least, ratio_at_most
from joining import JOIN
from run import Run, Scenario
from servers import START_LIMIT_S, Server
from throughput import MIX, ONE_EACH, PIPELINED, READS, SINGLE, WRITES, measure_warm, median_latency_us, ops_per_s
from wire import await_first_write

from process import Memory, await_quiet, memory

KEY = "/zkload/k0"
KILLS_A_ROUND = 3


@dataclass(frozen=True)
class Part:
    """Some servers of an ensemble, as the target of a load; all processes of the ensemble are at work for it."""

    label: str
    address: str
    pids: list[int]


def _throughput(name: str, title: str, options: list[str], goal: Goal | None = None) -> Scenario:
    def measure(run: Run) -> dict[str, Samples]:
        with all_running(run) as ensembles:
            return {name: measure_warm(run, ensembles, options, ops_per_s)}

    return Scenario(name, [Figure(name, title, "ops/s", goal)], measure)


def _latency(name: str, title: str, choose: Callable[[Ensemble], Server], goal: Goal) -> Scenario:
    def measure(run: Run) -> dict[str, Samples]:
        with all_running(run) as ensembles:
            parts = [Part(one.label, choose(one).address, one.pids) for one in ensembles]
            return {name: measure_warm(run, parts, [*SINGLE, *WRITES], median_latency_us)}

    return Scenario(name, [Figure(name, title, "µs", goal)], measure)


def _measure_failover(run: Run) -> dict[str, Samples]:
    samples = Samples()
    with all_running(run) as ensembles:
        for ensemble in ensembles:
            run.load(ensemble, [*ONE_EACH, *WRITES, "-n", str(run.scale.keys)], 0, run.scale.warm_s)
        for _ in range(run.rounds * KILLS_A_ROUND):
            for ensemble in ensembles:
                samples.add(ensemble.label, _failover_ms(ensemble))
    return {"failover": samples}


def _failover_ms(ensemble: Ensemble) -> float:
    leader, ports = ensemble.leader, [server.port for server in ensemble.followers()]
    killed_at = time.perf_counter()
    leader.kill()
    written_at = await_first_write(ports, KEY, lambda: None, START_LIMIT_S)
    ensemble.restart(leader)
    return (written_at - killed_at) * 1000


def _measure_memory(run: Run) -> dict[str, Samples]:
    idle, loaded, loaded_pss = Samples(), Samples(), Samples()
    for _ in range(run.rounds):
        for contender in run.contenders:
            with running(run, contender) as ensemble:
                idle.add(contender.label, _quiet(ensemble).rss_mb)
                for options in (WRITES, READS):
                    run.load(ensemble, [*PIPELINED, *options], 1, run.scale.warm_s)
                found = _quiet(ensemble)
            loaded.add(contender.label, found.rss_mb)
            loaded_pss.add(contender.label, found.pss_mb)
    return {"idle_memory": idle, "loaded_memory": loaded, "loaded_memory_pss": loaded_pss}


def _quiet(ensemble: Ensemble) -> Memory:
    for pid in ensemble.pids:
        await_quiet(pid)
    return memory(*ensemble.pids)


SCENARIOS = [
    _throughput("writes_pipelined", "writes, 16 x 32", [*PIPELINED, *WRITES], ratio_at_least(2.5)),
    _throughput("writes", "writes, 64 x 1", [*ONE_EACH, *WRITES], ratio_at_least(1.8)),
    _throughput("reads_pipelined", "reads, 16 x 32", [*PIPELINED, *READS], ratio_at_least(3)),
    _throughput("reads", "reads, 64 x 1", [*ONE_EACH, *READS]),
    _throughput("mix_pipelined", "90 % reads, 10 % writes, 16 x 32", [*PIPELINED, *MIX], ratio_at_least(3)),
    _latency("latency_leader", "write latency of one client, leader", lambda one: one.leader, ratio_at_most(0.8)),
    _latency(
        "latency_follower", "write latency of one client, follower", lambda one: one.followers()[0], ratio_at_most(0.8)
    ),
    Scenario(
        "failover",
        [Figure("failover", "kill -9 of the leader to the first acknowledged write", "ms", ratio_at_most(1))],
        _measure_failover,
    ),
    Scenario(
        "memory",
        [
            Figure("idle_memory", "memory of three servers, idle, RSS", "MB"),
            Figure("loaded_memory", "the same after load, RSS", "MB", ratio_at_most(0.25)),
            Figure("loaded_memory_pss", "the same, PSS", "MB"),
        ],
        _measure_memory,
    ),
    JOIN,
]
BENCHMARK = Benchmark("bench_ensemble.py", __doc__ or "", SCENARIOS)

if __name__ == "__main__":
    sys.exit(run_benchmark(BENCHMARK, sys.argv[1:]))
