"""Pitfalls of what is on the disk: what a crash leaves there, and a snapshot that was written beside the service."""

from collections.abc import Callable
from functools import partial
from unittest import mock

import pytest

from zkeeper.storage import snapshot_writer
from zkeeper.storage.log_format import LOG_HEADER
from zkeeper.testing.simulation import SimulatedDisk, Unsynced

from ..node import FOLDER  # noqa: TID252  the package has one name in pytest and another as a program
from ..requests import CloseSession, Create, SetAcl  # noqa: TID252  as above
from ..roles.learner_world import LearnerWorld  # noqa: TID252  as above
from ..roles.packets import ACK_EPOCH, FOLLOWER_INFO, LEADER_INFO, PROTOCOL_VERSION, epoch  # noqa: TID252  as above
from ..roles.peers import Link  # noqa: TID252  as above
from ..scenario import Scenario  # noqa: TID252  as above

MAX_STEPS = 60
READ, WRITE = 0b10001, 0b10010


def test_4846_4689_3306_acls_of_a_fuzzy_snapshot_come_from_the_log_and_their_ids_are_not_given_again() -> None:
    """A list of ACLs comes while the snapshot is written: its znodes name an id that is not in the snapshot's table.
    The next snapshot, of what was recovered, has to have it."""
    with mock.patch.object(snapshot_writer, "SLICE_NODES", 1), Scenario() as world:
        client = world.connect()
        for number in range(10):
            world.create(client, f"/n{number}")
        assert world.call(client, SetAcl("/n0", READ)).code == 0
        world.node.machine.disk.set_latency(0.01, 0.01, "snapshot")
        take_snapshot(world, partial(world.call, client, SetAcl("/n9", WRITE)))
        purge(world.node.machine.disk)
        before = world.node.photo()
        world.restart()
        assert world.node.photo().nodes == before.nodes
        world.wait_until(lambda: world.server.log.last_snapshot is not None)
        purge(world.node.machine.disk)
        world.restart()
        assert world.node.photo().nodes == before.nodes


def test_own_a_clock_that_was_set_back_does_not_have_ids_of_sessions_given_again() -> None:
    """At the second start the clock says the same as at the first one."""
    with Scenario() as world:
        before = [world.connect() for _ in range(3)]
        for client in before:
            assert world.call(client, CloseSession()).code == 0
        world.node.machine.skew_ms = -int(world.now_s * 1000)
        world.restart()
        after = [world.connect() for _ in range(3)]
        assert not {one.session.session_id for one in before} & {one.session.session_id for one in after}


def take_snapshot(world: Scenario, meanwhile: Callable[[], object]) -> None:
    """`meanwhile` is called when the snapshot has begun; the log goes on in another file."""
    log = world.server.log
    log._log.roll()
    snapshot = world.node.machine.start(log.snapshot_now)
    world.wait_until(lambda: log._snapshots.running)
    world.sim.run_for(0.02)
    assert log._snapshots.running
    meanwhile()
    assert log._snapshots.running, "it was written beside the service"
    world.wait_until(snapshot.done)
    snapshot.result()


def purge(disk: SimulatedDisk) -> None:
    """Only the newest snapshot is left, and the last log, which goes on from it."""
    for prefix in ("snapshot.", "log."):
        names = [name for name in disk.names(FOLDER) if name.startswith(prefix)]
        for name in sorted(names, key=lambda name: int(name.rsplit(".", 1)[1], 16))[:-1]:
            disk.remove(f"{FOLDER}/{name}")
    disk.sync_folder(FOLDER)


@pytest.mark.parametrize("fate", [Unsynced.LOST, Unsynced.CACHED, Unsynced.REORDERED], ids=lambda fate: fate.value)
def test_4269_2307_a_crash_at_any_step_of_an_epoch_file_does_not_stop_the_start(fate: Unsynced) -> None:
    for step in range(1, MAX_STEPS):
        if play_promise(step, fate):
            assert step > 3, "the power failed at some of the steps that matter"
            return
    raise AssertionError("the promise does not come to its end")


def play_promise(step: int, fate: Unsynced) -> bool:
    """A leader asks for the promise of epoch 7, and the power fails at that step; whether it came to that at all."""
    with LearnerWorld(seed=f"{fate.value} {step}") as world:
        node = world.node
        link = world.begin()
        link.expect(FOLLOWER_INFO)
        node.machine.kill_at_disk_step(step, unsynced=fate)
        link.send(LEADER_INFO, epoch(7), PROTOCOL_VERSION.to_bytes(4))
        world.run_until(partial(is_settled, link))
        has_promised, lives = link.has(ACK_EPOCH, 0), node.machine.is_alive
        node.machine.kill(unsynced=Unsynced.LOST)
        node.start()
        assert node.failure is None
        assert node.accepted_epoch() == 7 if has_promised else node.accepted_epoch() in (0, 7)
        assert node.current_epoch() == 0
        return lives


def is_settled(link: Link) -> bool:
    return link.is_over or link.has(ACK_EPOCH, 0)


@pytest.mark.parametrize(
    "left", [b"", LOG_HEADER[:5], LOG_HEADER, bytes(100), LOG_HEADER + bytes(5000)],
    ids=["empty", "half a header", "header", "zeros", "header and padding"],
)  # fmt: skip
def test_2332_an_empty_last_log_does_not_stop_the_start(left: bytes) -> None:
    with Scenario() as world:
        client = world.connect()
        zxid = world.call(client, Create("/a")).zxid
        world.node.machine.kill()
        disk = world.node.machine.disk
        write(disk, f"{FOLDER}/log.{zxid + 1:x}", left)
        world.node.start()
        assert world.exists("/a")
        world.create(world.connect(), "/b")
        world.restart()
        assert world.exists("/a")
        assert world.exists("/b")


def write(disk: SimulatedDisk, path: str, data: bytes) -> None:
    file = disk.open_writer(path)
    file.write(data)
    file.sync()
    file.close()
    disk.sync_folder(FOLDER)
