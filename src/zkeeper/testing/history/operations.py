"""What clients asked and what they were told. Nothing is judged here.

1. Times are of one clock. Without one, a time is the number of the call of the recorder, so that the history is in the
   order in which it was written down.
2. An operation that was not completed has an unknown outcome.
3. `delivered` has, for each session, what it was told in the order in which it was told.
"""

import enum
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

SHOWN_BYTES: Final = 24


class HistoryViolation(AssertionError):
    """A promise was broken; the message says which, and by which operations.

    It is an `AssertionError`, so that a test fails by it.

    Example:
        with pytest.raises(HistoryViolation, match="is not linearizable"):
            check(history)
    """


class Outcome(enum.Enum):
    """What became of an operation. None is set by hand: `History.ok` and `History.failed` do.

    Example:
        open_calls = [one for one in history.operations if one.outcome is Outcome.UNKNOWN]
    """

    UNKNOWN = "unknown"
    """It may have happened at any time after it was asked, may happen later, or never."""
    OK = "ok"
    """It has happened, between its invocation and its completion."""
    FAILED = "failed"
    """It has changed nothing, and never will."""


class Kind(enum.Enum):
    """What a step does. What opens no session and changes no data (sync, ping, ACLs) has no place in a history.

    Example:
        sets = [one for one in history.operations if one.steps[0].kind is Kind.SET]
    """

    CREATE = "create"
    SET = "set"
    DELETE = "delete"
    CHECK = "check"
    READ = "read"
    CLOSE = "close"
    """The session ends, and its ephemerals go."""


@dataclass(frozen=True)
class Step:
    """One request, or one of a multi. `version` is the one it asks for, -1 for any.

    Made by `create`, `set_data`, `delete`, `check_version` and `read`.

    Example:
        step = set_data("/a", b"2", version=0)
        call = history.invoke("session 1", step)
    """

    kind: Kind
    path: str = ""
    data: bytes = b""
    version: int = -1
    is_ephemeral: bool = False
    is_sequential: bool = False

    def __str__(self) -> str:
        parts = [self.kind.value, self.path]
        parts += [short(self.data)] if self.kind in (Kind.CREATE, Kind.SET) else []
        parts += [f"version {self.version}"] if self.version != -1 else []
        return " ".join(part for part in parts if part)


def short(data: bytes | None) -> str:
    """Data as messages show it."""
    return repr(data) if data is None or len(data) <= SHOWN_BYTES else f"{data[:SHOWN_BYTES]!r}... ({len(data)} bytes)"


def create(path: str, data: bytes = b"", *, is_ephemeral: bool = False, is_sequential: bool = False) -> Step:
    """A znode is created. `data` are the bytes it holds.

    `is_ephemeral`: it goes with its session. `is_sequential`: the servers put a number behind `path`; `History.ok` is
    then told the whole path in `paths`. Raises nothing: what may not be is the servers' to refuse.

    Example:
        call = history.invoke("session 1", create("/queue/n-", b"job", is_sequential=True))
        history.ok(call, zxid=7, paths=("/queue/n-0000000000",))
    """
    return Step(Kind.CREATE, path, data, -1, is_ephemeral, is_sequential)


def set_data(path: str, data: bytes, version: int = -1) -> Step:
    """A znode's data are set. `version` is the one of the data that is asked for, -1 for any.

    Give each write data of its own, else a check cannot tell one from another. Raises nothing; what the servers answer
    to another version is told by `History.failed`.

    Example:
        call = history.invoke("session 1", set_data("/a", b"2", version=0))
        history.failed(call, BadVersionError.code, zxid=8)
    """
    return Step(Kind.SET, path, data, version)


def delete(path: str, version: int = -1) -> Step:
    """A znode is deleted. `version` is the one of its data that is asked for, -1 for any. Raises nothing.

    Example:
        call = history.invoke("session 1", delete("/a"))
        history.ok(call, zxid=9)
    """
    return Step(Kind.DELETE, path, b"", version)


def check_version(path: str, version: int) -> Step:
    """A step of a multi that changes nothing, and fails unless the data's version is `version`. Raises nothing.

    Example:
        call = history.invoke("session 1", check_version("/lock", 3), set_data("/a", b"2"))
        history.failed(call, BadVersionError.code, step=0, zxid=10)
    """
    return Step(Kind.CHECK, path, b"", version)


def read(path: str) -> Step:
    """getData, exists or getChildren: what they show of the znode itself. Raises nothing.

    Example:
        call = history.invoke("session 2", read("/a"), is_synced=True)  # before its sync is sent
        history.ok(call, Seen(version=0, data=b"1", mzxid=7), zxid=7)
    """
    return Step(Kind.READ, path)


@dataclass(frozen=True)
class Seen:
    """A znode as an answer showed it; what the answer does not tell is None.

    `version` is that of the data, `mzxid` the zxid of their last change, both of the Stat.

    Example:
        history.ok(call, Seen(version=stat.version, data=data, mzxid=stat.mzxid), zxid=zxid)
    """

    version: int | None = None
    data: bytes | None = None
    mzxid: int | None = None

    def __str__(self) -> str:
        return f"version {self.version}, data {short(self.data)}, mzxid {self.mzxid}"


