"""Whether watches are told in time: a session hears of a change before any reply that shows it.

1. A watch is set by a read `is_watching` that shows the znode at a zxid, and waits for the first change after that.
2. Which change that is, is known from acknowledged writes. One of unknown outcome may have been earlier, and then the
   event comes earlier, too.
3. Every reply at the zxid of the change, or later, is told after the event, also one that is not about this znode.

Watches end with their connection (`History.disconnected`), unless the client sets them again.
"""

from bisect import bisect_right
from collections import defaultdict

from .operations import Disconnected, Event, History, HistoryViolation, Kind, Operation

CHANGES = (Kind.CREATE, Kind.SET, Kind.DELETE)


def check_watches(history: History) -> int:
    """Returns how many events were judged. Raises `HistoryViolation`.

    Example:
        history.ok(history.invoke("session 1", read("/a"), is_watching=True), Seen(mzxid=7), zxid=7)
        history.ok(history.invoke("session 2", set_data("/a", b"2")), zxid=8)
        history.event("session 1", "/a")
        check_watches(history)
    """
    changes = _changes(history)
    return sum(SessionWatches(changes).run(told) for told in history.delivered.values())


def _changes(history: History) -> dict[str, list[tuple[int, Operation]]]:
    """For each znode the acknowledged writes that fire its watches, in the order of their zxids."""
    changes: dict[str, list[tuple[int, Operation]]] = defaultdict(list)
    for one in history.operations:
        if one.is_ok and one.zxid is not None:
            for step, path in zip(one.steps, one.paths, strict=True):
                if step.kind in CHANGES:
                    changes[path].append((one.zxid, one))
    for found in changes.values():
        found.sort(key=lambda change: change[0])
    return changes


class SessionWatches:
    """The watches of one session. `_waiting` has, by path, the change that it has to be told of, if one is known."""

    def __init__(self, changes: dict[str, list[tuple[int, Operation]]]) -> None:
        self._changes = changes
        self._waiting: dict[str, tuple[int, Operation] | None] = {}

    def run(self, told: "list[Operation | Event | Disconnected]") -> int:
        for one in told:
            if isinstance(one, Operation):
                self._check(one)
                self._set(one)
            elif isinstance(one, Disconnected):
                self._waiting.clear()
            else:
                self._waiting.pop(one.path, None)
        return sum(isinstance(one, Event) for one in told)

    def _check(self, reply: Operation) -> None:
        if reply.zxid is None:
            return
        for path, change in self._waiting.items():
            if change is not None and change[0] <= reply.zxid:
                raise HistoryViolation(f"{reply} was told before the event for {path}, which {change[1]} had fired")

    def _set(self, reply: Operation) -> None:
        if not reply.is_watching or not reply.is_ok or reply.zxid is None:
            return
        for path in reply.paths:
            changes = self._changes.get(path, [])
            at = bisect_right(changes, reply.zxid, key=lambda change: change[0])
            found = changes[at] if at < len(changes) else None
            # A second watch on the same znode is told together with the first.
            self._waiting.setdefault(path, found)
