"""Reads a subtree as a stream of records.

1. Parents come before children, siblings by name. What vanishes meanwhile is left out, the root excepted.
2. `/zookeeper` is left out of `/`: it belongs to the servers.
3. Ephemerals are left out, unless asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

from zkeeper.cli.transfer.records import ROOT, Record
from zkeeper.cli.walk import child_path
from zkeeper.errors import NoNodeError, ZooKeeperError

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

MAX_ZNODES_IN_FLIGHT: Final = 64
"""Times the largest znode, this is what a transfer may hold in memory."""
RESERVED: Final = "/zookeeper"


class Source:
    """The subtree of `root`."""

    def __init__(self, zk: "AsyncClient", root: str, has_ephemerals: bool) -> None:
        self._zk = zk
        self._root = root
        self._has_ephemerals = has_ephemerals

    async def expected(self) -> int | None:
        """About how many znodes there are; None where the server does not tell."""
        try:
            return 1 + await self._zk.descendant_count(self._root)
        except ZooKeeperError:
            return None

    async def records(self) -> AsyncIterator[Record]:
        """Raises `NoNodeError` if there is no root."""
        await self._zk.get(self._root)
        async for record in self._some([self._root]):
            yield record

    async def _some(self, siblings: Sequence[str]) -> AsyncIterator[Record]:
        for start in range(0, len(siblings), MAX_ZNODES_IN_FLIGHT):
            batch = siblings[start : start + MAX_ZNODES_IN_FLIGHT]
            found = await asyncio.gather(*map(self._read, batch))
            for record, children in filter(None, found):
                yield record
                async for below in self._some(children):
                    yield below

    async def _read(self, path: str) -> tuple[Record, list[str]] | None:
        try:
            node, found, names = await asyncio.gather(self._zk.get(path), self._zk.acl(path), self._zk.children(path))
        except NoNodeError:
            return None
        is_ephemeral = node.stat.ephemeral_owner != 0
        if is_ephemeral and not self._has_ephemerals:
            return None
        data = None if node.is_null else node.data
        children = [child_path(path, name) for name in sorted(names)]
        if path == ROOT:
            children = [child for child in children if child != RESERVED]
        return Record(self._relative(path), data, tuple(found.acl), is_ephemeral), children

    def _relative(self, path: str) -> str:
        return path if self._root == ROOT else path[len(self._root) :] or ROOT
