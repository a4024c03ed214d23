"""Persistent watches: every change of a znode or of a whole subtree, as an iterator or to callbacks."""

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from zkeeper.blocking.core import Core
from zkeeper.blocking.dispatcher import Often
from zkeeper.blocking.steps import Steps
from zkeeper.client.base import WatchCallback
from zkeeper.client.watch import Watch as AsyncWatch
from zkeeper.errors import ClosedError
from zkeeper.values import EventType, WatchEvent
from zkeeper.wire.client_pending import CONDITIONAL


class Watch(Steps[WatchEvent]):
    """Made by `Client.watch`. Set by `with`, `start` or the first turn of `for`.

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
        with zk.watch("/members") as events:
            print(zk.children("/members"))
            for event in events:
                print(event.type.name, zk.children("/members"))
    """

    def __init__(self, core: Core, watch: AsyncWatch) -> None:
        super().__init__(core, watch)
        self._watch = watch

    @property
    def path(self) -> str:
        """The znode that is watched, as it was given."""
        return self._watch.path

    @property
    def is_recursive(self) -> bool:
        """Whether all below it is watched, too."""
        return self._watch.is_recursive

    def start(self, *, timeout_s: float | None = None) -> None:
        """Sets the watch; returns when the server has it. Changes that come after that are told.

        Raises `ClosedError`. A lost connection or session is no error: the next connection sets the watch. A watch
        that was stopped begins anew.

        Example:
            watch = zk.watch("/members")
            watch.start()
        """
        self._core.ask(CONDITIONAL, timeout_s, self._watch.start)

    def stop(self) -> None:
        """Removes the watch: no event comes any more. Those that have come can still be read; then the iteration ends.

        Example:
            watch.stop()
        """
        with suppress(ClosedError):
            self._core.do(self._watch.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def add_callback(self, callback: WatchCallback) -> Callable[[], None]:
        """Has `callback` called with each event, in the callbacks' thread; returns a function that ends it.

        A watch that has callbacks keeps no events for its iterator, unless that is being read.

        Example:
            remove = watch.add_callback(lambda event: print(event.type.name, event.path))
        """
        resync = WatchEvent(EventType.NONE, self.path, -1)
        return self._watch.add_callback(Often(self._core.dispatcher, callback, resync))
