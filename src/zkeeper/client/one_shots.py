"""In place of persistent watches, for servers before ZooKeeper 3.6: one-shot watches that are set again and again.

1. What is told is the difference between what was seen before and what is seen now, so nothing that is told is wrong,
   and nothing that lasts goes unnoticed. Changes that follow each other quickly are told as one, or, when they undo
   each other, not at all. Events have no zxid, and those of different znodes may come in another order.
2. A subtree costs two requests and two watches for each of its znodes.
3. The first look is at each znode once. What changes meanwhile is told when it is over, so that it ends under any load.
"""

import asyncio
from collections.abc import Callable

from zkeeper.client.reads import Reads
from zkeeper.client.session import Session
from zkeeper.errors import (
    AuthFailedError,
    ClosedError,
    ConnectionLossError,
    NoAuthError,
    NoNodeError,
    SessionExpiredError,
)
from zkeeper.values import Children, EventType, Stat, WatchEvent

Tell = Callable[[EventType, str], object]


class OneShots:
    """Follows `path` (a full one) from now until `stop`. `tell` takes the changes after the first look, which makes
    `is_ready`."""

    def __init__(self, session: Session, path: str, recursive: bool, tell: Tell) -> None:
        self._reads = Reads(session, "")
        self._path = path
        self._recursive = recursive
        self._tell = tell
        self._known: dict[str, Stat] = {}
        self._children: dict[str, set[str]] = {}
        self._unseen: dict[str, None] = {}
        self._stale: dict[str, None] = {}
        self._news = asyncio.Event()
        self.is_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="zkeeper watch")
        self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        self._task.cancel()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """By `stop`, or because the client was closed."""
        if not self.is_ready.done():
            self.is_ready.set_result(None)
        if not task.cancelled() and not isinstance(task.exception(), ClosedError | AuthFailedError):
            task.result()

    async def _run(self) -> None:
        """Looks, and looks again wherever something has changed."""
        self._unseen[self._path] = None
        await self._look_at(self._unseen)
        self.is_ready.set_result(None)
        while True:
            await self._look_at(self._stale)
            await self._news.wait()
            self._news.clear()

    async def _look_at(self, paths: dict[str, None]) -> None:
        """Until there are none left."""
        while paths:
            path, _ = paths.popitem()
            try:
                await self._look(path)
            except (ConnectionLossError, SessionExpiredError):
                paths[path] = None
            except NoAuthError:
                self._forget(path)

    def _note(self, event: WatchEvent) -> None:
        """A one-shot watch fired. A deleted znode is seen from its parent, lest watches for missing ones pile up."""
        if event.type is not EventType.DELETED or event.path == self._path:
            self._stale[event.path] = None
            self._news.set()

    async def _look(self, path: str) -> None:
        exists = self._reads.exists(path, watch=self._note)
        listing = self._reads.children2(path, watch=self._note)
        stat, (names, listed) = await asyncio.gather(exists, _or_nothing(listing))
        if stat is None or listed is None:
            self._forget(path)
            return
        self._compare(path, self._known.get(path), stat)
        if self._recursive:
            self._compare_children(path, set(names))

    def _compare(self, path: str, old: Stat | None, new: Stat) -> None:
        self._known[path] = new
        if old is not None and old.czxid != new.czxid:
            self._say(EventType.DELETED, path)
            old = None
        if old is None:
            self._say(EventType.CREATED, path)
            return
        if old.mzxid != new.mzxid:
            self._say(EventType.DATA_CHANGED, path)
        if old.pzxid != new.pzxid and not self._recursive:
            self._say(EventType.CHILDREN_CHANGED, path)

    def _compare_children(self, path: str, names: set[str]) -> None:
        before = self._children.get(path, set())
        self._children[path] = names
        prefix = "" if path == "/" else path
        for name in sorted(before - names):
            self._forget(f"{prefix}/{name}")
        to_look_at = self._stale if self.is_ready.done() else self._unseen
        for name in sorted(names - before):
            to_look_at[f"{prefix}/{name}"] = None

    def _forget(self, path: str) -> None:
        prefix = "" if path == "/" else path
        for name in sorted(self._children.pop(path, ())):
            self._forget(f"{prefix}/{name}")
        if self._known.pop(path, None) is not None:
            self._say(EventType.DELETED, path)

    def _say(self, event_type: EventType, path: str) -> None:
        if self.is_ready.done():
            self._tell(event_type, path)


async def _or_nothing(listing: "asyncio.Future[Children]") -> tuple[list[str], Stat | None]:
    try:
        return await listing
    except NoNodeError:
        return [], None
