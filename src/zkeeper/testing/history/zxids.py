"""Whether zxids tell the truth. They are the order of all writes, so nothing has to be searched for.

1. No two acknowledged writes have the same zxid.
2. A write has a zxid above all that anybody had been told when it was asked. A synced read shows at least the
   transactions among those: a leader alone tells the beginning of its epoch, which is none.
3. A read shows the znode as the last write up to the zxid in its reply has left it. Where that write was not
   acknowledged to anybody, it was at least asked by somebody.

Answers without a zxid are left out; so are those whose Stat is not told, as far as it would be needed.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from zkeeper.errors import NoNodeError
from zkeeper.wire.zxids import counter_of

from .operations import History, HistoryViolation, Kind, Operation, Outcome, Seen, Step


class Written(NamedTuple):
    """An acknowledged write that changed a znode, or removed it."""

    zxid: int
    data: bytes | None
    operation: Operation


@dataclass
class Timeline:
    """What is known of the writes of one znode."""

    acknowledged: list[Written] = field(default_factory=list)
    unknown_data: set[bytes] = field(default_factory=set)
    may_vanish: bool = False
    """Whether something of unknown outcome, or the end of a session, may have removed it."""

    def last(self, zxid: int) -> Written | None:
        at = bisect_right(self.acknowledged, zxid, key=lambda one: one.zxid)
        return self.acknowledged[at - 1] if at else None


def check_zxids(history: History) -> int:
    """Returns how many replies were judged. Raises `HistoryViolation`.

    Example:
        history.ok(history.invoke("session 1", create("/a", b"1")), zxid=7)
        history.ok(history.invoke("session 2", create("/b", b"2")), zxid=7)
        with pytest.raises(HistoryViolation, match="two writes have one zxid"):
            check_zxids(history)
    """
    _check_distinct(history)
    _check_real_time(history)
    timelines = _timelines(history)
    count = 0
    for one in history.operations:
        if one.zxid is not None and not one.is_write:
            for step, shown in _shown(one):
                _check_read(one, timelines[step.path], one.zxid, shown)
                count += 1
    return count


def _shown(one: Operation) -> list[tuple[Step, Seen | None]]:
    """What a read shows of each znode."""
    if one.code == NoNodeError.code:
        return [(one.steps[one.failed_step], None)]
    shown = zip(one.steps, one.shown, strict=False) if one.is_ok else ()
    return [(step, seen) for step, seen in shown if step.kind is Kind.READ]


def _check_distinct(history: History) -> None:
    by_zxid: dict[int, Operation] = {}
    for one in history.operations:
        if one.is_write and one.is_ok and one.zxid is not None:
            other = by_zxid.setdefault(one.zxid, one)
            if other is not one:
                raise HistoryViolation(f"two writes have one zxid: {other}, and {one}")


def _check_real_time(history: History) -> None:
    """Walks through time with the highest zxid that anybody has been told, and the highest that is a transaction."""
    timed = [one for one in history.operations if one.zxid is not None and one.outcome is not Outcome.UNKNOWN]
    completions = sorted(timed, key=lambda one: one.completed_at)
    told: Operation | None = None
    told_txn: Operation | None = None
    at = 0
    for one in sorted(timed, key=lambda one: one.invoked_at):
        while completions[at].completed_at < one.invoked_at:
            told = _later(told, completions[at])
            if counter_of(completions[at].zxid or 0):
                told_txn = _later(told_txn, completions[at])
            at += 1
        _check_after(one, told, told_txn)


def _later(told: Operation | None, one: Operation) -> Operation:
    return one if told is None or (one.zxid or 0) > (told.zxid or 0) else told


def _check_after(one: Operation, told: Operation | None, told_txn: Operation | None) -> None:
    zxid = one.zxid or 0
    if one.is_write and one.is_ok and told and zxid <= (told.zxid or 0):
        raise HistoryViolation(f"{one} has a zxid that had been told before it was asked: by {told}")
    if one.is_synced and told_txn and zxid < (told_txn.zxid or 0):
        raise HistoryViolation(f"{one} is synced, and stays behind {told_txn}, which had been told before")


# The znodes.


def _timelines(history: History) -> dict[str, Timeline]:
    timelines: dict[str, Timeline] = defaultdict(Timeline)
    for one in history.operations:
        if one.outcome is not Outcome.FAILED:
            for step, path in zip(one.steps, one.paths, strict=True):
                _note(one, step, timelines[path])
    _note_open_sequentials(history, timelines)
    for timeline in timelines.values():
        timeline.acknowledged.sort(key=lambda written: written.zxid)
    return timelines


def _note(one: Operation, step: Step, timeline: Timeline) -> None:
    is_placed = one.is_ok and one.zxid is not None
    timeline.may_vanish |= step.is_ephemeral or (step.kind is Kind.DELETE and not is_placed)
    if step.kind in (Kind.CREATE, Kind.SET, Kind.DELETE) and is_placed:
        data = None if step.kind is Kind.DELETE else step.data
        timeline.acknowledged.append(Written(one.zxid or 0, data, one))
    elif step.kind in (Kind.CREATE, Kind.SET):
        timeline.unknown_data.add(step.data)


def _note_open_sequentials(history: History, timelines: dict[str, Timeline]) -> None:
    open_steps = [step for one in history.operations if one.outcome is Outcome.UNKNOWN
                  for step in one.steps if step.is_sequential]  # fmt: skip
    for step in open_steps:
        for path, timeline in timelines.items():
            if path[:-10] == step.path and path[-10:].isdigit():
                timeline.unknown_data.add(step.data)
                timeline.may_vanish |= step.is_ephemeral


def _check_read(one: Operation, timeline: Timeline, zxid: int, shown: Seen | None) -> None:
    last = timeline.last(zxid)
    if shown is None:
        if last is not None and last.data is not None and not timeline.may_vanish:
            raise HistoryViolation(f"{one} does not show {last.operation}")
        return
    if shown.mzxid is None:
        return
    if shown.mzxid > zxid:
        raise HistoryViolation(f"{one} shows a change that comes after its zxid")
    floor = 0 if last is None else last.zxid
    if shown.mzxid < floor:
        raise HistoryViolation(f"{one} shows the znode as it was before {last and last.operation}")
    _check_data(one, timeline, last if shown.mzxid == floor else None, shown)


def _check_data(one: Operation, timeline: Timeline, written: Written | None, shown: Seen) -> None:
    """`written` is what the read says that it shows; None for a write that was not acknowledged."""
    if written is not None and written.data is None:
        raise HistoryViolation(f"{one} shows a znode that was removed by {written.operation}")
    if shown.data is None:
        return
    if written is not None and shown.data != written.data:
        raise HistoryViolation(f"{one} does not show what was written by {written.operation}")
    if written is None and shown.data not in timeline.unknown_data:
        raise HistoryViolation(f"{one} shows what nobody wrote there")
