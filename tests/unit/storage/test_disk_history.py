"""History out of the logs: found only without a hole, cheap enough, and read in small steps."""

import asyncio
from dataclasses import replace

import pytest
from storage_support import FOLDER, SETTINGS, create, entry, log_of, new_disk, run, write_file, write_snapshot

from zkeeper.database.database import Database
from zkeeper.errors import StorageError
from zkeeper.storage.history import BATCH_BYTES, SURVEY_STEP_BYTES, DiskHistory, HistoryFound, HistoryRefused
from zkeeper.storage.settings import StorageSettings
from zkeeper.testing.simulation import SimulatedDisk

E1, E2 = 1 << 32, 2 << 32
NO_LIMIT = replace(SETTINGS, snapshot_size_factor=0.0)
LOGS = {
    "log.100000001": log_of(E1 + 1, E1 + 2, E1 + 3),
    "log.100000004": log_of(E1 + 4, E1 + 5),
    "log.200000001": log_of(E2 + 1, E2 + 2) + bytes(4096),
}
Read = tuple[HistoryFound | HistoryRefused, list[int]]


def disk_with(logs: dict[str, bytes], *snapshot_zxids: int) -> SimulatedDisk:
    disk = new_disk()
    for zxid in snapshot_zxids:
        database = Database()
        database.last_zxid = zxid
        write_snapshot(disk, database)
    for name, data in logs.items():
        write_file(disk, name, data)
    return disk


def read(disk: SimulatedDisk, peer: int, until: int, settings: StorageSettings = NO_LIMIT) -> Read:
    """What the survey says, and the zxids given out if it found something."""

    async def main() -> Read:
        history = DiskHistory(disk, settings, peer, until)
        found = await history.survey()
        zxids: list[int] = []
        while isinstance(found, HistoryFound) and (batch := await history.next_batch()):
            assert all(payload == create(zxid).encode() for zxid, payload in batch)
            zxids += [zxid for zxid, _ in batch]
        await history.close()
        return found, zxids

    return run(main)


@pytest.mark.parametrize(
    ("peer", "until", "before", "after", "zxids"),
    [
        (E1 + 2, E1 + 5, E1 + 2, E1 + 3, [E1 + 3, E1 + 4]),
        (E1 + 2, E1 + 3, E1 + 2, E1 + 3, []),
        (E1 + 1, E2 + 2, E1 + 1, E1 + 2, [E1 + 2, E1 + 3, E1 + 4, E1 + 5, E2 + 1]),
        (E1 + 5, E2 + 1, E1 + 5, E2 + 1, []),
        (E1 + 4, E2 + 1, E1 + 4, E1 + 5, [E1 + 5]),
        (E2 + 1, E2 + 3, E2 + 1, E2 + 2, [E2 + 2]),
        # Zxids that the leader does not have: an uncommitted end, the beginning of an epoch.
        (E1 + 9, E2 + 2, E1 + 5, E2 + 1, [E2 + 1]),
        (E2, E2 + 2, E1 + 5, E2 + 1, [E2 + 1]),
        (E2, E2 + 1, E1 + 5, E2 + 1, []),
    ],
)
def test_the_neighbours_of_the_peer_and_what_it_lacks_are_found(
    peer: int, until: int, before: int, after: int, zxids: list[int]
) -> None:
    disk = disk_with(LOGS, 0)
    assert read(disk, peer, until) == (HistoryFound(before, after), zxids)


@pytest.mark.parametrize(
    ("peer", "until", "said"),
    [
        (0, E1 + 3, "begin after zxid 0x0"),
        (E1, E1 + 3, "begin after zxid 0x100000000"),
        (E1 + 4, E1 + 9, "0x100000009 follows 0x100000005"),
        (E2 + 1, E2 + 4, "0x200000004 follows 0x200000002"),
        (E1 + 2, (3 << 32) + 2, "0x300000002 follows 0x200000002"),
    ],
)
def test_a_history_that_does_not_reach_from_the_peer_to_the_log_is_refused(peer: int, until: int, said: str) -> None:
    found, zxids = read(disk_with(LOGS, 0), peer, until)
    assert isinstance(found, HistoryRefused)
    assert said in found.reason
    assert zxids == []


def test_without_logs_there_is_no_history() -> None:
    found, _ = read(disk_with({}, 0), E1 + 1, E1 + 5)
    assert isinstance(found, HistoryRefused)


def test_a_hole_within_an_epoch_is_seen() -> None:
    disk = disk_with({"log.100000001": log_of(E1 + 1, E1 + 2), "log.100000005": log_of(E1 + 5, E1 + 6)}, 0)
    found, _ = read(disk, E1 + 1, E1 + 7)
    assert isinstance(found, HistoryRefused)
    assert "0x100000005 follows 0x100000002" in found.reason
    assert read(disk, E1 + 5, E1 + 7) == (HistoryFound(E1 + 5, E1 + 6), [E1 + 6])


