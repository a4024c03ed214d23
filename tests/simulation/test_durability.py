"""Slow, failing and full disks, snapshots, purges and stops, with clients that go on writing."""

import errno

import pytest

from zkeeper.server.config.model import NodesConfig, RetentionConfig, StorageConfig
from zkeeper.storage.disk import Disk
from zkeeper.testing.simulation import Unsynced

from .log_files import log_names
from .node import DATA_DIR, FOLDER, make_config
from .raw_client import Sent
from .requests import CONTAINER, CREATE_CONTAINER, CREATE_TTL, TTL, Create, Delete, Exists, GetData, SetData
from .scenario import Scenario
from .test_limits import PROMPT_S, took_s

SLOW_S = 0.5


def acknowledged(sent: list[Sent]) -> list[Sent]:
    return [each for each in sent if each.reply is not None]


def snapshots(disk: Disk) -> list[str]:
    """Paths, oldest first."""
    names = [name for name in disk.names(FOLDER) if name.startswith("snapshot.")]
    return [f"{FOLDER}/{name}" for name in sorted(names, key=lambda name: int(name.split(".")[1], 16))]


# Slow disks.


def test_a_slow_disk_delays_only_the_writer() -> None:
    with Scenario() as world:
        writer, reader = world.connect("writer", 40_000), world.connect("reader", 40_000)
        world.node.machine.disk.set_latency(SLOW_S, SLOW_S, "log")
        began_s = world.now_s
        sent = world.post(writer, Exists("/"), SetData("/", b"new"), GetData("/"))
        for _ in range(10):
            assert took_s(world, reader, GetData("/")) < PROMPT_S
        assert reader.replies[-1].value[0] == b""
        assert sent[0].reply is not None
        assert sent[2].reply is None
        assert world.wait_until(lambda: sent[2].reply is not None) - began_s >= SLOW_S
        assert sent[2].reply is not None
        assert sent[2].reply.value[0] == b"new"
        assert writer.replies[-2].sent is sent[1]


def test_a_hundred_writers_share_a_few_syncs() -> None:
    with Scenario() as world:
        disk = world.node.machine.disk
        clients = [world.connect(f"writer{number}", 40_000) for number in range(100)]
        disk.set_latency(0.02, 0.02, "log")
        world.call(clients[0], Create("/a"))
        steps = disk.count_steps
        sent = [world.post(client, SetData("/", b"")) for client in clients]
        took = world.now_s
        took = world.wait_until(lambda: all(one.reply is not None for (one,) in sent)) - took
        assert took < 4 * 0.02
        assert disk.count_steps - steps <= 2 * 3  # A batch is a write and a sync.


