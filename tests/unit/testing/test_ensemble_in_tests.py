"""`zkeeper.testing.Ensemble`, seen by clients: its beginning and end, who leads, and each fault."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from zkeeper import Client, SessionState, ZooKeeperError
from zkeeper.testing import Ensemble, Server

PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def shared() -> Iterator[Ensemble]:
    with Ensemble(3, observers=1, in_memory=True) as running:
        yield running


@pytest.fixture
def ensemble(shared: Ensemble) -> Ensemble:
    shared.reset_tree()
    return shared


def set_at_last(client: Client, path: str, data: bytes) -> None:
    """Tries until it is done: what was on its way when the leader died has an unknown outcome."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.set(path, data)
        except ZooKeeperError:
            assert time.monotonic() < deadline_s
        else:
            return


def test_it_is_ready_in_a_few_seconds_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Server():
        """What is loaded and opened once in a process."""
    before = threading.active_count(), len(os.listdir("/dev/fd"))
    begin_s = time.perf_counter()
    with Ensemble() as ensemble:
        assert time.perf_counter() - begin_s < 5
        assert ensemble.sids == ensemble.running == [1, 2, 3]
        assert ensemble.connect_string == ",".join(ensemble.address(sid) for sid in (1, 2, 3))
        assert len(list(tmp_path.iterdir())) == 3
        assert ensemble.start() is ensemble
    assert not ensemble.is_running
    ensemble.stop()
    assert list(tmp_path.iterdir()) == []
    assert (threading.active_count(), len(os.listdir("/dev/fd"))) == before


def test_a_foreign_client_is_served_by_every_server(ensemble: Ensemble) -> None:
    for sid in ensemble.sids:
        client = KazooClient(ensemble.address(sid))
        client.start(PATIENCE_S)
        client.create(f"/{sid}", b"x")
        client.sync("/")
        assert sorted(client.get_children("/")) == [*map(str, range(1, sid + 1)), "zookeeper"]
        client.stop()
        client.close()


def test_a_session_outlives_its_leader(ensemble: Ensemble) -> None:
    with Client(ensemble.connect_string) as client:
        client.create("/a", ephemeral=True)
        session_id, leader = client.session_id, ensemble.leader()
        ensemble.kill(leader)
        assert leader not in ensemble.running
        assert ensemble.leader() != leader
        set_at_last(client, "/a", b"1")
        ensemble.restart(leader)
        assert ensemble.running == ensemble.sids
        assert client.session_id == session_id
    with Client(ensemble.address(leader)) as client:
        client.sync("/")
        assert client.exists("/a") is None, "it was closed with its session"


def test_what_was_acknowledged_is_there_after_all_were_killed(ensemble: Ensemble) -> None:
    with Client(ensemble.connect_string) as client:
        client.create("/a", b"1")
    for sid in ensemble.sids:
        ensemble.kill(sid)
    assert ensemble.running == []
    with pytest.raises(RuntimeError, match="no server runs"):
        ensemble.leader()
    ensemble.heal()
    with Client(ensemble.connect_string) as client:
        assert client.get("/a").data == b"1"


def test_without_a_quorum_nobody_serves_and_a_restart_does_not_wait(ensemble: Ensemble) -> None:
    with Client(ensemble.connect_string) as client:
        ensemble.kill(2)
        ensemble.kill(3)
        client.wait_for(SessionState.SUSPENDED, timeout_s=PATIENCE_S)
        ensemble.restart(1)
        assert ensemble.running == [1, 4]
        ensemble.restart(2)
        client.wait_for(SessionState.CONNECTED, timeout_s=PATIENCE_S)


def test_a_paused_leader_is_replaced(ensemble: Ensemble) -> None:
    leader = ensemble.leader()
    ensemble.pause(leader)
    assert leader not in ensemble.running
    assert ensemble.leader() != leader
    ensemble.resume(leader)
    ensemble.heal()
    with Client(ensemble.address(leader)) as client:
        client.create("/a")


def test_connections_of_clients_break_and_those_of_servers_do_not(ensemble: Ensemble) -> None:
    leader = ensemble.leader()
    with Client(ensemble.address(1)) as first, Client(ensemble.address(2)) as second:
        states: list[SessionState] = []
        first.on_state(states.append)
        assert ensemble.drop_connections(2) == 1
        second.create("/a")
        assert SessionState.SUSPENDED not in states
        assert ensemble.drop_connections() == 2
        first.wait_for(SessionState.CONNECTED, timeout_s=PATIENCE_S)
    assert ensemble.leader() == leader


def test_an_expired_session_is_gone_everywhere(ensemble: Ensemble) -> None:
    with Client(ensemble.address(1)) as owner, Client(ensemble.address(2)) as watcher:
        owner.create("/here", ephemeral=True)
        ensemble.expire(owner.session_id)
        assert watcher.exists("/here") is None
    with pytest.raises(LookupError, match="knows no session 0x7"):
        ensemble.expire(7)


def test_each_test_finds_a_fresh_tree_on_all_servers(ensemble: Ensemble) -> None:
    with Client(ensemble.address(1)) as client:
        client.create("/left-behind")
    ensemble.kill(2)
    ensemble.reset_tree()
    for sid in ensemble.sids:
        with Client(ensemble.address(sid)) as client:
            assert client.children("/") == ["zookeeper"]


def test_one_server_alone_is_an_ensemble_too() -> None:
    with Ensemble(1, in_memory=True) as ensemble, Client(ensemble.connect_string) as client:
        client.create("/a")
        assert ensemble.leader() == 1


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="an ensemble of 0 servers"):
        Ensemble(0)
    with pytest.raises(ValueError, match="an ensemble of 256 servers cannot be: their numbers are 1 to 255"):
        Ensemble(3, observers=253)
    for key in ("server.1", "group.1", "weight.1", "dataDir", "dataLogDir", "clientPort", "dynamicConfigFile"):
        with pytest.raises(
            ValueError, match=f"^{key} cannot be a property of a test server: the ensemble itself gives"
        ):
            Ensemble(properties={key: "1"})
    with pytest.raises(RuntimeError, match="not running"):
        Ensemble().leader()
    assert repr(Ensemble()) == "<Ensemble, not running>"


def test_a_number_that_is_not_there(ensemble: Ensemble) -> None:
    with pytest.raises(LookupError, match="there is no server 9, only 1, 2, 3, 4"):
        ensemble.kill(9)


def test_what_is_of_a_wrong_type_is_told(ensemble: Ensemble) -> None:
    wrong: Any = "x"
    with pytest.raises(TypeError, match="n is an integer, not 'x'"):
        Ensemble(wrong)
    with pytest.raises(TypeError, match="observers is an integer, not 'x'"):
        Ensemble(observers=wrong)
    with pytest.raises(TypeError, match="session_id is an integer, not 'x'"):
        ensemble.expire(wrong)
