"""Who is there: membership of a group."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from zkeeper import OPEN_ACL, Acl, AsyncClient, NodeData, new_guid
from zkeeper.arguments import data as checked_data
from zkeeper.arguments import limit, text
from zkeeper.errors import NoNodeError

from .caches import ChildrenCache
from .patience import persist
from .persistent_node import PersistentNode
from .znodes import checked, checked_child, join

_PARTY = "__party__"
LAYOUTS = ("curator", "kazoo", "kazoo-shallow")


class Member(NamedTuple):
    """`data` is empty in kazoo's layouts, which have room for the identifier only.

    Example:
        for member in await group.members():
            print(member.identifier, member.data)
    """

    identifier: str
    data: bytes
    path: str


class Group:
    """Members that are there as long as their sessions are.

        async with Group(zk, "/workers", "host-1", b"10.0.0.1") as group:
            print(await group.members())

    Promises: after `join` the member is seen whenever its client has a session, until `leave`. A process that dies is
    seen until its session expires. `members` is what one server knows at that moment. Identifiers are not checked to be
    unique; in the layout "curator" two of one name take turns.

    On the wire it is Curator's `GroupMember`, or kazoo's `Party` or `ShallowParty` with `layout="kazoo"` or
    `"kazoo-shallow"`.
    """

    def __init__(
        self, zk: AsyncClient, path: str, identifier: str = "", data: bytes = b"", *, layout: str = "curator",
        acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        if layout not in LAYOUTS:
            raise ValueError(f"the layout is one of {', '.join(LAYOUTS)}, not {layout}")
        self.path = checked(zk, path)
        checked_data(data)
        if layout == "kazoo":
            text("identifier", identifier)  # It is data, not a name.
        elif identifier != "":
            checked_child(zk, path, "identifier", identifier)
        self.identifier = identifier
        self.layout = layout
        self._zk = zk
        self._data = data if layout == "curator" else identifier.encode()
        self._acl = acl
        self._node: PersistentNode | None = None

    async def join(self, timeout_s: float | None = None) -> None:
        """Becomes a member; returns when it is seen. Raises `TimeoutError`, and goes on trying then."""
        limit(timeout_s)  # What is no limit is told before anything is done.
        if self._node is None:
            if not self.identifier:
                raise ValueError("a member needs an identifier")
            self._node = PersistentNode(self._zk, join(self.path, self._new_name()), self._data, acl=self._acl)
            await self._node.start()
        await self._node.present(timeout_s)

    async def leave(self) -> None:
        """Is a member no more. Returns when the znode is gone or the session has ended."""
        node, self._node = self._node, None
        if node is not None:
            await node.close()

    async def set_data(self, data: bytes) -> None:
        """Changes what the others see of this member. Not in kazoo's layouts."""
        if self.layout != "curator":
            raise ValueError(f"members have no data of their own in the layout {self.layout}")
        checked_data(data)
        self._data = data
        if self._node is not None:
            await self._node.set_data(data)

    async def __aenter__(self) -> "Group":
        await self.join()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.leave()

    async def members(self) -> list[Member]:
        """All members now, sorted by identifier."""
        try:
            names = await persist(lambda: self._zk.children(self.path))
        except NoNodeError:
            return []
        nodes = await asyncio.gather(*[self._read(name) for name in names])
        return self.members_of({name: node for name, node in zip(names, nodes, strict=True) if node is not None})

    async def changes(self) -> AsyncIterator[list[Member]]:
        """Yields all members now, and again after changes; those in quick succession as one."""
        async with ChildrenCache(self._zk, self.path) as cache:
            async for children in cache.changes():
                yield self.members_of(children)

    def members_of(self, children: Mapping[str, NodeData]) -> list[Member]:
        """The members among the children of `path`."""
        found = [self._member(name, node.data) for name, node in children.items()]
        return sorted(member for member in found if member is not None)

    def _member(self, name: str, data: bytes) -> Member | None:
        path = join(self.path, name)
        if self.layout == "curator":
            return Member(name, data, path)
        if self.layout == "kazoo":
            return Member(data.decode(errors="replace"), b"", path) if _PARTY in name else None
        _, dash, identifier = name.partition("-")
        return Member(identifier, b"", path) if dash else None

    def _new_name(self) -> str:
        if self.layout == "curator":
            return self.identifier
        guid = new_guid(self._zk).replace("-", "")
        return guid + _PARTY if self.layout == "kazoo" else f"{guid}-{self.identifier}"

    async def _read(self, name: str) -> NodeData | None:
        try:
            return await persist(lambda: self._zk.get(join(self.path, name)))
        except NoNodeError:
            return None
