"""The thread that runs the callbacks of a client, so that they may call the client, and may take their time.

1. It is not the loop's thread. So a reply may be seen before the callback of an event that came ahead of it has run.
2. Each callback is told its events in their order. When it is so slow that its limit is reached, the oldest give way:
   to `resync` if that is given, which then stands for all of them.
3. An exception in a callback is logged and changes nothing.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from zkeeper import arguments

T = TypeVar("T")

MAX_UNTOLD: Final = 16_384
"""How many events wait for one callback."""
END_PATIENCE_S: Final = 3.0
"""How long `stop` waits for a callback that is running, and for those that wait."""

FAILED: Final = "exception in the callback %r"

logger = logging.getLogger("zkeeper.blocking")


class Dispatcher:
    """Its thread begins with the first callback. `put` is for the loop's thread, `end` for all others."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_ended = False

    def put(self, job: Callable[[], object]) -> None:
        if self._is_ended:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zkeeper callbacks", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _run(self) -> None:
        process_id = os.getpid()
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except BaseException:
                logger.exception(FAILED, job)
            if os.getpid() != process_id:
                return  # The callback has forked. In the child nobody will put anything here any more.

    def end(self, *, may_wait: bool = True) -> None:
        """Ends the thread when the callbacks that wait have run. Nothing may be put any more."""
        self._is_ended = True
        thread = self._thread
        if thread is None:
            return
        self._jobs.put(None)
        if may_wait and threading.current_thread() is not thread:
            thread.join(END_PATIENCE_S)
            if thread.is_alive():
                logger.warning("a callback is still running; it is not waited for any longer")


class Once(Generic[T]):
    """A callback for one event, as the loop calls it. Equal to another one of the same callback."""

    __slots__ = ("_callback", "_dispatcher")

    def __init__(self, dispatcher: Dispatcher, callback: Callable[[T], object]) -> None:
        self._dispatcher = dispatcher
        self._callback = arguments.plain_callback(callback)

    def __call__(self, event: T) -> None:
        self._dispatcher.put(partial(self._callback, event))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Once) and bool(self._callback == other._callback)

    def __hash__(self) -> int:
        return hash(self._callback)


class Often(Generic[T]):
    """A callback for many events, as the loop calls it: invariant 2."""

    def __init__(self, dispatcher: Dispatcher, callback: Callable[[T], object], resync: T | None = None) -> None:
        self._dispatcher = dispatcher
        self._callback = arguments.plain_callback(callback)
        self._resync = resync
        self._untold: deque[T] = deque()
        self._is_scheduled = False

    def __call__(self, event: T) -> None:
        if len(self._untold) >= MAX_UNTOLD:
            self._give_way()
        self._untold.append(event)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._dispatcher.put(self._tell)

    def _give_way(self) -> None:
        if self._resync is None:
            self._untold.popleft()
        else:
            self._untold.clear()
            self._untold.append(self._resync)

    def _tell(self) -> None:
        """What comes meanwhile schedules it again, behind other callbacks."""
        self._is_scheduled = False
        for _ in range(len(self._untold)):
            try:
                event = self._untold.popleft()
            except IndexError:
                return  # They have just given way.
            try:
                self._callback(event)
            except Exception:
                logger.exception(FAILED, self._callback)
