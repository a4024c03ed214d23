"""Locks for threads.

1. Who holds is a thread: it may acquire again only if that was asked for, and then releases as often.
2. A `with` is a guarded block: if what it holds is lost meanwhile, it ends with `LockLostError`. It is not cancelled,
   since a thread cannot be: `Held.lost` says so at once, and `Held.on_lost` calls.
3. Leaving a block, or an `acquire` that did not succeed, leaves no znode behind, whatever it was ended by.
"""

from collections.abc import Sequence
from typing import TypeVar

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.recipes.acquirable import Acquirable
from zkeeper.blocking.recipes.recipe import Recipe, on_loop_of
from zkeeper.recipes import Layout
from zkeeper.recipes import read_write_lock as on_loop_sides
from zkeeper.recipes.lock import Queueing as OnLoopQueueing
from zkeeper.values import OPEN_ACL, Acl

Q = TypeVar("Q", bound=OnLoopQueueing)


class Queueing(Acquirable[Q]):
    """What is acquired by the turn in one queue: a lock, or one side of a read-write lock."""

    def contenders(self, *, timeout_s: float | None = None) -> list[str]:
        """The identifiers of all who hold it or wait for it, in their order; of the others of one's own kind, too."""
        return self._call(timeout_s, self._recipe.contenders)


class Lock(Queueing[on_loop.Lock]):
    """A mutual exclusion lock that is fair: who asks first gets it first.

        lock = Lock(zk, "/locks/report")
        with lock as held:
            storage.write(report, token=held.fencing_token)

    Promises: as seen by the servers, never do two sessions hold it at the same time. The `Held` of one who has lost it
    says so no later than the servers let the next one in, as long as this process runs and its clock does not jump.
    Places that are given up, by time, interrupt or error, are deleted, if need be after a reconnect, or go with the
    session. A lost connection costs neither the place nor the lock; a lost session costs both, and a waiting `acquire`
    queues again.

    Does not promise: that a block ends when its lock is lost, since nobody can stop a thread (look at `Held.lost`), nor
    that a process which was stopped, by its machine or by a debugger, does nothing after its time. For that the
    resource has to compare `Held.fencing_token`, or the write goes to ZooKeeper together with `Held.check`.

    On the wire it is Curator's `InterProcessMutex`, or kazoo's `Lock` with `layout="kazoo"`. `identifier` is for people
    and for `contenders`; ZooKeeper keeps it as the znode's data.
    """

    def __init__(
        self, zk: Client, path: str, *, identifier: str = "", layout: Layout | str = Layout.CURATOR,
        reentrant: bool = False, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        recipe = on_loop.Lock(on_loop_of(zk), path, identifier=identifier, layout=layout, reentrant=reentrant, acl=acl)
        super().__init__(zk, recipe)

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path


class ReadWriteLock(Recipe[on_loop.ReadWriteLock]):
    """`read` and `write` are used like a `Lock`, and promise what it does; see there.

        rw = ReadWriteLock(zk, "/locks/table")
        with rw.read:
            ...
        with rw.write as held:
            ...

    Fair: a reader that comes after a waiting writer waits for it. Both sides are re-entrant if asked for. A thread that
    holds `write` may acquire `read`, and keeps it when it releases `write`. The other way round waits for itself for
    ever: release `read` first.

    On the wire it is Curator's `InterProcessReadWriteLock`, or kazoo's `ReadLock` and `WriteLock` with
    `layout="kazoo"`.
    """

    def __init__(
        self, zk: Client, path: str, *, identifier: str = "", layout: Layout | str = Layout.CURATOR,
        reentrant: bool = False, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        recipe = on_loop.ReadWriteLock(
            on_loop_of(zk), path, identifier=identifier, layout=layout, reentrant=reentrant, acl=acl
        )
        super().__init__(zk, recipe)
        self._read: Queueing[on_loop_sides.ReadLock] = Queueing(zk, self._recipe.read)
        self._write: Queueing[on_loop_sides.WriteLock] = Queueing(zk, self._recipe.write)

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def read(self) -> "Queueing[on_loop_sides.ReadLock]":
        """The side of those who look."""
        return self._read

    @property
    def write(self) -> "Queueing[on_loop_sides.WriteLock]":
        """The side of those who change."""
        return self._write


class Semaphore(Acquirable[on_loop.Semaphore]):
    """At most `max_leases` leases at a time; each `acquire` takes one, also several by one thread.

        semaphore = Semaphore(zk, "/limits/exports", max_leases=3)
        with semaphore:
            ...

    Promises what a `Lock` does, for `max_leases` holders; `Held.fencing_token` is that of the lease. All users of a
    path have to give the same `max_leases`; with `layout="kazoo"` the first one writes it into the znode, and others
    are refused with `ValueError`. `try_acquire` may also fail because somebody else is acquiring at that moment.

    On the wire it is Curator's `InterProcessSemaphoreV2`, or kazoo's `Semaphore` with `layout="kazoo"`.
    """

    def __init__(
        self, zk: Client, path: str, max_leases: int, *, identifier: str = "", layout: Layout | str = Layout.CURATOR,
        acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(
            zk, on_loop.Semaphore(on_loop_of(zk), path, max_leases, identifier=identifier, layout=layout, acl=acl)
        )

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def max_leases(self) -> int:
        """How many may hold it at a time."""
        return self._recipe.max_leases

    def holders(self, *, timeout_s: float | None = None) -> list[str]:
        """The identifiers of those who hold a lease, in no order."""
        return self._call(timeout_s, self._recipe.holders)
