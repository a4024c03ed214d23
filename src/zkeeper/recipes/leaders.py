"""Looking at a queue from outside: who is first, and who comes to be."""

from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

from zkeeper import AsyncClient
from zkeeper.errors import NoNodeError

from .names import in_order
from .patience import Wake, Watcher, persist
from .znodes import join


class Leader(NamedTuple):
    """The first in a queue. `fencing_token` is the czxid of its znode, by which two of one name are told apart.

    Example:
        leader = await election.leader()
        print(leader.identifier if leader else "nobody leads")
    """

    identifier: str
    path: str
    fencing_token: int


async def current_leader(zk: AsyncClient, path: str, kinds: tuple[str, ...]) -> Leader | None:
    """Who is first now; None if nobody is there."""
    return await _Observer(zk, path, kinds).first(None)


async def leaders(zk: AsyncClient, path: str, kinds: tuple[str, ...]) -> AsyncIterator[Leader | None]:
    """Yields who is first, and again whenever that changes; None while nobody is there.

    Changes that follow each other quickly may be told as one. The one who is told as leader may not know it yet.
    """
    observer, wake = _Observer(zk, path, kinds), Wake()
    told: Leader | None = None
    is_first_time = True
    try:
        while True:
            wake.clear()
            first = await observer.first(wake.note)
            if is_first_time or first != told:
                is_first_time, told = False, first
                yield first
            await wake.wait()
            observer.forget(wake.note)
    finally:
        observer.forget(wake.note)


class _Observer:
    """Looks at a queue, and knows what it watches, so that the watches can be taken back."""

    def __init__(self, zk: AsyncClient, path: str, kinds: tuple[str, ...]) -> None:
        self._zk = zk
        self._path = path
        self._kinds = kinds
        self._leader = path
        """The znode that is watched beside the queue."""

    def forget(self, watch: Watcher) -> None:
        for path in (self._path, self._leader):
            self._zk.forget_watch(path, watch)

    async def first(self, watch: Watcher | None) -> Leader | None:
        """With a watch on the leader if there is one, so that only its going wakes the observers, else on the queue."""
        while True:
            names = await self._contenders(None) or await self._contenders(watch)
            if not names:
                return None
            self._leader = join(self._path, names[0])
            try:
                data, stat, _ = await persist(partial(self._zk.get, self._leader, watch=watch))
            except NoNodeError:
                continue
            return Leader(data.decode(errors="replace"), self._leader, stat.czxid)

    async def _contenders(self, watch: Watcher | None) -> list[str]:
        return in_order(await self._names(watch), self._kinds)

    async def _names(self, watch: Watcher | None) -> list[str]:
        while True:
            try:
                return await persist(partial(self._zk.children, self._path, watch=watch))
            except NoNodeError:
                if await persist(partial(self._zk.exists, self._path, watch=watch)) is None:
                    return []
