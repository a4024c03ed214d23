"""The lock, and what everything that is acquired by tasks has in common.

1. Who holds is a task: it may acquire again only if that was asked for, and then releases as often.
2. An `async with` is a guarded block: it is cancelled when what it holds is lost, and ends with `LockLostError`.
3. Leaving a block, or an `acquire` that did not succeed, leaves no znode behind, whatever it was ended by.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType

from zkeeper import OPEN_ACL, Acl, AsyncClient
from zkeeper.arguments import limit, text
from zkeeper.errors import NoNodeError

from .errors import LockTimeoutError, NotHeldError
from .held import Guard, Held
from .names import Layout, Role, in_order
from .patience import Errands, persist
from .place import Place
from .znodes import checked, join


class Acquirable:
    """What tasks acquire and release. Recipes say how by `_claim`."""

    def __init__(self, zk: AsyncClient, *, is_reentrant: bool, may_hold_many: bool = False) -> None:
        self._zk = zk
        self._errands = Errands()
        self._is_reentrant = is_reentrant
        self._may_hold_many = may_hold_many
        self._holds: dict[object, list[Held]] = {}
        self._guards: dict[object, list[Guard]] = {}

    async def _claim(self, may_wait: bool) -> Held | None:
        raise NotImplementedError

    async def acquire(self, timeout_s: float | None = None) -> Held:
        """Waits for the turn, at most `timeout_s` seconds; without a limit also across lost connections and sessions.

        Raises `LockTimeoutError`; `ClosedError` when the client is closed. Nothing is guarded: look at `Held.lost`.
        """
        try:
            async with limit(timeout_s):
                held = await self._acquire(may_wait=True)
        except TimeoutError as error:
            raise LockTimeoutError(f"{self} was not acquired within {timeout_s} s") from error
        assert held is not None
        return held

    async def try_acquire(self) -> Held | None:
        """Acquires it if that can be done without waiting for others; None if not."""
        return await self._acquire(may_wait=False)

    async def release(self) -> None:
        """Releases what the current task acquired last. Returns when the znode is gone or the session has ended.

        Cancelling it does not stop the deletion. Raises `NotHeldError` if the task holds nothing.
        """
        task = _current()
        stack = self._holds.get(task)
        if not stack:
            raise NotHeldError(f"this task does not hold {self}")
        held = stack.pop()
        if not stack:
            del self._holds[task]
        if held not in stack:
            await held.release()

    @property
    def is_held(self) -> bool:
        """Whether the current task holds it and has not lost it."""
        return any(held.is_held for held in self._holds.get(_current(), ()))

    async def settled(self) -> None:
        """Waits until what goes on in the background is done: deletions of places that were given up."""
        await self._errands.all_done()

    async def _acquire(self, may_wait: bool) -> Held | None:
        task = _current()
        mine = [held for held in self._holds.get(task, ()) if held.is_held]
        if mine and not self._may_hold_many:
            if not self._is_reentrant:
                raise RuntimeError(f"this task holds {self} already, and it is not re-entrant")
            self._holds[task].append(mine[-1])
            return mine[-1]
        held = await self._claim(may_wait)
        if held is not None:
            self._holds.setdefault(task, []).append(held)
        return held

    # Guarded blocks.

    async def __aenter__(self) -> Held:
        return await self._enter(None)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        guards = self._guards[_current()]
        guard = guards.pop()
        if not guards:
            del self._guards[_current()]
        try:
            await guard.leave(error)
        finally:
            await self.release()

    def within(self, timeout_s: float) -> "Within":
        """`async with lock.within(5.0) as held:` raises `LockTimeoutError` if the turn does not come in time."""
        return Within(self, timeout_s)

    async def _enter(self, timeout_s: float | None) -> Held:
        held = await self.acquire(timeout_s)
        guard = Guard(held)
        self._guards.setdefault(_current(), []).append(guard)
        guard.enter()
        return held


class Within:
    """A guarded block with a limit for its beginning."""

    def __init__(self, acquirable: Acquirable, timeout_s: float) -> None:
        self._acquirable = acquirable
        self._timeout_s = timeout_s

    async def __aenter__(self) -> Held:
        return await self._acquirable._enter(self._timeout_s)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._acquirable.__aexit__(kind, error, traceback)


class Queueing(Acquirable):
    """What is acquired by the turn in one queue: a lock, or one side of a read-write lock."""

    def __init__(
        self, zk: AsyncClient, path: str, role: Role, kinds: tuple[str, ...], identifier: str,
        reentrant: bool, acl: Sequence[Acl],
    ) -> None:  # fmt: skip
        super().__init__(zk, is_reentrant=reentrant)
        self.path = checked(zk, path)
        self._role = role
        self._kinds = kinds
        self._data = text("identifier", identifier).encode()
        self._acl = acl

    def __str__(self) -> str:
        return f"{type(self).__name__.lower()} {self.path}"

    async def contenders(self) -> list[str]:
        """The identifiers of all who hold it or wait for it, in their order; of the others of one's own kind, too."""
        try:
            names = in_order(await persist(lambda: self._zk.children(self.path)), self._kinds)
        except NoNodeError:
            return []
        return await identifiers(self._zk, self.path, names)

    async def _claim(self, may_wait: bool) -> Held | None:
        return await self._new_place().claim(may_wait=may_wait)

    def _new_place(self) -> Place:
        return Place(self._zk, self.path, self._role, self._data, self._errands, acl=self._acl)


