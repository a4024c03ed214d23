"""Sessions on virtual time: when they expire, what expiry leaves behind, how they are resumed."""

import asyncio

import pytest

from zkeeper.server.config.model import LimitsConfig, NetworkConfig

from .model import CHANGED, DELETED
from .node import make_config
from .raw_client import RawClient, Session, SessionExpiredError, connect
from .requests import EPHEMERAL, CloseSession, Exists, GetData, SetData
from .scenario import Scenario

SLACK_S = 0.01
"""For the network and the disk."""


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("tick_ms", "timeout_ms"), [(2000, 4000), (2000, 5000), (500, 10_000), (3000, 6001)])
def test_a_silent_session_expires_within_one_tick_after_its_timeout(seed: int, tick_ms: int, timeout_ms: int) -> None:
    with Scenario(make_config(tick_ms=tick_ms), seed) as world:
        world.sim.run_for(world.sim.random.uniform(0, 10))
        client = world.connect(timeout_ms=timeout_ms)
        world.create(client, "/e", flags=EPHEMERAL)
        world.sim.run_for(world.sim.random.uniform(0, timeout_ms / 1000 - 0.1))
        heard_s = world.now_s
        world.call(client, GetData("/"))
        silent_s = world.wait_until(lambda: not world.exists("/e")) - heard_s
        assert timeout_ms / 1000 < silent_s <= (timeout_ms + tick_ms) / 1000 + SLACK_S


def test_pings_keep_a_session_alive() -> None:
    with Scenario() as world:
        client = world.connect(timeout_ms=4000)
        world.create(client, "/e", flags=EPHEMERAL)
        world.on(client, client.keep_alive)
        world.sim.run_for(600)
        assert world.exists("/e")
        assert client.is_open


@pytest.mark.parametrize("seed", range(5))
def test_a_pause_of_the_process_ends_no_session_but_silence_after_it_does(seed: int) -> None:
    with Scenario(seed=seed) as world:
        live, silent = world.connect("live", 5000), world.connect("silent", 5000)
        for client, path in ((live, "/live"), (silent, "/silent")):
            world.create(client, path, flags=EPHEMERAL)
        world.on(live, live.keep_alive)
        world.sim.run_for(world.sim.random.uniform(0, 2))
        world.sim.stall(9)
        paused_until_s = world.now_s
        assert world.wait_until(lambda: not world.exists("/silent")) - paused_until_s < 2 * 2 + SLACK_S
        assert world.exists("/live")


def test_on_a_machine_that_is_always_late_sessions_expire_all_the_same() -> None:
    with Scenario() as world:
        client = world.connect(timeout_ms=4000)
        world.create(client, "/e", flags=EPHEMERAL)
        for _ in range(6):
            world.sim.stall(4.5)
            world.sim.run_for(0.1)
        assert not world.exists("/e")


def test_expiry_removes_ephemerals_and_tells_watchers() -> None:
    with Scenario() as world:
        owner, watcher = world.connect("owner", 4000), world.connect("watcher", 40_000)
        world.create(owner, "/e", flags=EPHEMERAL)
        assert world.call(watcher, Exists("/e", True)).code == 0
        world.wait_until(lambda: watcher.events)
        assert [(event.kind, event.path) for event in watcher.events] == [(DELETED, "/e")]
        assert not world.exists("/e")
        assert owner.session.session_id not in world.server.service.database.sessions


def test_expiry_closes_the_connection_without_a_word() -> None:
    with Scenario() as world:
        client = world.connect(timeout_ms=4000)
        world.create(client, "/e", flags=EPHEMERAL)
        world.call(client, Exists("/e", True))
        frames = len(client.frames)
        world.wait_until(lambda: not client.is_open)
        assert len(client.frames) == frames


def test_a_session_is_resumed_by_id_and_password() -> None:
    with Scenario() as world:
        first = world.connect(timeout_ms=10_000)
        world.create(first, "/e", flags=EPHEMERAL)
        world.call(first, GetData("/e", True))
        world.on(first, first.abort)
        second = world.connect(timeout_ms=20_000, session=first.session)
        assert second.session == first.session._replace(timeout_ms=20_000)
        assert world.call(second, GetData("/e")).value[1].owner == first.session.session_id
        world.call(second, SetData("/e", b"new"))
        assert second.events == []  # Watches do not outlive their connection.


