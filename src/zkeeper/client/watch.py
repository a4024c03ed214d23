"""Persistent watches: every change of a znode or of a whole subtree, as an async iterator or to callbacks.

1. Events come in the order in which the servers applied the changes, and before replies that show the changes.
2. Where events may be missing an event of the type NONE takes their place: after a reconnect (servers do not tell what
   happened meanwhile), in a new session, and when `MAX_EVENTS_UNREAD` wait to be read.
3. Where servers have no persistent watches, `one_shots` takes their place, which tells less (see there).
4. The watch is in the session's table before the server is asked, so that a reconnect brings it along in any case.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from zkeeper.client import arguments
from zkeeper.client.base import Base, WatchCallback
from zkeeper.client.one_shots import OneShots
from zkeeper.client.session import Session
from zkeeper.client.states import CONNECTED, FINAL, report
from zkeeper.errors import (
    ClosedError,
    ConnectionLossError,
    MarshallingError,
    NoNodeError,
    SessionExpiredError,
    UnimplementedError,
    ZooKeeperError,
)
from zkeeper.values import EventType, RemoveWatches, SessionState, WatchEvent
from zkeeper.wire import client_replies as shapes
from zkeeper.wire import protocol
from zkeeper.wire.client_paths import full_path
from zkeeper.wire.client_pending import CONDITIONAL
from zkeeper.wire.client_requests import path_and_number
from zkeeper.wire.client_watches import PERSISTENT, RECURSIVE, Watcher

MAX_EVENTS_UNREAD: Final = 16_384


class Watch(Base):
    """Made by `AsyncClient.watch`. Set by `async with`, `start` or the first turn of `async for`.

    A watch of one znode is told CREATED, DELETED, DATA_CHANGED of it, and CHILDREN_CHANGED when its children come and
    go. A recursive one is told CREATED, DELETED and DATA_CHANGED of the znode and all below it, each with the path of
    the znode that changed, and never CHILDREN_CHANGED.

    An event of the type NONE, with the path of the watch, means: events may be missing here, read again. It comes
    after every reconnect, in every new session, and instead of what was not read in time. The watch goes on after it;
    it ends with `stop`, with the client (quietly), or with an error of the session's that is final.

    Servers before ZooKeeper 3.6 have no such watches. There one-shot watches are set again and again: changes that
    follow each other quickly come as one, events have no zxid, and a recursive watch costs two requests for each znode.

    Example:
        async with zk.watch("/members") as events:
            print(await zk.children("/members"))
            async for event in events:
                print(event.type.name, await zk.children("/members"))
    """

    def __init__(self, session: Session, root: str, path: str, recursive: bool, ends_with_session: bool) -> None:
        super().__init__(session, root)
        self.path = path
        self.is_recursive = recursive
        self._full = full_path(root, path)
        self._ends_with_session = ends_with_session
        self._watcher_of_all = Watcher(self._deliver, self._root_length)
        self._callbacks: dict[object, WatchCallback] = {}
        self._unread: deque[WatchEvent] = deque()
        self._news: asyncio.Future[None] | None = None
        self._end: Exception | None = None
        self._is_set = False
        self._stop_listening: Callable[[], None] | None = None
        self._one_shots: OneShots | None = None

    # Setting and ending.

    async def start(self) -> None:
        """Sets the watch; returns when the server has it. Changes that come after that are told.

        Raises `ClosedError`. A lost connection or session is no error: the next connection sets the watch.
        """
        if self._is_set:
            return
        self._is_set = True
        self._end = None
        self._stop_listening = self._session.states.listen(self._state_changed)
        self._exchange.watches.add(self._kind, self._full, self._watcher_of_all)
        mode = protocol.ADD_WATCH_RECURSIVE if self.is_recursive else protocol.ADD_WATCH_PERSISTENT
        body = path_and_number(self._full.encode(), mode)
        try:
            if not self._session.lacks_persistent_watches:
                await self._outbox.request(protocol.ADD_WATCH, shapes.NOTHING, CONDITIONAL, 0, self.path, body)
        except (UnimplementedError, MarshallingError):
            self._session.lacks_persistent_watches = True
        except (NoNodeError, ConnectionLossError, SessionExpiredError):
            return
        except BaseException:
            self.stop()
            raise
        if self._session.lacks_persistent_watches and self._is_set:
            await asyncio.wait([self._fall_back().is_ready])

    def _fall_back(self) -> OneShots:
        """One-shot watches take over."""
        self._exchange.watches.remove(self._kind, self._full, self._watcher_of_all)
        if self._one_shots is None:
            self._one_shots = OneShots(self._session, self._full, self.is_recursive, self._tell_change)
        return self._one_shots

    def _tell_change(self, event_type: EventType, path: str) -> None:
        self._exchange.tell(self._watcher_of_all, int(event_type), path)

    def stop(self) -> None:
        """Removes the watch: no event comes any more. What was not read can be read no more."""
        if not self._is_set:
            return
        self._is_set = False
        if self._stop_listening is not None:
            self._stop_listening()
        if self._one_shots is not None:
            self._one_shots.stop()
            self._one_shots = None
        is_last = self._exchange.watches.remove(self._kind, self._full, self._watcher_of_all)
        self._finish(StopAsyncIteration())
        # Without a connection no server has it, and the removal would meet whoever watches the path by then.
        if is_last and self._outbox.refusal is None and self._session.state in CONNECTED:
            removal = RemoveWatches.PERSISTENT_RECURSIVE if self.is_recursive else RemoveWatches.PERSISTENT
            body = path_and_number(self._full.encode(), int(removal))
            removed = self._outbox.request(protocol.REMOVE_WATCHES, shapes.NOTHING, CONDITIONAL, 0, self.path, body)
            removed.add_done_callback(_forget)

    @property
    def _kind(self) -> int:
        return RECURSIVE if self.is_recursive else PERSISTENT

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # Events.

    def add_callback(self, callback: WatchCallback) -> Callable[[], None]:
        """Has `callback` called with each event, at once and on the loop; returns a function that ends it.

        A watch that has callbacks keeps no events for its iterator, unless that is being read.
        """
        key = object()
        self._callbacks[key] = arguments.callback(callback)
        return lambda: self._remove_callback(key)

    def _remove_callback(self, key: object) -> None:
        self._callbacks.pop(key, None)

    def _deliver(self, event: WatchEvent) -> None:
        for callback in list(self._callbacks.values()):
            try:
                callback(event)
            except Exception as error:
                report("exception in a callback of a watch", error)
        if self._callbacks and self._news is None:
            return
        if len(self._unread) >= MAX_EVENTS_UNREAD:
            self._unread.clear()
            event = WatchEvent(EventType.NONE, self.path, -1)
        self._unread.append(event)
        self._wake()

    def _state_changed(self, state: SessionState) -> None:
        if state in CONNECTED and self._session.lacks_persistent_watches:
            self._fall_back()
            self._deliver(WatchEvent(EventType.NONE, self.path, -1))
        if state is SessionState.LOST and self._ends_with_session:
            self.stop()
            self._finish(SessionExpiredError("the session of this watch is lost"))
        elif state in FINAL:
            if self._one_shots is not None:
                self._one_shots.stop()
            closed = state is SessionState.CLOSED
            self._finish(StopAsyncIteration() if closed else ClosedError("the client may not go on"))

    def _finish(self, end: Exception) -> None:
        self._end = end
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchEvent:
        if not self._is_set and self._end is None:
            await self.start()
        while not self._unread:
            if self._end is not None:
                raise self._end
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        return self._unread.popleft()


def _forget(future: "asyncio.Future[None]") -> None:
    """Whether the server still had the watch makes no difference."""
    if not future.cancelled() and isinstance(future.exception(), ZooKeeperError):
        return
