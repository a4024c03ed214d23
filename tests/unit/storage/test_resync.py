"""What a member does to its state at a leader's order and between roles, with a crash at each step."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import pytest
from storage_support import (
    FOLDER,
    OPTIONS,
    SETTINGS,
    create,
    database_after,
    last_zxid,
    log_of,
    new_disk,
    no_tell,
    read_file,
    recovered,
    run,
    write_file,
    write_log,
    write_snapshot,
)

from zkeeper.database.database import Database
from zkeeper.errors import CorruptionError, StorageError
from zkeeper.storage.resync import Resync
from zkeeper.testing.simulation import Killed, SimulatedDisk, Unsynced

T = TypeVar("T")

E1, E2 = 1 << 32, 2 << 32


class EagerDisk(SimulatedDisk):
    """Does at once what is submitted, so that a job that is killed is heard of."""

    def submit(self, lane: str, job: Callable[[], T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(job())
        except BaseException as error:
            future.set_exception(error)
        return future


def empty_disk() -> SimulatedDisk:
    disk = EagerDisk(random.Random(1))
    disk.make_folders(FOLDER)
    return disk


def history() -> SimulatedDisk:
    """Transactions 1 to 7 in three logs, snapshots at 0 and 5."""
    disk = empty_disk()
    write_snapshot(disk, Database())
    write_log(disk, [1, 2], [3, 4])
    write_log(disk, [5, 6], last_zxid=4)
    write_log(disk, [7], last_zxid=6)
    write_snapshot(disk, state_at(5))
    return disk


def state_at(zxid: int) -> Database:
    return database_after(*[create(one) for one in range(1, zxid + 1)])


def resync_on(disk: SimulatedDisk, told: list[str] | None = None) -> Resync:
    tell = told.append if told is not None else no_tell
    return Resync(disk, SETTINGS, lambda: Database(OPTIONS), tell, lambda: 0.0)


def same(one: Database, other: Database) -> bool:
    return (one.tree.digest, one.tree.node_count, one.last_zxid) == (
        other.tree.digest, other.tree.node_count, other.last_zxid,
    )  # fmt: skip


@pytest.mark.parametrize("zxid", range(1, 8))
def test_a_truncation_takes_transactions_out_of_logs_snapshots_and_state(zxid: int) -> None:
    disk, seen = history(), list[int]()
    database = run(partial(resync_on(disk).truncate, zxid, lambda one, _: seen.append(one)))
    assert database is not None
    assert same(database, state_at(zxid))
    assert seen == list(range(6 if zxid >= 5 else 1, zxid + 1))
    disk.crash(Unsynced.LOST)
    assert same(recovered(disk).database, state_at(zxid))


@pytest.mark.parametrize("zxid", [0, 8, E1 + 1])
def test_a_truncation_that_the_logs_do_not_allow_changes_nothing(zxid: int) -> None:
    disk = history()
    before = {name: read_file(disk, name) for name in disk.names(FOLDER)}
    assert run(partial(resync_on(disk).truncate, zxid)) is None
    assert {name: read_file(disk, name) for name in disk.names(FOLDER)} == before


@pytest.mark.parametrize("fate", list(Unsynced))
def test_a_truncation_can_crash_at_any_step_and_be_done_again(fate: Unsynced) -> None:
    def check(disk: SimulatedDisk) -> None:
        assert 3 <= last_zxid(disk) <= 7
        assert same(recovered(disk).database, state_at(last_zxid(disk)))
        database = run(partial(resync_on(disk).truncate, 3))
        assert database is not None
        assert same(database, state_at(3))

    assert crash_at_each_step(history, lambda disk: resync_on(disk).truncate(3), fate, check) > 4


def crash_at_each_step(
    make_disk: Callable[[], SimulatedDisk], what: Callable[[SimulatedDisk], Awaitable[object]], fate: Unsynced,
    check: Callable[[SimulatedDisk], None],
) -> int:  # fmt: skip
    """Returns at how many steps there was a crash, with `check` after it."""

    async def main(disk: SimulatedDisk) -> bool:
        try:
            await what(disk)
        except Killed:
            return False
        return True

    step = 0
    while True:
        disk = make_disk()
        disk.kill_at_step(step + 1, partial(disk.crash, fate))
        if run(partial(main, disk)):
            return step
        step += 1
        check(disk)


# A snapshot was received and is durable.


def test_what_lies_behind_a_received_snapshot_is_forgotten() -> None:
    disk = history()
    write_snapshot(disk, state_at(7))
    run(partial(resync_on(disk).forget_behind, 5))
    assert disk.names(FOLDER) == ["log.1", "log.5", "snapshot.0", "snapshot.5"]
    assert read_file(disk, "log.5") == log_of(5)
    disk.crash(Unsynced.LOST)
    assert last_zxid(disk) == 5


@pytest.mark.parametrize("zxid", [7, 9, E1])
def test_what_a_received_snapshot_covers_stays(zxid: int) -> None:
    disk = history()
    before = disk.names(FOLDER)
    database = state_at(7)
    database.last_zxid = zxid
    write_snapshot(disk, database)
    run(partial(resync_on(disk).forget_behind, zxid))
    assert disk.names(FOLDER) == sorted({*before, f"snapshot.{zxid:x}"})
    assert last_zxid(disk) == zxid


def divergent() -> SimulatedDisk:
    """A member led epoch 1 alone and logged 1_1 to 1_3, and a snapshot of it; it has received the leader's at 9."""
    disk = empty_disk()
    write_snapshot(disk, Database())
    write_file(disk, "log.1", log_of(1, 2, 3, 4, E1 + 1))
    write_file(disk, f"log.{E1 + 2:x}", log_of(E1 + 2, E1 + 3))
    database = state_at(4)
    database.apply(create(E1 + 1))
    write_snapshot(disk, database)
    write_snapshot(disk, state_at(9))
    return disk


