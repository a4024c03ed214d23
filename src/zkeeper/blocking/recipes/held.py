"""What a thread holds: a lock, a lease, a leadership. It has a fencing token, and it can be lost."""

from collections.abc import Callable

from zkeeper.blocking.core import Core
from zkeeper.blocking.recipes.recipe import Flag, told
from zkeeper.blocking.transaction import Transaction
from zkeeper.recipes import held as on_loop
from zkeeper.wire.client_pending import RISKY


class Held:
    """Something that is held, until it is released or lost.

    `fencing_token` is the czxid of the znode that stands for it: whoever holds it later has a higher one, so a resource
    that remembers the highest token it has seen can refuse one that comes too late.

    Example:
        held = lock.acquire()
        try:
            work(held.fencing_token, until=held.lost)
        finally:
            held.release()
    """

    def __init__(self, core: Core, held: on_loop.Held) -> None:
        self._core = core
        self._held = held
        self.lost = Flag(core, held.lost)

    @property
    def path(self) -> str:
        """The znode that stands for it."""
        return self._held.path

    @property
    def fencing_token(self) -> int:
        """The czxid of that znode."""
        return self._held.fencing_token

    @property
    def is_held(self) -> bool:
        """Whether it is neither released nor lost."""
        return self._core.look(lambda: self._held.is_held)

    @property
    def is_released(self) -> bool:
        """Whether it was given up."""
        return self._core.look(lambda: self._held.is_released)

    def check(self, transaction: Transaction) -> Transaction:
        """Adds to a transaction that it is done only while this is held, which the server decides: real fencing.

            held.check(zk.transaction()).set("/account", b"9").commit()

        The commit raises `TransactionFailed` with `index` 0 when it is held no more.
        """
        self._held.check(transaction._transaction)
        return transaction

    def on_lost(self, callback: Callable[[], object]) -> None:
        """Has `callback` called once it is lost, in the callbacks' thread; not after a release.

        If it is lost already, that is so at once. What `callback` raises is logged; the others are told all the same.

        Example:
            held.on_lost(worker.stop)
        """
        self._core.do(self._held.on_lost, told(self._core, callback))

    def release(self, *, timeout_s: float | None = None) -> None:
        """Gives it up; does nothing if it was before. Returns when the znode is gone or the session has ended.

        Cancelling it does not stop the deletion.
        """
        self._core.ask(RISKY, timeout_s, self._held.release)