@pytest.mark.parametrize(
    ("snapshots", "is_believed"),
    [
        ((0,), True),
        ((E1 + 2, E1 + 5), True),
        ((E1 + 5, E2 + 1), True),
        # The server received a snapshot between the two, and may have been away for transactions of epoch 1.
        ((0, E1 + 7), False),
        ((0, E2), False),
        # If there was such a snapshot, it was removed since.
        ((E2 + 1,), False),
        ((), False),
    ],
)
def test_the_end_of_an_epoch_is_believed_only_if_no_snapshot_was_received_there(
    snapshots: tuple[int, ...], is_believed: bool
) -> None:
    one_file = {"log.100000001": log_of(E1 + 1, E1 + 5, E2 + 1, E2 + 2)}
    for logs in (LOGS, one_file):
        found, zxids = read(disk_with(logs, *snapshots), E1 + 5, E2 + 2)
        assert isinstance(found, HistoryFound) == is_believed
        assert zxids == ([E2 + 1] if is_believed else [])


def test_an_epoch_that_begins_late_is_not_believed() -> None:
    found, _ = read(disk_with({"log.100000001": log_of(E1 + 1, E2 + 2)}, 0), E1 + 1, E2 + 3)
    assert isinstance(found, HistoryRefused)


def test_what_logs_repeat_is_given_out_once() -> None:
    logs = {"log.1": log_of(1, 2, 3), "log.2": log_of(2, 3, 4, 5)}
    assert read(disk_with(logs, 0), 1, 6) == (HistoryFound(1, 2), [2, 3, 4, 5])


def test_the_entry_that_is_being_written_does_not_matter() -> None:
    """Half of it would look like damage."""
    half = bytearray(entry(create(5)))
    half[20] ^= 1
    disk = disk_with({"log.1": log_of(1, 2, 3, 4) + bytes(half)}, 0)
    assert read(disk, 2, 5) == (HistoryFound(2, 3), [3, 4])


def test_damage_is_a_reason_to_refuse() -> None:
    data = bytearray(log_of(1, 2, 3, 4))
    data[len(log_of(1, 2)) + 20] ^= 1
    found, _ = read(disk_with({"log.1": bytes(data)}, 0), 1, 5)
    assert isinstance(found, HistoryRefused)
    assert "damaged" in found.reason


USED = {"log.1": log_of(1, 2), "log.3": log_of(3, 4) + bytes(400)}
USED_BYTES = len(USED["log.3"])


@pytest.mark.parametrize(
    ("factor", "snapshot_bytes", "is_found"),
    [
        (0.5, 2 * USED_BYTES, True), (0.5, 2 * USED_BYTES - 2, False),
        (1.0, USED_BYTES, True), (1.0, USED_BYTES - 1, False),
        (7.0, 4 * USED_BYTES, True), (7.0, 3 * USED_BYTES, False),
        (0.0, 1, True), (1.0, 0, True), (-1.0, 10**6, False),
    ],
)  # fmt: skip
def test_logs_that_are_large_beside_the_newest_snapshot_are_not_used(
    factor: float, snapshot_bytes: int, is_found: bool
) -> None:
    """All files count that may hold something but the first, with their padding; a factor over 1 is 0.33."""
    snapshots = {"snapshot.0": bytes(10**6), "snapshot.2": bytes(snapshot_bytes)}
    found, zxids = read(disk_with(USED | snapshots), 3, 5, replace(SETTINGS, snapshot_size_factor=factor))
    assert zxids == ([4] if is_found else [])
    assert isinstance(found, HistoryRefused) != is_found
    if isinstance(found, HistoryRefused):
        assert "snapshot" in found.reason


def test_without_a_snapshot_there_is_no_limit() -> None:
    found, _ = read(disk_with({"log.1": log_of(1, 2) + bytes(10**6)}), 1, 3, SETTINGS)
    assert found == HistoryFound(1, 2)


def large_log() -> bytes:
    return log_of() + b"".join(entry(create(zxid, data=bytes(10_000))) for zxid in range(1, 301))


def test_it_is_read_in_small_steps_away_from_the_loop() -> None:
    disk = disk_with({"log.1": large_log()}, 0)
    disk.set_latency(1.0, 1.0)

    async def main() -> None:
        history = DiskHistory(disk, NO_LIMIT, 150, 301)
        now_s = asyncio.get_running_loop().time
        started_s = now_s()
        assert await history.survey() == HistoryFound(150, 151)
        steps = 2 + 300 * 10_000 // SURVEY_STEP_BYTES
        assert now_s() - started_s == pytest.approx(steps, rel=0.01)
        zxids: list[int] = []
        while batch := await history.next_batch():
            size_bytes = sum(len(payload) for _, payload in batch)
            assert size_bytes < BATCH_BYTES + 11_000
            zxids += [zxid for zxid, _ in batch]
        assert zxids == list(range(151, 301))
        assert await history.next_batch() == []
        await history.close()

    run(main)


def test_a_file_that_goes_away_or_cannot_be_read_is_told() -> None:
    disk = disk_with({"log.1": large_log()}, 0)

    async def main() -> None:
        history = DiskHistory(disk, NO_LIMIT, 150, 301)
        await history.survey()
        disk.remove(f"{FOLDER}/log.1")
        with pytest.raises(StorageError, match="log"):
            await history.next_batch()
        await history.close()

    run(main)
    disk = disk_with({"log.1": large_log()}, 0)
    disk.fail_next("read")
    found, _ = read(disk, 150, 301)
    assert isinstance(found, HistoryRefused)


def test_it_can_be_closed_at_any_time() -> None:
    disk = disk_with({"log.1": large_log()}, 0)

    async def main() -> None:
        history = DiskHistory(disk, NO_LIMIT, 1, 301)
        await history.close()
        await history.survey()
        await history.next_batch()
        await history.close()
        await history.close()

    run(main)
