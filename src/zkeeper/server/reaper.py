"""Deletes empty containers and childless znodes whose ttl is over (semantics, section 7).

Candidates are chosen in a pure function; each is then deleted by a transaction of its own, which the request road
refuses if a child has come meanwhile. Deletions are spaced so that a big sweep does not crowd out the clients.
"""

import asyncio
from collections.abc import Callable

from zkeeper.database.tree import DataTree
from zkeeper.pipeline.service import Service
from zkeeper.server.config.model import NodesConfig


def candidates(tree: DataTree, now_ms: int, max_never_used_ms: int) -> list[bytes]:
    """Paths to delete. A container counts from when it lost its last child; with `max_never_used_ms` above 0 also when
    it never had one for that long."""
    found = [
        path for path in sorted(tree.owners.containers) if _is_spent_container(tree, path, now_ms, max_never_used_ms)
    ]
    return found + [path for path in sorted(tree.owners.ttls) if _is_over(tree, path, now_ms)]


def _is_spent_container(tree: DataTree, path: bytes, now_ms: int, max_never_used_ms: int) -> bool:
    node = tree.lookup(path)
    if node is None or node.child_count() > 0:
        return False
    return node.cversion > 0 or 0 < max_never_used_ms < now_ms - node.mtime_ms


def _is_over(tree: DataTree, path: bytes, now_ms: int) -> bool:
    node = tree.lookup(path)
    if node is None or node.child_count() > 0:
        return False
    return now_ms - node.mtime_ms > tree.owner_rules.ttl_ms(node.owner)


async def reap_for_ever(service: Service, config: NodesConfig, wall_ms: Callable[[], int]) -> None:
    """Sweeps at the configured interval until it is cancelled."""
    spacing_s = 60.0 / config.container_max_per_minute
    while True:
        await asyncio.sleep(config.container_check_interval_ms / 1000)
        found = candidates(service.database.tree, wall_ms(), config.container_max_never_used_interval_ms)
        for path in found:
            service.delete_container(path)
            await asyncio.sleep(spacing_s)
