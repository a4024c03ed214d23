"""Snapshots: written while the server serves, read back whole or not at all."""

import asyncio
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from storage_support import (
    FOLDER,
    OPTIONS,
    SETTINGS,
    append,
    create,
    database_after,
    new_disk,
    new_log,
    read_file,
    recovered,
    run,
    set_data,
    write_file,
    write_snapshot,
)

from zkeeper.database.database import Database
from zkeeper.errors import CorruptionError, DecodeError, StorageError
from zkeeper.storage.names import parse_snapshot_name
from zkeeper.storage.settings import Compression
from zkeeper.storage.snapshot_reader import LoadedSnapshot, load_newest, load_snapshot, looks_whole
from zkeeper.storage.snapshot_writer import MAX_SLICES_IN_FLIGHT, SLICE_BYTES, SLICE_NODES, SnapshotWriter
from zkeeper.testing.simulation import SimulatedDisk, Simulation, Unsynced
from zkeeper.wire import protocol
from zkeeper.wire.txns import CloseSessionBody, CreateSessionBody, DeleteBody, Txn

T = TypeVar("T")

COMPRESSIONS: tuple[Compression, ...] = ("", "gz", "snappy")
GOLDEN = Path(__file__).parents[2] / "golden" / "datadirs"
TAIL_BYTES = 33 + 21


def sample() -> Database:
    """Null, empty and large data, a session, nested znodes."""
    session = Txn(7, 0, 1, 1001, protocol.CREATE_SESSION, CreateSessionBody(30_000))
    nodes = [create(2, b"/null", None), create(3, b"/empty", b""), create(4, b"/empty/a", b"x" * 100_000)]
    return database_after(session, *nodes, set_data(5, b"/null", b"now", 1), create(6, b"/none", None))


def load(disk: SimulatedDisk, name: str) -> LoadedSnapshot:
    snapshot = parse_snapshot_name(name)
    assert snapshot is not None
    return load_snapshot(disk, FOLDER, snapshot, Database(OPTIONS), SETTINGS.limit_bytes)


def same(one: Database, other: Database) -> bool:
    return (
        one.tree.digest == other.tree.digest
        and one.tree.node_count == other.tree.node_count
        and one.sessions == other.sessions
        and one.last_zxid == other.last_zxid
    )


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_was_written_is_read_back(compression: Compression) -> None:
    disk = new_disk()
    database = sample()
    written = write_snapshot(disk, database, compression=compression)
    name = "snapshot.6" + (f".{compression}" if compression else "")
    assert written.path == f"{FOLDER}/{name}"
    assert written.size_bytes == disk.size_bytes(written.path)
    assert disk.names(FOLDER) == [name]
    loaded = load(disk, name)
    assert same(loaded.database, database)
    assert loaded.tail.last_zxid == 6
    assert looks_whole(disk, FOLDER, loaded.file)
    node = loaded.database.tree.lookup(b"/none")
    assert node is not None
    assert node.data is None


@pytest.mark.parametrize("with_digest", [True, False])
@pytest.mark.parametrize("with_zxid", [True, False])
@pytest.mark.parametrize("reader_with_digest", [True, False])
def test_sections_are_known_by_their_size(with_digest: bool, with_zxid: bool, reader_with_digest: bool) -> None:
    """Java rejects what was written under settings other than its own."""
    disk = new_disk()
    write_snapshot(disk, sample(), digest_enabled=with_digest, serialize_last_zxid=with_zxid)
    loaded = load(disk, "snapshot.6")
    assert (loaded.tail.digest is not None) == with_digest
    assert (loaded.tail.last_zxid is not None) == with_zxid
    assert recovered(disk, digest_enabled=reader_with_digest).database.last_zxid == 6


@pytest.mark.parametrize(("name", "with_digest"), [("plain", True), ("nodigest", False)])
def test_an_empty_tree_is_written_as_java_writes_it(name: str, with_digest: bool) -> None:
    disk = new_disk()
    write_snapshot(disk, Database(), digest_enabled=with_digest)
    ours = read_file(disk, "snapshot.0")
    javas = (GOLDEN / name / "data" / "version-2" / "snapshot.0").read_bytes()
    assert len(ours) == len(javas)
    # Only the order of the two znodes below /zookeeper is free, and with it the seals.
    node = b"\0\0\0\x11/zookeeper/config", b"\0\0\0\x10/zookeeper/quota"
    begin = ours.index(b"/zookeeper") + 10 + 4 + 8 + 60
    assert ours[:begin] == javas[:begin]
    assert all(one in ours[begin:] and one in javas[begin:] for one in node)
    assert sorted(ours[begin : begin + 180]) == sorted(javas[begin : begin + 180])


def test_a_snapshot_of_the_same_zxid_is_replaced_in_one_step() -> None:
    disk = new_disk()
    write_file(disk, "snapshot.6", b"torn")
    write_snapshot(disk, sample())
    assert same(load(disk, "snapshot.6").database, sample())


