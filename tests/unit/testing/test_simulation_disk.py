"""The simulated disk: what programs see, its lanes and its faults."""

import asyncio
import errno
import functools
from collections.abc import Callable

import pytest
from helpers_for_simulation import new_disk, read, write

from zkeeper.storage.disk import Disk
from zkeeper.testing.simulation import Simulation

SEEDS = range(200)


def test_files_read_back_what_was_written() -> None:
    disk: Disk = new_disk()
    disk.make_folders("/data/version-2")
    file = disk.open_writer("/data/version-2/log")
    file.write(b"abc")
    file.write(b"def")
    file.reserve(10)
    file.reserve(4)
    assert disk.size_bytes("/data/version-2/log") == 10
    reader = disk.open_reader("/data/version-2/log")
    assert [reader.read(4), reader.read(100), reader.read(1)] == [b"abcd", b"ef\0\0\0\0", b""]
    disk.truncate("/data/version-2/log", 2)
    assert read(disk, "/data/version-2/log") == b"ab"
    file.write(b"g")
    assert read(disk, "/data/version-2/log") == b"ab\0\0\0\0g"
    assert disk.names("/data") == ["version-2"]
    assert disk.names("/data/version-2") == ["log"]


def test_names_change() -> None:
    disk = new_disk()
    write(disk, "/a", b"1")
    write(disk, "/b", b"2")
    disk.rename("/a", "/b")
    assert (disk.names("/"), read(disk, "/b")) == (["b"], b"1")
    assert (disk.exists("/a"), disk.exists("/b"), disk.exists("/")) == (False, True, True)
    disk.remove("/b")
    assert disk.names("/") == []
    write(disk, "/c", b"long")
    write(disk, "/c", b"new")
    assert read(disk, "/c") == b"new"


@pytest.mark.parametrize(
    "operation",
    [
        lambda disk: disk.names("/none"),
        lambda disk: disk.size_bytes("/none"),
        lambda disk: disk.open_reader("/none"),
        lambda disk: disk.open_writer("/none/file"),
        lambda disk: disk.remove("/none"),
        lambda disk: disk.rename("/none", "/other"),
        lambda disk: disk.truncate("/none", 1),
        lambda disk: disk.sync_folder("/none"),
        lambda disk: disk.free_bytes("/none"),
    ],
)
def test_what_is_missing_is_told(operation: Callable[[Disk], object]) -> None:
    with pytest.raises(FileNotFoundError):
        operation(new_disk())


def test_closed_files_and_readers_refuse() -> None:
    disk = new_disk()
    file = write(disk, "/a", b"1")
    file.close()
    file.close()
    reader = disk.open_reader("/a")
    operations: list[Callable[[], None]] = [lambda: file.write(b"x"), file.sync, lambda: reader.write(b"x")]
    for operation in operations:
        with pytest.raises(OSError, match="Bad file descriptor"):
            operation()


def test_a_file_in_the_way_of_a_folder_is_an_error() -> None:
    disk = new_disk()
    write(disk, "/data", b"1")
    with pytest.raises(FileExistsError):
        disk.make_folders("/data")


def test_a_full_disk_takes_what_fits() -> None:
    disk = new_disk()
    disk.capacity_bytes = 10
    file = write(disk, "/a", b"1234567")
    file.reserve(1000)
    assert disk.free_bytes("/") == 3
    with pytest.raises(OSError, match="No space") as caught:
        file.write(b"89abcd")
    assert caught.value.errno == errno.ENOSPC
    assert read(disk, "/a")[:11] == b"123456789a\0"
    disk.remove("/a")
    assert disk.free_bytes("/") == 10


def test_operations_fail_on_demand() -> None:
    disk = new_disk()
    file = write(disk, "/a", b"1")
    disk.fail_next("write", count=2)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output") as caught:
            file.write(b"2")
        assert caught.value.errno == errno.EIO
    file.write(b"3")
    assert read(disk, "/a") == b"13"
    disk.fail_next("rename", errno.EACCES)
    with pytest.raises(PermissionError):
        disk.rename("/a", "/b")


def test_a_read_only_disk() -> None:
    disk = new_disk()
    write(disk, "/a", b"1")
    assert disk.is_writable("/")
    disk.is_read_only = True
    assert not disk.is_writable("/")
    assert read(disk, "/a") == b"1"
    with pytest.raises(OSError, match="Read-only"):
        disk.open_writer("/b")


def test_jobs_of_a_lane_run_in_order_and_lanes_are_independent() -> None:
    with Simulation(1) as sim:
        disk = sim.machine("a").disk
        seen: list[str] = []

        async def main() -> None:
            disk.set_latency(1, 2)
            disk.set_latency(0.001, 0.002, lane="fast")
            slow = [disk.submit("slow", functools.partial(seen.append, f"slow {number}")) for number in range(3)]
            await disk.submit("fast", lambda: seen.append("fast"))
            await asyncio.gather(*slow)

        sim.run(main())
        assert seen == ["fast", "slow 0", "slow 1", "slow 2"]
        assert 3 < sim.time() < 6.1


def test_the_exception_of_a_job_is_the_futures() -> None:
    with Simulation(1) as sim:
        disk = sim.machine("a").disk

        async def main() -> None:
            with pytest.raises(FileNotFoundError):
                await disk.submit("log", lambda: disk.open_reader("/none"))
            with pytest.raises(RuntimeError, match="no running event loop"):
                await disk.submit("log", asyncio.get_running_loop)
            assert await disk.submit("log", lambda: 3) == 3

        sim.run(main())
