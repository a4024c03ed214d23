"""The record of a run: equal seeds must give equal traces, in every process.

An event is a tuple of numbers and strings that mean the same in every process: no addresses, no `id()`, no hashes.
Events are folded into a running hash in batches, because formatting them one by one would cost more than the events.
"""

import asyncio
import hashlib
from typing import Any

Event = tuple[object, ...]

BATCH_EVENTS = 4096


class Trace:
    """`recent` takes the events (append to it, then now and then `maybe_fold`); the hash covers all of them.

    With `is_kept` all events stay in `kept`, to find where two runs part.
    """

    def __init__(self, is_kept: bool = False) -> None:
        self.recent: list[Event] = []
        self.kept: list[Event] = []
        self.count_batches = 0
        self._is_kept = is_kept
        self._last: list[Event] = []
        self._hasher = hashlib.blake2b(digest_size=16)

    def maybe_fold(self) -> bool:
        """Folds when a batch is full; says whether it did."""
        if len(self.recent) < BATCH_EVENTS:
            return False
        self._fold()
        return True

    def hash(self) -> str:
        """The hash of all events so far, as hex digits."""
        self._fold()
        return self._hasher.hexdigest()

    def tail(self, count: int = 50) -> list[Event]:
        """The last events, at most a few thousand: what happened just before a failure."""
        return (self._last + self.recent)[-count:]

    def _fold(self) -> None:
        if not self.recent:
            return
        self._hasher.update("".join([f"{event!r}\n" for event in self.recent]).encode())
        self.count_batches += 1
        if self._is_kept:
            self.kept += self.recent
        # The list is emptied in place: the loop and the network hold on to it.
        self._last = self.recent[:]
        self.recent.clear()


def label(callback: Any) -> str:
    """A name for `callback` that is the same in every process; steps of a task go by the name of its coroutine."""
    name = getattr(callback, "__qualname__", None)
    if name is None or name == "Task.task_wakeup":
        owner = getattr(callback, "__self__", None)
        if isinstance(owner, asyncio.Task):
            return getattr(owner.get_coro(), "__qualname__", "task")
    return name if isinstance(name, str) else type(callback).__name__
