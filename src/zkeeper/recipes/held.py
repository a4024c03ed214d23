"""What one holds: a lock, a lease, a leadership. It has a fencing token, and it can be lost.

1. `lost` is set when the session is over, by a server's word or by the client's own deadline, and when the znode is
   deleted by somebody else. While the connection is merely down it is not: the server keeps the session that long.
2. A guarded block is cancelled in the moment in which `lost` is set, and ends with `LockLostError`.
3. Callbacks are isolated: what one of them raises keeps neither the others nor a guarded block from being told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from zkeeper import Acl, AsyncClient, Created, SessionState, Transaction
from zkeeper.errors import TransactionFailed

from .errors import LockLostError
from .isolation import tell
from .patience import FINAL
from .znodes import OwnZNode

OVER = (SessionState.LOST, *FINAL)


class Held:
    """Something that is held, until it is released or lost.

    `fencing_token` is the czxid of the znode that stands for it: whoever holds it later has a higher one, so a resource
    that remembers the highest token it has seen can refuse one that comes too late.

    Example:
        held = await lock.acquire()
        try:
            await work(held.fencing_token, until=held.lost)
        finally:
            await held.release()
    """

    def __init__(self, znode: OwnZNode, release: Callable[[], Awaitable[None]]) -> None:
        self.znode = znode
        self.lost = asyncio.Event()
        self.is_released = False
        self._release = release
        self._callbacks: list[Callable[[], object]] = []

    @property
    def path(self) -> str:
        """The znode that stands for it."""
        return self.znode.path

    @property
    def fencing_token(self) -> int:
        """The czxid of that znode."""
        return self.znode.czxid

    @property
    def is_held(self) -> bool:
        """Whether it is neither released nor lost."""
        return not self.lost.is_set() and not self.is_released

    def check(self, transaction: Transaction) -> Transaction:
        """Adds to a transaction that it is done only while this is held, which the server decides: real fencing.

            await held.check(zk.transaction()).set("/account", b"9").commit()

        The commit raises `TransactionFailed` with `index` 0 when it is held no more.
        """
        return transaction.check(self.path, -1)

    def on_lost(self, callback: Callable[[], object]) -> None:
        """Has `callback` called once it is lost, at once and on the loop; not after a release.

        If it is lost already, that is so at once. What `callback` raises is logged; the others are told all the same.

        Example:
            held.on_lost(worker.stop)
        """
        if self.lost.is_set():
            tell(callback)
        else:
            self._callbacks.append(callback)

    async def release(self) -> None:
        """Gives it up; does nothing if it was before. Returns when the znode is gone or the session has ended.

        Cancelling it does not stop the deletion.
        """
        await self._release()

    # For the recipes.

    def lose(self) -> None:
        """Tells that it is lost, once."""
        if self.is_held:
            self.lost.set()
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                tell(callback)

    def note_release(self) -> None:
        """Ends it without a loss."""
        self.is_released = True
        self._callbacks.clear()


async def create_while_held(
    zk: AsyncClient, held: Held, path: str, data: bytes, acl: Sequence[Acl], *, sequential: bool
) -> Created:
    """Creates an ephemeral znode if `held` is still held when that happens. Raises `LockLostError` if it is not."""
    transaction = held.check(zk.transaction()).create(path, data, acl=acl, ephemeral=True, sequential=sequential)
    try:
        results = await transaction.commit()
    except TransactionFailed as failed:
        if failed.index == 0:
            raise LockLostError(f"{held.path} was lost while it was held") from failed
        raise failed.errors[failed.index] or failed from failed
    return Created(str(results[1]), None)


class Guard:
    """Cancels the task that entered it when what it guards is lost. Used like a context manager."""

    def __init__(self, *guarded: Held) -> None:
        self._guarded = guarded
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._has_cancelled = False

    def enter(self) -> None:
        self._task = asyncio.current_task()
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        for held in self._guarded:
            held.on_lost(self._cancel)

    async def leave(self, error: BaseException | None) -> None:
        """Raises `LockLostError` if the block was ended by the loss, or ended well in spite of it."""
        task, self._task = self._task, None
        is_ours = False
        if self._has_cancelled and task is not None:
            is_ours = await self._take_back(task, error)
        is_lost = any(held.lost.is_set() for held in self._guarded)
        if is_lost and (error is None or (isinstance(error, asyncio.CancelledError) and is_ours)):
            raise LockLostError(f"{self._guarded[0].path} was lost while it was held") from error

    async def _take_back(self, task: asyncio.Task[object], error: BaseException | None) -> bool:
        """Whether nobody else has cancelled the task as well: that is not for us to hide."""
        if not isinstance(error, asyncio.CancelledError):
            # The block ended before it noticed: the cancellation is still to come.
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        return task.uncancel() <= self._cancelling

    def _cancel(self) -> None:
        if self._task is not None and not self._has_cancelled:
            self._has_cancelled = True
            self._task.cancel()
