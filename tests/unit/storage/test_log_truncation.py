"""Taking back transactions that were never committed."""

from functools import partial

import pytest
from storage_support import (
    FOLDER,
    SETTINGS,
    create,
    database_after,
    last_zxid,
    log_of,
    new_disk,
    read_file,
    write_file,
    write_log,
    write_snapshot,
)

from zkeeper.database.database import Database
from zkeeper.storage.log_truncation import truncate_history
from zkeeper.testing.simulation import Killed, SimulatedDisk, Unsynced


def history() -> SimulatedDisk:
    """Transactions 1 to 7 in three logs, snapshots at 0 and 5."""
    disk = new_disk()
    write_snapshot(disk, Database())
    write_log(disk, [1, 2], [3, 4])
    write_log(disk, [5, 6], last_zxid=4)
    write_log(disk, [7], last_zxid=6)
    write_snapshot(disk, database_after(*[create(zxid) for zxid in range(1, 6)]))
    return disk


@pytest.mark.parametrize("zxid", range(1, 8))
def test_the_transaction_is_the_last_afterwards(zxid: int) -> None:
    disk = history()
    assert truncate_history(disk, SETTINGS, zxid)
    assert last_zxid(disk) == zxid
    disk.crash(Unsynced.LOST)
    assert last_zxid(disk) == zxid


def test_the_log_ends_with_the_entry_and_later_logs_and_snapshots_are_gone() -> None:
    disk = history()
    assert truncate_history(disk, SETTINGS, 3)
    assert read_file(disk, "log.1") == log_of(1, 2, 3)
    assert disk.names(FOLDER) == ["log.1", "snapshot.0"]


@pytest.mark.parametrize("zxid", [0, 8, (1 << 32) + 1])
def test_what_no_log_holds_changes_nothing(zxid: int) -> None:
    disk = history()
    before = {name: read_file(disk, name) for name in disk.names(FOLDER)}
    assert not truncate_history(disk, SETTINGS, zxid)
    assert {name: read_file(disk, name) for name in disk.names(FOLDER)} == before


def test_the_next_transaction_is_not_taken_for_the_one_asked_for() -> None:
    """Java keeps the first entry after a missing one."""
    disk = new_disk()
    write_snapshot(disk, Database())
    write_file(disk, "log.1", log_of(1, 2, (1 << 32) + 1))
    assert not truncate_history(disk, SETTINGS, 3)
    assert truncate_history(disk, SETTINGS, 2)


def test_without_a_base_that_is_old_enough_nothing_changes() -> None:
    disk = history()
    disk.remove(f"{FOLDER}/snapshot.0")
    assert not truncate_history(disk, SETTINGS, 4)
    assert truncate_history(disk, SETTINGS, 6)
    assert last_zxid(disk) == 6


@pytest.mark.parametrize("fate", list(Unsynced))
def test_a_crash_at_any_step_leaves_a_truncation_that_can_be_done_again(fate: Unsynced) -> None:
    step = 0
    while True:
        step += 1
        disk = history()
        disk.kill_at_step(step, partial(disk.crash, fate))
        try:
            assert truncate_history(disk, SETTINGS, 3)
            break
        except Killed:
            assert 3 <= last_zxid(disk) <= 7
            assert truncate_history(disk, SETTINGS, 3)
            assert last_zxid(disk) == 3
    assert step > 4