def test_a_wrong_password_is_refused_and_disconnects_the_holder() -> None:
    with Scenario() as world:
        holder = world.connect("holder")
        wrong = holder.session._replace(password=bytes(16))
        with pytest.raises(SessionExpiredError):
            world.connect("thief", session=wrong)
        world.wait_until(lambda: not holder.is_open)
        assert world.connect("holder", session=holder.session).session.session_id == holder.session.session_id


def test_a_closed_session_cannot_be_resumed() -> None:
    with Scenario() as world:
        client = world.connect()
        assert world.call(client, CloseSession()).code == 0
        world.wait_until(lambda: not client.is_open)
        with pytest.raises(SessionExpiredError):
            world.connect(session=client.session)


def test_resuming_closes_the_old_connection() -> None:
    with Scenario() as world:
        old = world.connect("a")
        world.connect("b", session=old.session)
        world.wait_until(lambda: not old.is_open, 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_connection_without_a_session_is_closed_after_one_to_two_periods(seed: int) -> None:
    with Scenario(seed=seed) as world:
        world.sim.run_for(world.sim.random.uniform(0, 30))
        opened_s = world.now_s
        client = world.open()
        closed_s = world.wait_until(lambda: not client.is_open)
        assert 10 - SLACK_S < closed_s - opened_s < 20 + SLACK_S


def test_the_sessionless_period_is_a_setting() -> None:
    with Scenario(make_config(network=NetworkConfig(sessionless_timeout_ms=1000))) as world:
        opened_s = world.now_s
        client = world.open()
        assert world.wait_until(lambda: not client.is_open) - opened_s < 2 + SLACK_S


@pytest.mark.parametrize("seed", range(3))
def test_the_session_of_a_machine_that_lost_power_expires(seed: int) -> None:
    with Scenario(seed=seed) as world:
        client, watcher = world.connect("dead", 6000), world.connect("watcher", 40_000)
        world.create(client, "/e", flags=EPHEMERAL)
        world.call(watcher, Exists("/e", True))
        dead_s = world.now_s
        world.sim.machine("dead").kill(silent=True)
        assert 5.9 < world.wait_until(lambda: watcher.events) - dead_s <= 8 + SLACK_S
        world.wait_until(lambda: len(world.server.port.links()) == 1)


def test_after_a_restart_every_session_has_its_full_timeout() -> None:
    with Scenario() as world:
        client = world.connect(timeout_ms=6000)
        world.create(client, "/e", flags=EPHEMERAL)
        world.sim.run_for(5.5)
        world.restart()
        started_s = world.now_s
        assert world.exists("/e")
        silent_s = world.wait_until(lambda: not world.exists("/e")) - started_s
        assert 6 - SLACK_S <= silent_s <= 8 + SLACK_S


def test_a_thousand_sessions_come_back_at_once_after_a_restart() -> None:
    config = make_config(limits=LimitsConfig(max_client_cnxns=0))
    with Scenario(config) as world:
        sessions = [world.connect("many", 10_000).session for _ in range(1000)]
        world.restart()
        clients = _resume_together(world, sessions)
        assert [client.session for client in clients] == sessions
        answers = [world.post(client, Exists("/"))[0] for client in clients]
        world.wait_until(lambda: all(sent.reply is not None for sent in answers), 5)
        assert sorted(world.server.service.database.sessions) == sorted(each.session_id for each in sessions)


def _resume_together(world: Scenario, sessions: list[Session]) -> list[RawClient]:
    async def resume() -> list[RawClient]:
        return list(await asyncio.gather(*[connect("server", 10_000, session) for session in sessions]))

    clients = world.sim.run(resume(), world.sim.machine("many"))
    world.adopt(clients, "many")
    return clients


def test_data_watch_fires_before_the_reply_to_the_own_write() -> None:
    with Scenario() as world:
        client = world.connect()
        world.create(client, "/a")
        world.post(client, GetData("/a", True), SetData("/a", b"1"), GetData("/a"))
        world.wait_until(lambda: not client.pending)
        kinds = [frame.kind if hasattr(frame, "kind") else frame.sent.xid for frame in client.frames[-4:]]
        assert kinds == [2, CHANGED, 3, 4]
