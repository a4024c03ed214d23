"""A queue of small tasks, each of which is done at least once.

1. An entry is removed when it was done, not when it was taken: the znode that says it is taken is an ephemeral.
2. It is removed under the condition that it is still taken by the one who did it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from zkeeper import OPEN_ACL, Acl, AsyncClient, WatchEvent, insist, new_guid, settle
from zkeeper.arguments import limit, whole_number
from zkeeper.errors import PASSING, NodeExistsError, NoNodeError, SessionExpiredError, TransactionFailed

from .errors import LockLostError, LockTimeoutError
from .held import Guard, Held
from .names import NotInQueueError
from .patience import GIVEN_UP, GONE, Errands, Wake, persist
from .tenure import Tenure
from .znodes import OwnZNode, checked, delete_surely, ensure_container, join

MAX_PRIORITY = 999


class Item:
    """An entry that is taken. `held.fencing_token` tells one taking from another.

    Example:
        async with queue.take() as item:
            await send(item.data)
    """

    def __init__(self, data: bytes, held: Held) -> None:
        self.data = data
        self.held = held


class Queue:
    """First in, first out, within priorities: 0 is served first, 999 last.

        queue = Queue(zk, "/queues/mail")
        await queue.put(b"hello")
        async with queue.take() as item:
            await send(item.data)

    Promises: every entry whose `put` returned is given to some taker until one has ended its block without an
    exception: at least once, more often if a taker fails, loses its session, or cannot be told whether its removal was
    done. Two takers have an entry at the same time only as two holders have a `Lock`: the block is cancelled when its
    taking is lost, and ends with `LockLostError`. A `put` that raises `ConnectionLossError` or `SessionExpiredError`
    with `outcome` UNKNOWN may have put it.

    It is for small control flows: all entries are in memory of all servers, every taker lists them all, and a few
    thousand are too many. Order is not kept among takers that work at the same time.

    On the wire it is kazoo's `LockingQueue`.
    """

    def __init__(self, zk: AsyncClient, path: str, *, acl: Sequence[Acl] = OPEN_ACL) -> None:
        self.path = checked(zk, path)
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
        whole_number("priority", priority, 0, MAX_PRIORITY)
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

    # Taking.

    async def _take_within(self, timeout_s: float | None) -> tuple[Tenure, Item]:
        wake = Wake()
        try:
            async with limit(timeout_s):
                while True:
                    wake.clear()
                    try:
                        if (taken := await self._take_first(wake)) is not None:
                            return taken
                    except SessionExpiredError:
                        continue
                    await wake.wait()
        except TimeoutError as error:
            raise LockTimeoutError(f"nothing came into {self.path} within {timeout_s} s") from error
        finally:
            for path in (self._entries_path, self._taken_path):
                self._zk.forget_watch(path, wake.note)

    async def _take_first(self, wake: Wake) -> tuple[Tenure, Item] | None:
        """The first entry that nobody has; None if there is none, and then `wake` is set when that changes."""
        entries = await self._names(self._entries_path, wake.note)
        occupied = set(await self._names(self._taken_path, wake.note))
        for name in sorted(entries):
            if name not in occupied and (taken := await self._take_entry(name)) is not None:
                return taken
        return None

    async def _take_entry(self, name: str) -> tuple[Tenure, Item] | None:
        taking = Tenure(self._zk, self._errands)
        try:
            znode = await self._occupy(join(self._taken_path, name))
            if znode is None:
                return None
            taking.begin(znode)
            if await insist(taking.watch_own) is None:
                return None
            data = (await insist(lambda: self._zk.get(join(self._entries_path, name)))).data
            return taking, Item(data, taking.hold())
        except (NoNodeError, NotInQueueError):
            # It was done meanwhile, or our session has ended.
            return None
        finally:
            if taking.held is None:
                taking.leave()

    async def _occupy(self, path: str) -> OwnZNode | None:
        """Creates the znode that says that the entry is taken; None if somebody else has."""
        token = new_guid(self._zk).replace("-", "").encode()
        try:
            try:
                await self._zk.create(path, token, acl=self._acl, ephemeral=True)
            except PASSING:
                await insist(lambda: settle(self._zk, self._taken_path))
            return await self._own(path, token)
        except (NodeExistsError, NoNodeError):
            return None
        except GIVEN_UP:
            self._errands.begin(self._vacate(path, token))
            raise

    async def _own(self, path: str, token: bytes) -> OwnZNode | None:
        data, stat, _ = await insist(lambda: self._zk.get(path))
        is_ours = data == token and stat.ephemeral_owner == self._zk.session_id
        return OwnZNode(path, stat.czxid, self._zk.session_id) if is_ours else None

    async def _vacate(self, path: str, token: bytes) -> None:
        """Undoes what `_occupy` may have done when it was given up."""
        with suppress(*GONE, NoNodeError):
            await insist(lambda: settle(self._zk, self._taken_path))
            znode = await self._own(path, token)
            if znode is not None:
                await delete_surely(self._zk, path, znode.session_id, self._errands)

    async def _names(self, path: str, watch: Callable[[WatchEvent], None] | None) -> list[str]:
        while True:
            try:
                return await persist(lambda: self._zk.children(path, watch=watch))
            except NoNodeError:
                await ensure_container(self._zk, path, self._acl)

    # Done.

    async def _end(self, taking: Tenure, guard: Guard, error: BaseException | None) -> None:
        try:
            await guard.leave(error)
            if error is None:
                await self._errands.finish(self._remove(taking))
        finally:
            await taking.left()

    async def _remove(self, taking: Tenure) -> None:
        """Removes the entry, as long as it is taken by us: requests of a session that has ended are not done."""
        assert taking.znode is not None
        path, entry = taking.znode.path, join(self._entries_path, taking.znode.name)
        try:
            while True:
                if taking.held is None or not taking.held.is_held:
                    raise SessionExpiredError
                if await self._removed(entry, path):
                    taking.end()
                    return
        except (TransactionFailed, SessionExpiredError) as failed:
            raise LockLostError(f"{path} was lost while it was held") from failed

    async def _removed(self, entry: str, path: str) -> bool:
        """False when it has to be tried again."""
        try:
            await self._zk.transaction().delete(entry).delete(path).commit()
            return True
        except PASSING:
            await insist(lambda: settle(self._zk, self._entries_path))
            return await insist(lambda: self._zk.exists(entry)) is None
