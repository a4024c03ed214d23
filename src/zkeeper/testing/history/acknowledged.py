"""Whether every write that was acknowledged is in what the servers committed."""

from collections.abc import Container

from .operations import History, HistoryViolation


def check_acknowledged(history: History, committed: Container[int]) -> int:
    """`committed` has the zxids of all transactions that lasted. Returns how many writes were judged.

    Raises `HistoryViolation`. What a znode is in the end is best asked for with synced reads of a last session, which
    `check_linearizable` and `check_zxids` then judge.

    Example:
        committed = set(zxids_in_the_logs())
        check_acknowledged(history, committed)
    """
    writes = [one for one in history.operations if one.is_write and one.is_ok and one.zxid is not None]
    for write in writes:
        if write.zxid not in committed:
            raise HistoryViolation(f"an acknowledged write is lost: {write}")
    return len(writes)
