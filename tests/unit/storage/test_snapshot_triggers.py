"""When a snapshot is due."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_support import SETTINGS

from zkeeper.storage.triggers import SnapshotTrigger


def count_until_due(trigger: SnapshotTrigger, log_bytes: int = 0) -> int:
    count = 1
    while not trigger.appended(log_bytes):
        count += 1
    return count


@given(st.integers(2, 200), st.integers())
def test_the_count_lies_between_half_and_all_and_is_drawn_anew(snap_count: int, seed: int) -> None:
    settings = replace(SETTINGS, snap_count=snap_count, snap_size_limit_bytes=0)
    trigger = SnapshotTrigger(settings, random.Random(seed))
    counts = [count_until_due(trigger) for _ in range(20)]
    assert all(snap_count // 2 < count <= snap_count for count in counts)
    assert snap_count < 100 or len(set(counts)) > 1


@pytest.mark.parametrize("snap_count", [-5, 0, 1, 2, 3])
def test_the_smallest_count_is_every_second_transaction(snap_count: int) -> None:
    settings = replace(SETTINGS, snap_count=snap_count)
    assert count_until_due(SnapshotTrigger(settings, random.Random(1))) == 2


def test_the_size_of_the_logs_is_a_reason_too() -> None:
    trigger = SnapshotTrigger(replace(SETTINGS, snap_size_limit_bytes=1000), random.Random(1))
    assert not trigger.appended(500)
    assert trigger.appended(1001)
    assert not trigger.appended(0)


@pytest.mark.parametrize("limit", [0, -1, 1])
def test_without_a_size_limit_only_the_count_matters(limit: int) -> None:
    trigger = SnapshotTrigger(replace(SETTINGS, snap_count=10, snap_size_limit_bytes=limit), random.Random(1))
    assert count_until_due(trigger, log_bytes=1 << 40) > 5
