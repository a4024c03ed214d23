"""A local ensemble's configurations: they load, they fit together, and a second time nothing changes."""

import random

import pytest

from zkeeper.server.config import ConfigError, load
from zkeeper.server.config.local_ensemble import LocalPorts, make_local_ensemble
from zkeeper.storage.whole_files import read_file, replace_file
from zkeeper.testing.simulation import SimulatedDisk


def new_disk() -> SimulatedDisk:
    return SimulatedDisk(random.Random(1))


@pytest.mark.parametrize("count", [1, 3, 5])
def test_each_server_loads_and_all_know_each_other(count: int) -> None:
    disk = new_disk()
    servers = make_local_ensemble(disk, "/local", count)
    disk.crash()
    configs = [load(server.config_path, {}, {}, lambda path: read_file(disk, path)) for server in servers]
    quorums = [loaded.config.quorum for loaded in configs]
    assert [quorum.my_sid for quorum in quorums if quorum is not None] == list(range(1, count + 1))
    assert {quorum.committed.text() for quorum in quorums if quorum is not None} == {quorums[0].committed.text()}  # type: ignore[union-attr]
    ports = [(loaded.config.network.client_port_address, loaded.config.network.client_port) for loaded in configs]
    assert ports == [("127.0.0.1", 2181 + number) for number in range(count)]
    assert configs[-1].config.storage.data_dir == f"/local/server-{count}/data"


def test_the_last_servers_observe() -> None:
    disk = new_disk()
    servers = make_local_ensemble(disk, "/local", 5, observers=2)
    quorum = load(servers[4].config_path, {}, {}, lambda path: read_file(disk, path)).config.quorum
    assert quorum is not None
    assert (quorum.committed.participants, quorum.committed.observers) == ({1, 2, 3}, {4, 5})
    assert quorum.me.is_observer


@pytest.mark.parametrize("observers", [-1, 3, 4])
def test_somebody_has_to_vote(observers: int) -> None:
    with pytest.raises(ConfigError, match=f"{observers} of 3 servers cannot be observers"):
        make_local_ensemble(new_disk(), "/local", 3, observers=observers)


def test_what_is_there_stays() -> None:
    disk = new_disk()
    first, *others = make_local_ensemble(disk, "/local", 3)
    replace_file(disk, first.config_path, b"changed")
    assert make_local_ensemble(disk, "/local", 3) == [first, *others]
    assert read_file(disk, first.config_path) == b"changed"


def test_another_number_of_servers_is_refused() -> None:
    disk = new_disk()
    make_local_ensemble(disk, "/local", 3)
    with pytest.raises(ConfigError, match="/local has an ensemble of 3 servers"):
        make_local_ensemble(disk, "/local", 5)


@pytest.mark.parametrize(
    ("count", "ports", "reason"),
    [
        (0, LocalPorts(), "an ensemble of 0 servers cannot be"),
        (256, LocalPorts(1, 1000, 2000), "an ensemble of 256 servers cannot be"),
        (3, LocalPorts(65534, 1, 10), "out of range"),
        (3, LocalPorts(0, 10, 20), "out of range"),
        (3, LocalPorts(10, 12, 20), "overlap"),
        (3, LocalPorts(20, 10, 11), "overlap"),
    ],
)
def test_what_cannot_be(count: int, ports: LocalPorts, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_local_ensemble(new_disk(), "/local", count, ports)


def test_ports_may_touch() -> None:
    assert len(make_local_ensemble(new_disk(), "/local", 3, LocalPorts(10, 13, 16))) == 3
