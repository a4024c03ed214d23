"""What a persistent watch is to the session: it is set, told events, and removed, whoever reads them.

1. The session knows the subscription, and the subscription knows nothing of the `Watch` that its user holds. So when
   nobody holds that any more, and there are no callbacks, it is removed.
2. It is in the session's table before the server is asked, so that a reconnect brings it along in any case.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from zkeeper import arguments
from zkeeper.client.base import Base, WatchCallback
from zkeeper.client.one_shots import OneShots
from zkeeper.client.session import FORKED, Session
from zkeeper.client.states import CONNECTED, FINAL, report
from zkeeper.errors import (
    ClosedError,
    ConnectionLossError,
    ForkedError,
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


class Subscription(Base):
    """`start` sets it; `stop` removes it, and so does `abandon` unless somebody is called back."""

    def __init__(self, session: Session, root: str, path: str, recursive: bool, ends_with_session: bool) -> None:
        super().__init__(session, root)
        self.path = path
        self.is_recursive = arguments.flag("recursive", recursive)
        self._full = full_path(root, path)
        self._ends_with_session = arguments.flag("ends_with_session", ends_with_session)
        self._watcher_of_all = Watcher(self._deliver, self._root_length)
        self._callbacks: dict[object, WatchCallback] = {}
        self._unread: deque[WatchEvent] = deque()
        self._readers: list[asyncio.Future[None]] = []
        """Of those who wait for the next event."""
        self._was_read = False
        self._end: Exception | None = None
        self._is_set = False
        self._loop: asyncio.AbstractEventLoop
        self._stop_listening: Callable[[], None] | None = None
        self._one_shots: OneShots | None = None

    # Setting and ending.

    async def start(self) -> None:
        """Returns when the server has it. Raises `ClosedError`."""
        if self._is_set:
            return
        self._loop = asyncio.get_running_loop()
        self._is_set = True
        self._end = None
        self._unread.clear()
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
        """No event comes any more; what came before can still be read."""
        if not self._is_set or self._session.is_foreign():
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

    def abandon(self) -> None:
        """Nobody can read it any more. Called at any moment and in any thread, wherever objects are freed."""
        if self._is_set and not self._session.is_foreign() and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._stop_unless_called_back)
            except RuntimeError:
                assert self._loop.is_closed(), "only a closed loop takes no callbacks"

    def _stop_unless_called_back(self) -> None:
        if not self._callbacks:
            self.stop()

    @property
    def _kind(self) -> int:
        return RECURSIVE if self.is_recursive else PERSISTENT

    # Events.

    def add_callback(self, callback: WatchCallback) -> object:
        """Returns the key that `remove_callback` takes."""
        key = object()
        self._callbacks[key] = arguments.plain_callback(callback)
        return key

    def remove_callback(self, key: object) -> None:
        self._callbacks.pop(key, None)

    def _deliver(self, event: WatchEvent) -> None:
        for callback in list(self._callbacks.values()):
            try:
                callback(event)
            except Exception as error:
                report("exception in a callback of a watch", error)
        if self._callbacks and not self._was_read:
            return
        if len(self._unread) >= MAX_EVENTS_UNREAD:
            self._unread.clear()
            event = WatchEvent(EventType.NONE, self.path, -1)
        self._unread.append(event)
        self._wake()

    def _state_changed(self, state: SessionState) -> None:
        if state in CONNECTED and self._session.lacks_persistent_watches:
            self._fall_back().is_ready.add_done_callback(self._tell_to_look_again)
        if state is SessionState.LOST and self._ends_with_session:
            self.stop()
            self._finish(SessionExpiredError("the session of this watch is lost"))
        elif state in FINAL:
            if self._one_shots is not None:
                self._one_shots.stop()
            closed = state is SessionState.CLOSED
            self._finish(StopAsyncIteration() if closed else ClosedError("the client may not go on"))

    def _tell_to_look_again(self, ready: "asyncio.Future[None]") -> None:
        """Whatever changes from now on is told; unless it is the end that made it `ready`."""
        if self._end is None:
            self._deliver(WatchEvent(EventType.NONE, self.path, -1))

    def _finish(self, end: Exception) -> None:
        self._end = end
        self._wake()

    def _wake(self) -> None:
        """All who wait: each looks whether there is something left for it."""
        readers, self._readers = self._readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)

    async def next(self) -> WatchEvent:
        """The next event; it goes to one of those who ask. Raises what has ended the watch."""
        if self._session.is_foreign():
            raise ForkedError(FORKED)
        if not self._is_set and self._end is None:
            await self.start()
        self._was_read = True
        while not self._unread:
            if self._end is not None:
                raise self._end
            reader: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._readers.append(reader)
            await reader
        return self._unread.popleft()


def _forget(future: "asyncio.Future[None]") -> None:
    """Whether the server still had the watch makes no difference."""
    if not future.cancelled() and isinstance(future.exception(), ZooKeeperError):
        return
