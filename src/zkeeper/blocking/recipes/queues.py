"""A queue of small tasks, each of which is done at least once."""

from collections.abc import Iterable, Sequence
from functools import partial

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.core import Core
from zkeeper.blocking.recipes.block import Block
from zkeeper.blocking.recipes.held import Held
from zkeeper.blocking.recipes.recipe import Recipe, on_loop_of
from zkeeper.recipes import queue as on_loop_item
from zkeeper.values import OPEN_ACL, Acl


class Item:
    """An entry that is taken. `held.fencing_token` tells one taking from another.

    Example:
        with queue.take() as item:
            send(item.data)
    """

    def __init__(self, core: Core, item: on_loop_item.Item) -> None:
        self.data = item.data
        self.held = Held(core, item.held)


class Queue(Recipe[on_loop.Queue]):
    """First in, first out, within priorities: 0 is served first, 999 last.

        queue = Queue(zk, "/queues/mail")
        queue.put(b"hello")
        with queue.take() as item:
            send(item.data)

    Promises: every entry whose `put` returned is given to some taker until one has ended its block without an
    exception: at least once, more often if a taker fails, loses its session, or cannot be told whether its removal was
    done. Two takers have an entry at the same time only as two holders have a `Lock`: a block whose taking is lost ends
    with `LockLostError`, and `item.held.lost` says so before. A `put` that raises `ConnectionLossError` or
    `SessionExpiredError` with `outcome` UNKNOWN may have put it.

    It is for small control flows: all entries are in memory of all servers, every taker lists them all, and a few
    thousand are too many. Order is not kept among takers that work at the same time.

    On the wire it is kazoo's `LockingQueue`.
    """

    def __init__(self, zk: Client, path: str, *, acl: Sequence[Acl] = OPEN_ACL) -> None:
        super().__init__(zk, on_loop.Queue(on_loop_of(zk), path, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    def put(self, data: bytes, priority: int = 100, *, timeout_s: float | None = None) -> None:
        """Puts an entry. Done at most once, see the class."""
        self._call(timeout_s, self._recipe.put, data, priority)

    def put_all(self, entries: Iterable[bytes], priority: int = 100, *, timeout_s: float | None = None) -> None:
        """Puts all of them, in their order, or none."""
        self._call(timeout_s, self._recipe.put_all, entries, priority)

    def size(self, *, timeout_s: float | None = None) -> int:
        """How many entries there are, those that are taken included."""
        return self._call(timeout_s, self._recipe.size)

    def take(self, timeout_s: float | None = None) -> Block[on_loop_item.Item, Item]:
        """Waits for an entry; removes it when the block ends well, gives it back when it ends with an exception.

        Raises `LockTimeoutError` when there is none for `timeout_s` seconds, and `LockLostError` when the taking was
        lost while the block ran: then it is given to another.
        """
        return Block(self._core, lambda: self._recipe.take(timeout_s), partial(Item, self._core))

    def settled(self, *, timeout_s: float | None = None) -> None:
        """Waits until what goes on in the background is done."""
        self._core.settle(timeout_s, self._recipe.settled)
