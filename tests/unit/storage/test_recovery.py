"""Recovery: what a server finds in its folders, and what it makes of it.

The table follows what was observed of Java's server; where ours differs, the case says how.
"""

import itertools
import struct
from collections.abc import Callable
from pathlib import Path
from zlib import adler32

import pytest
from storage_support import (
    FOLDER,
    HEADER,
    OPTIONS,
    SETTINGS,
    create,
    database_after,
    entry,
    log_of,
    new_disk,
    no_tell,
    read_file,
    recovered,
    write_file,
    write_log,
    write_snapshot,
)

from zkeeper.database.database import Database
from zkeeper.errors import CorruptionError, StorageError
from zkeeper.storage.recovery import Start, decide_start, recover
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_format import SNAPSHOT_HEADER
from zkeeper.testing.simulation import SimulatedDisk
from zkeeper.wire import protocol
from zkeeper.wire.acl import WORLD_ANYONE
from zkeeper.wire.txns import CreateBody, Txn

VECTORS = Path(__file__).parents[2] / "golden" / "vectors"
FINAL_DIGEST = 13011146105
PADDED_BYTES = 65552
A_BYTES, C_BYTES = 0x425, 0x254
Change = Callable[[SimulatedDisk], None]


def vector(name: str) -> bytes:
    lines = (VECTORS / f"{name}.hex").read_text().splitlines()
    return bytes.fromhex("".join(line.split(": ")[1] for line in lines))


def base() -> SimulatedDisk:
    """The golden logs `log.1` (1 to b) and `log.c` (c to 11), and snapshots at 0, b and 11."""
    disk = new_disk()
    write_file(disk, "log.1", vector("log.1").ljust(PADDED_BYTES, b"\0"))
    write_snapshot(disk, Database(OPTIONS))
    write_snapshot(disk, recovered(disk).database)
    write_file(disk, "log.c", vector("log.c").ljust(PADDED_BYTES, b"\0"))
    write_file(disk, "snapshot.11", vector("snapshot.11"))
    return disk


def without(*names: str) -> Change:
    def change(disk: SimulatedDisk) -> None:
        for name in names:
            disk.remove(f"{FOLDER}/{name}")

    return change


def patched(name: str, at: int, data: bytes) -> Change:
    def change(disk: SimulatedDisk) -> None:
        old = read_file(disk, name)
        at_byte = at if at >= 0 else len(old) + at
        write_file(disk, name, old[:at_byte] + data + old[at_byte + len(data) :])

    return change


def cut(name: str, end: int) -> Change:
    return lambda disk: write_file(disk, name, read_file(disk, name)[:end])


def extra(name: str, data: bytes) -> Change:
    return lambda disk: write_file(disk, name, data)


def copied(name: str, copy: str) -> Change:
    return lambda disk: write_file(disk, copy, read_file(disk, name))


NO_11 = without("snapshot.11")
LAST_BODY_AT = C_BYTES - 30
SECOND_END_AT = 0x59 + 12 + 0x59  # The end mark of entry d of log.c.


def test_the_base_is_what_the_table_changes() -> None:
    found = recovered(base())
    assert (found.database.last_zxid, found.txns, found.start) == (0x11, 0, Start.SNAPSHOT)
    assert found.database.tree.digest == FINAL_DIGEST


