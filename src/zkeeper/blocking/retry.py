"""Trying again where that is safe: `Retry`, for the blocking client."""

import time
from collections.abc import Callable
from random import Random
from typing import ParamSpec, TypeVar

from zkeeper.client import retry as on_loop
from zkeeper.errors import Outcome, ZooKeeperError

P = ParamSpec("P")
T = TypeVar("T")


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

    What took longer than its `timeout_s` is repeated like what was lost with its connection.

    Example:
        retry = zkeeper.blocking.Retry(attempts=5)
        data, stat, _ = retry(zk.get, "/a")
        retry(zk.set, "/a", data + b"!", stat.version)
    """

    def __init__(
        self, attempts: int = 5, *, base_ms: int = 100, factor: float = 2.0, max_ms: int = 5_000, jitter: float = 0.5,
        deadline_s: float | None = None, random: Random | None = None,
    ) -> None:  # fmt: skip
        self._policy = on_loop.Retry(
            attempts, base_ms=base_ms, factor=factor, max_ms=max_ms, jitter=jitter, deadline_s=deadline_s, random=random
        )

    def __call__(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `operation(*args, **kwargs)`, again where that is safe, and returns its result or raises its error."""
        return self._run(False, lambda: operation(*args, **kwargs))

    def unsafe(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As a call, but also repeats writes whose outcome is unknown.

        The risk: the write may happen twice. A create may raise `NodeExistsError` for the znode that it made itself,
        or leave a second sequential one behind; an unversioned set may undo somebody else's later one.

        Example:
            retry = zkeeper.blocking.Retry(attempts=5)
            retry.unsafe(zk.set, "/state", b"on")  # the same again does no harm
        """
        return self._run(True, lambda: operation(*args, **kwargs))

    def _run(self, takes_risks: bool, attempt: Callable[[], T]) -> T:
        began_s = time.monotonic()
        may_have_happened = False
        count = 0
        while True:
            count += 1
            try:
                return attempt()
            except ZooKeeperError as error:
                may_have_happened |= error.outcome is Outcome.UNKNOWN
                if may_have_happened:
                    error.outcome = Outcome.UNKNOWN
                pause_s = self._pause_s(error, takes_risks, count, time.monotonic() - began_s)
                if pause_s is None:
                    raise
            time.sleep(pause_s)

    def _pause_s(self, error: ZooKeeperError, takes_risks: bool, count: int, spent_s: float) -> float | None:
        """How long to wait for the next attempt; None if there is to be none."""
        policy = self._policy
        if count == policy.attempts or not policy._repeats(error, takes_risks):
            return None
        pause_s = policy.pause_ms(count) / 1000
        is_late = policy.deadline_s is not None and spent_s + pause_s > policy.deadline_s
        return None if is_late else pause_s
