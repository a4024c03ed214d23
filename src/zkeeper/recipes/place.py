"""A contender's place in a queue of ephemeral sequential znodes: what locks, latches and elections have in common.

1. It waits for one znode, the nearest before it that blocks it, and lists again before it claims its turn.
2. While it waits it takes a new place when it has lost the old one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from zkeeper import OPEN_ACL, Acl, AsyncClient, Created, insist, new_guid
from zkeeper.errors import NoNodeError, SessionExpiredError

from .errors import LockLostError
from .held import Held, create_while_held
from .names import NotInQueueError, Role, blocker, sequence_of
from .patience import GIVEN_UP, Errands
from .tenure import Tenure
from .znodes import create_own, join


class Place(Tenure):
    """Used once: `claim`, then `leave` or `held.release()`.

    `beside` is for a contender that takes the place of what this task holds already, as a reader does that writes.
    """

    def __init__(
        self, zk: AsyncClient, parent: str, role: Role, data: bytes, errands: Errands, *,
        acl: Sequence[Acl] = OPEN_ACL, beside: Callable[[], Held | None] = lambda: None,
    ) -> None:  # fmt: skip
        super().__init__(zk, errands)
        self._parent = parent
        self._role = role
        self._data = data
        self._acl = acl
        self._beside = beside

    async def claim(self, *, may_wait: bool = True) -> Held | None:
        """Waits for the turn. None if it has not come at once and may not be waited for; then the place is given up.

        Whatever exception ends it, cancellation too, the place is given up in the background.
        """
        try:
            while True:
                try:
                    return await self._claim_once(may_wait)
                except (SessionExpiredError, NotInQueueError, LockLostError):
                    self.leave()
        except GIVEN_UP:
            self.leave()
            raise

    async def _claim_once(self, may_wait: bool) -> Held | None:
        prefix = self._role.prefix(new_guid(self._zk))
        create = self._creation(prefix)
        self.begin(await create_own(self._zk, self._parent, prefix, self._errands, create, self._acl))
        if await self._comes_first(may_wait):
            return self.hold()
        await self.left()
        return None

    def _creation(self, prefix: str) -> Callable[[], Awaitable[Created]]:
        zk, path, held = self._zk, join(self._parent, prefix), self._beside()
        if held is None:
            return lambda: zk.create2(path, self._data, acl=self._acl, ephemeral=True, sequential=True)
        # Under the condition that it is held still: its place may have become somebody else's turn long ago.
        path += f"{sequence_of(held.path, ('',)):010d}"
        return lambda: create_while_held(zk, held, path, self._data, self._acl, sequential=False)

    async def _comes_first(self, may_wait: bool) -> bool:
        assert self.znode is not None
        own = self.znode.name
        names = await self._first_look()
        while (ahead := blocker(own, names, self._role)) is not None and may_wait:
            await self._wait_for(join(self._parent, ahead))
            self.raise_if_over()
            names = await insist(lambda: self._zk.children(self._parent))
        return ahead is None

    async def _first_look(self) -> list[str]:
        """Lists, and begins to watch the own znode, in one go."""
        return (await insist(lambda: asyncio.gather(self.watch_own(), self._zk.children(self._parent))))[1]

    async def _wait_for(self, path: str) -> None:
        """Returns when the znode is gone, and maybe earlier. Reading it leaves no watch behind if it is gone."""
        self._wake.clear()
        try:
            await insist(lambda: self._zk.get(path, watch=self._wake.note))
            if not self._is_over:
                await self._wake.wait()
        except NoNodeError:
            pass
        finally:
            self._zk.forget_watch(path, self._wake.note)
