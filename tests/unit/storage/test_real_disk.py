"""The disk of the operating system, on a temporary folder."""

import asyncio
import errno
import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from zkeeper.storage import real_disk
from zkeeper.storage.disk import Disk
from zkeeper.storage.real_disk import RealDisk


@pytest.fixture
def disk() -> Iterator[Disk]:
    real = RealDisk()
    yield real
    real.close()


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_a_file_like_another_lets_in_whom_that_lets_in(disk: Disk, tmp_path: Path, mode: int) -> None:
    secret, new = tmp_path / "zoo.cfg", tmp_path / "zoo.cfg.tmp"
    secret.write_text("")
    secret.chmod(mode)
    disk.open_writer(str(new), str(secret)).close()
    assert new.stat().st_mode & 0o777 == mode


def test_files_read_back_what_was_written(disk: Disk, tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    file = disk.open_writer(path)
    file.write(b"abc")
    file.write(b"def")
    file.reserve(10)
    file.reserve(4)
    file.sync()
    assert disk.size_bytes(path) == 10
    reader = disk.open_reader(path)
    assert [reader.read(4), reader.read(100), reader.read(1)] == [b"abcd", b"ef\0\0\0\0", b""]
    disk.truncate(path, 2)
    file.write(b"g")
    assert disk.open_reader(path).read(100) == b"ab\0\0\0\0g"
    disk.open_writer(path)
    assert disk.size_bytes(path) == 0


def test_what_is_written_again_is_the_same(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks, and no further than the file reaches."""
    log, written = tmp_path / "log", []
    log.write_bytes(b"0123456789")
    real_write = os.pwrite

    def write(descriptor: int, data: bytes, offset: int) -> int:
        written.append((offset, data))
        return real_write(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(real_disk, "REWRITE_CHUNK_BYTES", 3)
    disk.write_again(str(log), 2, 7)
    disk.write_again(str(log), 8, 100)
    assert written == [(2, b"234"), (5, b"56"), (8, b"89")]
    assert log.read_bytes() == b"0123456789"


def test_partial_writes_are_completed(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: real_write(descriptor, data[:3], offset))
    file = disk.open_writer(str(tmp_path / "log"))
    file.write(b"0123456789")
    file.write(b"ab")
    assert (tmp_path / "log").read_bytes() == b"0123456789ab"


def test_closed_files_refuse_and_close_twice(disk: Disk, tmp_path: Path) -> None:
    file = disk.open_writer(str(tmp_path / "log"))
    file.close()
    file.close()
    for operation in (lambda: file.write(b"x"), file.sync, lambda: file.read(1), lambda: file.reserve(1)):
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            operation()
        assert caught.value.errno == errno.EBADF


def test_names_and_folders(disk: Disk, tmp_path: Path) -> None:
    folder = str(tmp_path / "data" / "version-2")
    disk.make_folders(folder)
    disk.make_folders(folder)
    for name in ("b", "a"):
        disk.open_writer(f"{folder}/{name}").write(name.encode())
    assert disk.names(folder) == ["a", "b"]
    disk.rename(f"{folder}/a", f"{folder}/b")
    disk.sync_folder(folder)
    assert disk.open_reader(f"{folder}/b").read(9) == b"a"
    assert (disk.exists(f"{folder}/a"), disk.exists(f"{folder}/b")) == (False, True)
    disk.remove(f"{folder}/b")
    assert disk.names(folder) == []
    assert disk.free_bytes(folder) > 0
    assert disk.is_writable(folder)
    assert not disk.is_writable(f"{folder}/none")


def test_a_file_in_the_way_of_a_folder_is_an_error(disk: Disk, tmp_path: Path) -> None:
    disk.open_writer(str(tmp_path / "data"))
    with pytest.raises(FileExistsError):
        disk.make_folders(str(tmp_path / "data"))


def test_what_is_missing_is_told(disk: Disk, tmp_path: Path) -> None:
    path = str(tmp_path / "none")
    for operation in (disk.names, disk.size_bytes, disk.open_reader, disk.remove, disk.sync_folder, disk.free_bytes):
        with pytest.raises(FileNotFoundError):
            operation(path)
    with pytest.raises(FileNotFoundError):
        disk.truncate(path, 0)


def test_a_lane_runs_its_jobs_in_order_on_one_thread(disk: Disk) -> None:
    seen: list[tuple[int, int]] = []

    def note(number: int) -> None:
        seen.append((number, threading.get_ident()))

    async def main() -> None:
        await asyncio.gather(*[disk.submit("log", functools.partial(note, number)) for number in range(200)])

    asyncio.run(main())
    assert [number for number, _ in seen] == list(range(200))
    assert len({thread for _, thread in seen} | {threading.get_ident()}) == 2


def test_lanes_do_not_wait_for_one_another(disk: Disk) -> None:
    release = threading.Event()

    async def main() -> None:
        blocked = disk.submit("snapshot", lambda: release.wait(30))
        assert await disk.submit("log", lambda: "done") == "done"
        assert not blocked.done()
        release.set()
        assert await blocked

    asyncio.run(main())


def test_the_exception_of_a_job_is_the_futures(disk: Disk, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(FileNotFoundError):
            await disk.submit("log", lambda: disk.open_reader(str(tmp_path / "none")))
        assert await disk.submit("log", lambda: "the lane goes on") == "the lane goes on"

    asyncio.run(main())


def test_the_result_arrives_on_the_loop_that_submitted(disk: Disk) -> None:
    threads: list[int] = []

    async def main() -> None:
        future = disk.submit("log", lambda: None)
        future.add_done_callback(lambda _: threads.append(threading.get_ident()))
        await future

    asyncio.run(main())
    assert threads == [threading.get_ident()]


def test_a_cancelled_future_does_not_disturb_the_lane(disk: Disk) -> None:
    release = threading.Event()

    async def main() -> None:
        cancelled = disk.submit("log", lambda: release.wait(30))
        cancelled.cancel()
        release.set()
        assert await disk.submit("log", lambda: 1) == 1
        assert cancelled.cancelled()

    asyncio.run(main())


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_was_closed_meanwhile_harms_nobody() -> None:
    disk = RealDisk()
    release = threading.Event()

    async def main() -> None:
        disk.submit("log", lambda: release.wait(30))

    asyncio.run(main())
    release.set()

    async def again() -> int:
        return await disk.submit("log", lambda: 2)

    assert asyncio.run(again()) == 2
    disk.close()


def test_close_waits_for_the_jobs_and_ends_the_threads(tmp_path: Path) -> None:
    disk = RealDisk()
    seen: list[int] = []

    async def main() -> None:
        for number in range(50):
            disk.submit(f"lane {number % 2}", functools.partial(seen.append, number))
        disk.close()
        disk.close()
        assert sorted(seen) == list(range(50))
        with pytest.raises(RuntimeError, match="closed"):
            disk.submit("log", lambda: None)

    asyncio.run(main())
    assert not any(thread.name.startswith("disk-lane") for thread in threading.enumerate())


def test_a_locked_folder_keeps_another_disk_out(tmp_path: Path) -> None:
    first, second = RealDisk(), RealDisk()
    first.lock(str(tmp_path))
    first.lock(str(tmp_path))
    with pytest.raises(BlockingIOError):
        second.lock(str(tmp_path))
    first.close()
    second.lock(str(tmp_path))
    second.close()
