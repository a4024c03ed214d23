"""Leadership as a coroutine that is run by whoever is elected."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from zkeeper import OPEN_ACL, Acl, AsyncClient
from zkeeper.arguments import callback

from .errors import LockLostError
from .held import Held
from .leaders import Leader, current_leader, leaders
from .lock import LOCK_KINDS, Lock
from .names import Layout

P = ParamSpec("P")
T = TypeVar("T")


class Election:
    """Runs a coroutine in one of several processes at a time.

        async def lead(held: Held) -> None:
            ...

        await Election(zk, "/election", identifier="host-1").run(lead)

    Promises what a `Lock` does: the coroutine is cancelled when the leadership is lost, and `run` then raises
    `LockLostError`; `run_forever` stands for election again instead. Cancelling `run` resigns.

    On the wire it is Curator's `LeaderSelector`, or kazoo's `Election` with `layout="kazoo"`.
    """

    def __init__(
        self, zk: AsyncClient, path: str, *, identifier: str = "", layout: Layout | str = Layout.CURATOR,
        acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        self.path = path
        self._zk = zk
        self._lock = Lock(zk, path, identifier=identifier, layout=layout, acl=acl)
        self._kinds = (LOCK_KINDS[Layout(layout)],)

    async def run(self, lead: Callable[Concatenate[Held, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Waits to be elected, awaits `lead(held, ...)` as the leader, resigns, and returns or raises what it did.

        Raises `LockLostError` if the leadership was lost meanwhile.
        """
        callback(lead)
        async with self._lock as held:
            leading = lead(held, *args, **kwargs)
            if not isinstance(leading, Awaitable):
                raise TypeError(f"{lead!r} is awaited as the leader: make it a coroutine function")
            return await leading

    async def run_forever(
        self, lead: Callable[Concatenate[Held, P], Awaitable[object]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """As `run`, again and again, also after a loss. Ends by cancellation, or by an exception of `lead`."""
        while True:
            try:
                await self.run(lead, *args, **kwargs)
            except LockLostError:
                continue

    async def leader(self) -> Leader | None:
        """Who leads, as the servers know it."""
        return await current_leader(self._zk, self.path, self._kinds)

    def leaders(self) -> AsyncIterator[Leader | None]:
        """Yields who leads, and again whenever that changes; None while nobody does. For observers, too."""
        return leaders(self._zk, self.path, self._kinds)

    async def contenders(self) -> list[str]:
        """The identifiers of all who stand for election, the leader's first."""
        return await self._lock.contenders()
