"""What blocking recipes stand on: a recipe on the loop, and the ways in which a thread has it do something.

1. Each call is a task of its own on the loop. One that is given up, by its time or by Ctrl-C, is cancelled there, and
   recipes that are cancelled leave nothing behind.
2. What a recipe shows is read on the loop, between two of its steps.
3. Callbacks run in the client's thread for them. Functions that decide something (a predicate, a strategy, a change of
   a value) run on the loop itself: they are quick, and calling the client in them raises `RuntimeError`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Generic, ParamSpec, Protocol, Self, TypeVar

from zkeeper.blocking.client import Client
from zkeeper.blocking.core import Core
from zkeeper.blocking.errors import CallTimeoutError
from zkeeper.blocking.steps import Steps
from zkeeper.client.client import AsyncClient
from zkeeper.errors import ClosedError
from zkeeper.wire.client_pending import READ, RISKY

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


def on_loop_of(zk: Client) -> AsyncClient:
    """The asyncio client of a blocking one."""
    if not isinstance(zk, Client):
        raise TypeError(f"this recipe takes a zkeeper.Client, not {zk!r}; zkeeper.recipes has those for an AsyncClient")
    return zk._zk


class Recipe(Generic[R]):
    """`recipe` is the one on the loop, made with the asyncio client of `zk`."""

    def __init__(self, zk: Client, recipe: R) -> None:
        self._zk = zk
        self._core: Final = zk._core
        self._recipe: Final = recipe

    def _call(self, timeout_s: float | None, ask: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._core.ask(RISKY, timeout_s, partial(ask, *args, **kwargs))

    def _look(self, read: Callable[[], T]) -> T:
        return self._core.look(read)

    def _steps(self, iterator: AsyncIterator[T]) -> Steps[T]:
        return Steps(self._core, iterator)


class _Runs(Protocol):
    async def start(self) -> None: ...

    async def close(self) -> None: ...


S = TypeVar("S", bound=_Runs)


class Running(Recipe[S]):
    """Started and closed by `with`, or by `start` and `close`. Started once."""

    def start(self, *, timeout_s: float | None = None) -> None:
        """Begins; returns at once. Raises `RuntimeError` when it has ended before, by `close` or by an error."""
        self._call(timeout_s, self._recipe.start)

    def close(self, *, timeout_s: float | None = None) -> None:
        """Ends it. Returns when what it had created is deleted, or its session has ended."""
        with suppress(ClosedError):  # With the client all of it has ended.
            self._call(timeout_s, self._recipe.close)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Flag:
    """Something that comes to be true once and stays so, like `threading.Event`.

    Example:
        while not held.lost.wait(timeout_s=1):
            work_a_little()
    """

    def __init__(self, core: Core, event: asyncio.Event) -> None:
        self._core = core
        self._event = event

    def is_set(self) -> bool:
        """Whether it is true.

        Example:
            assert not held.lost.is_set()
        """
        return self._core.look(self._event.is_set)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until it is true, at most `timeout_s` seconds; whether it is.

        Example:
            is_lost = held.lost.wait(timeout_s=1)
        """
        with suppress(CallTimeoutError):
            if not self.is_set():
                self._core.ask(READ, timeout_s, self._event.wait)
        return self.is_set()


def told(core: Core, callback: Callable[[], Any]) -> Callable[[], None]:
    """The callback as the loop calls it: it runs in the client's thread for callbacks."""
    return lambda: core.dispatcher.put(callback)
