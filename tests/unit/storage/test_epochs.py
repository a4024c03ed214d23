"""The epoch files: what a start makes of them, and that a crash at any step leaves the old or the new."""

import asyncio
import errno
import random

import pytest
from storage_support import FOLDER, SETTINGS, new_disk, no_tell, read_file, run, settled, write_file

from zkeeper.errors import StorageError
from zkeeper.storage.epochs import Epochs, load_epochs
from zkeeper.testing.simulation import Killed, SimulatedDisk, Simulation, Unsynced

EPOCH_1, EPOCH_5 = (1 << 32) + 7, (5 << 32) + 7
Files = dict[str, bytes]


def disk_with(files: Files) -> SimulatedDisk:
    disk = new_disk()
    for name, content in files.items():
        write_file(disk, name, content)
    return disk


def files_of(disk: SimulatedDisk) -> Files:
    return {name: read_file(disk, name) for name in disk.names(FOLDER)}


def both(accepted: int, current: int) -> Files:
    return {"acceptedEpoch": b"%d" % accepted, "currentEpoch": b"%d" % current}


@pytest.mark.parametrize(
    ("files", "zxid", "accepted", "current"),
    [
        ({}, 0, 0, 0),
        ({}, EPOCH_5, 5, 5),
        ({}, -1, -1, -1),
        (both(5, 3), EPOCH_1, 5, 3),
        (both(5, 5), EPOCH_5, 5, 5),
        (both(-1, -1), -1, -1, -1),
        ({"currentEpoch": b"5"}, EPOCH_5, 5, 5),
        ({"acceptedEpoch": b"6"}, EPOCH_5, 6, 5),
        # Written by hand, with a line's end, or by 3.4, with its marker.
        ({"acceptedEpoch": b"6\n", "currentEpoch": b"+5\r\n"}, EPOCH_5, 6, 5),
        ({**both(5, 5), "updatingEpoch": b""}, EPOCH_5, 5, 5),
        # A crash between the history of an epoch and its file, or within the writing of the file.
        (both(5, 4), EPOCH_5, 5, 5),
        ({**both(5, 4), "currentEpoch.tmp": b"5"}, EPOCH_5, 5, 5),
        ({**both(5, 4), "currentEpoch.tmp": b""}, EPOCH_5, 5, 5),
        ({**both(5, 5), "acceptedEpoch.tmp": b"6"}, EPOCH_5, 5, 5),
    ],
)
def test_a_start_finds_or_makes_the_epochs(files: Files, zxid: int, accepted: int, current: int) -> None:
    disk = disk_with(files)
    for _ in range(2):
        disk.crash(Unsynced.LOST)
        epochs = load_epochs(disk, SETTINGS, zxid, no_tell)
        assert (epochs.accepted, epochs.current) == (accepted, current)
    left = files_of(disk)
    left.pop("updatingEpoch", None)
    assert {name: int(content) for name, content in left.items()} == {
        "acceptedEpoch": accepted,
        "currentEpoch": current,
    }


@pytest.mark.parametrize(
    ("files", "zxid", "said"),
    [
        (both(4, 4), EPOCH_5, "transactions of epoch 5"),
        ({**both(4, 4), "currentEpoch.tmp": b"5"}, EPOCH_5, "transactions of epoch 5"),
        (both(4, 5), EPOCH_1, "acceptedEpoch says 4 and currentEpoch 5"),
        ({"currentEpoch": b"5"}, EPOCH_1, "acceptedEpoch says 1 and currentEpoch 5"),
        (both(5, -2), EPOCH_1, "no epoch"),
        ({"acceptedEpoch": b"", "currentEpoch": b"1"}, EPOCH_1, "no epoch"),
        ({"acceptedEpoch": b"\n2", "currentEpoch": b"1"}, EPOCH_1, "no epoch"),
        ({"acceptedEpoch": b"1x", "currentEpoch": b"1"}, EPOCH_1, "no epoch"),
        ({"acceptedEpoch": b" 1", "currentEpoch": b"1"}, EPOCH_1, "no epoch"),
        ({"acceptedEpoch": b"2147483648", "currentEpoch": b"1"}, EPOCH_1, "no epoch"),
        ({"acceptedEpoch": b"1" * 100, "currentEpoch": b"1"}, EPOCH_1, "no epoch"),
    ],
)
def test_files_that_cannot_be_believed_are_left_alone(files: Files, zxid: int, said: str) -> None:
    disk = disk_with(files)
    with pytest.raises(StorageError, match=said):
        load_epochs(disk, SETTINGS, zxid, no_tell)
    assert {name: content for name, content in files_of(disk).items() if name in files} == files


