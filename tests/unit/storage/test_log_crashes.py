"""A machine that dies at any step of logging loses nothing that was acknowledged and starts again, again and again."""

import random

import pytest
from storage_support import FOLDER, SETTINGS, append, create, new_disk, new_log, recovered, run, write_snapshot

from zkeeper.database.database import Database
from zkeeper.storage.snapshot_writer import SnapshotWriter
from zkeeper.testing.simulation import Simulation, Unsynced

ROUNDS = 6


def log_until_killed(simulation: Simulation, last_zxid: int, step: int, fate: Unsynced) -> tuple[int, int]:
    """Logs until the disk's `step`th step kills the machine; what was acknowledged, and what was appended last."""
    machine = simulation.machine("server")
    machine.kill_at_disk_step(step, unsynced=fate)
    acknowledged, appended = last_zxid, last_zxid

    async def main() -> None:
        nonlocal acknowledged, appended
        log = new_log(machine.disk, last_zxid, pre_alloc_bytes=simulation.random.choice([0, 4096, 65536]))
        while True:
            for _ in range(simulation.random.randrange(1, 8)):
                appended += 1
                data = simulation.random.randbytes(simulation.random.choice([5, 300, 3000]))
                append(log, create(appended, data=data))
            if simulation.random.random() < 0.1:
                log.roll()
            acknowledged = (await log.sync()).zxid

    machine.start(main)
    simulation.run_until(lambda: not machine.is_alive)
    machine.restart()
    return acknowledged, appended


@pytest.mark.parametrize("fate", list(Unsynced))
@pytest.mark.parametrize("seed", range(25))
def test_nothing_acknowledged_is_lost(seed: int, fate: Unsynced) -> None:
    with Simulation(f"{seed}/{fate}") as simulation:
        machine = simulation.machine("server")
        machine.disk.make_folders(FOLDER)
        write_base(simulation)
        last_zxid = 0
        for _ in range(ROUNDS):
            step = simulation.random.randrange(1, 40)
            acknowledged, appended = log_until_killed(simulation, last_zxid, step, fate)
            found = recovered(machine.disk)
            last_zxid = int(found.database.last_zxid)
            assert acknowledged <= last_zxid <= appended
            assert found.txns == last_zxid, "each of them is there, once"
            assert found.database.tree.node_count == 5 - 1 + last_zxid


def write_base(simulation: Simulation) -> None:
    machine = simulation.machine("server")
    simulation.run(SnapshotWriter(machine.disk, SETTINGS).write(Database()))


def test_a_recovered_tail_is_durable_before_it_is_built_upon() -> None:
    """A killed process leaves bytes in the cache that a later loss of power would take from under newer logs."""
    disk = new_disk()
    write_snapshot(disk, Database())

    async def main() -> None:
        log = new_log(disk, force_sync=False)
        append(log, create(1), create(2))
        await log.sync()

    run(main)
    assert recovered(disk).database.last_zxid == 2
    disk.sync_folder(FOLDER)
    disk.crash(Unsynced.LOST)
    assert recovered(disk).database.last_zxid == 2


def test_the_seeds_reach_torn_writes() -> None:
    """Guards the test above: its crashes do tear batches, else it would show nothing."""
    torn = 0
    for seed in range(10):
        with Simulation(f"{seed}/torn") as simulation:
            machine = simulation.machine("server")
            machine.disk.make_folders(FOLDER)
            write_base(simulation)
            log_until_killed(simulation, 0, random.Random(seed).randrange(5, 30), Unsynced.REORDERED)
            told: list[str] = []
            recovered(machine.disk, told)
            torn += any("torn write" in sentence for sentence in told)
    assert torn > 0
