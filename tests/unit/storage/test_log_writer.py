"""The transaction log: what it writes, when it says so, and how it fails."""

import asyncio
import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_support import (
    FOLDER,
    HEADER,
    append,
    create,
    entry,
    log_of,
    new_disk,
    new_log,
    read_file,
    run,
    settled,
    write_log,
)

from zkeeper.errors import StorageError
from zkeeper.storage.log_format import padded_size
from zkeeper.storage.log_reader import LogReader
from zkeeper.testing.simulation import SimulatedDisk, Unsynced

KIB = 1024


def zxids_in(disk: SimulatedDisk) -> list[int]:
    return [zxid for zxid, _ in LogReader(disk, FOLDER, 0, 1 << 21).entries()]


def sizes(disk: SimulatedDisk) -> dict[str, int]:
    return {name: disk.size_bytes(f"{FOLDER}/{name}") for name in disk.names(FOLDER)}


def test_the_file_holds_header_entries_and_padding() -> None:
    disk = new_disk()
    write_log(disk, [1, 2], [3])
    assert read_file(disk, "log.1") == log_of(1, 2, 3).ljust(65552, b"\0")


def test_what_a_sync_confirmed_survives_the_loss_of_everything_else() -> None:
    disk = new_disk()

    async def main() -> None:
        log = new_log(disk)
        append(log, create(1), create(2))
        assert (await log.sync()).zxid == 2
        append(log, create(3))
        disk.crash(Unsynced.LOST)

    run(main)
    assert zxids_in(disk) == [1, 2]


def test_syncs_asked_for_during_a_sync_share_the_next() -> None:
    disk = new_disk()

    async def main() -> list[int]:
        log = new_log(disk)
        syncs = []
        for zxid in range(1, 6):
            append(log, create(zxid))
            syncs.append(log.sync())
        syncs.append(log.sync())
        return [result.zxid for result in await asyncio.gather(*syncs)]

    assert run(main) == [1, 5, 5, 5, 5, 5]
    assert zxids_in(disk) == [1, 2, 3, 4, 5]


def test_a_roll_begins_a_file_with_the_next_transaction() -> None:
    disk = new_disk()

    async def main() -> None:
        log = new_log(disk)
        append(log, create(1), create(2))
        log.roll()
        log.roll()
        append(log, create(3))
        await log.sync()
        log.roll()
        await log.sync()
        append(log, create(4))
        await log.sync()
        await log.close()

    run(main)
    assert sizes(disk) == {"log.1": 65552, "log.3": 65552, "log.4": 65552}
    assert zxids_in(disk) == [1, 2, 3, 4]


def test_the_size_counts_padding_and_is_counted_anew_after_a_roll() -> None:
    disk = new_disk()

    async def main() -> None:
        log = new_log(disk)
        assert log.size_bytes == 0
        append(log, create(1))
        await log.sync()
        assert log.size_bytes == 65552
        log.roll()
        append(log, create(2))
        assert log.size_bytes == 2 * 65552
        log.roll()
        log.forget_size()
        assert log.size_bytes == 0
        append(log, create(3))
        assert log.size_bytes == 65552
        await log.sync()

    run(main)


def test_a_size_limit_below_the_padding_ends_the_file_at_every_sync() -> None:
    disk = new_disk()
    write_log(disk, [1, 2], [3], [4, 5], txn_log_size_limit_bytes=1000)
    assert list(sizes(disk)) == ["log.1", "log.3", "log.4"]
    write_log(disk, [6], [7], last_zxid=5, txn_log_size_limit_bytes=100_000)
    assert list(sizes(disk)) == ["log.1", "log.3", "log.4", "log.6"]


def test_the_golden_size_of_a_file_that_outgrew_its_padding() -> None:
    """A golden log of Java's is 262144 bytes: a 200 kB entry went beyond the padding, later ones found it used up."""
    disk = new_disk()

    async def main() -> None:
        log = new_log(disk)
        for zxid, data_bytes in ((1, 10), (2, 200_000), (3, 10)):
            append(log, create(zxid, data=bytes(data_bytes)))
            await log.sync()

    run(main)
    assert sizes(disk) == {"log.1": 262144}


@pytest.mark.parametrize(
    ("position", "size", "pre_alloc", "expected"),
    [
        (16, 16, 64 * KIB, 65552),
        (16, 16, 64 * 1024 * KIB, 67108880),
        (61455, 65552, 64 * KIB, 65552),
        (61456, 65552, 64 * KIB, 131088),
        (65552, 65552, 64 * KIB, 131088),
        (65553, 65552, 64 * KIB, 131072),
        (16, 16, 0, 16),
        (16, 16, -1, 16),
        (16, 16, 1, 17),
    ],
)
def test_padding_is_javas(position: int, size: int, pre_alloc: int, expected: int) -> None:
    assert padded_size(position, size, pre_alloc) == expected


def test_without_preallocation_the_file_ends_with_its_last_entry() -> None:
    disk = new_disk()
    write_log(disk, [1], [2, 3], pre_alloc_bytes=0)
    assert read_file(disk, "log.1") == log_of(1, 2, 3)


def test_tiny_preallocation_grows_with_every_entry_as_in_java() -> None:
    disk = new_disk()
    write_log(disk, [1, 2, 3], pre_alloc_bytes=1000)
    assert sizes(disk) == {"log.1": 16 + 3 * 1000}


