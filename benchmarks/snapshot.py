"""Life with a large tree on disk: reads while it is snapshotted, and reloading it after a crash."""

from __future__ import annotations

import time
from contextlib import ExitStack

from figures import BenchError, Figure, Samples, ratio_at_most, value_at_most
from run import Run, Scenario
from servers import Server, Setup
from throughput import MIX, PIPELINED
from tree import check_tree, filled_tree, tree_options

from process import await_quiet, memory

SNAPSHOTS_WANTED = 2
LEAD_S = 1.5  # From the start of the load until the probe: zkload first writes its few keys and gets going.
KEYS = ["-n", "100"]
LOAD = [*PIPELINED, *MIX, *KEYS]
CHECK_S = 1.0


def _probe_under_load(run: Run, server: Server) -> tuple[float, float]:
    """p99.9 in milliseconds of reads all over the tree, and of all requests of the load itself."""
    probe_s, before = run.scale.probe_s, server.snapshots()
    with run.start_load(server, LOAD, 1, probe_s + 2 * LEAD_S) as load:
        time.sleep(LEAD_S)
        before = server.snapshots()
        reads = run.tree_tool(server, ["probe", *tree_options(run), "-t", str(probe_s)], probe_s)
        begun = server.snapshots() - before
        everything = load.result()
    run.note(server, LOAD, everything | {"snapshots": len(begun)})
    if len(begun) < SNAPSHOTS_WANTED:
        raise BenchError(f"{server.label} began {len(begun)} snapshots while reads were timed, not {SNAPSHOTS_WANTED}")
    return reads["p999_us"] / 1000, everything["p999_us"] / 1000


def _measure_snapshot(run: Run) -> dict[str, Samples]:
    reads, everything = Samples(), Samples()
    trees = [filled_tree(run, contender).data_dir for contender in run.contenders]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(run.server(contender, Setup(tree, run.scale.probe_snap_count, large=True)))
            for contender, tree in zip(run.contenders, trees, strict=True)
        ]
        for server in servers:
            run.load(server, LOAD, 0, run.scale.warm_s)
        for _ in range(run.rounds):
            for server in servers:
                await_quiet(server.pid)
                read_ms, any_ms = _probe_under_load(run, server)
                reads.add(server.label, read_ms)
                everything.add(server.label, any_ms)
    return {"snapshot_reads": reads, "snapshot_mix": everything}


def _measure_reload(run: Run) -> dict[str, Samples]:
    times, rss = Samples(), Samples()
    trees = {contender.label: filled_tree(run, contender).data_dir for contender in run.contenders}
    for _ in range(run.rounds):
        for contender in run.contenders:
            with run.server(contender, Setup(trees[contender.label], large=True)) as server:
                times.add(server.label, server.first_session_s)
                await_quiet(server.pid)
                rss.add(server.label, memory(server.pid).rss_mb)
                check_tree(run, server, CHECK_S)
    return {"reload": times, "reload_memory": rss}


SCENARIOS = [
    Scenario(
        "snapshot_reads",
        [
            Figure(
                "snapshot_reads",
                "reads under 90/10 load while 1,000,000 znodes are snapshotted, p99.9",
                "ms",
                value_at_most(25),
            ),
            Figure("snapshot_mix", "all requests of that load, p99.9", "ms"),
        ],
        _measure_snapshot,
    ),
    Scenario(
        "reload",
        [
            Figure("reload", "reloading 1,000,000 znodes: kill -9 to first session", "s", ratio_at_most(1)),
            Figure("reload_memory", "RSS after reloading them", "MB", value_at_most(450)),
        ],
        _measure_reload,
    ),
]
