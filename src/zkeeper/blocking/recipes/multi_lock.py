"""Several locks as one: all or none."""

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from zkeeper import recipes as on_loop
from zkeeper.blocking.recipes.acquirable import Acquirable
from zkeeper.blocking.recipes.held import Held
from zkeeper.blocking.recipes.holder import as_this_thread
from zkeeper.blocking.recipes.recipe import Recipe
from zkeeper.errors import ClosedError
from zkeeper.recipes import LockLostError
from zkeeper.recipes.multi_lock import check_locks
from zkeeper.wire.client_pending import RISKY


class MultiLock(Recipe[on_loop.MultiLock]):
    """Holds all of the given locks, read or write locks, or semaphores, or none of them.

        with MultiLock(Lock(zk, "/locks/a"), Lock(zk, "/locks/b")) as helds:
            ...

    Locks are acquired in the order in which they are given and released in the other. Users of the same locks have to
    give them in the same order, or they may wait for each other for ever. When one of them is lost the block
    ends with `LockLostError`, and the others are still held until then. Every lock keeps its own promises, see `Lock`.
    Used by one thread at a time.
    """

    def __init__(self, *locks: Acquirable[Any]) -> None:
        check_locks(locks, Acquirable)
        super().__init__(locks[0]._zk, on_loop.MultiLock(*[lock._recipe for lock in locks]))
        self._locks = locks
        self._helds: Sequence[Held] = ()

    @property
    def locks(self) -> Sequence[Acquirable[Any]]:
        """The locks, in the order in which they are acquired."""
        return self._locks

    def acquire(self, timeout_s: float | None = None) -> Sequence[Held]:
        """Acquires all within `timeout_s` seconds altogether. Raises `LockTimeoutError`, and then holds none."""
        acquire = as_this_thread(lambda: self._recipe.acquire(timeout_s))
        release = as_this_thread(self._recipe.release)
        helds = self._core.step(None, acquire, lambda _: release())
        self._helds = [Held(self._core, held) for held in helds]
        return self._helds

    def release(self, *, timeout_s: float | None = None) -> None:
        """Releases all, the last one first, lost ones too. Raises `NotHeldError` if none was acquired."""
        self._core.ask(RISKY, timeout_s, as_this_thread(self._recipe.release))

    def __enter__(self) -> Sequence[Held]:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        lost = [held for held in self._helds if held.lost.is_set()]
        with suppress(ClosedError):
            self.release()
        if lost and error is None:
            raise LockLostError(f"{lost[0].path} was lost while it was held")
