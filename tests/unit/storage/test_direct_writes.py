"""The short way to a durable write, on this machine's own file system and kernel."""

import asyncio
import errno
import fcntl
import os
import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zkeeper.storage import direct_writes, real_file, ring
from zkeeper.storage.direct_writes import MAX_WRITE_BYTES, DirectWriter
from zkeeper.storage.real_disk import RealDisk
from zkeeper.storage.real_file import RealFile

RESERVED_BYTES = 1 << 22
HEADER = b"header of 16 byt"


@pytest.fixture
def disk() -> Iterator[RealDisk]:
    real = RealDisk()
    yield real
    real.close()


def new_file(disk: RealDisk, path: Path, reserved_bytes: int = RESERVED_BYTES) -> RealFile:
    file = disk.open_writer(str(path))
    file.write(HEADER)
    file.reserve(reserved_bytes)
    file.sync()
    return file


async def settled(disk: RealDisk) -> None:
    await disk.submit("log", lambda: None)


@pytest.fixture
def direct_count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every write that went the short way. Skips where the system has no such way."""
    counted: list[int] = []
    write = DirectWriter.write

    def counting(self: DirectWriter, descriptor: int, address: int, size: int, offset: int, told: object) -> bool:
        counted.append(size)
        return write(self, descriptor, address, size, offset, told)  # type: ignore[arg-type]

    async def probe() -> bool:
        writer = DirectWriter.on(asyncio.get_running_loop())
        if writer is not None:
            writer.close()
        return writer is not None

    if not asyncio.run(probe()):
        pytest.skip("this system forbids io_uring or has none")
    monkeypatch.setattr(DirectWriter, "write", counting)
    return counted


def test_random_writes_by_both_ways_leave_what_was_written(
    disk: RealDisk, tmp_path: Path, direct_count: list[int]
) -> None:
    path, chance = tmp_path / "log", random.Random(1)
    expected = bytearray(HEADER)

    async def main() -> None:
        file = new_file(disk, path)
        while len(expected) < RESERVED_BYTES - 2 * MAX_WRITE_BYTES:
            data = bytes([chance.randrange(1, 256)]) * chance.choice([1, 50, 4080, 4096, 13_000, 100_000, 300_000])
            expected.extend(data)
            written = disk.write_durably_soon("log", file, data)
            if chance.random() < 0.2:  # The lane, too, and behind the write that is on its way.
                expected.extend(b"lane")
                disk.submit("log", lambda: file.write_durably(b"lane"))
            await written
            if chance.random() < 0.7:
                await settled(disk)
        await settled(disk)

    asyncio.run(main())
    found = path.read_bytes()
    assert found[: len(expected)] == bytes(expected)
    assert not any(found[len(expected) :])
    assert len(found) == RESERVED_BYTES
    assert len(direct_count) > 10


def test_a_write_that_would_move_the_end_of_the_file_takes_the_lane(
    disk: RealDisk, tmp_path: Path, direct_count: list[int]
) -> None:
    async def main() -> None:
        file = new_file(disk, tmp_path / "log", reserved_bytes=4096)
        await disk.write_durably_soon("log", file, b"x" * 4000)
        await disk.write_durably_soon("log", file, b"y" * 4000)

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes() == HEADER + b"x" * 4000 + b"y" * 4000
    assert direct_count == [4096]


@pytest.mark.parametrize("came_to", [-errno.EINVAL, 512])
def test_what_the_short_way_leaves_undone_the_lane_does_first(
    disk: RealDisk, tmp_path: Path, direct_count: list[int], monkeypatch: pytest.MonkeyPatch, came_to: int
) -> None:
    result = direct_writes.Ring.result
    monkeypatch.setattr(direct_writes.Ring, "result", lambda self: None if result(self) is None else came_to)

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        first = disk.write_durably_soon("log", file, b"first")
        second = disk.write_durably_soon("log", file, b"second")
        await asyncio.gather(first, second)
        await disk.write_durably_soon("log", file, b"third")

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"firstsecondthird"
    assert len(direct_count) == 1


def test_an_error_reaches_the_future(disk: RealDisk, tmp_path: Path) -> None:
    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        file.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            await disk.write_durably_soon("log", file, b"x")

    asyncio.run(main())


def test_without_io_uring_the_lane_writes(disk: RealDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(direct_writes, "Ring", refuse)

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        await disk.write_durably_soon("log", file, b"x")

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"x"


def test_the_short_way_can_be_closed(tmp_path: Path, direct_count: list[int]) -> None:
    disk = RealDisk(direct_writes=False)

    async def main() -> None:
        await disk.write_durably_soon("log", new_file(disk, tmp_path / "log"), b"x")

    asyncio.run(main())
    disk.close()
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"x"
    assert direct_count == []


def test_a_file_system_without_direct_writes_is_written_by_the_lane(
    disk: RealDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_file.DirectFile, "of", lambda descriptor: None)

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        await asyncio.gather(*[disk.write_durably_soon("log", file, b"%d" % number) for number in range(5)])

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"01234"


def test_close_waits_for_the_write_on_its_way(tmp_path: Path, direct_count: list[int]) -> None:
    disk = RealDisk()

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        written = disk.write_durably_soon("log", file, b"x" * 100_000)
        disk.close()
        assert written.done()

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"x" * 100_000
    assert len(direct_count) == 1


def test_another_loop_takes_the_lane(disk: RealDisk, tmp_path: Path, direct_count: list[int]) -> None:
    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        await disk.write_durably_soon("log", file, b"x")
        await settled(disk)

    asyncio.run(main())
    asyncio.run(main())
    assert len(direct_count) == 1


def test_close_waits_for_the_write_whose_loop_is_no_more(tmp_path: Path, direct_count: list[int]) -> None:
    disk = RealDisk()

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        disk.write_durably_soon("log", file, b"x" * 100_000).add_done_callback(print)

    asyncio.run(main())
    disk.close()
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"x" * 100_000
    assert len(direct_count) == 1


def unreadable(descriptor: int, size_bytes: int, offset: int) -> bytes:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("pread", [unreadable, lambda descriptor, size_bytes, offset: b"short"])
def test_a_last_block_that_cannot_be_read_is_left_to_the_lane(
    disk: RealDisk, tmp_path: Path, direct_count: list[int], monkeypatch: pytest.MonkeyPatch,
    pread: Callable[[int, int, int], bytes],
) -> None:  # fmt: skip
    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        monkeypatch.setattr(os, "pread", pread)
        await asyncio.wait_for(disk.write_durably_soon("log", file, b"x"), 60)

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"x"
    assert direct_count == []


def test_a_write_that_the_kernel_did_not_take_is_left_to_the_lane(
    disk: RealDisk, tmp_path: Path, direct_count: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ring._call
    monkeypatch.setattr(ring, "_call", lambda number, *words: 0 if number == ring.ENTER else call(number, *words))

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        await asyncio.wait_for(disk.write_durably_soon("log", file, b"x"), 60)

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes().rstrip(b"\0") == HEADER + b"x"
    assert len(direct_count) == 1


def test_a_lock_waits_for_what_is_on_its_way_into_the_folder(
    disk: RealDisk, tmp_path: Path, direct_count: list[int]
) -> None:
    """A write outlives its process; what it keeps locked is tried here with the file still open."""
    second, is_locked = RealDisk(), threading.Event()

    def lock() -> None:
        second.lock(str(tmp_path))
        is_locked.set()

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        await disk.write_durably_soon("log", file, b"x")
        await settled(disk)
        with open(tmp_path / "log") as reader, pytest.raises(BlockingIOError):
            fcntl.flock(reader, fcntl.LOCK_SH | fcntl.LOCK_NB)
        waiting = threading.Thread(target=lock)
        waiting.start()
        assert not is_locked.wait(0.1)
        file.close()
        waiting.join(60)

    asyncio.run(main())
    assert is_locked.is_set()
    second.close()


def test_a_disk_that_is_closed_leaves_no_lock_on_a_file_left_open(tmp_path: Path, direct_count: list[int]) -> None:
    disk, left = RealDisk(), []

    async def main() -> None:
        left.append(new_file(disk, tmp_path / "log"))
        await disk.write_durably_soon("log", left[0], b"x")

    asyncio.run(main())
    disk.close()
    with open(tmp_path / "log") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert len(direct_count) == 1


def told_by(folder: Path, direct_writes: bool = True) -> list[str]:
    """What a disk tells that writes a few times; each write is durable when it says so."""
    told: list[str] = []
    disk = RealDisk(direct_writes, told.append)

    async def main() -> None:
        file = new_file(disk, folder / "log")
        for number in range(5):
            await disk.write_durably_soon("log", file, b"%d" % number)
        file.close()

    asyncio.run(main())
    disk.close()
    assert (folder / "log").read_bytes().rstrip(b"\0") == HEADER + b"01234"
    return told


def test_the_way_is_told_once(tmp_path: Path, direct_count: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert told_by(tmp_path) == ["durable writes go past the page cache (io_uring, O_DIRECT)"]
    assert told_by(tmp_path, direct_writes=False) == ["durable writes take a thread: that was asked for"]
    monkeypatch.setattr(DirectWriter, "on", lambda loop: None)
    assert told_by(tmp_path) == ["durable writes take a thread: io_uring is not there or not allowed"]


@contextmanager
def mounted(folder: Path, kind: str, options: str) -> Iterator[None]:
    done = subprocess.run(["mount", "-t", kind, "-o", options, "none", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no {kind} can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_file_system_that_refuses_direct_writes(tmp_path: Path, direct_count: list[int]) -> None:
    with mounted(tmp_path, "ramfs", "mode=755"):
        try:
            os.close(os.open(tmp_path / "probe", os.O_WRONLY | os.O_CREAT | direct_writes.O_DIRECT))
        except OSError:
            assert told_by(tmp_path) == ["durable writes take a thread: the file system refuses direct writes"]
        else:
            pytest.skip("ramfs allows direct writes on this kernel")
    assert direct_count == []


def test_a_small_file_system_that_runs_full(disk: RealDisk, tmp_path: Path, direct_count: list[int]) -> None:
    pieces: list[bytes] = []

    async def fill(file: RealFile) -> None:
        while True:
            await disk.write_durably_soon("log", file, b"x" * 50_000)
            pieces.append(b"x" * 50_000)

    async def main() -> None:
        file = new_file(disk, tmp_path / "log")
        with pytest.raises(OSError, match="No space left"):
            await fill(file)
        file.close()

    with mounted(tmp_path, "tmpfs", "size=1m"):
        asyncio.run(main())
        expected = HEADER + b"".join(pieces)
        assert 1 << 19 < len(expected) < 1 << 20
        assert (tmp_path / "log").read_bytes()[: len(expected)] == expected
