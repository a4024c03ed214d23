"""Operations as one znode knows them, and what they do to it: the model that linearizability is checked against.

1. A znode is a value: its data, its version, the session that owns it; or there is none.
2. A move either explains its answer in a state, and gives the next state, or is impossible there.
3. Data that no answer shows is all the same (`UNSEEN`); so moves that nobody can tell apart are equal.
4. A multi that failed did its steps up to the one that failed, and took them back.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from zkeeper.errors import (
    BadVersionError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
)

from .operations import Kind, Operation, Outcome, Seen, Step

UNSEEN: Final = None
"""Stands for data that was written and never read."""

MAX_VERSION = (1 << 31) - 1


class Znode(NamedTuple):
    data: bytes | None
    version: int
    owner: Hashable


State = Znode | None


class Impossible(Exception):
    """The move cannot have happened in this state."""


class Part(NamedTuple):
    """A step of a move: what it does to this znode, and what its answer shows. With a `code`, why it is refused. One
    that `is_open` may have done that to another znode: a sequential one whose name nobody was told."""

    kind: Kind
    data: bytes | None
    version: int
    owner: Hashable
    shown: Seen | None
    is_shown: bool
    code: int
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """`is_certain`: it has happened, before `operation` was completed. Otherwise it may, at any time, or never."""

    operation: Operation
    parts: tuple[Part, ...]
    is_certain: bool
    is_read: bool
    invoked_at: float
    settled_at: float
    """If it has not happened by then, it never will."""

    @property
    def is_expiry(self) -> bool:
        """Whether a session may have ended."""
        return not self.is_certain and self.parts[0].kind is Kind.CLOSE

    def apply(self, state: State) -> State:
        """Raises `Impossible`. Not for a move with open parts."""
        before = state
        for part in self.parts:
            state = _apply(part, state)
        return before if self.is_read else state

    def outcomes(self, state: State) -> list[State]:
        """Each state that it may lead to; none where it cannot happen."""
        states = [state]
        for part in self.parts:
            states = [after for before in states for after in _outcomes(part, before)]
        return states


def _outcomes(part: Part, state: State) -> list[State]:
    elsewhere = [state] if part.is_open else []
    try:
        return [_apply(part, state), *elsewhere]
    except Impossible:
        return elsewhere


def _apply(part: Part, state: State) -> State:
    if part.code:
        _refuse(part, state)
        return state
    if part.kind is Kind.CREATE:
        if state is not None:
            raise Impossible
        return Znode(part.data, 0, part.owner)
    if part.kind is Kind.READ:
        if part.is_shown and not _shows(part.shown, state):
            raise Impossible
        return state
    if part.kind is Kind.CLOSE:
        return None if state is not None and state.owner == part.owner else state
    return _change(part, state)


def _change(part: Part, state: State) -> State:
    if state is None or part.version not in (-1, state.version):
        raise Impossible
    if part.kind is Kind.CHECK:
        return state
    if part.kind is Kind.DELETE:
        return None
    changed = Znode(part.data, state.version + 1 if state.version < MAX_VERSION else -MAX_VERSION - 1, state.owner)
    if part.is_shown and not _shows(part.shown, changed):
        raise Impossible
    return changed


def _shows(shown: Seen | None, state: State) -> bool:
    if shown is None or state is None:
        return shown is None and state is None
    return shown.version in (None, state.version) and shown.data in (None, state.data)


def _refuse(part: Part, state: State) -> None:
    """Raises `Impossible` unless the state is a reason for this error."""
    if part.code == NoNodeError.code:
        is_reason = state is None
    elif part.code == NodeExistsError.code:
        is_reason = state is not None
    elif part.code == BadVersionError.code:
        is_reason = state is not None and part.version not in (-1, state.version)
    elif part.code == NoChildrenForEphemeralsError.code:
        is_reason = state is not None and state.owner is not None
    else:
        is_reason = part.code != NotEmptyError.code or state is not None
    if not is_reason:
        raise Impossible


# From operations to moves.

Parts = dict[str, dict[int, list[Part]]]
"""By path, and by the number of the operation."""


def moves_by_path(operations: Iterable[Operation], reads_are_certain: bool) -> dict[str, list[Move]]:
    """The moves of each znode. Reads count if they are synced, or `reads_are_certain`."""
    counted = [one for one in operations if one.is_write or one.is_synced or reads_are_certain]
    counted += _expiries(counted)
    seen = _seen_data(counted)
    parts: Parts = defaultdict(lambda: defaultdict(list))
    for operation in counted:
        for path, part in _parts_of(operation, seen):
            parts[path][operation.number].append(part)
    _add_open_sequentials(counted, parts, seen)
    _add_ends(counted, parts)
    by_number = {operation.number: operation for operation in counted}
    settled = _settled(counted)
    moves = {path: [_move(by_number[number], tuple(found), settled.get(number, math.inf))
                    for number, found in of_path.items()]
             for path, of_path in parts.items()}  # fmt: skip
    return {path: [move for move in found if move.is_certain or not move.is_read] for path, found in moves.items()}


def _move(operation: Operation, parts: tuple[Part, ...], settled_at: float) -> Move:
    is_read = operation.outcome is Outcome.FAILED or all(part.kind in (Kind.READ, Kind.CHECK) for part in parts)
    return Move(operation, parts, operation.outcome is not Outcome.UNKNOWN, is_read, operation.invoked_at, settled_at)


def _settled(operations: list[Operation]) -> dict[int, float]:
    """A session's requests happen in their order: what it was not told has happened before the next of its requests
    that it was told of, or never."""
    settled: dict[int, float] = {}
    by_session: dict[Hashable, float] = {}
    for one in sorted(operations, key=lambda one: (one.invoked_at, one.number), reverse=True):
        if one.is_ok and (one.is_write or one.is_synced):
            by_session[one.session] = one.completed_at
        elif one.outcome is Outcome.UNKNOWN:
            settled[one.number] = by_session.get(one.session, math.inf)
    return settled


def _seen_data(operations: Iterable[Operation]) -> set[tuple[str, bytes]]:
    return {
        (path, shown.data) for operation in operations
        for path, shown in zip(operation.paths, operation.shown, strict=False)
        if shown is not None and shown.data is not None
    }  # fmt: skip


def _parts_of(operation: Operation, seen: set[tuple[str, bytes]]) -> Iterable[tuple[str, Part]]:
    if operation.outcome is Outcome.UNKNOWN and not operation.is_write:
        return
    if operation.outcome is Outcome.FAILED:
        yield from _refused(operation, seen)
        return
    for number, (step, path) in enumerate(zip(operation.steps, operation.paths, strict=True)):
        is_named = not step.is_sequential or operation.outcome is Outcome.OK
        if is_named and step.kind is not Kind.CLOSE:
            is_shown = operation.is_ok and number < len(operation.shown) and step.kind in (Kind.READ, Kind.SET)
            shown = operation.shown[number] if is_shown else None
            yield path, _part(operation, step, path, seen, shown, is_shown)


def _part(
    operation: Operation, step: Step, path: str, seen: set[tuple[str, bytes]], shown: Seen | None = None,
    is_shown: bool = False, code: int = 0,
) -> Part:  # fmt: skip
    data = step.data if (path, step.data) in seen else UNSEEN
    owner = operation.session if step.is_ephemeral else None
    return Part(step.kind, data, step.version, owner, shown, is_shown, code)


def _refused(operation: Operation, seen: set[tuple[str, bytes]]) -> Iterable[tuple[str, Part]]:
    """What a failure tells: that the steps before it were possible, and why it was not."""
    if operation.code == 0:
        return
    failed = operation.failed_step
    for step in operation.steps[:failed]:
        if not step.is_sequential and step.kind is not Kind.CLOSE:
            yield step.path, _part(operation, step, step.path, seen)
    step = operation.steps[failed]
    is_about_parent = step.kind is Kind.CREATE and operation.code != NodeExistsError.code
    path = (step.path[: step.path.rindex("/")] or "/") if is_about_parent else step.path
    if path != "/" and not (step.is_sequential and not is_about_parent):
        yield path, _part(operation, step, path, seen, code=operation.code)


def _add_open_sequentials(operations: Iterable[Operation], parts: Parts, seen: set[tuple[str, bytes]]) -> None:
    """A sequential znode of unknown outcome may be any that has its name and ten digits."""
    for operation in operations:
        if operation.outcome is not Outcome.UNKNOWN:
            continue
        for step in operation.steps:
            if step.is_sequential:
                for path in parts:
                    if path[:-10] == step.path and path[-10:].isdigit():
                        part = _part(operation, step, path, seen)._replace(is_open=True)
                        parts[path][operation.number].append(part)


def _add_ends(operations: list[Operation], parts: Parts) -> None:
    """Ends of sessions, for the znodes that may be their ephemerals."""
    ends: dict[Hashable, list[int]] = defaultdict(list)
    for operation in operations:
        if operation.steps[0].kind is Kind.CLOSE and operation.outcome is not Outcome.FAILED:
            ends[operation.session].append(operation.number)
    for of_path in parts.values():
        owners = dict.fromkeys(part.owner for found in of_path.values() for part in found if part.owner is not None)
        for owner in owners:
            for end in ends.get(owner, ()):
                of_path[end].append(Part(Kind.CLOSE, UNSEEN, -1, owner, None, False, 0))


def _expiries(operations: list[Operation]) -> list[Operation]:
    """A session that made ephemerals and was not closed may expire at any time after it last did something."""
    owners = dict.fromkeys(one.session for one in operations if any(step.is_ephemeral for step in one.steps))
    alive_at: dict[Hashable, float] = defaultdict(lambda: -math.inf)
    for one in operations:
        if one.is_ok:
            alive_at[one.session] = max(alive_at[one.session], one.invoked_at)
            if one.steps[0].kind is Kind.CLOSE:
                owners.pop(one.session, None)
    first = 1 + max((one.number for one in operations), default=0)
    return [Operation(first + number, session, (Step(Kind.CLOSE),), alive_at[session], False, False, paths=("",))
            for number, session in enumerate(owners)]  # fmt: skip