@settings(max_examples=30)
@given(
    st.lists(st.lists(st.integers(0, 9000), min_size=1, max_size=4), min_size=1, max_size=6),
    st.sampled_from([0, 1, 1000, 5000, 65536]),
    st.sampled_from([0, 4000, 70000]),
)
def test_whatever_is_appended_is_read_back(batches: list[list[int]], pre_alloc: int, limit: int) -> None:
    disk = new_disk()
    expected: list[tuple[int, bytes]] = []

    async def main() -> None:
        log = new_log(disk, pre_alloc_bytes=pre_alloc, txn_log_size_limit_bytes=limit)
        for batch in batches:
            for data_bytes in batch:
                txn = create(len(expected) + 1, data=bytes(data_bytes))
                expected.append((int(txn.zxid), txn.encode()))
                append(log, txn)
            await log.sync()

    run(main)
    assert list(LogReader(disk, FOLDER, 0, 1 << 21).entries()) == expected


@pytest.mark.parametrize(("last", "zxid"), [(5, 5), (5, 7), (5, 4), ((2 << 32) + 3, (1 << 32) + 9)])
def test_a_zxid_out_of_order_is_a_bug_of_ours(last: int, zxid: int) -> None:
    log = new_log(new_disk(), last)
    with pytest.raises(AssertionError, match="is appended after"):
        append(log, create(zxid))


def test_epochs_and_received_snapshots_may_leave_zxids_out() -> None:
    disk = new_disk()

    async def main() -> None:
        log = new_log(disk)
        append(log, create(1), create((1 << 32) + 1))
        log.restart_after((1 << 32) + 50)
        append(log, create((1 << 32) + 51))
        await log.sync()

    run(main)
    assert disk.names(FOLDER) == ["log.1", "log.100000033"]


@pytest.mark.parametrize("kind", ["create", "write", "reserve", "sync", "sync_folder"])
def test_after_a_failure_nothing_is_acknowledged_and_nothing_written(kind: str) -> None:
    disk = new_disk()
    told: list[str] = []

    async def main() -> None:
        log = new_log(disk, told=told)
        append(log, create(1))
        await log.sync()
        log.roll()
        append(log, create(2))
        disk.fail_next(kind)
        first = log.sync()
        append(log, create(3))
        second = log.sync()
        for sync in (first, second):
            error = await settled(sync)
            assert isinstance(error, StorageError)
        assert "EIO" in str(first.exception())
        assert "log.2" in str(first.exception())
        with pytest.raises(StorageError, match="EIO"):
            append(log, create(4))
        assert isinstance(await settled(log.sync()), StorageError)

    run(main)
    assert zxids_in(disk) == [1]
    assert told == [], "whoever waits for the sync says it, once"


def test_what_a_failed_sync_left_behind_is_cut_off() -> None:
    """ZOOKEEPER-4882: a restart must not believe what may never become durable."""
    disk = new_disk()

    async def main() -> None:
        log = new_log(disk)
        append(log, create(1))
        await log.sync()
        append(log, create(2), create(3))
        disk.fail_next("sync")
        await settled(log.sync())

    run(main)
    assert read_file(disk, "log.1") == log_of(1)


def test_a_full_disk_is_called_so_and_keeps_what_was_acknowledged() -> None:
    disk = new_disk()
    disk.capacity_bytes = 1000

    async def main() -> BaseException | None:
        log = new_log(disk)
        append(log, create(1))
        await log.sync()
        append(log, create(2, data=bytes(range(256)) * 8))
        return await settled(log.sync())

    error = run(main)
    assert "the disk is full" in str(error)
    assert isinstance(error, StorageError)
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno == errno.ENOSPC
    assert zxids_in(disk) == [1]


def test_little_room_is_told_when_a_file_is_begun() -> None:
    disk = new_disk()
    disk.capacity_bytes = 10_000
    told: list[str] = []

    async def main() -> None:
        log = new_log(disk, told=told, low_space_bytes=100_000)
        append(log, create(1))
        free_bytes = (await log.sync()).free_bytes
        assert free_bytes is not None
        assert free_bytes < 10_000
        append(log, create(2))
        assert (await log.sync()).free_bytes is None

    run(main)
    assert len(told) == 1
    assert "free space now" in told[0]


def test_a_slow_sync_is_counted_and_told() -> None:
    disk = new_disk()
    told: list[str] = []

    async def main() -> None:
        log = new_log(disk, told=told, sync_warning_ms=1000)
        append(log, create(1))
        await log.sync()
        assert log.slow_syncs == 0
        disk.set_latency(1.5, 1.5)
        append(log, create(2))
        assert (await log.sync()).duration_s >= 1.5
        assert log.slow_syncs == 1

    run(main)
    assert len(told) == 1
    assert "1500 ms" in told[0]


def test_without_force_sync_the_log_answers_without_syncing() -> None:
    disk = new_disk()
    disk.fail_next("sync", count=100)
    disk.fail_next("sync_folder", count=100)
    write_log(disk, [1], [2], force_sync=False)
    assert zxids_in(disk) == [1, 2]


def test_an_abandoned_sync_does_no_harm() -> None:
    disk = new_disk()

    async def main() -> int:
        log = new_log(disk)
        append(log, create(1))
        log.sync().cancel()
        append(log, create(2))
        return (await log.sync()).zxid

    assert run(main) == 2
    assert zxids_in(disk) == [1, 2]


def test_an_entry_is_checksum_length_payload_and_mark() -> None:
    disk = new_disk()
    write_log(disk, [1], pre_alloc_bytes=0)
    assert read_file(disk, "log.1") == HEADER + entry(create(1))