class CountingDisk(SimulatedDisk):
    """Knows how many jobs waited at most at a time, and the sizes of what was to be written."""

    most_waiting = 0
    _waiting = 0

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.pieces: list[int] = []

    def submit(self, lane: str, job: Callable[[], T]) -> asyncio.Future[T]:
        if isinstance(job, partial) and isinstance(job.args[0], bytes):
            self.pieces.append(len(job.args[0]))
        self._waiting += 1
        self.most_waiting = max(self.most_waiting, self._waiting)
        future = super().submit(lane, job)
        future.add_done_callback(self._count_done)
        return future

    def _count_done(self, _: asyncio.Future[T]) -> None:
        self._waiting -= 1


def test_other_callbacks_run_between_slices_and_few_slices_wait() -> None:
    disk = CountingDisk(random.Random(1))
    disk.make_folders(FOLDER)
    disk.set_latency(0.01, 0.01)
    database = database_after(*[create(zxid) for zxid in range(1, 3000)])

    async def main() -> int:
        turns = 0
        task = asyncio.create_task(SnapshotWriter(disk, SETTINGS).write(database))
        while not task.done():
            turns += 1
            await asyncio.sleep(0.001)
        await task
        return turns

    assert run(main) > 20
    assert 1 < disk.most_waiting <= MAX_SLICES_IN_FLIGHT


def test_a_slice_is_bounded_in_znodes_and_in_bytes() -> None:
    disk = CountingDisk(random.Random(1))
    disk.make_folders(FOLDER)
    large = [create(zxid, data=bytes(100_000)) for zxid in range(1, 21)]
    small = [create(zxid) for zxid in range(21, 3000)]
    run(partial(SnapshotWriter(disk, SETTINGS).write, database_after(*large, *small)))
    assert max(disk.pieces) < SLICE_BYTES + 100_200
    assert disk.pieces[-2] < 110 * SLICE_NODES  # Of znodes without data.
    assert len(disk.pieces) > 20 * 100_000 // SLICE_BYTES


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_snapshot_taken_under_way_is_mended_by_the_log(seed: int, compression: Compression) -> None:
    chooser = random.Random(seed)
    with Simulation(seed) as simulation:
        machine = simulation.machine("server")
        machine.disk.make_folders(FOLDER)
        database = database_after(*[create(zxid, b"/n%d" % zxid) for zxid in range(1, 2000)])

        async def main() -> int:
            log = new_log(machine.disk, 1999)
            writer = SnapshotWriter(machine.disk, replace(SETTINGS, compression=compression))
            task = asyncio.create_task(writer.write(database))
            await asyncio.sleep(0)
            while not task.done():
                txn = any_change(chooser, int(database.last_zxid) + 1)
                append(log, txn)
                await log.sync()
                database.apply(txn)
            return (await task).zxid

        zxid = simulation.run(main(), machine)
        assert zxid == 1999 < database.last_zxid
        found = recovered(machine.disk).database
    assert same(found, database)
    assert found.digest_mismatches == 0


def any_change(chooser: random.Random, zxid: int) -> Txn:
    path = b"/n%d" % chooser.randrange(1, 2100)
    kind = chooser.randrange(5)
    if kind == 0:
        return create(zxid, path)
    if kind == 1:
        return set_data(zxid, path, b"changed", zxid)
    if kind == 2:
        return Txn(9, 0, zxid, zxid, protocol.CREATE_SESSION, CreateSessionBody(1000))
    if kind == 3:
        return Txn(9, 0, zxid, zxid, protocol.CLOSE_SESSION, CloseSessionBody([path]))
    return Txn(7, 0, zxid, zxid, protocol.DELETE, DeleteBody(path))


@pytest.mark.parametrize("kind", ["create", "write", "sync", "rename", "sync_folder"])
def test_a_failure_leaves_the_older_snapshot_and_nothing_else(kind: str) -> None:
    disk = new_disk()
    write_snapshot(disk, Database())

    async def main() -> None:
        writer = SnapshotWriter(disk, SETTINGS)
        disk.fail_next(kind)
        with pytest.raises(StorageError, match=r"EIO.*check the disk"):
            await writer.write(sample())
        assert not writer.running
        assert set(disk.names(FOLDER)) - {"snapshot.6"} == {"snapshot.0"}
        await writer.write(sample())

    run(main)
    assert same(load(disk, "snapshot.6").database, sample())


def test_a_full_disk_is_called_so() -> None:
    disk = new_disk()
    disk.capacity_bytes = 50_000
    with pytest.raises(StorageError, match="the disk is full"):
        write_snapshot(disk, sample())
    assert disk.names(FOLDER) == []