def test_a_file_that_is_behind_is_told() -> None:
    told: list[str] = []
    load_epochs(disk_with(both(5, 4)), SETTINGS, EPOCH_5, told.append)
    assert "epoch 5" in told[0]
    assert "currentEpoch says 4" in told[0]


def test_epochs_are_durable_when_told() -> None:
    disk = disk_with(both(3, 1))

    async def main() -> None:
        epochs = load_epochs(disk, SETTINGS, EPOCH_1, no_tell)
        await epochs.accept(7)
        disk.crash(Unsynced.LOST)
        assert files_of(disk) == both(7, 1)
        await epochs.set_current(7)
        disk.crash(Unsynced.LOST)
        assert files_of(disk) == both(7, 7)
        steps = disk.count_steps
        await epochs.accept(7)
        await epochs.set_current(7)
        assert (epochs.accepted, epochs.current, disk.count_steps) == (7, 7, steps)

    run(main)


def test_epochs_never_go_back() -> None:
    epochs = Epochs(new_disk(), FOLDER, 5, 3)

    async def main() -> None:
        for wrong in (epochs.accept(4), epochs.set_current(2), epochs.set_current(6), epochs.accept(1 << 31)):
            with pytest.raises(AssertionError):
                await wrong

    run(main)
    with pytest.raises(AssertionError):
        Epochs(new_disk(), FOLDER, 3, 5)


def test_a_role_that_ends_while_an_epoch_is_written_leaves_memory_and_disk_agreed() -> None:
    disk = disk_with(both(3, 1))

    async def main() -> None:
        epochs = load_epochs(disk, SETTINGS, EPOCH_1, no_tell)
        role = asyncio.get_running_loop().create_task(epochs.accept(9))
        await asyncio.sleep(0)
        role.cancel()
        with pytest.raises(AssertionError, match="goes from 9 to 8"):
            await epochs.accept(8)
        await epochs.set_current(2)
        assert (epochs.accepted, epochs.current) == (9, 2)
        assert files_of(disk) == both(9, 2)

    run(main)


@pytest.mark.parametrize("kind", ["create", "write", "sync", "rename", "sync_folder"])
def test_a_disk_that_refuses_is_told_and_may_be_asked_again(kind: str) -> None:
    disk = disk_with(both(3, 1))

    async def main() -> None:
        epochs = load_epochs(disk, SETTINGS, EPOCH_1, no_tell)
        disk.fail_next(kind, errno.ENOSPC)
        error = await settled(asyncio.get_running_loop().create_task(epochs.accept(9)))
        assert isinstance(error, StorageError)
        assert "acceptedEpoch" in str(error)
        assert epochs.accepted == 3
        await epochs.accept(9)
        disk.crash(Unsynced.LOST)
        assert (epochs.accepted, files_of(disk)) == (9, both(9, 1))

    run(main)


@pytest.mark.parametrize("fate", list(Unsynced))
@pytest.mark.parametrize("seed", range(20))
def test_a_crash_at_any_step_leaves_the_old_value_or_the_new(seed: int, fate: Unsynced) -> None:
    with Simulation(f"{seed}/{fate}") as simulation:
        machine, chance = simulation.machine("server"), random.Random(seed)
        machine.disk.make_folders(FOLDER)
        told = asked = [0, 0]
        reached = 0

        async def main() -> None:
            nonlocal told, asked
            epochs = load_epochs(machine.disk, SETTINGS, 0, no_tell)
            assert told[0] <= epochs.accepted <= asked[0]
            assert told[1] <= epochs.current <= asked[1]
            asked = told = [epochs.accepted, epochs.current]
            while True:
                asked = [told[0] + chance.randint(1, 3), told[1]]
                await epochs.accept(asked[0])
                told, asked = asked, [asked[0], chance.randint(told[1] + 1, asked[0])]
                await epochs.set_current(asked[1])
                told = asked

        for _ in range(8):
            machine.kill_at_disk_step(simulation.random.randrange(1, 25), unsynced=fate)
            machine.start(main)
            simulation.run_until(lambda: not machine.is_alive)
            machine.restart()
            reached = told[0]
        assert reached > 0


@pytest.mark.parametrize("fate", list(Unsynced))
def test_a_first_start_can_crash_at_any_step(fate: Unsynced) -> None:
    step = 0
    while True:
        step += 1
        disk = new_disk(step)
        disk.kill_at_step(step, lambda disk=disk: disk.crash(fate))  # type: ignore[misc]
        try:
            load_epochs(disk, SETTINGS, EPOCH_5, no_tell)
            break
        except Killed:
            epochs = load_epochs(disk, SETTINGS, EPOCH_5, no_tell)
            assert (epochs.accepted, epochs.current) == (5, 5)
    assert step > 8
