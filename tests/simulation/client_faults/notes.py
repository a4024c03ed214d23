"""What one client asked and what it was told, in the order in which its program saw it.

1. Paths are full ones, so that they can be looked up in the truth.
2. Nothing is judged here.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from zkeeper import SessionState, WatchEvent


@dataclass
class Op:
    """An operation, and how it ended. `token` is data that nobody else writes."""

    number: int
    kind: str
    path: str
    asked_s: float
    floor_zxid: int
    """Somebody had been told before that so much was done."""
    token: bytes = b""
    version: int = -1
    owner: bool = False
    """Whether what it creates is an ephemeral."""
    checked: str = ""
    """Of a transaction: the znode whose version it checks."""
    watch: "OneShot | None" = None
    is_ordered: bool = False
    """Whether its future is that of one request, which completes in the order of the requests."""
    cxid: int = 0
    is_ended: bool = False
    is_cancelled: bool = False
    last_zxid: int = 0
    """Newest zxid that the client had heard of when it ended."""
    result: object = None
    error: BaseException | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.path}" + (f" = {self.token.decode()}" if self.token else "")


@dataclass
class OneShot:
    """A watch that a read sets; its callback belongs to it alone."""

    op: Op
    told: list[WatchEvent] = field(default_factory=list)
    is_forgotten: bool = False


@dataclass
class Persistent:
    """A persistent watch. `iterated` is what its iterator gave; it began when `first_iterated` events had been told."""

    path: str
    is_recursive: bool
    told: list[WatchEvent] = field(default_factory=list)
    iterated: list[WatchEvent] = field(default_factory=list)
    first_iterated: int | None = None
    is_asked_for: bool = False


class Asked(NamedTuple):
    op: Op

    def __str__(self) -> str:
        return f"{self.op.number} asks {self.op}"


class Ended(NamedTuple):
    op: Op

    def __str__(self) -> str:
        op = self.op
        return f"{op.number} is told {'nothing' if op.is_cancelled else repr(op.error or op.result)}"


class Stated(NamedTuple):
    """`session_id` is the one that is or was meant."""

    state: SessionState
    session_id: int
    timeout_ms: int

    def __str__(self) -> str:
        return f"{self.state.name} session {self.session_id:#x}, timeout {self.timeout_ms} ms"


class Told(NamedTuple):
    """`server_zxid`: how far the server was."""

    watch: OneShot | Persistent
    event: WatchEvent
    server_zxid: int

    def __str__(self) -> str:
        kind = f"the watch of {self.watch.op.number}" if isinstance(self.watch, OneShot) else f"watch {self.watch.path}"
        return f"{kind} is told {self.event.type.name} {self.event.path} {self.event.zxid}"


class Watching(NamedTuple):
    """The watch is about to be asked for."""

    watch: Persistent


class Began(NamedTuple):
    """The server has the watch: every change after `last_zxid` is told."""

    watch: Persistent
    last_zxid: int


class Stopped(NamedTuple):
    watch: Persistent | OneShot


class Closing(NamedTuple):
    pass


class Note(NamedTuple):
    at_s: float
    what: Asked | Ended | Stated | Told | Watching | Began | Stopped | Closing
