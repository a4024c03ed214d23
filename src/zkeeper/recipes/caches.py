"""Copies of znodes that follow the servers: of one, of one with its children, of a subtree.

All promise: after a change, and after every reconnect, they come to show what the servers have; for one znode they
never show an older state after a newer one; each change that is shown is told to `on_change` listeners exactly once.
They do not promise to show every state in between, nor a state in which different znodes belong to one moment, nor that
what is shown is still so. While the connection is lost they show what they knew. Znodes that may not be read are left
out.
"""

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType

from zkeeper import AsyncClient, NodeData

from .mirror import Mirror


class NodeCache(Mirror):
    """Follows one znode, which need not exist. Promises what the module says.

    async with NodeCache(zk, "/config/mode") as cache:
        print(cache.node.data if cache.node else "not there")
    """

    def __init__(self, zk: AsyncClient, path: str) -> None:
        super().__init__(zk, path, depth=0)

    @property
    def node(self) -> NodeData | None:
        """Data and `Stat`; None while the znode does not exist."""
        return self._nodes.get(self.root)

    async def changes(self) -> AsyncIterator[NodeData | None]:
        """Yields the znode now, and again after changes; those in quick succession as one. Ends by `close`."""
        async for _ in self._turns():
            yield self.node


class ChildrenCache(Mirror):
    """Follows the children of a znode with their data. Promises what the module says.

    async with ChildrenCache(zk, "/workers") as cache:
        for name, node in cache.children.items():
            ...
    """

    def __init__(self, zk: AsyncClient, path: str) -> None:
        super().__init__(zk, path, depth=1)

    @property
    def children(self) -> dict[str, NodeData]:
        """Data and `Stat` of the children, by name, sorted."""
        prefix = self.root.rstrip("/") + "/"
        return {name: self._nodes[prefix + name] for name in sorted(self._names.get(self.root, ()))}

    async def changes(self) -> AsyncIterator[dict[str, NodeData]]:
        """Yields the children now, and again after changes; those in quick succession as one. Ends by `close`."""
        async for _ in self._turns():
            yield self.children


class TreeCache(Mirror):
    """Follows a znode and everything below it. Promises what the module says.

    async with TreeCache(zk, "/config") as cache:
        node = cache.get("/config/db/host")
    """

    def __init__(self, zk: AsyncClient, path: str) -> None:
        super().__init__(zk, path, depth=None)

    @property
    def nodes(self) -> Mapping[str, NodeData]:
        """Data and `Stat` of all znodes, by path: a view that follows, too."""
        return MappingProxyType(self._nodes)

    def get(self, path: str) -> NodeData | None:
        """Data and `Stat`; None if the znode does not exist."""
        return self._nodes.get(path)

    def children(self, path: str) -> list[str]:
        """The names of the children, sorted."""
        return sorted(self._names.get(path, ()))

    async def changes(self) -> AsyncIterator[Mapping[str, NodeData]]:
        """Yields all znodes now, and again after changes; those in quick succession as one. Ends by `close`."""
        async for _ in self._turns():
            yield self.nodes