@dataclass(slots=True)
class Operation:
    """One request of a session: one step, or those of a multi, which happen together or not at all.

    `shown` has what the answer shows for each step: for a read or a set the znode, None where there is none. `paths`
    has the paths of the steps, those of sequential znodes with their number once that is known. A failure has a `code`
    of ZooKeeper's (0: it says nothing about the tree) and the number of the step that failed. `invoked_at` and
    `completed_at` are times of the history's clock, in its unit; one that was not completed has infinity.

    Example:
        slowest = max(history.operations, key=lambda one: one.completed_at - one.invoked_at)
    """

    number: int
    session: Hashable
    steps: tuple[Step, ...]
    invoked_at: float
    is_synced: bool
    is_watching: bool
    completed_at: float = math.inf
    outcome: Outcome = Outcome.UNKNOWN
    zxid: int | None = None
    code: int = 0
    failed_step: int = 0
    shown: tuple[Seen | None, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def is_write(self) -> bool:
        """Whether any of its steps changes something."""
        return any(step.kind not in (Kind.READ, Kind.CHECK) for step in self.steps)

    @property
    def is_ok(self) -> bool:
        """Whether it is known to have happened."""
        return self.outcome is Outcome.OK

    def __str__(self) -> str:
        what = ", ".join(map(str, self.steps))
        end = {Outcome.OK: "ok", Outcome.FAILED: f"failed ({self.code})"}.get(self.outcome, "unknown")
        shown = f" [{'; '.join(map(str, self.shown))}]" if any(self.shown) else ""
        at = "" if self.zxid is None else f" at zxid 0x{self.zxid:x}"
        time = f"{self.invoked_at:g} to {self.completed_at:g}"
        return f"operation {self.number} of session {self.session}, {time}: {what}: {end}{shown}{at}"


@dataclass(frozen=True)
class Event:
    """A watch told the session that the znode was made, changed or removed."""

    path: str


@dataclass(frozen=True)
class Disconnected:
    """The session's connection is gone, and its watches with it."""


@dataclass
class History:
    """The recorder. `clock` gives the times, which never fall, in seconds or any other unit.

    Without a clock the order of the calls counts. Where threads or tasks write down at the same time give it one, the
    same for all.

    Raises `AssertionError` when an operation is completed twice.

    Example:
        history = History(time.monotonic)
        call = history.invoke("session 1", create("/a", b"1"))
        zxid = send_and_wait()
        history.ok(call, zxid=zxid)
        check(history)
    """

    clock: Callable[[], float] | None = None
    operations: list[Operation] = field(default_factory=list)
    delivered: dict[Hashable, list[Operation | Event | Disconnected]] = field(default_factory=lambda: defaultdict(list))
    _calls: Iterator[int] = field(default_factory=lambda: count(1), repr=False, compare=False)
    _numbers: Iterator[int] = field(default_factory=count, repr=False, compare=False)
    """Counters that give no number twice, also to threads."""

    def invoke(
        self, session: Hashable, *steps: Step, is_synced: bool = False, is_watching: bool = False,
        at: float | None = None,
    ) -> Operation:  # fmt: skip
        """Is called before the request is sent. More steps than one are a multi.

        A read `is_synced` when a sync of the same session was sent before it; invoke it before that. It `is_watching`
        when it sets a one-shot watch. `at` is the time, if not now.
        """
        time = self._now() if at is None else at
        operation = Operation(next(self._numbers), session, steps, time, is_synced, is_watching)
        operation.paths = tuple(step.path for step in steps)
        self.operations.append(operation)
        return operation

    def ok(
        self, operation: Operation, *shown: Seen | None, zxid: int | None = None, paths: tuple[str, ...] = (),
        at: float | None = None,
    ) -> None:  # fmt: skip
        """The answer has come. `shown` is of each step; what comes last may be left out where nothing is shown.

        `zxid` is the one in the reply's header. `paths` are needed where a step is sequential.
        """
        self._complete(operation, Outcome.OK, zxid, at)
        operation.shown = shown
        operation.paths = paths or operation.paths

    def failed(
        self, operation: Operation, code: int = 0, *, step: int = 0, zxid: int | None = None, at: float | None = None
    ) -> None:
        """It has changed nothing: the server refused it with `code`, or (0) it was never sent."""
        self._complete(operation, Outcome.FAILED, zxid, at)
        operation.code, operation.failed_step = code, step

    def close(self, session: Hashable, at: float | None = None) -> Operation:
        """The session asks for its end; `ok` says that it has ended."""
        return self.invoke(session, Step(Kind.CLOSE), at=at)

    def expired(self, session: Hashable, at: float | None = None) -> None:
        """The servers have closed the session: its ephemerals are gone, and what it asked will not happen any more.

        That a client is told so does not show it: the leader may fail between saying it and doing it.
        Its end came after the last request that it was told of, and before now.
        """
        alive_at = max(
            (one.invoked_at for one in self.operations if one.session == session and one.is_ok), default=None
        )
        self.ok(self.close(session, -math.inf if alive_at is None else alive_at), at=at)

    def event(self, session: Hashable, path: str) -> None:
        """A watch on the data or on the existence of the znode has fired."""
        self.delivered[session].append(Event(path))

    def disconnected(self, session: Hashable) -> None:
        """The connection is gone, and nobody sets its watches again."""
        self.delivered[session].append(Disconnected())

    def _complete(self, operation: Operation, outcome: Outcome, zxid: int | None, at: float | None) -> None:
        assert operation.outcome is Outcome.UNKNOWN, f"{operation} was completed before"
        operation.completed_at = self._now() if at is None else at
        operation.outcome, operation.zxid = outcome, zxid
        self.delivered[operation.session].append(operation)

    def _now(self) -> float:
        return next(self._calls) if self.clock is None else self.clock()