@pytest.mark.parametrize(
    ("changes", "zxid"),
    [
        ([NO_11], 0x11),
        ([NO_11, patched("log.c", C_BYTES - 5, bytes(5))], 0x10),
        ([NO_11, cut("log.c", C_BYTES - 30)], 0x10),
        ([NO_11, cut("log.c", C_BYTES - 84 - 1)], 0x10),
        ([extra("log.12", b"")], 0x11),
        ([extra("log.12", HEADER[:6])], 0x11),  # Java refuses.
        ([extra("log.12", bytes(PADDED_BYTES))], 0x11),  # Java refuses.
        ([extra("log.12", HEADER)], 0x11),
        ([patched("snapshot.11", 300, b"\xff")], 0x11),
        ([cut("snapshot.11", 500)], 0x11),
        ([cut("snapshot.11", 939)], 0x11),
        ([cut("snapshot.11", 972)], 0x11),
        ([without("snapshot.11", "snapshot.b")], 0x11),
        ([NO_11, copied("log.c", "log.d")], 0x11),
        ([copied("snapshot.11", "snapshot.5.tmp"), copied("log.c", "log.c.bak")], 0x11),
        ([without("log.1", "log.c")], 0x11),
        # A sector of a batch that was never synced, while those before it did not reach the disk.
        ([NO_11, patched("log.c", PADDED_BYTES - 1, b"x")], 0x11),
    ],
)
def test_what_a_crash_leaves_is_recovered(changes: list[Change], zxid: int) -> None:
    disk = base()
    for change in changes:
        change(disk)
    for _ in range(2):
        found = recovered(disk)
        assert found.database.last_zxid == zxid
        assert found.database.digest_mismatches == 0
        assert zxid != 0x11 or found.database.tree.digest == FINAL_DIGEST


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([NO_11, patched("log.c", LAST_BODY_AT, b"\xff")], r"log\.c is damaged.*checksum"),
        ([NO_11, patched("log.c", 0x90, b"\xff")], r"log\.c is damaged"),
        ([NO_11, patched("log.c", SECOND_END_AT, b"\0")], r"log\.c is damaged"),  # Java starts at c.
        ([NO_11, patched("log.c", 16 + 8, b"\xff\xff\xff\xff")], "claims -1 bytes"),
        ([NO_11, patched("log.c", 16 + 8, b"\x7f\xff\xff\xff")], "claims 2147483647 bytes"),
        ([extra("log.12", b"junk!!")], r"log\.12 is damaged.*does not begin"),
        ([without("snapshot.11", "snapshot.b"), extra("log.1", b"")], r"log\.1 is damaged"),
        ([NO_11, patched("log.c", 0, b"ZKSN")], r"log\.c is damaged.*does not begin"),
        # Java starts without the missing ones.
        ([without("snapshot.11", "snapshot.b", "log.1")], "transactions 0x1 to 0xb are missing"),
        ([NO_11, patched("snapshot.b", 300, b"\xff"), without("log.1")], "transactions 0x1 to 0xb are missing"),
        ([patched("snapshot.0", 50, b"\xff"), patched("snapshot.b", 50, b"\xff"), cut("snapshot.11", 7)],
         r"no snapshot in .* is whole \(snapshot\.11: .*snapshot\.b: .*snapshot\.0: "),
    ],
)  # fmt: skip
def test_what_no_crash_explains_is_refused_with_file_and_remedy(changes: list[Change], reason: str) -> None:
    disk = base()
    for change in changes:
        change(disk)
    before = {name: read_file(disk, name) for name in disk.names(FOLDER)}
    with pytest.raises(CorruptionError, match=reason) as caught:
        recovered(disk)
    assert "backup" in str(caught.value)
    assert {name: read_file(disk, name) for name in disk.names(FOLDER)} == before


def test_logs_without_a_snapshot_are_refused_unless_they_are_trusted() -> None:
    disk = base()
    without("snapshot.0", "snapshot.b", "snapshot.11")(disk)
    with pytest.raises(StorageError, match=r"snapshot\.trust\.empty"):
        recovered(disk)
    found = recovered(disk, trust_empty=True)
    assert (found.start, found.txns, found.database.last_zxid) == (Start.LOGS, 0x11, 0x11)
    assert found.database.tree.digest == FINAL_DIGEST


def test_rejected_snapshots_are_told_and_returned() -> None:
    disk = base()
    patched("snapshot.11", 300, b"\xff")(disk)
    told: list[str] = []
    found = recovered(disk, told)
    assert found.snapshot is not None
    assert found.snapshot.zxid == 0xB
    assert [one.file.zxid for one in found.rejected] == [0x11]
    assert any("snapshot.11" in sentence and "cannot be used" in sentence for sentence in told)


