"""Session ids, passwords and deadlines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.database.sessions import SessionTracker, first_session_id, following_session_id, session_password

PASSWORDS = [
    (0x0100000D47A00000, "d29fb5a9f7e918ae0054840c980c723d"),
    (0x0100000D47A00001, "e5c0afa99735f8f2f596eb376c95860a"),
    (0x0100000D47A00002, "ac5dc1a9b7525a2416ceb5b5f1fa48a3"),
    (0x01000017A5AD0000, "4932278ea230bf33cf0c72c7bbb68749"),
    (0x0100001615380000, "ba3f742cbf6fcd3628faf235a0bbb627"),
]


@pytest.mark.parametrize(("session_id", "password"), PASSWORDS)
def test_passwords_are_those_of_java(session_id: int, password: str) -> None:
    assert session_password(session_id).hex() == password


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_id_has_a_password(session_id: int) -> None:
    assert len(session_password(session_id)) == 16


@given(st.integers(0, 255), st.integers(0, 2**50), st.integers(0, 2**63 - 1))
def test_the_first_id_holds_server_clock_and_zxid(server_id: int, now_ms: int, last_zxid: int) -> None:
    value = first_session_id(server_id, now_ms, last_zxid)
    assert -(2**63) <= value < 2**63
    assert (value >> 56) & 0xFF == server_id
    assert (value >> 16) & 0xFFFFFFFFFF == now_ms & 0xFFFFFFFFFF
    assert value & 0xFFFF == last_zxid & 0xFFFF


def test_the_id_of_containers_is_left_out() -> None:
    assert following_session_id(5) == 6
    assert following_session_id(-0x8000000000000000 - 1) == -0x8000000000000000 + 1


@given(st.integers(1, 5000), st.integers(0, 100_000), st.integers(1, 60_000))
def test_a_session_expires_within_a_tick_after_its_timeout(tick_ms: int, now_ms: int, timeout_ms: int) -> None:
    tracker = SessionTracker(tick_ms)
    session = tracker.add(7, timeout_ms, now_ms)
    assert tracker.expired(now_ms + timeout_ms) == []
    assert tracker.expired(now_ms + timeout_ms + tick_ms) == [session]


def test_a_touch_moves_the_deadline_and_a_closing_session_is_not_touched() -> None:
    tracker = SessionTracker(1000)
    session = tracker.add(7, 4000, 0)
    assert tracker.touch(session, 4500)
    assert tracker.expired(8500) == []
    tracker.close(session)
    assert not tracker.touch(session, 4600)
    assert tracker.expired(10**9) == []
    assert tracker.sessions == {7: session}
    tracker.remove(7)
    tracker.remove(7)
    assert tracker.sessions == {}


def test_sessions_expire_oldest_first_and_only_once_closed_are_they_gone() -> None:
    tracker = SessionTracker(1000)
    late, early, other = tracker.add(3, 9000, 0), tracker.add(9, 2000, 0), tracker.add(5, 2000, 0)
    assert tracker.expired(20_000) == [other, early, late]
    assert tracker.expired(3000) == [other, early]
    for session in (other, early):
        tracker.close(session)
    assert tracker.expired(20_000) == [late]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9000), st.integers(0, 3)), max_size=60))
def test_buckets_hold_every_open_session_once(steps: list[tuple[int, int, int]]) -> None:
    tracker, now_ms = SessionTracker(500), 0
    for session_id, timeout_ms, action in steps:
        now_ms += timeout_ms // 3
        session = tracker.sessions.get(session_id)
        if action < 2 or session is None:
            tracker.add(session_id, timeout_ms, now_ms)
        elif action == 2:
            tracker.close(session)
        else:
            tracker.remove(session_id)
        held = [session.session_id for bucket in tracker.buckets.values() for session in bucket]
        assert sorted(held) == sorted(s.session_id for s in tracker.sessions.values() if not s.closing)
        assert all(tracker.buckets.values())
