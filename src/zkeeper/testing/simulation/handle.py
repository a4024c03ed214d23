"""The handles of the simulated loop: a callback, its arguments and the context that it will run in."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any


class SimulatedHandle(asyncio.TimerHandle):
    """Serves as `Handle` and as `TimerHandle`. It keeps its own fields, as there is no debug information to gather."""

    __slots__ = ("arguments", "callback", "context", "is_cancelled", "on_cancel", "when_s")

    def __init__(
        self,
        when_s: float,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        context: Context,
        on_cancel: Callable[[], None] | None,
    ) -> None:
        self.when_s = when_s
        self.callback: Callable[..., object] = callback
        self.arguments = arguments
        self.context = context
        self.is_cancelled = False
        self.on_cancel = on_cancel

    def __repr__(self) -> str:
        return f"<SimulatedHandle at {self.when_s:.6f} s{' cancelled' if self.is_cancelled else ''}>"

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def cancel(self) -> None:
        if self.is_cancelled:
            return
        self.is_cancelled = True
        # What the callback holds on to is let go now: a cancelled timer may stay in the queue for long.
        self.callback, self.arguments = _nothing, ()
        if self.on_cancel is not None:
            self.on_cancel()

    def cancelled(self) -> bool:
        return self.is_cancelled

    def when(self) -> float:
        return self.when_s

    def get_context(self) -> Context:
        return self.context


def _nothing() -> None:
    """The callback of a cancelled handle."""