def test_overlapping_logs_are_replayed_once() -> None:
    disk = base()
    NO_11(disk)
    copied("log.c", "log.d")(disk)
    told: list[str] = []
    found = recovered(disk, told)
    assert (found.txns, found.repeated) == (6, 6)
    assert any("overlap" in sentence for sentence in told)


def test_a_gap_may_be_accepted() -> None:
    disk = new_disk()
    write_snapshot(disk, Database())
    write_file(disk, "log.1", log_of(1, 2, 5))
    with pytest.raises(CorruptionError, match="transactions 0x3 to 0x4 are missing"):
        recovered(disk)
    told: list[str] = []
    found = recovered(disk, told, accept_gaps=True)
    assert (found.txns, found.database.last_zxid) == (3, 5)
    assert any("0x3 to 0x4 are missing" in sentence for sentence in told)


def test_a_new_epoch_begins_anywhere_in_a_log() -> None:
    disk = new_disk()
    write_snapshot(disk, Database())
    epoch = 1 << 32
    write_file(disk, "log.1", log_of(1, 2, epoch + 1, epoch + 2))
    write_file(disk, f"log.{2 * epoch + 1:x}", log_of(2 * epoch + 1))
    told: list[str] = []
    assert recovered(disk, told).txns == 5
    assert told == []
    write_file(disk, f"log.{3 * epoch + 7:x}", log_of(3 * epoch + 7))
    assert recovered(disk, told).txns == 6
    assert any("in the middle of an epoch" in sentence for sentence in told)


@pytest.mark.parametrize(("txn_type", "reason"), [(77, "unknown transaction type 77"), (13, "a check stands outside")])
def test_a_transaction_that_means_nothing_is_refused(txn_type: int, reason: str) -> None:
    disk = new_disk()
    write_snapshot(disk, Database())
    payload = struct.pack(">qiqqi", 7, 0, 1, 1000, txn_type)
    log = HEADER + struct.pack(">qi", adler32(payload), len(payload)) + payload + b"B"
    write_file(disk, "log.1", log)
    with pytest.raises(CorruptionError, match=rf"log\.1, offset 16: its transaction 0x1 does not decode \({reason}"):
        recovered(disk)


def test_a_ttl_that_java_cannot_apply_does_not_stop_recovery() -> None:
    """Java logs such a createTTL, exits, and never starts again."""
    disk = new_disk()
    write_snapshot(disk, Database())
    body = CreateBody(protocol.CREATE_TTL, b"/odd", b"", (WORLD_ANYONE,), False, 1, -1)
    write_file(disk, "log.1", HEADER + entry(Txn(7, 1, 1, 1000, protocol.CREATE_TTL, body)) + entry(create(2)))
    told: list[str] = []
    found = recovered(disk, told).database
    assert found.last_zxid == 2
    assert found.tree.lookup(b"/odd") is not None
    assert any("impossible ttl" in sentence for sentence in told)


def test_a_hand_made_directory_of_an_old_server() -> None:
    """A snapshot without sections, a log without padding, a create without parent cversion and with null data, a
    closeSession without body."""
    disk = new_disk()
    write_snapshot(disk, Database(), digest_enabled=False, serialize_last_zxid=False)
    old_create = create(1, b"/old", None).encode()[:-4]
    close = struct.pack(">qiqqi", 7, 0, 2, 1002, protocol.CLOSE_SESSION)
    log = HEADER
    for payload in (old_create, close):
        log += struct.pack(">qi", adler32(payload), len(payload)) + payload + b"B"
    write_file(disk, "log.1", log)
    found = recovered(disk).database
    assert found.last_zxid == 2
    node = found.tree.lookup(b"/old")
    assert node is not None
    assert node.data is None
    assert found.tree.root.cversion == 1


