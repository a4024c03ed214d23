"""A copy of a subtree that follows the servers: what the three caches have in common.

1. A persistent watch tells which znodes have changed; their data is read, and only then shown. So several changes of a
   znode that follow each other quickly may be shown as one.
2. Reads are adopted by one task, batch after batch, and what is older than what is shown is not adopted.
3. After every reconnect all of it is looked at again, for notices may have been missed. While there is no connection it
   shows what it knew.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from zkeeper import AsyncClient, EventType, NodeData, SessionState, WatchEvent
from zkeeper.arguments import limit
from zkeeper.errors import PASSING, NoAuthError, NoNodeError, SessionExpiredError

from .isolation import tell
from .patience import FINAL, PAUSE_S
from .running import Running
from .znodes import join

log = logging.getLogger(__name__)

MAX_READS_IN_FLIGHT = 128


class Change(NamedTuple):
    """What a cache shows anew. `old` is None before a creation, `new` after a deletion.

    Example:
        cache.on_change(lambda change: print(change.type.name, change.path, change.new))
    """

    type: EventType
    path: str
    old: NodeData | None
    new: NodeData | None


class _Look(NamedTuple):
    """What was read of a znode; `node` is None if it is not there, `names` if they were not asked for."""

    node: NodeData | None
    names: list[str] | None = None


class Mirror(Running):
    """`depth` is 0 for the root alone, 1 with its children, None for everything below."""

    def __init__(self, zk: AsyncClient, root: str, depth: int | None) -> None:
        super().__init__(zk, root)
        self.root = root
        self._depth = depth
        self._nodes: dict[str, NodeData] = {}
        self._names: dict[str, set[str]] = {}
        # What has to be read, each with whether its children have to be listed as well.
        self._stale: dict[str, bool] = {}
        self._wake = asyncio.Event()
        self._is_synced = False
        self._listeners: dict[object, Callable[[Change], object]] = {}

    @property
    def is_synced(self) -> bool:
        """Whether it has been filled, shows all that it has been told of, and has not ended."""
        return self._is_synced and self._task is not None and not self._task.done()

    async def synced(self, timeout_s: float | None = None) -> None:
        """Waits until `is_synced`. Raises `TimeoutError`."""
        await self.wait_for(lambda: self.is_synced, timeout_s)

    async def wait_for(self, predicate: Callable[[], object], timeout_s: float | None = None) -> None:
        """Waits until `predicate()`, which looks at the cache, is true. Raises `TimeoutError`."""
        async with limit(timeout_s):
            async for _ in self._turns():
                if predicate():
                    return
        raise RuntimeError("the cache was closed")

    def on_change(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Has `callback` called with every change that is shown, after it is, at once and on the loop.

        Returns what makes that stop. What `callback` raises is logged; the cache and the other callbacks go on.

        Example:
            remove = cache.on_change(lambda change: print(change.type.name, change.path))
        """
        key = object()
        self._listeners[key] = callback
        return lambda: self._forget(key)

    def _forget(self, key: object) -> None:
        self._listeners.pop(key, None)

    async def start(self) -> None:
        """Begins, and returns when the cache is filled. Raises what keeps it from being filled."""
        await super().start()
        await self.synced()

    async def _run(self) -> None:
        stop_listening = self._zk.on_state(self._note_state)
        try:
            async with self._zk.watch(self.root, recursive=self._depth != 0) as watch:
                watch.add_callback(self._note)
                self._mark(self.root, is_listing=True)
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    await self._catch_up()
        finally:
            stop_listening()

    async def _catch_up(self) -> None:
        while self._stale:
            await self._read(list(self._stale.items())[:MAX_READS_IN_FLIGHT])
        self._is_synced = True
        self._changed.notify()

    # What may have changed.

    def _note_state(self, state: SessionState) -> None:
        """Watches are told nothing of the client's end; the next look is."""
        if state in FINAL:
            self._mark(self.root, is_listing=True)

    def _note(self, event: WatchEvent) -> None:
        if event.type is EventType.NONE:
            self._mark(self.root, is_listing=True)
        elif event.type is not EventType.CHILDREN_CHANGED and self._is_inside(event.path):
            self._mark(event.path, is_listing=False)

    def _mark(self, path: str, *, is_listing: bool) -> None:
        self._stale[path] = is_listing or self._stale.get(path, False)
        self._is_synced = False
        self._wake.set()

    def _is_inside(self, path: str) -> bool:
        below = path[len(self.root.rstrip("/")) :]
        return self._depth is None or below.count("/") <= self._depth

    def _has_room_below(self, path: str) -> bool:
        return self._depth is None or (self._depth == 1 and path == self.root)

    # Reading it.

    async def _read(self, batch: list[tuple[str, bool]]) -> None:
        for path, _ in batch:
            del self._stale[path]
        looks = await asyncio.gather(*[self._look(*each) for each in batch])
        for (path, is_listing), look in zip(batch, looks, strict=True):
            if look is None:
                self._mark(path, is_listing=is_listing)
            else:
                self._adopt(path, look)
        if None in looks:
            await asyncio.sleep(PAUSE_S)

    async def _look(self, path: str, is_listing: bool) -> _Look | None:
        """None when it has to be tried again."""
        try:
            if not (is_listing and self._has_room_below(path)):
                return _Look(await self._zk.get(path))
            return _Look(*await asyncio.gather(self._zk.get(path), self._zk.children(path)))
        except (*PASSING, SessionExpiredError):
            return None
        except NoNodeError:
            return _Look(None)
        except NoAuthError:
            log.warning("%s may not be read and is left out of the cache", path)
            return _Look(None)

    def _adopt(self, path: str, look: _Look) -> None:
        if look.node is None:
            self._remove(path)
            return
        old = self._nodes.get(path)
        if old is not None and look.node.stat.mzxid < old.stat.mzxid:
            return
        if old is not None and look.node.stat.czxid != old.stat.czxid:
            self._remove(path)
            old = None
            self._mark(path, is_listing=True)
        self._put(path, old, look.node)
        if look.names is not None:
            self._adopt_names(path, set(look.names))

    def _adopt_names(self, path: str, names: set[str]) -> None:
        for gone in self._names.get(path, set()) - names:
            self._remove(join(path, gone))
        for name in sorted(names):
            self._mark(join(path, name), is_listing=True)

    # Showing it.

    def _put(self, path: str, old: NodeData | None, new: NodeData) -> None:
        self._nodes[path] = new
        if old is None:
            if path != self.root:
                parent, _, name = path.rpartition("/")
                self._names.setdefault(parent or "/", set()).add(name)
            self._tell(Change(EventType.CREATED, path, None, new))
        elif old.stat.mzxid != new.stat.mzxid:
            self._tell(Change(EventType.DATA_CHANGED, path, old, new))

    def _remove(self, path: str) -> None:
        for name in sorted(self._names.pop(path, ())):
            self._remove(join(path, name))
        old = self._nodes.pop(path, None)
        if old is not None:
            parent, _, name = path.rpartition("/")
            self._names.get(parent or "/", set()).discard(name)
            self._tell(Change(EventType.DELETED, path, old, None))

    def _tell(self, change: Change) -> None:
        for callback in list(self._listeners.values()):
            tell(callback, change)
