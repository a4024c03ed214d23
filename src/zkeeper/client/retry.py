"""Trying again where that is safe: `Retry`."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, ParamSpec, TypeVar

from zkeeper import arguments
from zkeeper.errors import (
    PASSING,
    Outcome,
    SessionExpiredError,
    ThrottledOpError,
    ZooKeeperError,
)

P = ParamSpec("P")
T = TypeVar("T")

TRANSIENT: Final = (*PASSING, SessionExpiredError)


class Retry:
    """Repeats a request that failed for a passing reason, with pauses that grow.

    Repeated are reads, requests that were never sent, and sets and deletes of one version. A write of another kind
    whose outcome is unknown is not: its error is raised, and the caller has to look what happened. (`unsafe` repeats
    it all the same.) Once an attempt had an unknown outcome, whatever is raised in the end has it, too: also the
    `BadVersionError` or `NoNodeError` of a versioned write that may have met its own effect. A version is that of one
    znode: if somebody deletes it and makes another one meanwhile, both may be set.

    `attempts`: how often it is tried in all. Pauses are `base_ms`, then `factor` times the one before (1 or more), at
    most `max_ms`, each shortened by a random part of up to `jitter`, between 0 and 1. `deadline_s`: no attempt begins
    later than so many seconds after the first; None for no limit. `random`: where that chance comes from.

    Example:
        retry = zkeeper.Retry(attempts=5)
        data, stat, _ = await retry(zk.get, "/a")
        await retry(zk.set, "/a", data + b"!", stat.version)
    """

    def __init__(
        self, attempts: int = 5, *, base_ms: int = 100, factor: float = 2.0, max_ms: int = 5_000, jitter: float = 0.5,
        deadline_s: float | None = None, random: Random | None = None,
    ) -> None:  # fmt: skip
        self.attempts = arguments.whole_number("attempts", attempts, 1)
        self.base_ms = arguments.number("base_ms", base_ms, 0)
        self.factor = arguments.number("factor", factor, 1)
        self.max_ms = arguments.number("max_ms", max_ms, 0)
        self.jitter = arguments.number("jitter", jitter, 0, 1)
        self.deadline_s = None if deadline_s is None else arguments.number("deadline_s", deadline_s, 0)
        self._random = arguments.chance(random)

    async def __call__(self, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Awaits `operation(*args, **kwargs)`, again where that is safe, and returns its result or raises its error."""
        return await self._run(False, lambda: operation(*args, **kwargs))

    async def unsafe(self, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """As a call, but also repeats writes whose outcome is unknown.

        The risk: the write may happen twice. A create may raise `NodeExistsError` for the znode that it made itself,
        or leave a second sequential one behind; an unversioned set may undo somebody else's later one.

        Example:
            retry = zkeeper.Retry(attempts=5)
            await retry.unsafe(zk.set, "/state", b"on")  # the same again does no harm
        """
        return await self._run(True, lambda: operation(*args, **kwargs))

    async def _run(self, takes_risks: bool, attempt: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        may_have_happened = False
        for count in range(1, self.attempts + 1):
            try:
                return await attempt()
            except ZooKeeperError as error:
                may_have_happened |= error.outcome is Outcome.UNKNOWN
                if may_have_happened:
                    error.outcome = Outcome.UNKNOWN
                if count == self.attempts or not self._repeats(error, takes_risks):
                    raise
                pause_s = self.pause_ms(count) / 1000
                if self.deadline_s is not None and loop.time() + pause_s - began_s > self.deadline_s:
                    raise
            await asyncio.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    def _repeats(self, error: ZooKeeperError, takes_risks: bool) -> bool:
        if error.is_repeatable or isinstance(error, ThrottledOpError):
            return True
        return takes_risks and isinstance(error, TRANSIENT) and error.outcome is Outcome.UNKNOWN

    def pause_ms(self, count: int) -> float:
        """How long to wait after attempt `count`, in ms.

        Example:
            retry = zkeeper.Retry(base_ms=100, jitter=0)
            assert [retry.pause_ms(count) for count in (1, 2, 3)] == [100, 200, 400]
        """
        whole_ms = min(self.base_ms * self.factor ** (count - 1), self.max_ms)
        return whole_ms * (1 - self.jitter * self._random.random())
