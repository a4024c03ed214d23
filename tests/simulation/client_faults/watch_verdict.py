"""Whether watches told what they should: nothing that did not happen, nothing twice, all of it in time.

1. A one-shot watch is told the first change after the read that set it, before any reply that shows that change, also
   when the change fell between two connections. (A znode that was missing, came and went between two connections is
   not told.) It is told NONE only when its session is over.
2. A persistent watch is told every change, in order and before any reply that shows it, from its setting to the end of
   the connection. Every later connection tells NONE first, and every change after that.
3. An iterator gives what callbacks are told, none less for being given up in between.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

from zkeeper import EventType, SessionState, WatchEvent

from .answers import fits
from .notes import OneShot, Op, Persistent
from .truth import CHANGED, CHILDREN_CHANGED, CREATED, DELETED, Change, Truth
from .violation import Violation

OVER = (SessionState.LOST, SessionState.CLOSED)
FIRES = {"data": (CHANGED, DELETED), "missing": (CREATED,), "children": (CHILDREN_CHANGED, DELETED)}


@dataclass
class SetOneShot:
    """Of a read that was answered: what may be its state, and how many connections there had been."""

    kind: str
    path: str
    first_zxid: int
    last_zxid: int
    connection: int


@dataclass
class SetPersistent:
    """`armed_zxid`: what comes after it has to be told; None where that is not known."""

    armed_zxid: int | None = None
    told: int = 0
    """How many of the changes after it were told."""
    zxids: list[int] = field(default_factory=list)
    """Of all events that were told."""
    connection: int = 0
    """How many connections there had been when it was asked for."""
    needs_none: bool = False
    has_begun: bool = False
    """Whether its beginning was told; before that it promises nothing."""
    was_told_none: bool = False
    """On this connection."""


class WatchJudge:
    def __init__(self, name: str, truth: Truth, tally: "Counter[str]") -> None:
        self._name = name
        self._truth = truth
        self._tally = tally
        self._one_shots: dict[int, SetOneShot] = {}
        self._early: dict[int, tuple[WatchEvent, int]] = {}
        """What was told before the program saw the reply that set the watch."""
        self._unset: set[int] = set()
        """Reads that have ended and have no watch any more."""
        self._persistent: dict[int, SetPersistent] = {}
        self._watches: dict[int, Persistent] = {}
        self._connection = 0
        self._state = SessionState.CONNECTING

    def _fail(self, what: str) -> None:
        raise Violation(f"{self._name}: {what}")

    # What happens to the session.

    def state(self, state: SessionState) -> None:
        if self._state in OVER and self._one_shots:
            self._fail(f"the session is over, and {next(iter(self._one_shots.values()))} was not told")
        self._state = state
        if state is SessionState.CONNECTED:
            self._connection += 1
        elif state in (SessionState.SUSPENDED, SessionState.LOST):
            for one in self._persistent.values():
                one.needs_none, one.was_told_none, one.armed_zxid = True, False, None

    def at_the_end(self) -> None:
        self.state(SessionState.CLOSED)
        for watch in self._watches.values():
            if watch.first_iterated is not None and watch.iterated != watch.told[watch.first_iterated :]:
                self._fail(f"the iterator of {watch.path} gave {watch.iterated}, and {watch.told} were told")

    # Replies.

    def reply(self, op: Op, zxid: int) -> None:
        """A reply that shows the state after `zxid` or a later one."""
        for one in self._one_shots.values():
            self._check_one_shot(one, op, zxid)
        if op.is_ordered and self._state is SessionState.CONNECTED:
            for key, persistent in self._persistent.items():
                self._check_persistent(self._watches[key], persistent, op, zxid)

    def ended(self, op: Op, zxid: int | None) -> None:
        """A read with a watch has ended; it shows `zxid` or a later one. None if nothing was shown."""
        is_set = zxid is not None and op.error is None and op.number not in self._unset
        self._unset.add(op.number)
        if not is_set or zxid is None or self._state in OVER:
            return
        one = self._made(op, zxid)
        if op.number not in self._early:
            self._one_shots[op.number] = one
        elif self._early[op.number][0].type is not EventType.NONE:
            self._check_fired(one, *self._early[op.number])

    def _made(self, op: Op, zxid: int) -> SetOneShot:
        kind = {"children": "children", "get": "data"}.get(op.kind, "missing" if op.result is None else "data")
        states = range(zxid, min(op.last_zxid, self._truth.last_zxid) + 1)
        last = max(later for later in states if fits(op, self._truth.states[later]))
        return SetOneShot(kind, op.path, zxid, last, self._connection)

    def _first_after(self, one: SetOneShot, zxid: int) -> Change | None:
        changes = self._truth.by_path.get(one.path, [])
        start = bisect_right(changes, zxid, key=lambda change: change.zxid)
        return next((change for change in changes[start:] if change.kind in FIRES[one.kind]), None)

    def _check_one_shot(self, one: SetOneShot, op: Op, zxid: int) -> None:
        change = self._first_after(one, one.last_zxid)
        if change is None or change.zxid > zxid or self._came_and_went(one, change, op.last_zxid):
            return
        self._fail(f"{op} shows zxid {zxid}, and the watch of {one} was not told of {change}")

    def _came_and_went(self, one: SetOneShot, change: Change, zxid: int) -> bool:
        later = [each for each in self._truth.by_path[one.path] if change.zxid <= each.zxid <= zxid]
        return one.kind == "missing" and one.connection < self._connection and any(c.kind == DELETED for c in later)

    def _check_persistent(self, watch: Persistent, one: SetPersistent, op: Op, zxid: int) -> None:
        if one.needs_none:
            self._fail(f"{op} was answered on a new connection before {watch.path} was told NONE")
        if one.armed_zxid is None:
            if one.was_told_none and one.has_begun:
                self._arm(one, op.last_zxid)
            return
        due = self._due(watch, one.armed_zxid)
        if len(due) > one.told and due[one.told].zxid <= zxid:
            self._fail(f"{op} shows zxid {zxid}, and {watch.path} was not told of {due[one.told]}")

    def _arm(self, one: SetPersistent, zxid: int) -> None:
        one.armed_zxid = zxid
        one.told = sum(told_zxid > zxid for told_zxid in one.zxids)
        self._tally["persistent watches followed"] += 1

    def _due(self, watch: Persistent, zxid: int) -> list[Change]:
        start = bisect_right(self._truth.changes, zxid, key=lambda change: change.zxid)
        return [change for change in self._truth.changes[start:] if _concerns(watch, change)]

    # Events of one-shot watches.

    def told(self, watch: OneShot | Persistent, event: WatchEvent, server_zxid: int) -> None:
        self._tally["events"] += 1
        if isinstance(watch, OneShot):
            self._told_one_shot(watch, event, server_zxid)
        else:
            self._told_persistent(watch, event)

    def _told_one_shot(self, watch: OneShot, event: WatchEvent, server_zxid: int) -> None:
        op = watch.op
        if len(watch.told) != 1 or event.path != op.path:
            self._fail(f"the watch of {op} was told {watch.told}")
        if event.type is EventType.NONE and self._state not in OVER:
            self._fail(f"the watch of {op} was told NONE while the session lives")
        one = self._one_shots.pop(op.number, None)
        if one is None:
            if op.number in self._unset and not op.is_cancelled:
                self._fail(f"{op} has no watch, and it was told {event}")
            self._early[op.number] = event, server_zxid
        elif event.type is not EventType.NONE:
            self._check_fired(one, event, server_zxid)

    def _check_fired(self, one: SetOneShot, event: WatchEvent, server_zxid: int) -> None:
        # While a znode is missing nobody can tell one state from another.
        change = self._first_after(one, one.first_zxid if one.kind == "missing" else one.last_zxid)
        limit = server_zxid if event.zxid < 0 else event.zxid
        if change is None or change.zxid > limit:
            raise Violation(f"{self._name}: the watch of {one} was told {event}, and nothing had happened")
        if event.zxid < 0:
            self._tally["events told afterwards"] += 1
            if one.connection == self._connection:
                self._fail(f"the watch of {one} was told {event} without a new connection")
        elif not self._is_first(one, change, event):
            self._fail(f"the watch of {one} was told {event}, and not of {change}")
        elif not any(c.kind == event.type and c.path == event.path for c in self._truth.changes_at(event.zxid)):
            self._fail(f"the watch of {one} was told {event}, which did not happen")

    def _is_first(self, one: SetOneShot, change: Change, event: WatchEvent) -> bool:
        if change.zxid == event.zxid or self._came_and_went(one, change, event.zxid):
            return True
        last = self._first_after(one, one.last_zxid)
        return one.kind == "missing" and (last is None or event.zxid <= last.zxid)

    # Events of persistent watches.

    def asked(self, watch: Persistent) -> None:
        self._watches[id(watch)] = watch
        self._persistent[id(watch)] = SetPersistent(connection=self._connection)

    def began(self, watch: Persistent, zxid: int) -> None:
        """Without a new connection meanwhile all that comes later is told."""
        one = self._persistent.get(id(watch))
        if one is None:
            return
        one.has_begun = True
        if not one.needs_none and one.armed_zxid is None and one.connection == self._connection:
            self._arm(one, zxid)

    def stopped(self, watch: Persistent | OneShot) -> None:
        if isinstance(watch, OneShot):
            self._one_shots.pop(watch.op.number, None)
            self._unset.add(watch.op.number)
        else:
            self._persistent.pop(id(watch), None)

    def _told_persistent(self, watch: Persistent, event: WatchEvent) -> None:
        one = self._persistent.get(id(watch))
        if one is None:
            raise Violation(f"{self._name}: the watch of {watch.path} was stopped, and told {event}")
        if event.type is EventType.NONE:
            self._tally["events may be missing"] += 1
            one.needs_none, one.was_told_none, one.armed_zxid = False, True, None
        elif event.zxid >= 0:
            self._check_change(watch, one, event)

    def _check_change(self, watch: Persistent, one: SetPersistent, event: WatchEvent) -> None:
        happened = [(c.kind, c.path) for c in self._truth.changes_at(event.zxid) if _concerns(watch, c)]
        if (event.type, event.path) not in happened:
            self._fail(f"the watch of {watch.path} was told {event}, which did not happen")
        if one.zxids and event.zxid < one.zxids[-1]:
            self._fail(f"the watch of {watch.path} was told {event} after zxid {one.zxids[-1]}")
        one.zxids.append(event.zxid)
        if one.armed_zxid is not None and event.zxid > one.armed_zxid:
            due = self._due(watch, one.armed_zxid)
            if one.told >= len(due) or due[one.told].zxid != event.zxid:
                self._fail(f"the watch of {watch.path} was told {event}, and {due[one.told : one.told + 1]} was due")
            one.told += 1


def _concerns(watch: Persistent, change: Change) -> bool:
    if not watch.is_recursive:
        return change.path == watch.path
    if change.kind == CHILDREN_CHANGED:
        return False
    return change.path == watch.path or change.path.startswith(f"{watch.path}/")
