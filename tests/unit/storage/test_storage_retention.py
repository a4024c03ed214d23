"""What is purged, and what never is."""

from dataclasses import replace
from functools import partial

import pytest
from storage_support import FOLDER, SETTINGS, create, new_disk, recovered, run, write_file, write_log, write_snapshot

from zkeeper.database.database import Database
from zkeeper.errors import StorageError
from zkeeper.storage.names import LogFile, SnapshotFile, snapshots_in
from zkeeper.storage.retention import PurgePlan, plan_purge, purge, purge_now
from zkeeper.testing.simulation import Killed, SimulatedDisk, Unsynced


def snapshots(*zxids: int) -> list[SnapshotFile]:
    return [SnapshotFile(zxid) for zxid in zxids]


def logs(*zxids: int) -> list[LogFile]:
    return [LogFile(zxid) for zxid in zxids]


@pytest.mark.parametrize(
    ("all_snapshots", "kept", "all_logs", "gone_snapshots", "gone_logs"),
    [
        ((), (), (1, 5), (), ()),
        ((0,), (), (1, 5), (), ()),
        ((0, 5, 9), (0, 5, 9), (1, 6), (), ()),
        ((0, 5, 9, 12), (5, 9, 12), (1, 6, 10, 13), (0,), ()),
        ((0, 5, 9, 12), (5, 9, 12), (1, 4, 6, 10), (0,), (1,)),
        ((0, 5, 9, 12), (5, 9, 12), (1, 4, 5, 6, 10), (0,), (1, 4)),
        # An invalid one among the newest is kept, and does not count.
        ((0, 5, 9, 12), (0, 5, 12), (1, 6), (), ()),
        # Fewer than wanted are valid: what is older than all of them goes.
        ((3, 5, 9), (9,), (1, 6, 8, 10), (3, 5), (1, 6)),
        ((7,), (7,), (8,), (), ()),
    ],
)
def test_the_plan(
    all_snapshots: tuple[int, ...],
    kept: tuple[int, ...],
    all_logs: tuple[int, ...],
    gone_snapshots: tuple[int, ...],
    gone_logs: tuple[int, ...],
) -> None:
    plan = plan_purge(snapshots(*all_snapshots), logs(*all_logs), snapshots(*kept))
    assert plan.snapshots == tuple(snapshots(*gone_snapshots))
    assert plan.logs == tuple(logs(*gone_logs))


def long_history() -> SimulatedDisk:
    """Six snapshots, at 0, 2, .. 10, and a log after each of them, up to 12."""
    disk = new_disk()
    database = Database()
    for zxid in range(0, 12, 2):
        write_snapshot(disk, database)
        write_log(disk, [zxid + 1, zxid + 2], last_zxid=zxid)
        for applied in (zxid + 1, zxid + 2):
            database.apply(create(applied))
    return disk


def test_purging_keeps_three_snapshots_and_what_they_need() -> None:
    disk = long_history()

    async def main() -> PurgePlan:
        return await purge(disk, SETTINGS)

    plan = run(main)
    assert [snapshot.zxid for snapshot in plan.snapshots] == [0, 2, 4]
    assert [log.zxid for log in plan.logs] == [1, 3]
    for name in ("snapshot.a", "snapshot.8"):
        disk.remove(f"{FOLDER}/{name}")
    found = recovered(disk)
    assert found.txns == 6
    assert found.database.last_zxid == 12


def test_fewer_than_three_are_never_kept() -> None:
    disk = long_history()
    assert len(purge_now(disk, replace(SETTINGS, retain_count=1)).snapshots) == 3


def test_damaged_snapshots_do_not_count() -> None:
    disk = long_history()
    write_file(disk, "snapshot.a", b"torn")
    write_file(disk, "snapshot.8", b"")
    plan = purge_now(disk, SETTINGS)
    assert [snapshot.zxid for snapshot in plan.snapshots] == [0]


def test_files_that_no_server_wrote_stay() -> None:
    disk = long_history()
    strangers = ["log.1.bak", "log.junk", "snapshot.0.tmp", "snapshot.mine", "currentEpoch"]
    for name in strangers:
        write_file(disk, name, b"x")
    purge_now(disk, SETTINGS)
    assert set(strangers) <= set(disk.names(FOLDER))


def test_a_refusing_disk_is_reported() -> None:
    disk = long_history()
    disk.is_read_only = True
    with pytest.raises(StorageError, match="EROFS"):
        purge_now(disk, SETTINGS)


@pytest.mark.parametrize("fate", list(Unsynced))
def test_a_crash_while_purging_leaves_no_snapshot_without_its_logs(fate: Unsynced) -> None:
    step = 0
    while True:
        step += 1
        disk = long_history()
        disk.kill_at_step(step, partial(disk.crash, fate))
        try:
            purge_now(disk, SETTINGS)
            break
        except Killed:
            for snapshot in reversed(snapshots_in(disk.names(FOLDER))):
                assert recovered(disk).database.last_zxid == 12
                disk.remove(f"{FOLDER}/{snapshot.name}")
    assert step > 5
