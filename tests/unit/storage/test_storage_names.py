"""File names: which are data, and which are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_support import FOLDER, new_disk, write_file

from zkeeper.storage.names import (
    LogFile,
    is_temporary,
    log_name,
    logs_in,
    logs_since,
    parse_log_name,
    parse_snapshot_name,
    remove_leftovers,
    snapshot_name,
    snapshots_in,
    temporary_name,
)
from zkeeper.storage.settings import Compression

COMPRESSIONS: tuple[Compression, ...] = ("", "gz", "snappy")
ZXIDS = st.integers(0, (1 << 63) - 1)


@given(ZXIDS)
def test_a_log_name_says_its_zxid(zxid: int) -> None:
    assert parse_log_name(log_name(zxid)) == LogFile(zxid)
    assert parse_snapshot_name(log_name(zxid)) is None


@given(ZXIDS, st.sampled_from(COMPRESSIONS))
def test_a_snapshot_name_says_its_zxid_and_compression(zxid: int, compression: Compression) -> None:
    name = snapshot_name(zxid, compression)
    found = parse_snapshot_name(name)
    assert found is not None
    assert (found.zxid, found.compression, found.name) == (zxid, compression, name)
    assert parse_snapshot_name(temporary_name(name)) is None
    assert is_temporary(temporary_name(name))


@pytest.mark.parametrize(
    "name",
    ["log.", "log.5.fixed", "log.05", "log.A", "log.0x5", "log.-1", "log.8000000000000000", "log.12345678901234567",
     "log.5 ", "log.5\n", "Log.5", "xlog.5", "log.5.gz", "snapshot.5.tmp", "snapshot.5.GZ", "snapshot.05",
     "snapshot.5.", "snapshot.ffffffffffffffff", "tmp.snapshot.5"],
)  # fmt: skip
def test_no_other_name_is_data(name: str) -> None:
    assert parse_log_name(name) is None
    assert parse_snapshot_name(name) is None


def test_files_are_sorted_by_zxid_not_by_name() -> None:
    names = ["log.a", "log.10", "log.9", "snapshot.a", "snapshot.10.gz", "snapshot.9", "currentEpoch"]
    assert [log.zxid for log in logs_in(names)] == [9, 10, 16]
    assert [snapshot.name for snapshot in snapshots_in(names)] == ["snapshot.9", "snapshot.a", "snapshot.10.gz"]


@pytest.mark.parametrize(
    ("start", "chosen"), [(0, [5, 9, 20]), (5, [5, 9, 20]), (6, [5, 9, 20]), (9, [5, 9, 20]), (10, [9, 20]), (99, [20])]
)
def test_the_log_that_may_hold_the_start_is_chosen_and_all_after_it(start: int, chosen: list[int]) -> None:
    logs = [LogFile(5), LogFile(9), LogFile(20)]
    assert [log.zxid for log in logs_since(logs, start)] == chosen


def test_only_leftovers_are_removed() -> None:
    disk = new_disk()
    for name in ("tmp.snapshot.5.gz", "tmp.other", "snapshot.5", "snapshot.5.tmp", "log.1"):
        write_file(disk, name, b"x")
    assert remove_leftovers(disk, FOLDER) == ["tmp.snapshot.5.gz"]
    assert disk.names(FOLDER) == ["log.1", "snapshot.5", "snapshot.5.tmp", "tmp.other"]
