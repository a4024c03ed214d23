"""The large tree: filled once per contender, then kept as the data directory of a server that was killed."""

from __future__ import annotations

from contenders import Contender
from figures import BenchError
from run import Run, Tree
from servers import Server, Setup
from throughput import PIPELINED, WRITES

from process import await_quiet, memory

VALUE_BYTES = 100
SNAPSHOT_TRIES = 60
SNAPSHOT_LOAD_S = 1.0


def tree_options(run: Run) -> list[str]:
    """Tells zktree how large the tree is."""
    return ["-n", str(run.scale.nodes), "-b", str(VALUE_BYTES)]


def _snapshot_whole_tree(run: Run, server: Server) -> None:
    """Writes until a snapshot is begun that therefore holds every node, and lets it be finished."""
    before = server.snapshots()
    for _ in range(SNAPSHOT_TRIES):
        if server.snapshots() - before:
            await_quiet(server.pid)
            return
        run.load(server, [*PIPELINED, *WRITES], 0, SNAPSHOT_LOAD_S)
    raise BenchError(f"{server.label} took no snapshot after the tree was filled")


def _fill(run: Run, contender: Contender) -> Tree:
    # Scaled down with the tree, so that a small tree is snapshotted after a short load as well.
    setup = Setup(snap_count=max(run.scale.nodes // 10, 2), large=True)
    data_dir = run.work_dir / f"tree-{contender.label.replace(' ', '-')}"
    with run.server(contender, setup) as server:
        run.tree_tool(server, ["fill", *tree_options(run)], run.scale.nodes / 1000)
        await_quiet(server.pid)
        found = memory(server.pid)
        _snapshot_whole_tree(run, server)
        server.kill()
        server.data_dir.rename(data_dir)
    return Tree(data_dir, found)


def filled_tree(run: Run, contender: Contender) -> Tree:
    """The contender's own large tree, filled at the first call; a snapshot holds all its nodes."""
    if contender.label not in run.trees:
        run.trees[contender.label] = _fill(run, contender)
    return run.trees[contender.label]


def check_tree(run: Run, server: Server, seconds: float) -> None:
    """Reads nodes all over the tree; raises BenchError if any is missing."""
    run.tree_tool(server, ["probe", *tree_options(run), "-t", str(seconds)], seconds)
