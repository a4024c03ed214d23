"""The committed log: contiguous, bounded, and with a range that says what it holds."""

import pytest

from zkeeper.quorum.committed_log import CommittedLog

EPOCH = 1 << 32


def log_of(*zxids: int, max_txns: int = 500, max_bytes: int = 1000) -> CommittedLog:
    log = CommittedLog(max_txns, max_bytes)
    for zxid in zxids:
        log.add(zxid, b"%10x" % zxid)
    return log


def held(log: CommittedLog) -> list[int]:
    txns = log.txns()
    assert len(log) == len(txns)
    assert log.size_bytes == sum(len(payload) for _, payload in txns)
    assert log.is_empty() == (not txns)
    if txns:
        assert (log.min_zxid, log.max_zxid) == (txns[0][0], txns[-1][0])
    return [zxid for zxid, _ in txns]


def test_it_holds_what_was_added_in_order() -> None:
    assert held(log_of()) == []
    assert held(log_of(7)) == [7]
    assert held(log_of(7, 8, EPOCH + 1, EPOCH + 2, 3 * EPOCH + 1)) == [7, 8, EPOCH + 1, EPOCH + 2, 3 * EPOCH + 1]
    assert log_of(7).txns() == [(7, b"         7")]


def test_what_it_has_seen_is_ignored() -> None:
    assert held(log_of(7, 8, 8, 7, 3, 9)) == [7, 8, 9]


@pytest.mark.parametrize("zxids", [(7, 9), (EPOCH + 1, EPOCH + 3)])
def test_a_hole_is_our_mistake(zxids: tuple[int, int]) -> None:
    with pytest.raises(AssertionError, match="is committed after"):
        log_of(*zxids)


def test_the_oldest_leave_when_there_are_too_many() -> None:
    assert held(log_of(*range(1, 13), max_txns=5)) == [8, 9, 10, 11, 12]


def test_the_oldest_leave_when_they_are_too_large() -> None:
    assert held(log_of(*range(1, 13), max_bytes=35)) == [10, 11, 12]
    log = log_of(1, 2, 3)
    log.add(4, bytes(5000))
    assert held(log) == [4]
    log.add(5, b"x")
    assert held(log) == [5]


def test_after_clear_it_begins_anywhere() -> None:
    log = log_of(7, 8)
    log.clear()
    assert held(log) == []
    log.add(3, b"x")
    assert held(log) == [3]


def test_what_it_gives_out_does_not_change_with_it() -> None:
    log = log_of(1, 2, max_txns=2)
    txns = log.txns()
    log.add(3, b"x")
    assert [zxid for zxid, _ in txns] == [1, 2]
