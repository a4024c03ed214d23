"""What survives a crash of the simulated disk."""

import pytest
from helpers_for_simulation import new_disk, read, write

from zkeeper.storage.disk import Disk, DiskFile
from zkeeper.testing.simulation import Killed, SimulatedDisk, Unsynced

SEEDS = range(200)


def test_what_was_synced_survives_every_fate() -> None:
    for fate in Unsynced:
        for seed in SEEDS:
            disk = new_disk(seed)
            write(disk, "/a", b"synced").write(b"not synced")
            disk.crash(fate)
            assert read(disk, "/a").startswith(b"synced")


def test_fates_of_unsynced_bytes() -> None:
    for fate, expected in ((Unsynced.KEPT, b"synced, not"), (Unsynced.LOST, b"synced")):
        disk = new_disk()
        write(disk, "/a", b"synced").write(b", not")
        disk.crash(fate)
        assert read(disk, "/a") == expected


def test_writes_are_kept_dropped_and_torn_in_order() -> None:
    seen = set()
    for seed in SEEDS:
        disk = new_disk(seed)
        file = write(disk, "/a", b"")
        file.write(b"1234")
        file.write(b"5678")
        disk.crash()
        seen.add(read(disk, "/a"))
    assert seen == {b"12345678"[:length] for length in range(9)}


def test_reordered_sectors_survive_independently() -> None:
    seen = set()
    for seed in SEEDS:
        disk = new_disk(seed)
        file = write(disk, "/a", b"x" * 100)
        file.write(b"y" * 1000)
        disk.crash(Unsynced.REORDERED)
        data = read(disk, "/a")
        seen.add((len(data), data.count(b"y")))
    # The write spans three sectors: 412, 512 and 76 bytes of it; what is dropped before a kept one reads as zeros.
    assert seen == {(100, 0), (512, 412), (1024, 512), (1024, 924), (1100, 76), (1100, 488), (1100, 588), (1100, 1000)}


def test_a_truncation_is_durable() -> None:
    disk = new_disk()
    write(disk, "/a", b"12345678")
    disk.truncate("/a", 3)
    disk.crash(Unsynced.LOST)
    assert read(disk, "/a") == b"123"


def test_reserved_space_needs_a_sync_too() -> None:
    disk = new_disk()
    file = write(disk, "/a", b"1")
    file.reserve(1 << 30)
    disk.crash(Unsynced.LOST)
    assert disk.size_bytes("/a") == 1


def test_a_created_name_is_lost_without_a_sync_of_its_folder() -> None:
    disk = new_disk()
    disk.open_writer("/a").sync()
    disk.crash(Unsynced.LOST)
    assert disk.names("/") == []


def test_a_rename_is_lost_without_a_sync_of_its_folder() -> None:
    outcomes = set()
    for seed in SEEDS:
        disk = new_disk(seed)
        write(disk, "/epoch", b"1")
        write(disk, "/epoch.new", b"2")
        disk.rename("/epoch.new", "/epoch")
        disk.crash()
        outcomes.add((*disk.names("/"), read(disk, "/epoch")))
    assert outcomes == {("epoch", "epoch.new", b"1"), ("epoch", b"2")}


def test_a_rename_without_a_sync_of_the_file_leaves_any_content() -> None:
    outcomes = set()
    for seed in SEEDS:
        disk = new_disk(seed)
        write(disk, "/epoch", b"1")
        write(disk, "/epoch.new", b"2", synced=False)
        disk.rename("/epoch.new", "/epoch")
        disk.sync_folder("/")
        disk.crash()
        outcomes.add(read(disk, "/epoch"))
    assert outcomes == {b"", b"2"}


def test_a_removal_is_undone_without_a_sync_of_its_folder() -> None:
    for is_synced, expected in ((False, ["a"]), (True, [])):
        disk = new_disk()
        write(disk, "/a", b"1")
        disk.remove("/a")
        if is_synced:
            disk.sync_folder("/")
        disk.crash(Unsynced.LOST)
        assert disk.names("/") == expected


