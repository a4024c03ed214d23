"""Dividing a set among the members of a group.

1. The members divide the set by the same rule, once nobody has come or gone for `settle_s`.
2. Each part is also locked, so that two who do not agree about the members never have the same item.
3. When the members change, every share is revoked; who has it finishes, releases it and asks for another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from zkeeper import OPEN_ACL, Acl, AsyncClient
from zkeeper.arguments import number
from zkeeper.errors import BadArgumentsError

from .caches import ChildrenCache
from .group import Group
from .held import Guard, Held
from .lock import lock_role
from .names import Layout
from .patience import Errands
from .place import Place
from .znodes import checked, checked_child, join

Partition = Callable[[str, Sequence[str], Sequence[str]], Iterable[str]]


def every_nth(identifier: str, members: Sequence[str], items: Sequence[str]) -> list[str]:
    """The rule of kazoo: items and members are sorted, and dealt out in turn."""
    return sorted(items)[sorted(members).index(identifier) :: len(members)]


class Share:
    """The items that one member has. `revoked` is set when it has to be released, because the members have changed.

    Example:
        async with partitioner.share() as share:
            for item in share.items:
                if not share.revoked.is_set():
                    await work_on(item)
    """

    def __init__(self, items: tuple[str, ...], helds: Sequence[Held]) -> None:
        self.items = items
        self.helds = helds
        self.revoked = asyncio.Event()
        for held in helds:
            held.on_lost(self.revoked.set)


class Partitioner:
    """Divides `items` among all members that use the same path.

        async with Partitioner(zk, "/partition", ["a", "b", "c"], "host-1") as partitioner:
            while True:
                async with partitioner.share() as share:
                    await work_on(share.items, until=share.revoked)

    Promises: no item is in two shares at a time (as a `Lock` promises it; each item has its `Held`). When the members
    have not changed for `settle_s` and all have released what was revoked, all items are in some share. The block of
    `share` is cancelled when an item's lock is lost, and ends with `LockLostError`.

    Does not promise that a share is revoked before others wait for it: they wait until it is released.

    All members have to give the same items, rule and `settle_s`, and different identifiers. On the wire it is kazoo's
    `SetPartitioner`.
    """

    def __init__(
        self, zk: AsyncClient, path: str, items: Iterable[str], identifier: str, *, settle_s: float = 5.0,
        partition: Partition = every_nth, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        self.path = checked(zk, path)
        self.items = self._checked_items(zk, items)
        checked_child(zk, path, "identifier", identifier)
        self.identifier = identifier
        self.settle_s = number("settle_s", settle_s, 0)
        self._zk = zk
        self._partition = partition
        self._acl = acl
        self._errands = Errands()
        self._group = Group(zk, join(path, "party"), identifier, layout="kazoo-shallow", acl=acl)
        self._cache = ChildrenCache(zk, self._group.path)

    def _checked_items(self, zk: AsyncClient, items: Iterable[str]) -> tuple[str, ...]:
        """Each has a lock of its own, so each is there once."""
        if isinstance(items, str):
            raise TypeError(f"items are several strings, not {items!r}")
        several = tuple(items)
        for item in several:
            checked_child(zk, self.path, "an item", item)
        if len(set(several)) < len(several):
            raise BadArgumentsError(f"each item is there once, unlike in {several!r}")
        return tuple(sorted(several))

    async def start(self) -> None:
        """Joins the members."""
        await self._cache.start()
        await self._group.join()

    async def close(self) -> None:
        """Leaves the members. Shares have to be released before."""
        await self._group.leave()
        await self._cache.close()
        await self._errands.all_done()

    async def __aenter__(self) -> "Partitioner":
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    @property
    def members(self) -> list[str]:
        """The identifiers of all members, sorted."""
        return [member.identifier for member in self._group.members_of(self._cache.children)]

    @asynccontextmanager
    async def share(self) -> AsyncIterator[Share]:
        """Waits for a share, and releases it when the block ends, which it should do soon once `revoked` is set."""
        share = await self.acquire()
        guard = Guard(*share.helds)
        guard.enter()
        error: BaseException | None = None
        try:
            yield share
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                await guard.leave(error)
            finally:
                await self.release(share)

    async def acquire(self) -> Share:
        """Waits until the members are settled, and for the items of this one. They may be none."""
        while True:
            members = await self._settled_members()
            if self.identifier not in members:
                await self._changed_from(members)
                continue
            items = tuple(self._partition(self.identifier, members, self.items))
            share = await self._take(items, members)
            if share is not None:
                return share

    async def release(self, share: Share) -> None:
        """Returns when all its items may be taken by others. Cancelled meanwhile, it releases the rest all the same."""
        async with AsyncExitStack() as stack:
            for held in share.helds:
                stack.push_async_callback(held.release)

    async def _settled_members(self) -> list[str]:
        while True:
            members = self.members
            try:
                await self._changed_from(members, self.settle_s)
            except TimeoutError:
                return members

    async def _changed_from(self, members: list[str], timeout_s: float | None = None) -> None:
        await self._cache.wait_for(lambda: self.members != members, timeout_s)

    async def _take(self, items: tuple[str, ...], members: list[str]) -> Share | None:
        """None when the members have changed meanwhile."""
        changed = self._errands.begin(self._changed_from(members))
        claiming = self._errands.begin(self._claim_all(items))
        share: Share | None = None
        try:
            await asyncio.wait([changed, claiming], return_when=asyncio.FIRST_COMPLETED)
            if not changed.done():
                share = self._new_share(items, claiming.result(), members)
            return share
        finally:
            changed.cancel()
            if not claiming.cancel() and share is None and claiming.exception() is None:
                for held in claiming.result():
                    self._errands.begin(held.release())

    async def _claim_all(self, items: tuple[str, ...]) -> list[Held]:
        """In the order of the items, which all members share: so they never wait for each other in a ring."""
        async with AsyncExitStack() as stack:
            helds = []
            for item in items:
                held = await self._place(item).claim()
                assert held is not None
                helds.append(held)
                stack.push_async_callback(held.release)
            stack.pop_all()
        return helds

    def _new_share(self, items: tuple[str, ...], helds: list[Held], members: list[str]) -> Share:
        share = Share(items, helds)

        def check(_: object) -> None:
            if self.members != members:
                share.revoked.set()
                forget()

        forget = self._cache.on_change(check)
        return share

    def _place(self, item: str) -> Place:
        role = lock_role(Layout.KAZOO)
        return Place(self._zk, join(self.path, f"locks/{item}"), role, b"", self._errands, acl=self._acl)
