"""Reading logs: torn tails are normal, damage is not."""

import struct
from zlib import adler32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_support import FOLDER, HEADER, create, entry, log_of, new_disk, write_file, write_log

from zkeeper.errors import CorruptionError
from zkeeper.storage.log_reader import LogReader, is_stillborn, last_logged_zxid
from zkeeper.testing.simulation import SimulatedDisk

LIMIT_BYTES = 1 << 20
PADDING = bytes(4096)


def read(disk: SimulatedDisk, start_zxid: int = 0, told: list[str] | None = None) -> list[int]:
    reader = LogReader(disk, FOLDER, start_zxid, LIMIT_BYTES, told.append if told is not None else lambda _: None)
    return [zxid for zxid, _ in reader.entries()]


def read_log(data: bytes, told: list[str] | None = None) -> list[int]:
    disk = new_disk()
    write_file(disk, "log.1", data)
    return read(disk, told=told)


def whole_entries(log: bytes, end: int) -> list[int]:
    """The zxids of the entries of `log_of(1, 2, 3)` that lie entirely before `end`."""
    sizes = [len(entry(create(zxid))) for zxid in (1, 2, 3)]
    return [zxid for zxid in (1, 2, 3) if len(HEADER) + sum(sizes[:zxid]) <= end]


@pytest.mark.parametrize("padding", [b"", PADDING])
def test_a_log_cut_anywhere_gives_its_whole_entries(padding: bytes) -> None:
    log = log_of(1, 2, 3)
    for end in range(len(log) + 1):
        cut = log[:end] + padding
        assert read_log(cut) == whole_entries(log, end), f"cut at {end}"


@settings(max_examples=300)
@given(st.integers(0, 900), st.binary(min_size=1, max_size=600), st.booleans())
def test_whatever_is_overwritten_no_entry_is_made_up_or_left_out(at: int, junk: bytes, is_padded: bool) -> None:
    log = bytearray(log_of(*range(1, 9)) + (PADDING if is_padded else b""))
    log[at : at + len(junk)] = junk
    try:
        found = read_log(bytes(log))
    except CorruptionError:
        return
    assert found == list(range(1, len(found) + 1))


def test_a_torn_tail_is_told_with_its_place() -> None:
    told: list[str] = []
    assert read_log(log_of(1, 2)[:-1], told) == [1]
    assert len(told) == 1
    assert f"offset {len(log_of(1))}" in told[0]
    assert "after zxid 0x1" in told[0]


@pytest.mark.parametrize("padding", [b"", PADDING])
@pytest.mark.parametrize("bit", [0, 1, 7])
def test_a_flipped_bit_is_found_wherever_it_is(padding: bytes, bit: int) -> None:
    log = log_of(1, 2, 3)
    for at in range(len(log)):
        flipped = bytearray(log + padding)
        flipped[at] ^= 1 << bit
        if 4 <= at < len(HEADER):
            assert read_log(bytes(flipped)) == [1, 2, 3], "version and dbid mean nothing"
            continue
        with pytest.raises(CorruptionError, match=r"log\.1 is damaged at offset"):
            read_log(bytes(flipped))


@pytest.mark.parametrize(
    ("length", "reason"),
    [(-1, "claims -1 bytes"), (-5, "claims -5"), (0x7FFFFFFF, "claims 2147483647"), (LIMIT_BYTES + 1, "are allowed"),
     (0, "follows"), (300, "another begins")],
)  # fmt: skip
def test_a_length_that_cannot_be(length: int, reason: str) -> None:
    log = bytearray(log_of(1, 2, 3) + PADDING)
    struct.pack_into(">i", log, len(log_of(1)) + 8, length)
    with pytest.raises(CorruptionError, match=reason):
        read_log(bytes(log))


def test_an_entry_at_the_limit_is_read_and_one_beyond_is_not() -> None:
    overhead = len(create(1, data=b"").encode())
    largest = create(1, data=bytes(LIMIT_BYTES - overhead))
    assert read_log(HEADER + entry(largest) + entry(create(2))) == [1, 2]
    with pytest.raises(CorruptionError, match="allowed"):
        read_log(HEADER + entry(create(1, data=bytes(LIMIT_BYTES - overhead + 1))))


