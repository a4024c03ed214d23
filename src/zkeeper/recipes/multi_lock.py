"""Several locks as one: all or none."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType

from zkeeper.arguments import limit
from zkeeper.errors import BadArgumentsError

from .errors import LockTimeoutError, NotHeldError
from .held import Guard, Held
from .lock import Acquirable


def check_locks(locks: Sequence[object], kind: type) -> None:
    """Of a `MultiLock`: there is one, and each is of this kind. Raises `BadArgumentsError`, `TypeError`."""
    if not locks:
        raise BadArgumentsError("MultiLock takes at least one lock")
    for lock in locks:
        if not isinstance(lock, kind):
            raise TypeError(f"MultiLock takes locks and semaphores, one argument each, not {lock!r}")


class MultiLock:
    """Holds all of the given locks, read or write locks, or semaphores, or none of them.

        async with MultiLock(Lock(zk, "/locks/a"), Lock(zk, "/locks/b")) as helds:
            ...

    Locks are acquired in the order in which they are given and released in the other. Users of the same locks have to
    give them in the same order, or they may wait for each other for ever. The block is cancelled when one of them is
    lost; the others are still held until it has ended. Every lock keeps its own promises, see `Lock`. Used by one task
    at a time.
    """

    def __init__(self, *locks: Acquirable) -> None:
        check_locks(locks, Acquirable)
        self.locks = locks
        self._helds: Sequence[Held] = ()
        self._guard: Guard | None = None

    async def acquire(self, timeout_s: float | None = None) -> Sequence[Held]:
        """Acquires all within `timeout_s` seconds altogether. Raises `LockTimeoutError`, and then holds none."""
        try:
            async with limit(timeout_s), AsyncExitStack() as stack:
                helds = []
                for lock in self.locks:
                    helds.append(await lock.acquire())
                    stack.push_async_callback(lock.release)
                stack.pop_all()
        except TimeoutError as error:
            raise LockTimeoutError(f"not all locks were acquired within {timeout_s} s") from error
        self._helds = helds
        return helds

    async def release(self) -> None:
        """Releases all, the last one first, lost ones too. Raises `NotHeldError` if none was acquired."""
        if not self._helds:
            raise NotHeldError("the locks are not held")
        self._helds = ()
        async with AsyncExitStack() as stack:
            for lock in self.locks:
                stack.push_async_callback(lock.release)

    async def __aenter__(self) -> Sequence[Held]:
        helds = await self.acquire()
        self._guard = Guard(*helds)
        self._guard.enter()
        return helds

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._guard is not None
        try:
            await self._guard.leave(error)
        finally:
            await self.release()