async def identifiers(zk: AsyncClient, parent: str, names: list[str]) -> list[str]:
    """What the znodes of that name hold as text, without those that are gone."""
    found = []
    for name in names:
        with suppress(NoNodeError):
            found.append((await persist(_reading(zk, join(parent, name)))).decode(errors="replace"))
    return found


def _reading(zk: AsyncClient, path: str) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        return (await zk.get(path)).data

    return read


HOLDER: ContextVar[object] = ContextVar("HOLDER")
"""Who holds, where that is not the current task: a thread that has all this done for it in tasks of one call each."""


def _current() -> object:
    holder = HOLDER.get(None) or asyncio.current_task()
    assert holder is not None, "recipes are used inside tasks"
    return holder


LOCK_KINDS = {Layout.CURATOR: "lock-", Layout.KAZOO: "__lock__"}


def lock_role(layout: Layout) -> Role:
    return Role(layout, LOCK_KINDS[layout], (LOCK_KINDS[layout],))


class Lock(Queueing):
    """A mutual exclusion lock that is fair: who asks first gets it first.

        lock = Lock(zk, "/locks/report")
        async with lock as held:
            await storage.write(report, token=held.fencing_token)

    Promises: as seen by the servers, never do two sessions hold it at the same time. The block of one who has lost it
    is cancelled no later than the servers let the next one in, as long as this process runs and its clock does not
    jump. Places that are given up, by time, cancellation or error, are deleted, if need be after a reconnect, or go
    with the session. A lost connection costs neither the place nor the lock; a lost session costs both, and a waiting
    `acquire` queues again.

    Does not promise: that a process which was stopped (by its machine, by a debugger, by code that holds the loop) does
    nothing after its time. For that the resource has to compare `Held.fencing_token`, or the write goes to ZooKeeper
    together with `Held.check`.

    On the wire it is Curator's `InterProcessMutex`, or kazoo's `Lock` with `layout="kazoo"`. `identifier` is for people
    and for `contenders`; ZooKeeper keeps it as the znode's data.
    """

    def __init__(
        self, zk: AsyncClient, path: str, *, identifier: str = "", layout: Layout | str = Layout.CURATOR,
        reentrant: bool = False, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        role = lock_role(Layout(layout))
        super().__init__(zk, path, role, role.blocked_by, identifier, reentrant, acl)
