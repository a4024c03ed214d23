"""Memory of a server that idles, holds many idle sessions, or holds a large tree.

Resident memory (RSS) is what the goals speak of. PSS, which divides shared pages among their users, is told beside.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from contenders import Contender
from figures import BenchError, Figure, Samples, value_at_most
from run import Run, Scenario
from servers import Server
from tree import filled_tree
from wire import idle_sessions

from process import Memory, await_quiet, memory

SPARE_FILES = 500


def _idle(server: Server) -> Memory:
    await_quiet(server.pid)
    return memory(server.pid)


def _measure_idle(run: Run) -> dict[str, Samples]:
    rss, pss = Samples(), Samples()
    for _ in range(run.rounds):
        for contender in run.contenders:
            with run.server(contender) as server:
                found = _idle(server)
            rss.add(contender.label, found.rss_mb)
            pss.add(contender.label, found.pss_mb)
    return {"idle_memory": rss, "idle_memory_pss": pss}


@contextmanager
def _open_files(count: int) -> Iterator[None]:
    """Raises this process's limit, which the servers inherit, for as long as the block lasts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise BenchError(f"{count} open files are needed; the system allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _sessions_rss_mb(run: Run, contender: Contender) -> float:
    with run.server(contender) as server, idle_sessions(server.port, run.scale.sessions):
        return memory(server.pid).rss_mb


def _measure_sessions(run: Run) -> dict[str, Samples]:
    with _open_files(run.scale.sessions + SPARE_FILES):
        return {"sessions_memory": run.in_turn(lambda contender: _sessions_rss_mb(run, contender))}


def _measure_tree(run: Run) -> dict[str, Samples]:
    rss, pss = Samples(), Samples()
    for contender in run.contenders:
        tree = filled_tree(run, contender)
        rss.add(contender.label, tree.memory.rss_mb)
        pss.add(contender.label, tree.memory.pss_mb)
    return {"tree_memory": rss, "tree_memory_pss": pss}


SCENARIOS = [
    Scenario(
        "idle_memory",
        [
            Figure("idle_memory", "idle memory, RSS", "MB", value_at_most(45)),
            Figure("idle_memory_pss", "idle memory, PSS", "MB"),
        ],
        _measure_idle,
    ),
    Scenario(
        "sessions_memory",
        [Figure("sessions_memory", "10,000 idle sessions, RSS", "MB", value_at_most(150))],
        _measure_sessions,
    ),
    Scenario(
        "tree_memory",
        [
            Figure("tree_memory", "1,000,000 znodes of 100 bytes, RSS after creating them", "MB", value_at_most(450)),
            Figure("tree_memory_pss", "the same, PSS", "MB"),
        ],
        _measure_tree,
    ),
]
