"""A server that lost its disk joins an ensemble with a large tree: what the readers of the others notice."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack

from ensembles import Ensemble, running
from figures import BenchError, Figure, Samples, value_at_most
from run import Run, Scenario
from servers import START_LIMIT_S, Server
from tree import check_tree, tree_options

from process import await_quiet

WINDOW_S = 2.0
CHECK_S = 1.0


def _worst_read_ms(run: Run, servers: list[Server]) -> float:
    """The highest p99.9 of reads all over the tree of these servers, all read at once for `WINDOW_S`."""
    options = ["probe", *tree_options(run), "-t", str(WINDOW_S)]
    with ExitStack() as stack:
        probes = [stack.enter_context(run.start_tree_tool(server, options, WINDOW_S)) for server in servers]
        found = [probe.result() for probe in probes]
    for server, result in zip(servers, found, strict=True):
        run.note(server, options, result)
    return max(result["p999_us"] for result in found) / 1000


def _join(run: Run, ensemble: Ensemble) -> tuple[float, float]:
    """A follower loses its disk, starts and joins: the worst read of any window until it serves, in milliseconds, and
    the seconds that it took, to the end of a window."""
    joiner = ensemble.followers()[0]
    others = [server for server in ensemble.servers if server is not joiner]
    joiner.kill()
    shutil.rmtree(joiner.data_dir / "version-2")
    started_at = time.perf_counter()
    ensemble.start(joiner)
    worst_ms = _worst_read_ms(run, others)
    while not ensemble.is_complete():
        if time.perf_counter() - started_at > START_LIMIT_S:
            raise BenchError(f"{ensemble.label}: no join within {START_LIMIT_S:.0f} s")
        worst_ms = max(worst_ms, _worst_read_ms(run, others))
    took_s = time.perf_counter() - started_at
    check_tree(run, joiner, CHECK_S)
    return worst_ms, took_s


def _measure_join(run: Run) -> dict[str, Samples]:
    reads, times = Samples(), Samples()
    for contender in run.contenders:
        with running(run, contender, is_large=True) as ensemble:
            run.tree_tool(ensemble.leader, ["fill", *tree_options(run)], run.scale.nodes / 1000)
            for server in ensemble.servers:
                await_quiet(server.pid)
            for _ in range(run.rounds):
                worst_ms, took_s = _join(run, ensemble)
                reads.add(contender.label, worst_ms)
                times.add(contender.label, took_s)
    return {"join_reads": reads, "join": times}


JOIN = Scenario(
    "join",
    [
        Figure(
            "join_reads",
            "reads of the others while a server joins with 1,000,000 znodes, worst p99.9 of 2 s",
            "ms",
            value_at_most(50),
        ),
        Figure("join", "that join, from the start of the process", "s"),
    ],
    _measure_join,
)
