"""What goes wrong in recipes, beside the errors of ZooKeeper itself."""

from copyreg import __newobj__  # type: ignore[attr-defined]  # the one that `pickle` knows
from typing import Any


class RecipeError(Exception):
    """The base of all errors that recipes raise by themselves.

    Example:
        try:
            held = await lock.acquire(timeout_s=5)
        except RecipeError as error:
            print("not acquired:", error)
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the text and the attributes, whatever an error of this kind is usually made of."""
        return __newobj__, (type(self), *self.args), vars(self)


class LockTimeoutError(RecipeError, TimeoutError):
    """The turn did not come in time. Nothing is held, and the place in the queue is being given up.

    Example:
        try:
            async with lock.within(5.0):
                ...
        except LockTimeoutError:
            print("held by", await lock.contenders())
    """


class LockLostError(RecipeError):
    """What was held was lost while the guarded block ran: its session ended, or its znode was deleted.

    Another one may hold it by now. What the block has done is done; nothing is taken back.

    Example:
        try:
            async with lock as held:
                await write(held.fencing_token)
        except LockLostError:
            print("somebody else may hold it")
    """


class NotHeldError(RecipeError):
    """The caller released what it does not hold.

    Example:
        try:
            await lock.release()
        except NotHeldError:
            print("this task does not hold it")
    """


class ForeignDataError(RecipeError, ValueError):
    """A znode of the recipe holds what is not the recipe's; `path` says which. Nothing has been changed.

    Somebody else writes to it, or all do not use the same `layout`.

    Example:
        try:
            await counter.add(1)
        except ForeignDataError as error:
            print("look at", error.path)
    """

    def __init__(self, path: str, data: bytes, expected: str) -> None:
        shown = repr(data[:40]) + ("..." if len(data) > 40 else "")
        super().__init__(f"{path} holds {shown}, which is not {expected}")
        self.path = path
