"""Leadership: taken part in for as long as one likes, or as a function that is run by whoever is elected."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.recipes.held import Held
from zkeeper.blocking.recipes.locks import Lock
from zkeeper.blocking.recipes.recipe import Recipe, Running, on_loop_of
from zkeeper.blocking.steps import Steps
from zkeeper.recipes import Layout, Leader, LockLostError
from zkeeper.values import OPEN_ACL, Acl

P = ParamSpec("P")
T = TypeVar("T")


class LeaderLatch(Running[on_loop.LeaderLatch]):
    """One of several processes is the leader.

        with LeaderLatch(zk, "/leader", identifier="host-1") as latch:
            for is_leader in latch.changes():
                ...

    Promises: of all candidates at most one has `is_leader`, as far as clocks run alike (see `Lock`), and there is one
    as long as a candidate has a session. A lost connection does not end a leadership, a lost session does; the
    candidate then comes back at the end of the queue.

    Does not promise that `is_leader` is still true a line later: give `held.fencing_token` to what the leader writes
    to, or write with `held.check`.

    On the wire it is Curator's `LeaderLatch`. Kazoo has no latch; see `Election` for what it has.
    """

    def __init__(self, zk: Client, path: str, *, identifier: str = "", acl: Sequence[Acl] = OPEN_ACL) -> None:
        super().__init__(zk, on_loop.LeaderLatch(on_loop_of(zk), path, identifier=identifier, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def identifier(self) -> str:
        """What others see of this candidate."""
        return self._recipe.identifier

    @property
    def held(self) -> Held | None:
        """The leadership, with its fencing token; None while this is not the leader."""
        held = self._look(lambda: self._recipe.held)
        return None if held is None else Held(self._core, held)

    @property
    def is_leader(self) -> bool:
        """Whether this is the leader."""
        return self._look(lambda: self._recipe.is_leader)

    def wait(self, timeout_s: float | None = None) -> Held:
        """Waits until this is the leader. Raises `LockTimeoutError`, and is still a candidate then."""
        return Held(self._core, self._call(None, self._recipe.wait, timeout_s))

    def changes(self) -> Steps[bool]:
        """Yields `is_leader` now, and again whenever it has changed. Changes in quick succession are told as one."""
        return self._steps(self._recipe.changes())

    def leader(self, *, timeout_s: float | None = None) -> Leader | None:
        """Who leads, as the servers know it."""
        return self._call(timeout_s, self._recipe.leader)

    def leaders(self) -> Steps[Leader | None]:
        """Yields who leads, and again whenever that changes; see `leaders.leaders`. For observers, too."""
        return self._steps(self._recipe.leaders())

    def participants(self, *, timeout_s: float | None = None) -> list[str]:
        """The identifiers of all candidates, the leader's first."""
        return self._call(timeout_s, self._recipe.participants)


class Election(Recipe[on_loop.Election]):
    """Runs a function in one of several processes at a time.

        def lead(held: Held) -> None:
            ...

        Election(zk, "/election", identifier="host-1").run(lead)

    Promises what a `Lock` does: when the leadership is lost `held.lost` says so, and `run` raises `LockLostError` once
    the function has ended; `run_forever` stands for election again instead. Interrupting `run` resigns.

    On the wire it is Curator's `LeaderSelector`, or kazoo's `Election` with `layout="kazoo"`.
    """

    def __init__(
        self, zk: Client, path: str, *, identifier: str = "", layout: Layout | str = Layout.CURATOR,
        acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, on_loop.Election(on_loop_of(zk), path, identifier=identifier, layout=layout, acl=acl))
        self._lock = Lock(zk, path, identifier=identifier, layout=layout, acl=acl)

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    def run(self, lead: Callable[Concatenate[Held, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Waits to be elected, calls `lead(held, ...)` as the leader, resigns, and returns or raises what it did.

        Raises `LockLostError` if the leadership was lost meanwhile.
        """
        with self._lock as held:
            return lead(held, *args, **kwargs)

    def run_forever(self, lead: Callable[Concatenate[Held, P], object], *args: P.args, **kwargs: P.kwargs) -> None:
        """As `run`, again and again, also after a loss. Ends by an exception of `lead`."""
        while True:
            with suppress(LockLostError):
                self.run(lead, *args, **kwargs)

    def leader(self, *, timeout_s: float | None = None) -> Leader | None:
        """Who leads, as the servers know it."""
        return self._call(timeout_s, self._recipe.leader)

    def leaders(self) -> Steps[Leader | None]:
        """Yields who leads, and again whenever that changes; None while nobody does. For observers, too."""
        return self._steps(self._recipe.leaders())

    def contenders(self, *, timeout_s: float | None = None) -> list[str]:
        """The identifiers of all who stand for election, the leader's first."""
        return self._call(timeout_s, self._recipe.contenders)
