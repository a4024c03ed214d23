"""A queue of small tasks, each of which is done at least once.

1. An entry is removed when it was done, not when it was taken: the znode that says it is taken is an ephemeral.
2. It is removed under the condition that it is still taken by the one who did it.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
import asyncio

from zkeeper import OPEN_ACL, Acl, AsyncClient, Created, new_guid
from zkeeper.errors import NodeExistsError, NoNodeError, SessionExpiredError, TransactionFailed

from .errors import LockLostError, LockTimeoutError
from .held import Guard, Held
from .names import NotInQueueError
from .tenure import Tenure
from .znodes import PASSING, Errands, OwnZNode, Wake, ensure_container, insist, join, settle

MAX_PRIORITY = 999


class Item:
    """An entry that is taken. `held.fencing_token` tells one taking from another."""

    def __init__(self, data: bytes, held: Held) -> None:
        self.data = data
        self.held = held


class Queue:
    """First in, first out, within priorities: 0 is served first, 999 last.

        queue = Queue(zk, "/queues/mail")
        await queue.put(b"hello")
        async with queue.take() as item:
            await send(item.data)

    Promises: every entry whose `put` returned is given to some taker until one has ended its block without an exception:
    at least once, more often if a taker fails, loses its session, or cannot be told whether its removal was done. Two
    takers have an entry at the same time only as two holders have a `Lock`: the block is cancelled when its taking is
    lost, and ends with `LockLostError`. A `put` that raises `ConnectionLossError` or `SessionExpiredError` with
    `outcome` UNKNOWN may have put it.

    It is for small control flows: all entries are in memory of all servers, every taker lists them all, and a few
    thousand are too many. Order is not kept among takers that work at the same time.

    On the wire it is kazoo's `LockingQueue`.
    """

    def __init__(self, zk: AsyncClient, path: str, *, acl: Sequence[Acl] = OPEN_ACL) -> None:
        self.path = path
        self._zk = zk
        self._acl = acl
        self._errands = Errands()
        self._entries_path = join(path, "entries")
        self._taken_path = join(path, "taken")

    async def put(self, data: bytes, priority: int = 100) -> None:
        """Puts an entry. Done at most once, see the class."""
        await self.put_all([data], priority)

    async def put_all(self, entries: Iterable[bytes], priority: int = 100) -> None:
        """Puts all of them, in their order, or none."""
        if not 0 <= priority <= MAX_PRIORITY:
            raise ValueError(f"a priority is between 0 and {MAX_PRIORITY}, not {priority}")
        transaction = self._zk.transaction()
        for data in entries:
            path = join(self._entries_path, f"entry-{priority:03d}-")
            transaction.create(path, data, acl=self._acl, sequential=True)
        while True:
            try:
                await transaction.commit()
                return
            except TransactionFailed as failed:
                if not isinstance(failed.errors[failed.index], NoNodeError):
                    raise
                await ensure_container(self._zk, self._entries_path, self._acl)

    async def size(self) -> int:
        """How many entries there are, those that are taken included."""
        return len(await self._names(self._entries_path, None))

    @asynccontextmanager
    async def take(self, timeout_s: float | None = None) -> AsyncIterator[Item]:
        """Waits for an entry; removes it when the block ends well, gives it back when it ends with an exception.

        Raises `LockTimeoutError` when there is none for `timeout_s` seconds, and `LockLostError` when the taking was
        lost while the block ran: then it is given to another.
        """
        taking, item = await self._take_within(timeout_s)
        guard = Guard(item.held)
        guard.enter()
        error: BaseException | None = None
        try:
            yield item
        except BaseException as raised:
            error = raised
            raise
        finally:
            await self._end(taking, guard, error)

    async def settled(self) -> None:
        """Waits until what goes on in the background is done."""
        await self._errands.all_done()