def test_a_snapshot_digest_beyond_the_log_is_told_and_forgotten() -> None:
    disk = new_disk()
    write_snapshot(disk, database_after(create(1), create(2)))
    disk.rename(f"{FOLDER}/snapshot.2", f"{FOLDER}/snapshot.1")
    told: list[str] = []
    found = recovered(disk, told)
    assert found.database.last_zxid == 1
    assert not found.database.awaits_digest()
    assert any("digest" in sentence for sentence in told)


def test_a_wrong_digest_is_counted_and_service_goes_on() -> None:
    disk = new_disk()
    write_snapshot(disk, Database())
    txn = create(1)
    txn.has_digest, txn.digest = True, 4711
    write_file(disk, "log.1", HEADER + entry(txn))
    told: list[str] = []
    found = recovered(disk, told)
    assert found.database.digest_mismatches == 1
    assert any("digest mismatch" in sentence for sentence in told)
    assert recovered(disk, digest_enabled=False).database.digest_mismatches == 0


# What recovery begins with.


@pytest.mark.parametrize(
    ("has_snapshot", "has_logs", "trust_empty", "may_begin_empty"), list(itertools.product([False, True], repeat=4))
)
def test_the_decision(has_snapshot: bool, has_logs: bool, trust_empty: bool, may_begin_empty: bool) -> None:
    start = decide_start(
        has_snapshot=has_snapshot, has_logs=has_logs, trust_empty=trust_empty, may_begin_empty=may_begin_empty
    )
    assert (start is Start.SNAPSHOT) == has_snapshot
    assert (start is Start.LOGS) == (not has_snapshot and has_logs and trust_empty)
    assert (start is Start.REFUSE) == (not has_snapshot and has_logs and not trust_empty)
    assert (start is Start.EMPTY) == (not has_snapshot and not has_logs and may_begin_empty)


def test_a_fresh_server_begins_empty_and_makes_its_folders() -> None:
    disk = new_disk()
    found = recovered(disk, data_dir="/a/b", log_dir="/c")
    assert (found.start, found.database.last_zxid) == (Start.EMPTY, 0)
    assert disk.names("/a/b") == ["version-2"]
    assert disk.names("/c") == ["version-2"]


def test_a_first_start_that_died_while_writing_its_snapshot_begins_again() -> None:
    disk = new_disk()
    write_file(disk, "snapshot.0", b"ZKSN")
    write_file(disk, "log.1", b"")
    write_file(disk, "tmp.snapshot.0", b"ZKSN")
    assert recovered(disk).start is Start.EMPTY
    assert disk.names(FOLDER) == ["snapshot.0"]


def test_a_lost_snapshot_is_no_fresh_start() -> None:
    """Java begins with an empty tree here."""
    disk = new_disk()
    write_file(disk, "snapshot.5", b"ZKSN")
    with pytest.raises(CorruptionError, match=r"snapshot\.5"):
        recovered(disk)


@pytest.mark.parametrize("folder", ["/data", "/log"])
def test_without_autocreate_an_empty_start_needs_its_marker(folder: str) -> None:
    disk = new_disk()
    found = recovered(disk, log_dir="/log", db_autocreate=False)
    assert (found.start, found.database.last_zxid) == (Start.UNKNOWN, -1)
    write_file(disk, "initialize", b"", folder=folder)
    assert recovered(disk, log_dir="/log", db_autocreate=False).start is Start.EMPTY
    write_snapshot(disk, Database())
    assert recovered(disk, log_dir="/log", db_autocreate=False).start is Start.SNAPSHOT
    assert not disk.exists(f"{folder}/initialize"), "it is used once"


def test_folders_that_must_exist_and_do_not() -> None:
    with pytest.raises(StorageError, match="/missing/version-2 does not exist"):
        recovered(new_disk(), data_dir="/missing", log_dir="/missing", create_folders=False)


