"""Syncs of clients, and whatever else waits until what was proposed before it is applied.

1. A sync is answered once all is applied that was proposed before it, by whichever connection.
2. A leader is sure first that it led then: it calls back what `confirm` was given.
3. On a learner the leader is asked; its answer comes behind the commits that the sync covers.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, final

from mypy_extensions import i64

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink
    from zkeeper.pipeline.service import Service
    from zkeeper.pipeline.turns import Waiting


@final
class Waiter:
    """What is to be called, with the time in ms, when everything up to `zxid` is applied."""

    def __init__(self, zxid: i64, done: Callable[[int], None]) -> None:
        self.zxid: i64 = zxid
        self.done = done


@final
class SyncQueue:
    """`confirm` is a leader's (rule 2)."""

    def __init__(self, service: "Service") -> None:
        self.confirm: Callable[[Callable[[], None]], None] | None = None
        self._service = service
        self._waiters: deque[Waiter] = deque()

    def must_wait(self) -> bool:
        """Whether a client's sync has to wait for anything."""
        service = self._service
        return service.forwarder is not None or self.confirm is not None or service.outstanding() > 0

    def sync(self, link: "ClientLink", item: "Waiting") -> None:
        """Has `link.synced` called when the rules say so."""
        service = self._service
        if service.forwarder is not None:
            service.forwarder.sync(link, item.xid, item)
        elif self.confirm is not None:
            self.confirm(partial(self._confirmed, service.preparer.last_zxid, link, item))
        else:
            self.call_behind_proposals(partial(link.synced, item))

    def _confirmed(self, zxid: i64, link: "ClientLink", item: "Waiting") -> None:
        """Nothing behind `zxid` is committed yet."""
        service = self._service
        if zxid > service.database.last_zxid:
            self._waiters.append(Waiter(zxid, partial(link.synced, item)))
        elif service.serves():
            link.synced(item, service.now_ms())
            service.flush()

    def call_behind_proposals(self, done: Callable[[int], None]) -> None:
        """Has `done` called, with the time in ms, once all that is proposed now is applied."""
        if self._service.outstanding():
            self._waiters.append(Waiter(self._service.last_proposed_zxid(), done))
        else:
            done(self._service.now_ms())

    def answered(self) -> None:
        """The leader has answered the oldest sync: all that it covers was committed before."""
        service = self._service
        assert service.forwarder is not None
        waiting = service.forwarder.take_sync()
        if waiting is None:
            return
        done = partial(waiting[0].synced, waiting[1])
        if service.is_applying():
            self._waiters.append(Waiter(service.committed_zxid(), done))
        else:
            done(service.now_ms())
            service.flush()

    def applied(self, zxid: i64, now_ms: i64) -> None:
        """Everything up to `zxid` is applied."""
        waiters = self._waiters
        while waiters and waiters[0].zxid <= zxid:
            waiters.popleft().done(now_ms)
