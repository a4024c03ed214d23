"""Whether one order of all operations explains every answer and agrees with real time (Wing and Gong; Lowe).

Each znode is judged alone, which is enough: a history is linearizable if it is so for each object. The search goes
through time. It keeps all configurations that are still possible: a state of the znode, and which of the pending moves
have happened already. When a move is completed, every configuration in which it has not happened is taken further, by
all pending writes in all orders, until it has. If no configuration is left, no order explains the answers.

What keeps the configurations few:
1. A configuration is a value, and is followed once.
2. A move that changes nothing happens as soon as it can: that closes no door.
3. Of moves that may never happen (outcome unknown) and are alike, the one asked first happens first.
4. A configuration is dropped when another one has the same state and has used fewer of those: it can do all the same.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import Final, NamedTuple

from .moves import Impossible, Move, State, moves_by_path
from .operations import History, HistoryViolation

MAX_CONFIGURATIONS: Final = 200_000
"""For one znode and one completion. Only histories with very many unknown outcomes get there."""
SHOWN_OPERATIONS: Final = 8


class Undecided(Exception):
    """There are too many unknown outcomes around one znode: nothing was found, and nothing excluded."""


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
    """
    count = 0
    for path, moves in moves_by_path(history.operations, plain_reads).items():
        ZnodeCheck(path, moves).run()
        count += len(moves)
    return count


class ZnodeCheck:
    """The search for one znode."""

    def __init__(self, path: str, moves: list[Move]) -> None:
        self._path = path
        self._moves = moves
        self._configurations = {Configuration(None, 0)}
        self._reads: dict[int, Pending] = {}
        self._writes: dict[int, Pending] = {}
        self._free_bits: list[int] = []
        self._count_bits = 0
        self._unsure_bits = 0
        """Those of the moves that may never happen."""

    def run(self) -> None:
        for is_completion, number in _events(self._moves):
            if is_completion:
                self._complete(number)
            else:
                self._invoke(number)

    def _invoke(self, number: int) -> None:
        move = self._moves[number]
        pending = Pending(move, self._take_bit(), None if move.is_certain else move.parts)
        if move.is_read:
            self._reads[number] = pending
            self._configurations = {self._with_reads(*one, (pending,)) for one in self._configurations}
            return
        self._writes[number] = pending
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
        self._forget_used()

    def _forget_used(self) -> None:
        """What may never happen, and has happened in all configurations, is as good as completed."""
        common = self._unsure_bits
        for one in self._configurations:
            common &= one.done
        if not common:
            return
        for number, pending in list(self._writes.items()):
            if common & pending.bit:
                self._free_bits.append(self._writes.pop(number).bit)
        self._unsure_bits &= ~common
        self._configurations = {Configuration(state, done & ~common) for state, done in self._configurations}

    def _reach(self, bit: int) -> list[Configuration]:
        """The configurations in which the move with that bit has happened."""
        seen = Frontier(self._unsure_bits)
        found = []
        layer = [one for one in sorted(self._configurations, key=_used) if seen.add(one)]
        while layer:
            following = []
            for one in layer:
                if one.done & bit:
                    found.append(one)
                else:
                    following += [after for after in self._steps(one) if seen.add(after)]
            if seen.count > MAX_CONFIGURATIONS:
                raise Undecided(f"{self._path}: more than {MAX_CONFIGURATIONS} configurations are possible")
            layer = following
        return found

    def _steps(self, one: Configuration) -> Iterator[Configuration]:
        """What the next write may lead to."""
        tried: set[Hashable] = set()
        for write in self._writes.values():
            if one.done & write.bit or (write.likeness is not None and write.likeness in tried):
                continue
            tried.add(write.likeness)
            try:
                state = write.move.apply(one.state)
            except Impossible:
                continue
            if write.likeness is None or state != one.state:
                yield self._with_reads(state, one.done | write.bit, self._reads.values())

    def _explain(self, number: int) -> str:
        states = sorted({str(one.state) for one in self._configurations})
        before = [move for move in self._moves if move.invoked_at <= self._moves[number].operation.completed_at]
        last = "\n  ".join(str(move.operation) for move in before[-SHOWN_OPERATIONS:])
        return (f"{self._path} is not linearizable: no order explains {self._moves[number].operation}\n"
                f"possible before it: {'; '.join(states[:SHOWN_OPERATIONS])}\nasked last:\n  {last}")  # fmt: skip


class Frontier:
    """The configurations that were met, without those that another one makes superfluous."""

    def __init__(self, unsure_bits: int) -> None:
        self.count = 0
        self._unsure_bits = unsure_bits
        self._used: dict[tuple[State, int], list[int]] = defaultdict(list)

    def add(self, one: Configuration) -> bool:
        """Whether it is new."""
        used = one.done & self._unsure_bits
        known = self._used[one.state, one.done & ~self._unsure_bits]
        if any(other & used == other for other in known):
            return False
        known.append(used)
        self.count += 1
        return True


def _used(one: Configuration) -> int:
    return one.done.bit_count()


def _is_possible(move: Move, state: State) -> bool:
    try:
        move.apply(state)
    except Impossible:
        return False
    return True


def _events(moves: list[Move]) -> list[tuple[bool, int]]:
    """Invocations and completions in the order of time; at equal times everything is asked before anything is done."""
    events = [(move.invoked_at, False, number) for number, move in enumerate(moves)]
    events += [(move.operation.completed_at, True, number) for number, move in enumerate(moves) if move.is_certain]
    return [(is_completion, number) for time, is_completion, number in sorted(events) if time < math.inf]
