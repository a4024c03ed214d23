"""Persistent watches: every change of a znode or of a whole subtree, as an async iterator or to callbacks.

1. Events come in the order in which the servers applied the changes, and before replies that show the changes.
2. Where events may be missing an event of the type NONE takes their place: after a reconnect (servers do not tell what
   happened meanwhile), in a new session, and when `MAX_EVENTS_UNREAD` wait to be read.
3. Where servers have no persistent watches, `one_shots` takes their place, which tells less (see there).
4. A watch that nobody can read any more is removed: what the session knows is the `Subscription`.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self
from weakref import finalize

from zkeeper.client.base import WatchCallback
from zkeeper.client.session import Session
from zkeeper.client.subscription import Subscription
from zkeeper.values import WatchEvent


class Watch:
    """Made by `AsyncClient.watch`. Set by `async with`, `start` or the first turn of `async for`.

    A watch of one znode is told CREATED, DELETED, DATA_CHANGED of it, and CHILDREN_CHANGED when its children come and
    go. A recursive one is told CREATED, DELETED and DATA_CHANGED of the znode and all below it, each with the path of
    the znode that changed, and never CHILDREN_CHANGED.

    An event of the type NONE, with the path of the watch, means: events may be missing here, read again. It comes
    after every reconnect, in every new session, and instead of what was not read in time. The watch goes on after it;
    it ends with `stop`, with the client (quietly), or with an error of the session's that is final.

    It is removed from the servers at the end of its block, by `stop`, and when nobody has it any more: a loop that is
    left by `break` leaves nothing behind. One that has callbacks goes on without being held.

    Several may read one watch; then each event goes to one of them. Who wants all events has a watch of its own.

    Servers before ZooKeeper 3.6 have no such watches. There one-shot watches are set again and again: changes that
    follow each other quickly come as one, events have no zxid, and a recursive watch costs two requests for each znode.

    Example:
        async with zk.watch("/members") as events:
            print(await zk.children("/members"))
            async for event in events:
                print(event.type.name, await zk.children("/members"))
    """

    def __init__(self, session: Session, root: str, path: str, recursive: bool, ends_with_session: bool) -> None:
        self.path = path
        self.is_recursive = recursive
        self._subscription = Subscription(session, root, path, recursive, ends_with_session)
        finalize(self, self._subscription.abandon).atexit = False

    async def start(self) -> None:
        """Sets the watch; returns when the server has it. Changes that come after that are told.

        Raises `ClosedError`. A lost connection or session is no error: the next connection sets the watch. A watch
        that was stopped begins anew.

        Example:
            watch = zk.watch("/members")
            await watch.start()
        """
        await self._subscription.start()

    def stop(self) -> None:
        """Removes the watch: no event comes any more. Those that have come can still be read; then the iteration ends.

        Example:
            watch.stop()
        """
        self._subscription.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def add_callback(self, callback: WatchCallback) -> Callable[[], None]:
        """Has `callback` called with each event, at once and on the loop; returns a function that ends it.

        A watch that has callbacks keeps no events for its iterator, unless that is being read.

        Example:
            remove = watch.add_callback(lambda event: print(event.type.name, event.path))
        """
        key = self._subscription.add_callback(callback)
        # It holds the watch: whoever may take the callback back may do so last.
        return lambda: self._remove_callback(key)

    def _remove_callback(self, key: object) -> None:
        self._subscription.remove_callback(key)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchEvent:
        return await self._subscription.next()
