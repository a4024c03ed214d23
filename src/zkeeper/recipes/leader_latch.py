"""Leadership that one takes part in for as long as one likes, and asks about.

1. Whoever has started is a candidate until it is closed; it becomes one anew when its session or its znode is lost.
2. `is_leader` turns false in the moment in which the leadership is lost, before anybody else can become leader.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from zkeeper import OPEN_ACL, Acl, AsyncClient, insist
from zkeeper.arguments import limit, text
from zkeeper.errors import NoNodeError

from .errors import LockTimeoutError, NotHeldError
from .held import Held
from .leaders import Leader, current_leader, leaders
from .lock import identifiers
from .names import Layout, Role, in_order
from .place import Place
from .running import Running

_KIND = "latch-"


class LeaderLatch(Running):
    """One of several processes is the leader.

        async with LeaderLatch(zk, "/leader", identifier="host-1") as latch:
            async for is_leader in latch.changes():
                ...

    Promises: of all candidates at most one has `is_leader`, as far as clocks run alike (see `Lock`), and there is one
    as long as a candidate has a session. A lost connection does not end a leadership, a lost session does; the
    candidate then comes back at the end of the queue.

    Does not promise that `is_leader` is still true a line later: give `held.fencing_token` to what the leader writes
    to, or write with `held.check`.

    On the wire it is Curator's `LeaderLatch`. Kazoo has no latch; see `Election` for what it has.
    """

    def __init__(self, zk: AsyncClient, path: str, *, identifier: str = "", acl: Sequence[Acl] = OPEN_ACL) -> None:
        super().__init__(zk, path)
        self.path = path
        self.identifier = text("identifier", identifier)
        self._acl = acl
        self._held: Held | None = None

    @property
    def held(self) -> Held | None:
        """The leadership, with its fencing token; None while this is not the leader."""
        return self._held if self._held is not None and self._held.is_held else None

    @property
    def is_leader(self) -> bool:
        """Whether this is the leader."""
        return self.held is not None

    async def wait(self, timeout_s: float | None = None) -> Held:
        """Waits until this is the leader. Raises `LockTimeoutError`, and is still a candidate then."""
        try:
            async with limit(timeout_s):
                async for _ in self.changes():
                    if (held := self.held) is not None:
                        return held
        except TimeoutError as error:
            raise LockTimeoutError(f"not leader of {self.path} within {timeout_s} s") from error
        raise NotHeldError(f"the latch of {self.path} was closed")

    async def changes(self) -> AsyncIterator[bool]:
        """Yields `is_leader` now, and again whenever it has changed. Changes in quick succession are told as one."""
        told: bool | None = None
        async for _ in self._turns():
            if told is not self.is_leader:
                told = self.is_leader
                yield told

    async def leader(self) -> Leader | None:
        """Who leads, as the servers know it."""
        return await current_leader(self._zk, self.path, (_KIND,))

    def leaders(self) -> AsyncIterator[Leader | None]:
        """Yields who leads, and again whenever that changes; see `leaders.leaders`. For observers, too."""
        return leaders(self._zk, self.path, (_KIND,))

    async def participants(self) -> list[str]:
        """The identifiers of all candidates, the leader's first."""
        with suppress(NoNodeError):
            names = in_order(await insist(lambda: self._zk.children(self.path)), (_KIND,))
            return await identifiers(self._zk, self.path, names)
        return []

    async def _run(self) -> None:
        role, data = Role(Layout.CURATOR, _KIND, (_KIND,)), self.identifier.encode()
        while True:
            place = Place(self._zk, self.path, role, data, self._errands, acl=self._acl)
            try:
                self._held = await place.claim()
                assert self._held is not None
                self._held.on_lost(self._changed.notify)
                self._changed.notify()
                await self._held.lost.wait()
            finally:
                place.leave()
                self._held = None
                self._changed.notify()
