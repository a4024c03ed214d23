"""Gates: one that is shut as long as its znode exists, and one that members pass together."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.recipes.recipe import Recipe, on_loop_of
from zkeeper.errors import ClosedError
from zkeeper.values import OPEN_ACL, Acl


class Barrier(Recipe[on_loop.Barrier]):
    """Holds up all who `wait` from `create` until `remove`.

        barrier = Barrier(zk, "/barriers/migration")
        barrier.create()
        ...
        barrier.remove()      # elsewhere: barrier.wait()

    Promises: `wait` returns only after a moment in which the barrier did not exist, and goes on across lost connections
    and sessions. The barrier belongs to no session: it stays until it is removed. Does not promise that nobody has shut
    it again when `wait` returns.

    On the wire it is Curator's `DistributedBarrier` and kazoo's `Barrier`.
    """

    def __init__(self, zk: Client, path: str) -> None:
        super().__init__(zk, on_loop.Barrier(on_loop_of(zk), path))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    def create(self, *, timeout_s: float | None = None) -> bool:
        """Shuts it; False if it was shut already. After a lost connection it may be False for one's own."""
        return self._call(timeout_s, self._recipe.create)

    def remove(self, *, timeout_s: float | None = None) -> bool:
        """Opens it; False if it was open. After a lost connection it may be False for one's own."""
        return self._call(timeout_s, self._recipe.remove)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until it is open; False if it is still shut after `timeout_s` seconds."""
        return self._call(None, self._recipe.wait, timeout_s)


class DoubleBarrier(Recipe[on_loop.DoubleBarrier]):
    """`members` processes begin together (`enter`) and end together (`leave`).

        with DoubleBarrier(zk, "/barriers/run", 3):
            ...

    Promises: `enter` returns once `members` were there at the same time; a session that is lost while waiting enters
    anew. `leave` returns once all the others have left or their sessions have ended. A path may be used again when all
    have left.

    Does not promise that the others are still alive after `enter`. A member that comes while the others are in or are
    leaving is let in at once, as in Curator.

    On the wire it is Curator's `DistributedDoubleBarrier` and kazoo's `DoubleBarrier`.
    """

    def __init__(
        self, zk: Client, path: str, members: int, *, identifier: str = "", acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, on_loop.DoubleBarrier(on_loop_of(zk), path, members, identifier=identifier, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def members(self) -> int:
        """How many begin and end together."""
        return self._recipe.members

    def enter(self, timeout_s: float | None = None) -> None:
        """Waits for the others, at most `timeout_s` seconds. Raises `LockTimeoutError`, and is not a member then."""
        self._call(None, self._recipe.enter, timeout_s)

    def leave(self, timeout_s: float | None = None) -> None:
        """Waits until all have left, at most `timeout_s` seconds. Raises `LockTimeoutError`, and has left then."""
        self._call(None, self._recipe.leave, timeout_s)

    def settled(self, *, timeout_s: float | None = None) -> None:
        """Waits until what goes on in the background is done."""
        self._core.settle(timeout_s, self._recipe.settled)

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(ClosedError):  # With its session it has left.
            self.leave()
