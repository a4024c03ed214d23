"""All checks of a history."""

from collections import Counter
from collections.abc import Container

from .acknowledged import check_acknowledged
from .linearizability import check_linearizable
from .operations import History
from .sessions import check_sessions
from .watches import check_watches
from .zxids import check_zxids


def check(history: History, *, committed: Container[int] | None = None, plain_reads: bool = False) -> Counter[str]:
    """Raises `HistoryViolation` with what was wrong, or `Undecided`; returns how much was judged.

    `committed` has the zxids of all transactions that lasted, where they are known. `plain_reads`: whether reads
    without a sync have to be linearizable, as those of a single server are.

    Example:
        counts = check(history, committed=set(zxids_in_the_logs()))
        assert counts["moves of znodes"] > 1000  # enough was judged
    """
    counts: Counter[str] = Counter()
    counts["replies in order"] = check_sessions(history)
    counts["reads at their zxid"] = check_zxids(history)
    counts["events in time"] = check_watches(history)
    if committed is not None:
        counts["acknowledged writes"] = check_acknowledged(history, committed)
    counts["moves of znodes"] = check_linearizable(history, plain_reads=plain_reads)
    return counts
