"""What threads acquire and release."""

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from zkeeper.blocking.client import Client
from zkeeper.blocking.recipes.held import Held
from zkeeper.blocking.recipes.holder import as_this_thread, context_of_this_thread, this_thread
from zkeeper.blocking.recipes.recipe import Recipe
from zkeeper.errors import ClosedError
from zkeeper.recipes import LockLostError
from zkeeper.recipes import held as on_loop_held
from zkeeper.recipes.lock import Acquirable as OnLoop
from zkeeper.wire.client_pending import RISKY

A = TypeVar("A", bound=OnLoop)


class Acquirable(Recipe[A]):
    """What threads acquire and release, each for itself.

    Example:
        def report(lock: blocking.Acquirable) -> None:
            with lock.within(5.0):
                ...
    """

    def __init__(self, zk: Client, recipe: A) -> None:
        super().__init__(zk, recipe)
        self._entered: dict[object, list[Held]] = {}
        """What threads hold by `with`."""

    def acquire(self, timeout_s: float | None = None) -> Held:
        """Waits for the turn, at most `timeout_s` seconds; without a limit also across lost connections and sessions.

        Raises `LockTimeoutError`; `ClosedError` when the client is closed. Nothing is guarded: look at `Held.lost`.
        """
        acquire = as_this_thread(lambda: self._recipe.acquire(timeout_s))
        return Held(self._core, self._core.step(None, acquire, self._undo()))

    def try_acquire(self, *, timeout_s: float | None = None) -> Held | None:
        """Acquires it if that can be done without waiting for others; None if not."""
        held = self._core.step(timeout_s, as_this_thread(self._recipe.try_acquire), self._undo())
        return None if held is None else Held(self._core, held)

    def release(self, *, timeout_s: float | None = None) -> None:
        """Releases what the current thread acquired last. Returns when the znode is gone or the session has ended.

        Cancelling it does not stop the deletion. Raises `NotHeldError` if the thread holds nothing.
        """
        self._core.ask(RISKY, timeout_s, as_this_thread(self._recipe.release))

    @property
    def is_held(self) -> bool:
        """Whether the current thread holds it and has not lost it."""
        context = context_of_this_thread()
        return self._look(lambda: context.run(lambda: self._recipe.is_held))

    def settled(self, *, timeout_s: float | None = None) -> None:
        """Waits until what goes on in the background is done: deletions of places that were given up."""
        self._core.settle(timeout_s, self._recipe.settled)

    def within(self, timeout_s: float) -> "Within":
        """`with lock.within(5.0) as held:` raises `LockTimeoutError` if the turn does not come in time."""
        return Within(self, timeout_s)

    def _undo(self) -> Callable[[on_loop_held.Held | None], object]:
        """For the loop: gives back what came when the thread did not wait for it any more."""
        context = context_of_this_thread()

        def undo(held: on_loop_held.Held | None) -> None:
            if held is not None:
                self._core.spawn(self._recipe.release(), context)

        return undo

    # Guarded blocks.

    def __enter__(self) -> Held:
        return self._enter(None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stack = self._entered[this_thread()]
        held = stack.pop()
        if not stack:
            del self._entered[this_thread()]
        is_lost = held.lost.is_set()
        with suppress(ClosedError):  # Then the session has taken it along.
            self.release()
        if is_lost and error is None:
            raise LockLostError(f"{held.path} was lost while it was held")

    def _enter(self, timeout_s: float | None) -> Held:
        held = self.acquire(timeout_s)
        self._entered.setdefault(this_thread(), []).append(held)
        return held


class Within:
    """A guarded block with a limit for its beginning."""

    def __init__(self, acquirable: Acquirable[Any], timeout_s: float) -> None:
        self._acquirable = acquirable
        self._timeout_s = timeout_s

    def __enter__(self) -> Held:
        return self._acquirable._enter(self._timeout_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._acquirable.__exit__(kind, error, traceback)