def test_an_entry_too_short_for_a_transaction() -> None:
    payload = b"short"
    with pytest.raises(CorruptionError, match="no transaction"):
        read_log(HEADER + struct.pack(">qi", adler32(payload), len(payload)) + payload + b"B")


def test_a_lost_end_mark_in_the_middle_does_not_hide_what_follows() -> None:
    """Java reads on with the next file and starts without the rest of this one."""
    log = bytearray(log_of(1, 2, 3))
    log[len(log_of(1, 2)) - 1] = 0
    with pytest.raises(CorruptionError, match="another that is follows"):
        read_log(bytes(log))


def test_a_lost_sector_of_an_unsynced_batch_is_torn_though_later_entries_are_whole() -> None:
    told: list[str] = []
    large = entry(create(2, data=b"y" * 2000))
    log = bytearray(HEADER + entry(create(1)) + large + entry(create(3)))
    log[512:1024] = bytes(512)
    assert read_log(bytes(log), told) == [1]
    assert "torn write" in told[0]


@pytest.mark.parametrize("header", [b"", b"Z", HEADER[:6], HEADER[:15], bytes(16) + PADDING, HEADER[:6] + PADDING])
def test_a_newest_log_without_a_whole_header_is_empty(header: bytes) -> None:
    disk = new_disk()
    write_file(disk, "log.1", log_of(1, 2))
    write_file(disk, "log.3", header)
    assert read(disk) == [1, 2]
    assert is_stillborn(disk, f"{FOLDER}/log.3")
    assert last_logged_zxid(disk, FOLDER, LIMIT_BYTES) == 2


@pytest.mark.parametrize("header", [b"", HEADER[:6], bytes(16)])
def test_another_log_without_a_header_is_damaged(header: bytes) -> None:
    disk = new_disk()
    write_file(disk, "log.1", header)
    write_file(disk, "log.3", log_of(3))
    with pytest.raises(CorruptionError, match=r"log\.1"):
        read(disk)


@pytest.mark.parametrize(
    "header", [b"ZKSN" + HEADER[4:], b"junk", bytes(16) + b"x", bytes(4000) + entry(create(1)), b"ZKLG" + b"\1" * 6]
)
def test_a_wrong_magic_is_damage(header: bytes) -> None:
    with pytest.raises(CorruptionError, match="does not begin as a log does"):
        read_log(header)


def test_a_header_alone_is_an_empty_log() -> None:
    assert read_log(HEADER) == []
    assert read_log(HEADER + PADDING) == []


def test_a_torn_tail_is_overlooked_when_the_next_log_takes_over() -> None:
    disk = new_disk()
    write_file(disk, "log.1", log_of(1, 2)[:-10] + PADDING)
    write_file(disk, "log.2", log_of(2, 3))
    assert read(disk) == [1, 2, 3]


def test_the_start_may_lie_anywhere() -> None:
    disk = new_disk()
    write_file(disk, "log.1", log_of(1, 2, 3) + PADDING)
    write_file(disk, "log.4", log_of(4, 5))
    write_file(disk, "log.6", log_of(6))
    for start in range(9):
        assert read(disk, start) == list(range(max(1, start), 7))


def test_the_last_logged_zxid() -> None:
    disk = new_disk()
    assert last_logged_zxid(disk, FOLDER, LIMIT_BYTES) == -1
    write_file(disk, "log.1", log_of(1, 2, 3)[:-1])
    assert last_logged_zxid(disk, FOLDER, LIMIT_BYTES) == 2
    write_file(disk, "log.3", HEADER)
    assert last_logged_zxid(disk, FOLDER, LIMIT_BYTES) == 2
    write_file(disk, "log.3", log_of(3, 4) + b"damage that is more than a torn tail")
    assert last_logged_zxid(disk, FOLDER, LIMIT_BYTES) == 4


def test_many_small_reads_give_the_same_as_large_ones() -> None:
    """Entries lie across the boundaries of the pieces that a file is read in."""
    disk = new_disk()
    write_log(disk, list(range(1, 30_001)))
    assert read(disk) == list(range(1, 30_001))