def test_a_cancelled_snapshot_leaves_nothing() -> None:
    disk = new_disk()
    disk.set_latency(0.0015, 0.0015)
    database = database_after(*[create(zxid) for zxid in range(1, 2000)])

    async def main() -> None:
        writer = SnapshotWriter(disk, SETTINGS)
        task = asyncio.create_task(writer.write(database))
        await asyncio.sleep(0.002)
        assert disk.names(FOLDER) == ["tmp.snapshot.7cf"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not writer.running

    run(main)
    assert disk.names(FOLDER) == []


@pytest.mark.parametrize("fate", list(Unsynced))
def test_a_crash_at_any_step_leaves_the_old_or_the_new(fate: Unsynced) -> None:
    for step in range(1, 30):
        with Simulation(f"{step}/{fate}") as simulation:
            machine = simulation.machine("server")
            machine.disk.make_folders(FOLDER)
            simulation.run(SnapshotWriter(machine.disk, SETTINGS).write(Database()))
            machine.kill_at_disk_step(step, unsynced=fate)
            machine.start(SnapshotWriter(machine.disk, SETTINGS).write, sample())
            simulation.run_for(1)
            finished = machine.is_alive
            machine.restart()
            found = recovered(machine.disk)
            assert not found.rejected
            assert same(found.database, sample() if found.database.last_zxid else Database())
            assert set(machine.disk.names(FOLDER)) <= {"snapshot.0", "snapshot.6"}
        if finished:
            assert found.database.last_zxid == 6
            return
    pytest.fail("the snapshot was never finished")


def small(compression: Compression) -> tuple[SimulatedDisk, str, bytes]:
    disk = new_disk()
    write_snapshot(disk, database_after(create(1), create(2, data=b"\0" * 600)), compression=compression)
    (name,) = disk.names(FOLDER)
    return disk, name, read_file(disk, name)


@pytest.mark.parametrize("bit", [0, 6])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_flipped_bit_never_changes_what_is_loaded(compression: Compression, bit: int) -> None:
    disk, name, data = small(compression)
    good = load(disk, name).database
    accepted = 0
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << bit
        write_file(disk, name, bytes(flipped))
        try:
            assert same(load(disk, name).database, good)
            accepted += 1
        except (DecodeError, CorruptionError):
            continue
    # In plain nothing goes unnoticed; some changes of a compressed stream leave what it decompresses to as it was.
    assert accepted == 0 if not compression else accepted < len(data) / 5


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_snapshot_cut_anywhere_is_whole_or_refused(compression: Compression) -> None:
    disk, name, data = small(compression)
    good = load(disk, name).database
    accepted = []
    for end in range(len(data)):
        write_file(disk, name, data[:end])
        try:
            assert same(load(disk, name).database, good)
            accepted.append(end)
        except (DecodeError, CorruptionError):
            continue
    # A plain one may lack the sections that older servers did not write.
    assert accepted == ([len(data) - TAIL_BYTES, len(data) - 21] if not compression else [])


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_follows_a_snapshot_is_not_overlooked(compression: Compression) -> None:
    disk, name, data = small(compression)
    write_file(disk, name, data + b"x")
    with pytest.raises(DecodeError):
        load(disk, name)


def test_the_newest_whole_one_is_loaded_and_the_others_are_named() -> None:
    disk, _, data = small("")
    write_file(disk, "snapshot.9", data[:-1])
    write_file(disk, "snapshot.8.gz", data)
    write_file(disk, "snapshot.a.snappy", b"")
    write_file(disk, "tmp.snapshot.b", data)
    loaded, rejected = load_newest(disk, SETTINGS, lambda: Database(OPTIONS))
    assert loaded is not None
    assert loaded.file.zxid == 2
    assert [one.file.name for one in rejected] == ["snapshot.a.snappy", "snapshot.9", "snapshot.8.gz"]
    assert all(one.reason for one in rejected)


def test_at_most_a_hundred_are_tried() -> None:
    disk, name, _ = small("")
    for zxid in range(3, 102):
        write_file(disk, f"snapshot.{zxid:x}", b"torn")
    loaded, rejected = load_newest(disk, SETTINGS, lambda: Database(OPTIONS))
    assert loaded is not None
    assert loaded.file.name == name
    assert len(rejected) == 99
    write_file(disk, f"snapshot.{102:x}", b"torn")
    loaded, rejected = load_newest(disk, SETTINGS, lambda: Database(OPTIONS))
    assert loaded is None
    assert len(rejected) == 100


def test_without_cramjam_snappy_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    disk, _, _ = small("snappy")
    monkeypatch.setitem(sys.modules, "cramjam", None)
    with pytest.raises(StorageError, match=r"zkeeper\[snappy\]"):
        SnapshotWriter(disk, replace(SETTINGS, compression="snappy"))
    with pytest.raises(StorageError, match=r"zkeeper\[snappy\]"):
        recovered(disk)
