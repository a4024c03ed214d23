"""Runs steps on two servers side by side and says where they differ."""

import itertools
from collections import Counter
from dataclasses import dataclass, field

from . import codec
from .side import BARRIER, Item, Side, Trace
from .steps import Burst, Drop, Step, request_count
from .world import World

_ENDS = frozenset({"closed", "silent"})


@dataclass(frozen=True, slots=True)
class Difference:
    """Two items that should be the same, on one connection after one step."""

    step: Step
    slot: int
    position: int
    left: Item | None
    right: Item | None


@dataclass(slots=True)
class Tally:
    """What was sent and what came back, counted."""

    requests: int = 0
    steps: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    errors: Counter[int] = field(default_factory=Counter)

    def step(self, step: Step) -> None:
        self.steps += 1
        self.requests += request_count(step)

    def item(self, item: Item) -> None:
        if item.request is BARRIER:
            return
        self.kinds[item.kind] += 1
        if item.request is not None:
            self.operations[codec.op_name(item.request.op)] += 1
            self.errors[codec.REPLY_HEADER.unpack_from(item.raw)[2]] += 1


class Lockstep:
    """Two sides that take the same steps; the world is learnt from the left one."""

    def __init__(self, left: Side, right: Side, world: World, tally: Tally) -> None:
        self._sides = (left, right)
        self._settled = True
        self._world = world
        self._tally = tally

    def run(self, step: Step) -> list[Difference]:
        """Take one step on both servers; where what came back differs."""
        self._tally.step(step)
        left, right = self._traces(step)
        unordered = _closing_zxid(left[step.slot])
        differences = []
        for slot in sorted(left.keys() | right.keys(), key=lambda slot: (slot != step.slot, slot)):
            both = (_ordered(trace.get(slot, []), unordered) for trace in (left, right))
            differences += [
                Difference(step, slot, position, *pair)
                for position, pair in enumerate(itertools.zip_longest(*both))
                if self._differs(*pair)
            ]
        self._learn(step, left)
        return differences

    def _traces(self, step: Step) -> tuple[Trace, Trace]:
        burst = step if isinstance(step, Burst) and not step.ends else None
        left, right = ({}, {}) if burst or self._settled else self._settle(None)
        for side in self._sides:
            side.send(step, self._world.zxid)
        for trace, side in zip((left, right), self._sides, strict=True):
            trace[step.slot] = trace.get(step.slot, []) + side.answer(step)
        self._settled = burst is None or burst.settles
        if self._settled:
            for trace, late in zip((left, right), self._settle(step.slot), strict=True):
                trace |= {slot: trace.get(slot, []) + items for slot, items in late.items()}
        return left, right

    def _settle(self, but: int | None) -> tuple[Trace, Trace]:
        """Await all that was caused so far on the connections, but for one."""
        for side in self._sides:
            side.ping_others(but)
        left, right = (side.answers_of_others(but) for side in self._sides)
        return left, right

    def _differs(self, left: Item | None, right: Item | None) -> bool:
        if left is not None:
            self._tally.item(left)
        if left is None or right is None:
            return True
        return left.kind != right.kind or left.kind == "refused" or left.shown != right.shown

    def _learn(self, step: Step, trace: Trace) -> None:
        world, session = self._world, self._world.attached.get(step.slot)
        if isinstance(step, Drop):
            world.disconnected(step.slot)
        for slot, items in trace.items():
            for item in items:
                self._learn_item(slot, session, item)

    def _learn_item(self, slot: int, session: int | None, item: Item) -> None:
        if item.kind == "handshake":
            symbol = self._sides[0].normaliser.symbol(int.from_bytes(item.raw[8:16], "big", signed=True))
            if symbol is not None:
                self._world.connected(slot, symbol)
        elif item.kind in _ENDS:
            self._world.disconnected(slot)
        elif item.kind == "reply" and item.request is not None:
            self._world.learn(item.request, item.raw)
            if item.request.op == codec.CLOSE_SESSION and session is not None:
                self._world.session_closed(session)


def _closing_zxid(items: list[Item]) -> int | None:
    """The zxid of a closeSession among these replies: the paths it deletes come in no particular order."""
    for item in items:
        if item.request is not None and item.request.op == codec.CLOSE_SESSION:
            return _zxid(item)
    return None


def _zxid(item: Item) -> int:
    return int(codec.REPLY_HEADER.unpack_from(item.raw)[1])


def _ordered(items: list[Item], unordered_zxid: int | None) -> list[Item]:
    """The items with the events of the one transaction whose order is unspecified sorted."""
    if unordered_zxid is None:
        return items
    runs = itertools.groupby(items, key=lambda item: item.kind == "event" and _zxid(item) == unordered_zxid)
    return [item for loose, run in runs for item in (sorted(run, key=lambda item: item.raw) if loose else run)]