def test_folders_that_cannot_be_written() -> None:
    disk = new_disk()
    disk.is_read_only = True
    with pytest.raises(StorageError, match="no folder that can be written to"):
        recovered(disk)


@pytest.mark.parametrize(("folder", "name"), [("/data/version-2", "log.1"), ("/log/version-2", "snapshot.0.gz")])
def test_files_in_the_wrong_folder(folder: str, name: str) -> None:
    disk = new_disk()
    write_file(disk, name, b"", folder=folder)
    with pytest.raises(StorageError, match=f"{folder}/{name} is in the wrong folder"):
        recovered(disk, log_dir="/log")


def test_a_failing_disk_is_named() -> None:
    disk = base()
    disk.fail_next("read", count=1000)
    with pytest.raises(StorageError, match="EIO"):
        recovered(disk)


def test_progress_is_told() -> None:
    disk = new_disk()
    write_snapshot(disk, Database())
    write_log(disk, list(range(1, 20_001)), pre_alloc_bytes=0)
    progress: list[tuple[int, int]] = []
    clock = iter([1.0, 1.5, 3.5])
    settings = StorageSettings(data_dir="/data", log_dir="/data")
    found = recover(
        disk, settings, Database, tell=lambda _: None, clock_s=lambda: next(clock),
        progress=lambda done, total: progress.append((done, total)),
    )  # fmt: skip
    assert (found.snapshot_s, found.logs_s, found.duration_s) == (0.5, 2.0, 2.5)
    assert len(progress) == 2
    assert progress[0][0] < progress[1][0] == progress[1][1] == disk.size_bytes(f"{FOLDER}/log.1")


def test_a_snapshot_header_is_javas() -> None:
    assert vector("snapshot.11").startswith(SNAPSHOT_HEADER)


E1, E2 = 1 << 32, 2 << 32


@pytest.mark.parametrize(
    ("logged", "unreadable", "missing"),
    [
        # A member has received a snapshot, and logged nothing of what it holds.
        ([1, 2, E1 + 1], E1, "snapshot.100000000 held between 0x2 and 0x100000001"),
        ([1, 2, E2 + 1], E1 + 7, "snapshot.100000007 held between 0x2 and 0x200000001"),
        ([1, 2], 3, "snapshot.3 cannot be read, and the logs end with zxid 0x2"),
        ([1, 2], E1, "snapshot.100000000 cannot be read, and the logs end with zxid 0x2"),
        # The logs hold what the snapshot held.
        ([1, 2, 3], 2, ""),
        ([1, 2, 3], 3, ""),
        ([1, 2, E1 + 1], 2, ""),
        ([1, 2, E1 + 1], E1 + 1, ""),
    ],
)
def test_what_only_an_unreadable_snapshot_held_is_missed(logged: list[int], unreadable: int, missing: str) -> None:
    disk = new_disk()
    write_snapshot(disk, Database(OPTIONS))
    write_file(disk, "log.1", log_of(*logged))
    write_file(disk, f"snapshot.{unreadable:x}", b"damaged")
    if not missing:
        assert recovered(disk).database.last_zxid == logged[-1]
        return
    with pytest.raises(CorruptionError, match=missing):
        recovered(disk)
    told: list[str] = []
    assert recovered(disk, told, accept_gaps=True).database.last_zxid == logged[-1]
    assert any(missing in sentence for sentence in told)


def test_each_replayed_transaction_is_given_out() -> None:
    disk, seen = base(), list[tuple[int, bytes]]()
    without("snapshot.11")(disk)
    recover(
        disk, SETTINGS, lambda: Database(OPTIONS), tell=no_tell, clock_s=lambda: 0.0,
        each=lambda zxid, payload: seen.append((zxid, payload)),
    )  # fmt: skip
    assert [zxid for zxid, _ in seen] == list(range(0xC, 0x12))
    assert all(payload[12:20] == struct.pack(">q", zxid) for zxid, payload in seen)