@pytest.mark.parametrize("seed", range(3))
def test_a_snapshot_holds_nobody_up(seed: int) -> None:
    storage = StorageConfig(data_dir=DATA_DIR, pre_alloc_size_kb=64, snap_count=3000)
    with Scenario(make_config(storage=storage), seed) as world:
        client = world.connect(timeout_ms=40_000)
        world.node.machine.disk.set_latency(0.05, 0.05, "snapshot")
        world.post(client, *[Create(f"/n{number}", bytes(50)) for number in range(2999)])
        world.wait_until(lambda: world.server.log._snapshots.running)
        waits_s = []
        while world.server.log._snapshots.running:
            waits_s.append(took_s(world, client, SetData("/n1", b"x"), GetData("/n1")))
        assert len(waits_s) > 10
        assert sorted(waits_s)[len(waits_s) // 2] < PROMPT_S
        expected = world.node.photo()
        world.restart()
        assert world.node.photo().nodes == expected.nodes
        assert world.node.photo().digest_mismatches == 0


# Failing disks.


@pytest.mark.parametrize("kind", ["write", "sync"])
@pytest.mark.parametrize("seed", range(5))
def test_a_failing_log_stops_the_server_and_answers_nothing(kind: str, seed: int) -> None:
    with Scenario(seed=seed) as world:
        client = world.connect(timeout_ms=40_000)
        world.create(client, "/a")
        world.node.machine.disk.fail_next(kind, errno.EIO)
        sent = world.post(client, SetData("/a", b"lost"), GetData("/a"))
        world.wait_until(lambda: world.node.is_over)
        assert world.node.failure is not None
        assert acknowledged(sent) == []
        world.wait_until(lambda: not client.is_open)
        server = world.node.start()
        assert server.service.database.last_zxid == 2
        assert world.node.photo().nodes["/a"].data == b""
        world.node.machine.kill(unsynced=Unsynced.LOST)
        world.node.start()
        assert world.node.photo().nodes["/a"].data == b""


@pytest.mark.parametrize("seed", range(5))
def test_a_full_disk_stops_the_writes_and_loses_nothing(seed: int) -> None:
    with Scenario(seed=seed) as world:
        client = world.connect(timeout_ms=40_000)
        disk = world.node.machine.disk
        disk.capacity_bytes = 0
        disk.capacity_bytes = 50_000 - disk.room_bytes()
        sent: list[Sent] = []
        while not world.node.is_over:
            sent += world.post(client, Create(f"/n{len(sent)}", bytes(1000))) if client.is_open else []
            world.sim.run_for(0.0005)
        assert world.node.failure is not None
        assert "ENOSPC" in str(world.node.failure)
        done = len(acknowledged(sent))
        assert 20 < done < 50
        disk.capacity_bytes = None
        world.node.start()
        names = [f"/n{number}" for number in range(done)]
        assert all(world.exists(name) for name in names)
        assert world.server.service.database.last_zxid <= len(sent) + 1
        again = world.connect(session=client.session)
        assert world.call(again, Create("/after")).code == 0


def test_a_snapshot_that_finds_no_room_does_not_stop_the_service() -> None:
    storage = StorageConfig(data_dir=DATA_DIR, pre_alloc_size_kb=64, snap_count=100)
    with Scenario(make_config(storage=storage)) as world:
        client = world.connect(timeout_ms=40_000)
        world.create(client, "/big", bytes(100_000))
        disk = world.node.machine.disk
        disk.capacity_bytes = 0
        disk.capacity_bytes = 50_000 - disk.room_bytes()
        sent = world.post(client, *[SetData("/", b"x")] * 200)
        world.wait_until(lambda: sent[-1].reply is not None)
        world.sim.run_for(1)
        assert len(snapshots(disk)) == 1
        assert [name for name in disk.names(FOLDER) if name.startswith("tmp")] == []
        expected = world.node.photo()
        disk.capacity_bytes = None
        world.restart()
        assert world.node.photo().nodes == expected.nodes


# Stops and purges.


@pytest.mark.parametrize("seed", range(10))
def test_a_stop_in_order_loses_nothing_that_was_acknowledged(seed: int) -> None:
    with Scenario(seed=seed) as world:
        client = world.connect(timeout_ms=40_000)
        sent = world.post(client, *[Create(f"/n{number}") for number in range(500)])
        world.sim.run_for(world.sim.random.uniform(0, 0.01))
        world.node.stop_now()
        world.wait_until(lambda: not client.is_open)
        done = len(acknowledged(sent))
        world.node.machine.kill(unsynced=Unsynced.LOST)
        world.node.start()
        assert all(world.exists(f"/n{number}") for number in range(done))
        known = [world.exists(f"/n{number}") for number in range(500)]
        assert known == sorted(known, reverse=True)


def test_a_purge_keeps_what_the_oldest_kept_snapshot_needs() -> None:
    storage = StorageConfig(data_dir=DATA_DIR, pre_alloc_size_kb=4, snap_count=20)
    with Scenario(make_config(storage=storage, retention=RetentionConfig(purge_interval_ms=100))) as world:
        client = world.connect(timeout_ms=40_000)
        disk = world.node.machine.disk
        for number in range(300):
            world.create(client, f"/n{number}")
        world.sim.run_for(0.5)
        kept = snapshots(disk)
        assert len(kept) == 3
        assert len(log_names(disk)) <= 5
        expected = world.node.photo()
        world.node.machine.kill()
        for path in kept[1:]:
            disk.flip(path, 2)
        world.node.start()
        assert world.node.photo().nodes == expected.nodes


# The reaper.

REAPED = NodesConfig(is_extended_types_enabled=True, container_check_interval_ms=1000)


def test_an_empty_container_is_reaped_once_it_was_used() -> None:
    with Scenario(make_config(nodes=REAPED)) as world:
        client = world.connect(timeout_ms=40_000)
        for path in ("/used", "/unused"):
            world.call(client, Create(path, b"", CONTAINER, form=CREATE_CONTAINER))
        world.create(client, "/used/child")
        world.sim.run_for(3)
        assert world.exists("/used")
        assert world.call(client, Exists("/used", True)).code == 0
        world.call(client, Delete("/used/child"))
        world.wait_until(lambda: client.events, 1.1)
        assert not world.exists("/used")
        assert world.exists("/unused")


def test_a_znode_with_a_ttl_is_reaped_unless_it_is_used() -> None:
    with Scenario(make_config(nodes=REAPED)) as world:
        client = world.connect(timeout_ms=40_000)
        for path in ("/idle", "/written", "/parent"):
            assert world.call(client, Create(path, b"", TTL, ttl_ms=2500, form=CREATE_TTL)).code == 0
        world.create(client, "/parent/child")
        for _ in range(5):
            world.sim.run_for(1)
            world.call(client, SetData("/written", b""))
        assert not world.exists("/idle")
        assert world.exists("/written")
        assert world.exists("/parent")
        world.call(client, Delete("/parent/child"))
        world.sim.run_for(4)
        assert not world.exists("/parent")
        assert not world.exists("/written")


def test_the_reaper_goes_on_after_a_restart() -> None:
    with Scenario(make_config(nodes=REAPED)) as world:
        client = world.connect(timeout_ms=40_000)
        world.call(client, Create("/ttl", b"", TTL, ttl_ms=1500, form=CREATE_TTL))
        world.restart()
        assert world.exists("/ttl")
        world.wait_until(lambda: not world.exists("/ttl"), 4)
