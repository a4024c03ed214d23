"""Whether one order of all operations explains every answer and agrees with real time (Wing and Gong; Lowe).

Each znode is judged alone, which is enough: a history is linearizable if it is so for each object. The search goes
through time. It keeps all configurations that are still possible: a state of the znode, and which of the pending moves
have happened already. When a move is completed, every configuration in which it has not happened is taken further, by
all pending writes in all orders, until it has. If no configuration is left, no order explains the answers.

What may never have happened is used as late, and as seldom, as can be. Where that does not explain the answers, more of
it is tried, and in the end all of it; only then is a history said to be wrong.

What keeps the configurations few:
1. A configuration is a value, and is followed once.
2. A move that changes nothing happens as soon as it can: that closes no door.
3. Of moves that may never happen (outcome unknown) and are alike, the one that is forgotten first (rule 5) happens
   first: whatever the other one could do later, it can do as well.
4. A configuration is dropped when another one has the same state and has used fewer of those: it can do all the same.
5. What was not told is forgotten once the session was told of something later: the servers keep its order.
6. That a session may have ended is not used up: its ephemerals may go from then on.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from .moves import Impossible, Move, State, moves_by_path
from .operations import History, HistoryViolation

MAX_CONFIGURATIONS: Final = 50_000
"""For one znode and one completion. Only histories with very many unknown outcomes get there."""
SLACKS: Final = (0, 2)
SHOWN_OPERATIONS: Final = 8


class Undecided(Exception):
    """There are too many unknown outcomes around one znode: nothing was found, and nothing excluded.

    Use more znodes, or fewer clients that lose their answers.

    Example:
        try:
            check(history)
        except Undecided as undecided:
            pytest.skip(str(undecided))
    """


class Configuration(NamedTuple):
    """`done` has a bit for each pending move that has happened."""

    state: State
    done: int


class Pending(NamedTuple):
    move: Move
    bit: int
    likeness: Hashable
    """Equal for moves that may stand for each other; None for those that certainly happen."""


def check_linearizable(history: History, *, plain_reads: bool = False) -> int:
    """Returns how many moves of znodes were judged. Raises `HistoryViolation`, or `Undecided`.

    `plain_reads`: whether reads without a sync are to be linearizable, too, as those of a single server are.

    Example:
        history = History()
        history.ok(history.invoke("session 1", create("/a", b"1")), zxid=7)
        history.ok(history.invoke("session 2", read("/a"), is_synced=True), None, zxid=7)  # it shows no znode
        with pytest.raises(HistoryViolation):
            check_linearizable(history)
    """
    count = 0
    for path, moves in moves_by_path(history.operations, plain_reads).items():
        _check_znode(path, moves)
        count += len(moves)
    return count


def _check_znode(path: str, moves: list[Move]) -> None:
    for slack in SLACKS:
        with suppress(HistoryViolation, Undecided):
            ZnodeCheck(path, moves, slack).run()
            return
    ZnodeCheck(path, moves, len(moves)).run()


class ZnodeCheck:
    """The search for one znode. A completion is reached with as few moves that may never happen as possible, and with
    up to `slack` more."""

    def __init__(self, path: str, moves: list[Move], slack: int) -> None:
        self._path = path
        self._slack = slack
        self._moves = moves
        self._configurations = {Configuration(None, 0)}
        self._reads: dict[int, Pending] = {}
        self._writes: dict[int, Pending] = {}
        self._expiries: list[Move] = []
        self._free_bits: list[int] = []
        self._count_bits = 0
        self._unsure_bits = 0
        """Those of the moves that may never happen."""

    def run(self) -> None:
        for what, number in _events(self._moves):
            what(self, number)

    def _invoke(self, number: int) -> None:
        move = self._moves[number]
        if move.is_expiry:
            self._expiries.append(move)
            return
        pending = Pending(move, self._take_bit(), None if move.is_certain else move.parts)
        if move.is_read:
            self._reads[number] = pending
            self._configurations = {self._with_reads(*one, (pending,)) for one in self._configurations}
            return
        self._writes[number] = pending
        self._writes = dict(sorted(self._writes.items(), key=_forgotten_at))
        if not move.is_certain:
            self._unsure_bits |= pending.bit

    def _take_bit(self) -> int:
        if self._free_bits:
            return self._free_bits.pop()
        self._count_bits += 1
        return 1 << (self._count_bits - 1)

    def _with_reads(self, state: State, done: int, reads: Iterable[Pending]) -> Configuration:
        for read in reads:
            if not done & read.bit and _is_possible(read.move, state):
                done |= read.bit
        return Configuration(state, done)

    def _complete(self, number: int) -> None:
        completed = self._reads[number] if number in self._reads else self._writes[number]
        found = self._reach(completed.bit)
        if not found:
            raise HistoryViolation(self._explain(number))
        (self._reads if number in self._reads else self._writes).pop(number)
        self._free_bits.append(completed.bit)
        self._configurations = {Configuration(state, done & ~completed.bit) for state, done in found}

    def _settle(self, number: int) -> None:
        """It happens now, or never will. After that it makes no difference any more whether it has."""
        bit = self._writes[number].bit
        self._configurations.update(self._reach(bit))
        self._writes.pop(number)
        self._unsure_bits &= ~bit
        self._free_bits.append(bit)
        self._configurations = {Configuration(state, done & ~bit) for state, done in self._configurations}

    def _reach(self, bit: int) -> list[Configuration]:
        """The configurations in which the move with that bit has happened."""
        seen = Frontier(self._path, self._unsure_bits)
        layer = [one for one in sorted(self._configurations, key=_used) if seen.add(one)]
        found: list[Configuration] = []
        slack = self._slack
        while layer and slack >= 0:
            layer = [one for one in self._reach_surely(layer, bit, found, seen) if seen.add(one)]
            slack -= bool(found)
        return found

    def _reach_surely(
        self, layer: list[Configuration], bit: int, found: list[Configuration], seen: "Frontier"
    ) -> list[Configuration]:
        """Goes on from `layer` by moves that certainly happen; returns where one that may not leads from there."""
        unsure: list[Configuration] = []
        while layer:
            one = layer.pop()
            if one.done & bit:
                found.append(one)
                continue
            for after in self._steps(one):
                if (after.done ^ one.done) & self._unsure_bits:
                    unsure.append(after)
                elif seen.add(after):
                    layer.append(after)
        return unsure

    def _steps(self, one: Configuration) -> Iterator[Configuration]:
        """What the next write may lead to."""
        if one.state is not None and one.state.owner is not None:
            for expiry in self._expiries:
                if expiry.apply(one.state) is None:
                    yield self._with_reads(None, one.done, self._reads.values())
        tried: set[Hashable] = set()
        for write in self._writes.values():
            if one.done & write.bit or (write.likeness is not None and write.likeness in tried):
                continue
            tried.add(write.likeness)
            for state in write.move.outcomes(one.state):
                if write.likeness is None or state != one.state:
                    yield self._with_reads(state, one.done | write.bit, self._reads.values())

    def _explain(self, number: int) -> str:
        states = sorted({str(one.state) for one in self._configurations})
        until = self._moves[number].operation.completed_at
        before = sorted(
            (move.invoked_at, number) for number, move in enumerate(self._moves) if move.invoked_at <= until
        )
        last = "\n  ".join(str(self._moves[number].operation) for _, number in before[-SHOWN_OPERATIONS:])
        return (f"{self._path} is not linearizable: no order explains {self._moves[number].operation}\n"
                f"possible before it: {'; '.join(states[:SHOWN_OPERATIONS])}\nasked last:\n  {last}")  # fmt: skip


class Frontier:
    """The configurations that were met, without those that another one makes superfluous."""

    def __init__(self, path: str, unsure_bits: int) -> None:
        self._path = path
        self._count = 0
        self._unsure_bits = unsure_bits
        self._used: dict[tuple[State, int], list[int]] = defaultdict(list)

    def add(self, one: Configuration) -> bool:
        """Whether it is new. Raises `Undecided` when there are too many."""
        used = one.done & self._unsure_bits
        known = self._used[one.state, one.done & ~self._unsure_bits]
        if any(other & used == other for other in known):
            return False
        known.append(used)
        self._count += 1
        if self._count > MAX_CONFIGURATIONS:
            raise Undecided(f"{self._path}: more than {MAX_CONFIGURATIONS} configurations are possible")
        return True


def _forgotten_at(write: tuple[int, Pending]) -> float:
    return write[1].move.settled_at


def _used(one: Configuration) -> int:
    return one.done.bit_count()


def _is_possible(move: Move, state: State) -> bool:
    try:
        move.apply(state)
    except Impossible:
        return False
    return True


def _events(moves: list[Move]) -> list[tuple[Callable[[ZnodeCheck, int], None], int]]:
    """What happens in time; at equal times everything is asked before anything is done."""
    events: list[tuple[float, int, int]] = []
    for number, move in enumerate(moves):
        events.append((move.invoked_at, 0, number))
        if move.is_certain:
            events.append((move.operation.completed_at, 1, number))
        elif not move.is_expiry and move.settled_at < math.inf:
            events.append((move.settled_at, 2, number))
    methods = (ZnodeCheck._invoke, ZnodeCheck._complete, ZnodeCheck._settle)
    return [(methods[kind], number) for _, kind, number in sorted(events)]
