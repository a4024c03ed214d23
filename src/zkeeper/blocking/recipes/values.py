"""Values that many share: bytes, a number, ids, and who has something until when."""

from collections.abc import Callable, Sequence

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.recipes.recipe import Recipe, on_loop_of
from zkeeper.recipes import LeaseHolder, Versioned
from zkeeper.values import OPEN_ACL, Acl


class AtomicValue(Recipe[on_loop.AtomicValue]):
    """Bytes that are changed by compare-and-set. The znode is created with `start` when it is first asked for.

        value = AtomicValue(zk, "/settings/mode")
        value.update(lambda old: old.upper())

    Promises: `update` and `compare_and_set` are done at most once, on exactly the value that they saw. When the
    connection is lost and it cannot be told whether the change was made, they raise `ConnectionLossError` or
    `SessionExpiredError` with `outcome` UNKNOWN; whoever may do it twice calls again. `set` may be done twice.

    On the wire it is Curator's `SharedValue`.
    """

    def __init__(self, zk: Client, path: str, *, start: bytes = b"", acl: Sequence[Acl] = OPEN_ACL) -> None:
        super().__init__(zk, on_loop.AtomicValue(on_loop_of(zk), path, start=start, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    def get(self, *, timeout_s: float | None = None) -> bytes:
        """The value now."""
        return self._call(timeout_s, self._recipe.get)

    def get_versioned(self, *, timeout_s: float | None = None) -> Versioned:
        """The value with its version, for `compare_and_set`."""
        return self._call(timeout_s, self._recipe.get_versioned)

    def set(self, value: bytes, *, timeout_s: float | None = None) -> None:
        """Sets it, whatever it was."""
        self._call(timeout_s, self._recipe.set, value)

    def compare_and_set(self, seen: Versioned, value: bytes, *, timeout_s: float | None = None) -> bool:
        """Sets it if its version is still that of `seen`; False if it is not."""
        return self._call(timeout_s, self._recipe.compare_and_set, seen, value)

    def update(self, change: Callable[[bytes], bytes], *, timeout_s: float | None = None) -> bytes:
        """Replaces the value by `change(value)`, which is called again when somebody else was quicker. Returns it."""
        return self._call(timeout_s, self._recipe.update, change)


class Counter(Recipe[on_loop.Counter]):
    """An integer that is changed atomically. It begins with `start`.

        counter = Counter(zk, "/counters/visits")
        counter.add(1)

    Promises: each `add` counts once or raises. When the connection is lost and it cannot be told whether it counted, it
    raises `ConnectionLossError` or `SessionExpiredError` with `outcome` UNKNOWN. Under contention an `add` is tried
    again as often as others are quicker; for ids that are only to be unique `IdGenerator` costs less.

    On the wire: `layout="curator"` is `SharedCount` (32 bits), and kazoo's `Counter` with `support_curator`;
    `"curator-long"` is `DistributedAtomicLong` (64 bits); `"kazoo"` is kazoo's `Counter` of integers, without a limit.
    A number that does not fit raises `OverflowError` and changes nothing.
    """

    def __init__(
        self, zk: Client, path: str, *, start: int = 0, layout: str = "curator", acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, on_loop.Counter(on_loop_of(zk), path, start=start, layout=layout, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    def value(self, *, timeout_s: float | None = None) -> int:
        """The number now."""
        return self._call(timeout_s, self._recipe.value)

    def add(self, change: int = 1, *, timeout_s: float | None = None) -> int:
        """Adds, and returns the number after it."""
        return self._call(timeout_s, self._recipe.add, change)

    def subtract(self, change: int = 1, *, timeout_s: float | None = None) -> int:
        """Subtracts, and returns the number after it."""
        return self._call(timeout_s, self._recipe.subtract, change)

    def set(self, number: int, *, timeout_s: float | None = None) -> None:
        """Sets it, whatever it was."""
        self._call(timeout_s, self._recipe.set, number)

    def compare_and_set(self, expected: int, number: int, *, timeout_s: float | None = None) -> bool:
        """Sets it if it is `expected`; False if it is not, or is changed meanwhile."""
        return self._call(timeout_s, self._recipe.compare_and_set, expected, number)


class IdGenerator(Recipe[on_loop.IdGenerator]):
    """Unique positive integers. It reserves `block_size` of them at a time, so that most cost no request.

        ids = IdGenerator(zk, "/ids/order")
        number = ids.next()

    Promises: no id is given twice by all generators of a path, under any failure. Those of one generator grow; those of
    several are in no common order. Ids are left out when a process ends, or when a reservation's outcome is unknown.

    The znode is a counter of 64 bits (see `Counter`, `"curator-long"`), the first id that is not reserved yet.
    """

    def __init__(
        self, zk: Client, path: str, *, first: int = 1, block_size: int = 100, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, on_loop.IdGenerator(on_loop_of(zk), path, first=first, block_size=block_size, acl=acl))

    @property
    def block_size(self) -> int:
        """How many ids are reserved at a time."""
        return self._recipe.block_size

    def next(self, *, timeout_s: float | None = None) -> int:
        """The next id; waits while there is no connection."""
        return self._call(timeout_s, self._recipe.next)


class Lease(Recipe[on_loop.Lease]):
    """A lease for `duration_s` seconds, at least one. Who has it may renew it; others get it when it has run out.

        if Lease(zk, "/leases/cleanup", 3600, "host-1").obtain():
            clean_up()

    Promises: of all who use zkeeper, nobody obtains it while another's has not run out, by the clock of the servers:
    the clients' clocks play no part. Among several servers, and with kazoo, whose clients use their own clocks, it is
    as exact as those clocks agree. It does not end with a session. After a lost connection `obtain` finds out whether
    the lease is had.

    Does not promise that the holder has stopped when its time is over; nothing is cancelled.

    On the wire it is kazoo's `NonBlockingLease`.
    """

    def __init__(
        self, zk: Client, path: str, duration_s: float, identifier: str, *, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, on_loop.Lease(on_loop_of(zk), path, duration_s, identifier, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def duration_s(self) -> float:
        """How long it lasts, in seconds."""
        return self._recipe.duration_s

    @property
    def identifier(self) -> str:
        """Who asks for it."""
        return self._recipe.identifier

    def obtain(self, *, timeout_s: float | None = None) -> bool:
        """Obtains or renews it; False if another has it. Waits for others who are just asking, not for the lease."""
        return self._call(timeout_s, self._recipe.obtain)

    def give_back(self, *, timeout_s: float | None = None) -> bool:
        """Ends it before its time; False if it is another's or nobody's."""
        return self._call(timeout_s, self._recipe.give_back)

    def holder(self, *, timeout_s: float | None = None) -> LeaseHolder | None:
        """Who has it; the time may be over."""
        return self._call(timeout_s, self._recipe.holder)
