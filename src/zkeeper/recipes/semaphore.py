"""A lock that up to `max_leases` hold at a time.

1. Who wants a lease first gets the mutex, so that only one at a time looks for room: first come, first served.
2. A lease is created under the condition that the mutex is held still, so that there are never more than allowed.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from zkeeper import OPEN_ACL, Acl, AsyncClient, Created, WatchEvent, insist, new_guid
from zkeeper.arguments import text, whole_number
from zkeeper.errors import BadVersionError, NoNodeError, SessionExpiredError

from .errors import LockLostError
from .held import Held, create_while_held
from .lock import Acquirable, identifiers, lock_role
from .names import Layout, NotInQueueError
from .patience import GIVEN_UP, Wake
from .place import Place
from .tenure import Tenure
from .znodes import checked, create_own, ensure_container, join


class Semaphore(Acquirable):
    """At most `max_leases` leases at a time; each `acquire` takes one, also several by one task.

        semaphore = Semaphore(zk, "/limits/exports", max_leases=3)
        async with semaphore:
            ...

    Promises what a `Lock` does, for `max_leases` holders; `Held.fencing_token` is that of the lease. All users of a
    path have to give the same `max_leases`; with `layout="kazoo"` the first one writes it into the znode, and others
    are refused with `ValueError`. `try_acquire` may also fail because somebody else is acquiring at that moment.

    On the wire it is Curator's `InterProcessSemaphoreV2`, or kazoo's `Semaphore` with `layout="kazoo"`.
    """

    def __init__(
        self, zk: AsyncClient, path: str, max_leases: int, *, identifier: str = "",
        layout: Layout | str = Layout.CURATOR, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, is_reentrant=False, may_hold_many=True)
        self.path = checked(zk, path)
        self.max_leases = whole_number("max_leases", max_leases, 1)
        self._layout = Layout(layout)
        self._data = text("identifier", identifier).encode()
        self._acl = acl
        is_kazoo = self._layout is Layout.KAZOO
        self._mutex_path = f"{path}-__lock__" if is_kazoo else join(path, "locks")
        self._leases_path = path if is_kazoo else join(path, "leases")
        self._is_agreed = not is_kazoo

    def __str__(self) -> str:
        return f"semaphore {self.path}"

    async def holders(self) -> list[str]:
        """The identifiers of those who hold a lease, in no order."""
        with suppress(NoNodeError):
            return await identifiers(self._zk, self._leases_path, await self._leases())
        return []

    async def _claim(self, may_wait: bool) -> Held | None:
        if not self._is_agreed:
            await self._agree()
        while True:
            mutex = Place(self._zk, self._mutex_path, lock_role(self._layout), self._data, self._errands, acl=self._acl)
            try:
                held = await mutex.claim(may_wait=may_wait)
                if held is None or not await self._has_room(held, may_wait):
                    return None
                return await self._take(held)
            except (SessionExpiredError, NotInQueueError, LockLostError):
                continue
            finally:
                mutex.leave()

    async def _take(self, mutex: Held) -> Held:
        tenure = _Lease(self._zk, self._errands)
        guid = new_guid(self._zk)
        is_kazoo = self._layout is Layout.KAZOO
        prefix = guid.replace("-", "") if is_kazoo else f"_c_{guid}-lease-"
        path = join(self._leases_path, prefix)

        def create() -> Awaitable[Created]:
            return create_while_held(self._zk, mutex, path, self._data, self._acl, sequential=not is_kazoo)

        try:
            tenure.begin(await create_own(self._zk, self._leases_path, prefix, self._errands, create, self._acl))
            return await tenure.confirmed()
        except GIVEN_UP:
            tenure.leave()
            raise

    async def _has_room(self, mutex: Held, may_wait: bool) -> bool:
        """Waits until there are fewer leases than allowed. Raises `LockLostError` when the mutex is lost."""
        changed = Wake()
        mutex.on_lost(changed.set)
        try:
            while not mutex.lost.is_set():
                changed.clear()
                if len(await self._leases(changed.note)) < self.max_leases:
                    return True
                if not may_wait:
                    return False
                if not mutex.lost.is_set():
                    await changed.wait()
        finally:
            self._zk.forget_watch(self._leases_path, changed.note)
        raise LockLostError(f"{mutex.path} was lost while it was held")

    async def _leases(self, watch: Callable[[WatchEvent], None] | None = None) -> list[str]:
        while True:
            try:
                return await insist(lambda: self._zk.children(self._leases_path, watch=watch))
            except NoNodeError:
                await ensure_container(self._zk, self._leases_path, self._acl)

    async def _agree(self) -> None:
        """Kazoo's users agree on the number of leases by the data of the semaphore's znode."""
        await insist(lambda: self._zk.ensure_path(self.path, acl=self._acl))
        told = await insist(lambda: self._zk.get(self.path))
        if not told.data:
            with suppress(BadVersionError):
                await insist(lambda: self._zk.set(self.path, str(self.max_leases).encode(), told.stat.version))
        elif told.data.isdigit() and int(told.data) != self.max_leases:
            raise ValueError(f"{self.path} has {int(told.data)} leases, not {self.max_leases}")
        self._is_agreed = True


class _Lease(Tenure):
    async def confirmed(self) -> Held:
        if await insist(self.watch_own) is None:
            raise NotInQueueError
        return self.hold()
