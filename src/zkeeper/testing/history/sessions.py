"""Whether what a session is told goes forward: zxids in its replies never fall, whichever servers they come from."""

from .operations import History, HistoryViolation, Operation


def check_sessions(history: History) -> int:
    """Returns how many replies were judged. Raises `HistoryViolation`.

    Example:
        history.ok(history.invoke("session 1", read("/a")), Seen(version=1), zxid=8)
        history.ok(history.invoke("session 1", read("/a")), Seen(version=0), zxid=7)
        with pytest.raises(HistoryViolation, match="zxids of a session fall"):
            check_sessions(history)
    """
    count = 0
    for told in history.delivered.values():
        before: Operation | None = None
        for one in told:
            if not isinstance(one, Operation) or one.zxid is None:
                continue
            if before is not None and one.zxid < (before.zxid or 0):
                raise HistoryViolation(f"zxids of a session fall: {one} was told after {before}")
            before = one
            count += 1
    return count