def test_a_history_that_is_not_the_leaders_does_not_come_back() -> None:
    disk = divergent()
    assert last_zxid(disk) == E1 + 3
    run(partial(resync_on(disk).forget_behind, 9))
    assert same(recovered(disk).database, state_at(9))
    assert disk.names(FOLDER) == ["log.1", "snapshot.0", "snapshot.9"]


@pytest.mark.parametrize("fate", list(Unsynced))
def test_forgetting_can_crash_at_any_step_and_be_done_again(fate: Unsynced) -> None:
    def check(disk: SimulatedDisk) -> None:
        assert last_zxid(disk) in {9, E1 + 1, E1 + 2, E1 + 3}
        run(partial(resync_on(disk).forget_behind, 9))
        assert same(recovered(disk).database, state_at(9))

    assert crash_at_each_step(divergent, lambda disk: resync_on(disk).forget_behind(9), fate, check) > 3


def test_a_damaged_log_does_not_outlive_the_snapshot_that_replaces_it() -> None:
    disk, told = new_disk(), list[str]()
    data = bytearray(log_of(1, 2, 3, 4))
    data[len(log_of(1, 2)) + 20] ^= 1
    write_file(disk, "log.1", bytes(data))
    write_snapshot(disk, state_at(9))
    with pytest.raises(CorruptionError):
        recovered(disk)
    run(partial(resync_on(disk, told).forget_behind, 9))
    assert disk.names(FOLDER) == ["snapshot.9"]
    assert "damaged" in told[0]
    assert last_zxid(disk) == 9


# Between two roles.


def test_a_state_that_is_not_to_be_believed_is_loaded_again() -> None:
    seen: list[int] = []
    assert same(run(partial(resync_on(history()).reload, lambda zxid, _: seen.append(zxid))), state_at(7))
    assert seen == list(range(seen[0], 8))


def test_a_file_in_the_making_is_left_alone() -> None:
    """`recover` would take it for one of a server that has died."""
    disk = history()
    write_file(disk, "tmp.snapshot.7", b"in the making")
    run(resync_on(disk).reload)
    assert "tmp.snapshot.7" in disk.names(FOLDER)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("read", lambda resync: resync.truncate(3)),
        ("remove", lambda resync: resync.truncate(3)),
        ("truncate", lambda resync: resync.truncate(3)),
        ("remove", lambda resync: resync.forget_behind(3)),
        ("truncate", lambda resync: resync.forget_behind(3)),
    ],
)
def test_a_disk_that_refuses_is_told(kind: str, what: Callable[[Resync], Awaitable[object]]) -> None:
    disk = history()
    disk.fail_next(kind)

    async def main() -> None:
        with pytest.raises(StorageError, match=FOLDER):
            await what(resync_on(disk))

    run(main)