def test_folders_are_durable_when_made() -> None:
    disk = new_disk()
    disk.make_folders("/data/version-2/")
    disk.crash(Unsynced.LOST)
    assert disk.names("/data") == ["version-2"]


def test_syncing_one_folder_leaves_another() -> None:
    disk = new_disk()
    disk.make_folders("/x")
    disk.make_folders("/y")
    for path in ("/x/file", "/y/file"):
        disk.open_writer(path)
    disk.sync_folder("/x")
    disk.crash(Unsynced.LOST)
    assert (disk.names("/x"), disk.names("/y")) == (["file"], [])


def disk_with_a_failed_sync(seed: int, data: bytes) -> tuple[SimulatedDisk, DiskFile]:
    """`/a` shows `data`, which is not on the disk."""
    disk = new_disk(seed)
    file = write(disk, "/a", b"")
    file.write(data)
    disk.fail_next("sync")
    with pytest.raises(OSError, match="Input/output"):
        file.sync()
    return disk, file


def test_after_a_failed_sync_a_later_one_does_not_help() -> None:
    outcomes = set()
    for seed in SEEDS:
        disk, file = disk_with_a_failed_sync(seed, b"1")
        assert read(disk, "/a") == b"1"
        file.sync()
        disk.crash(Unsynced.KEPT)
        outcomes.add(read(disk, "/a"))
    assert outcomes == {b"", b"1"}


def test_after_a_failed_sync_what_is_written_again_lasts() -> None:
    for seed in SEEDS:
        disk, _ = disk_with_a_failed_sync(seed, b"0123")
        disk.write_again("/a", 1, 4)
        disk.crash()
        assert read(disk, "/a").endswith(b"123")


def test_a_lying_disk_says_it_synced() -> None:
    disk = new_disk()
    disk.is_lying = True
    write(disk, "/a", b"1")
    disk.crash(Unsynced.LOST)
    assert disk.names("/") == []


def test_a_flipped_bit_stays_flipped() -> None:
    disk = new_disk()
    write(disk, "/a", b"\x00\x01\x02")
    disk.flip("/a", 1, bit=7)
    assert read(disk, "/a") == b"\x00\x81\x02"
    disk.crash(Unsynced.LOST)
    assert read(disk, "/a") == b"\x00\x81\x02"


def change_everything(disk: Disk) -> None:
    disk.make_folders("/data")
    file = disk.open_writer("/data/new")
    file.write(b"12")
    file.reserve(4)
    file.sync()
    disk.rename("/data/new", "/data/old")
    disk.sync_folder("/data")
    disk.truncate("/data/old", 1)
    disk.remove("/data/old")


def test_a_kill_at_every_step() -> None:
    whole = new_disk()
    change_everything(whole)
    assert whole.count_steps == 9
    for step in range(1, whole.count_steps + 1):
        disk = new_disk(step)
        disk.kill_at_step(step)
        with pytest.raises(Killed):
            change_everything(disk)
        assert disk.count_steps == step
    disk.kill_at_step(whole.count_steps + 1)
    change_everything(disk)


def test_files_that_were_open_at_a_crash_are_dead() -> None:
    disk = new_disk()
    file = write(disk, "/a", b"1")
    disk.crash()
    for operation in (lambda: file.write(b"2"), lambda: file.read(1), file.sync):
        with pytest.raises(Killed):
            operation()


def test_disks_of_equal_seeds_are_equal() -> None:
    def outcome(seed: int) -> bytes:
        disk = new_disk(seed)
        file = write(disk, "/a", b"")
        for number in range(20):
            file.write(bytes([number]) * 600)
        disk.crash(Unsynced.REORDERED)
        return read(disk, "/a")

    assert outcome(1) == outcome(1) != outcome(2)
