"""Marks of rules: a simulation shows which of them its runs have reached.

The code that follows a rule calls `hit` with the name of its mark. That does nothing unless somebody counts, and is
done where a rule applies once in a while, never for each transaction.

1. Every mark is in `MARKS`, with what it means; a rule that no code marks is not in it.
2. Nothing depends on a mark: they are read by tests alone.
3. What cannot be is not in it either, and is an error where somebody counts. A learner that gets the log on disk is
   never told to cut back first: no zxid lies between two neighbours in such a history, which has neither holes nor
   epochs that begin late.
"""

from typing import Final

MARKS: Final[dict[str, str]] = {
    "sync-plan.1.snap": "a snapshot is forced by the configuration",
    "sync-plan.2.diff": "the learner has what the leader has",
    "sync-plan.3.trunc": "the learner is ahead of the committed log, and is cut back",
    "sync-plan.3.snap": "the same, where nothing ends with the beginning of an epoch",
    "sync-plan.4.diff": "the committed log goes on from what the learner has",
    "sync-plan.4.trunc": "the same, after the learner has taken back what is in no log of the leader",
    "sync-plan.4.snap": "the committed log does not go on from it within the epoch",
    "sync-plan.5.diff": "the log on disk goes on from what the learner has",
    "sync-plan.5.snap": "the log on disk does not reach back, has a hole, is dearer, or would cross epochs",
    "sync-plan.6.snap": "nothing fits",
    "leader.learner-is-ahead": "a learner has more than a leader that is not yet established, which gives up",
    "leader.makes-way": "a voter has accepted a later epoch than that of the leader, which gives up",
    "leader.no-quorum": "a leader has heard of no quorum within syncLimit",
    "learner.cannot-cut-back": "what TRUNC asks for is impossible, so everything is asked for",
    "learner.asks-for-everything": "whatever the leader sends takes the place of what the disk has",
    "learner.hole": "a proposal does not follow the one before",
    "learner.wrong-commit": "a commit is not that of the next proposal",
    "learner.sent-again": "a transaction came that the learner has already",
    "member.fast-forward": "what was logged and not committed is replayed when a role is over",
    "member.reload": "a state that is not to be believed is loaded from the disk again",
}


class _Counter:
    """`is_on`: whether anybody counts."""

    def __init__(self) -> None:
        self.is_on = False
        self.counts: dict[str, int] = {}


_counter: Final = _Counter()


def hit(name: str) -> None:
    """The rule of this mark was reached. `KeyError` for a mark that is not in `MARKS`, where somebody counts."""
    if _counter.is_on:
        assert MARKS[name]
        _counter.counts[name] = _counter.counts.get(name, 0) + 1


def start_counting() -> None:
    _counter.is_on = True
    _counter.counts = {}


def stop_counting() -> dict[str, int]:
    """How often each mark was reached since `start_counting`; one that was not is missing."""
    _counter.is_on = False
    return _counter.counts
