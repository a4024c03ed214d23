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
    """The first in a queue. `fencing_token` is the czxid of its znode, by which two of one name are told apart."""

    identifier: str
    path: str
    fencing_token: int


async def current_leader(zk: AsyncClient, path: str, kinds: tuple[str, ...]) -> Leader | None:
    """Who is first now; None if nobody is there."""
    return await _first(zk, path, kinds, None)


async def leaders(zk: AsyncClient, path: str, kinds: tuple[str, ...]) -> AsyncIterator[Leader | None]:
    """Yields who is first, and again whenever that changes; None while nobody is there.

    Changes that follow each other quickly may be told as one. The one who is told as leader may not know it yet.
    """
    wake = Wake()
    told: Leader | None = None
    is_first_time = True
    while True:
        wake.clear()
        first = await _first(zk, path, kinds, wake.note)
        if is_first_time or first != told:
            is_first_time, told = False, first
            yield first
        await wake.wait()


async def _first(zk: AsyncClient, path: str, kinds: tuple[str, ...], watch: Watcher | None) -> Leader | None:
    """With a watch on the leader if there is one, so that only its going wakes the observers, else on the queue."""
    while True:
        names = in_order(await _names(zk, path, None), kinds) or in_order(await _names(zk, path, watch), kinds)
        if not names:
            return None
        node = join(path, names[0])
        try:
            data, stat, _ = await persist(partial(zk.get, node, watch=watch))
        except NoNodeError:
            continue
        return Leader(data.decode(errors="replace"), node, stat.czxid)


async def _names(zk: AsyncClient, path: str, watch: Watcher | None) -> list[str]:
    while True:
        try:
            return await persist(partial(zk.children, path, watch=watch))
        except NoNodeError:
            if await persist(partial(zk.exists, path, watch=watch)) is None:
                return []
