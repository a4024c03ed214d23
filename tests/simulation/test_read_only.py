"""Members that are cut off from their quorum serve reads to clients that are content with that (quorum, section 15)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from zkeeper import AsyncClient, SessionState
from zkeeper.errors import ConnectionLossError, NotReadOnlyError

from .codec import NO_PASSWORD, connect_request
from .member_world import CLIENT_PORT, MemberWorld, client_of
from .raw_client import Session, connect, open_connection

READ_ONLY = "readonlymode.enabled=true\n"
LOCAL = "localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true\n"
PATIENCE_S = 2.0
ALL_HOSTS = "m1:2181,m2:2181,m3:2181"
TIMEOUT_MS = 2000


@pytest.fixture
def world() -> Iterator[MemberWorld]:
    """Three members, of which 3 leads, and /a."""
    with MemberWorld(3, more=READ_ONLY + LOCAL) as world:
        begin(world)
        yield world


def begin(world: MemberWorld) -> None:
    world.start(*world.sids)
    await_roles(world, *world.sids)
    world.sim.run(_write("/a"), world.client())


async def _write(path: str) -> None:
    async with client_of(ALL_HOSTS) as zk:
        await zk.create(path, b"1")


def await_roles(world: MemberWorld, *sids: int) -> None:
    world.sim.run_until(lambda: all(has_role(world, sid) for sid in sids))


def has_role(world: MemberWorld, sid: int) -> bool:
    service = world.servers[sid].service
    return service.serves() and not service.is_read_only


def reads_only(world: MemberWorld, sid: int) -> bool:
    service = world.servers[sid].service
    return service.serves() and service.is_read_only


def leave_alone(world: MemberWorld, sid: int) -> None:
    """The others die; returns when the one that is left serves reads."""
    for other in [each for each in world.servers if each != sid]:
        world.kill(other)
    world.sim.run_until(lambda: reads_only(world, sid))


def new_client(hosts: str = ALL_HOSTS, **more: Any) -> AsyncClient:
    return client_of(hosts, TIMEOUT_MS, read_only=True, **more)


@pytest.mark.parametrize("left", [1, 3], ids=["follower", "leader"])
def test_who_is_left_alone_serves_reads_after_two_seconds(left: int, world: MemberWorld) -> None:
    for other in {1, 2, 3} - {left}:
        world.kill(other)
    world.sim.run_until(lambda: not has_role(world, left))
    began_s = world.sim.time()
    world.sim.run_until(lambda: reads_only(world, left))
    assert PATIENCE_S - 0.1 <= world.sim.time() - began_s <= PATIENCE_S + 0.1

    async def read() -> None:
        async with new_client() as zk:
            assert zk.state is SessionState.CONNECTED_READ_ONLY
            assert (await zk.get("/a")).data == b"1"
            for refused in (zk.create("/b"), zk.create("/b", ephemeral=True), zk.set("/a", b"2"), zk.sync("/a")):
                with pytest.raises(NotReadOnlyError):
                    await refused
            assert zk.state is SessionState.CONNECTED_READ_ONLY

    world.sim.run(read(), world.client())


def test_a_member_that_never_had_a_quorum_serves_what_it_has(world: MemberWorld) -> None:
    for sid in (1, 2, 3):
        world.kill(sid)
    world.start(2)
    began_s = world.sim.time()
    world.sim.run_until(lambda: reads_only(world, 2))
    assert world.sim.time() - began_s == pytest.approx(PATIENCE_S, abs=0.1)

    async def read() -> bytes | None:
        async with new_client() as zk:
            return (await zk.get("/a")).data

    assert world.sim.run(read(), world.client()) == b"1"


def test_so_does_an_observer() -> None:
    with MemberWorld(3, 1, more=READ_ONLY + LOCAL) as world:
        begin(world)
        world.sim.run_until(lambda: world.servers[4].service.database.tree.lookup(b"/a") is not None)
        leave_alone(world, 4)
        assert world.ask(4, "isro") == "ro"


def test_an_election_among_members_that_see_each_other_comes_first(world: MemberWorld) -> None:
    world.kill(3)
    world.sim.run_until(lambda: not has_role(world, 1) and not has_role(world, 2))
    world.sim.run_until(lambda: any(world.servers[sid].service.serves() for sid in (1, 2)))
    assert not reads_only(world, 1)
    assert not reads_only(world, 2)
    await_roles(world, 1, 2)
    assert world.ask(1, "isro") == "rw"


def test_words_tell_of_it(world: MemberWorld) -> None:
    assert [world.ask(sid, "isro") for sid in (1, 2, 3)] == ["rw"] * 3
    leave_alone(world, 1)
    assert world.ask(1, "isro") == "ro"
    for word in ("srvr", "stat"):
        lines = world.ask(1, word).splitlines()
        assert lines[1] == "READ-ONLY mode; serving only read-only clients"
        assert "Mode: read-only" in lines
    assert world.ask(1, "conf").endswith("\npeerType=0\n")
    told = world.metrics(1)
    assert told["server_state"] == "read-only"
    assert not {"peer_state", "quorum_size"} & told.keys(), "nor does Java's tell them"
    assert "\nLocal Session Sets (0)/(0):\nGlobal Sessions(" in world.ask(1, "dump")
    assert world.ask(1, "ruok") == "imok"


def test_it_is_no_service_by_the_metrics(world: MemberWorld) -> None:
    leave_alone(world, 1)
    world.sim.run_for(10)
    world.start(2)
    await_roles(world, 1, 2)
    told = world.metrics(1)
    assert int(told["max_unavailable_time"]) > 11_000
    assert told["cnt_unavailable_time"] == "2"


def test_clients_that_want_to_write_are_turned_away(world: MemberWorld) -> None:
    leave_alone(world, 1)

    async def knock() -> None:
        for tail in (b"\0", b""):
            client = await open_connection("m1")
            request = connect_request(TIMEOUT_MS, 0, NO_PASSWORD)
            client.transport.write((len(request) - 5 + len(tail)).to_bytes(4) + request[4:-1] + tail)
            await client.lost
            assert not client.opened.done() or client.opened.exception() is not None
        with pytest.raises(ConnectionLossError):
            await client_of("m1:2181", TIMEOUT_MS).start(5.0)

    world.sim.run(knock(), world.client())


def test_without_local_sessions_nobody_gets_in_and_words_are_answered() -> None:
    with MemberWorld(3, more=READ_ONLY) as world:
        begin(world)
        leave_alone(world, 1)
        assert world.ask(1, "isro") == "ro"

        async def knock() -> None:
            with pytest.raises(ConnectionLossError):
                await new_client().start(5.0)

        world.sim.run(knock(), world.client())


def test_switched_off_nothing_of_it_is_there() -> None:
    with MemberWorld(3, more=LOCAL) as world:
        begin(world)
        world.kill(2)
        world.kill(3)
        world.sim.run_until(lambda: not has_role(world, 1))
        world.sim.run_for(10)
        assert not world.servers[1].service.serves()


# What becomes of sessions.


def test_when_the_quorum_is_back_the_client_moves_to_it_with_a_new_session(world: MemberWorld) -> None:
    """The connection ends with the election; what the client knew of reads stays: no LOST, watches come along."""
    leave_alone(world, 1)
    states: list[SessionState] = []

    zk, is_connected = new_client(), asyncio.Event()

    async def act() -> None:
        async with zk, zk.watch("/a") as events:
            session_id = zk.session_id
            zk.on_state(states.append)
            is_connected.set()
            await zk.wait_for(SessionState.CONNECTED)
            assert zk.session_id not in (0, session_id)
            await zk.create("/e", ephemeral=True)
            await zk.set("/a", b"2")
            async for event in events:
                if event.path == "/a" and (await zk.get("/a")).data == b"2":
                    break

    done = world.client().start(act)
    world.sim.run_until(is_connected.is_set)
    world.start(2)
    world.sim.run_until(done.done)
    done.result()
    assert states[:2] == [SessionState.SUSPENDED, SessionState.CONNECTED]
    assert SessionState.LOST not in states


def test_a_client_of_a_member_that_is_cut_off_finds_the_quorum_by_itself(world: MemberWorld) -> None:
    """It stays connected while it searches, and goes on its own."""
    machines = {sid: world.sim.machine(f"m{sid}") for sid in (1, 2, 3)}
    world.sim.partition(machines[1], [machines[2], machines[3]])
    world.sim.partition(world.client(), [machines[2], machines[3]])
    world.sim.run_until(lambda: reads_only(world, 1))
    await_roles(world, 2, 3)

    async def act() -> None:
        async with new_client() as zk:
            assert (zk.state, zk.server) == (SessionState.CONNECTED_READ_ONLY, ("m1", CLIENT_PORT))
            await asyncio.sleep(10)
            assert zk.state is SessionState.CONNECTED_READ_ONLY
            assert (await zk.get("/a")).data == b"1"
            world.sim.heal()
            world.sim.partition(machines[1], [machines[2], machines[3]])
            await zk.wait_for(SessionState.CONNECTED)
            assert zk.server != ("m1", CLIENT_PORT)
            await zk.set("/a", b"2")

    world.sim.run(act(), world.client())
    assert reads_only(world, 1)


@pytest.mark.parametrize("is_global", [False, True], ids=["local", "global"])
def test_a_client_of_the_quorum_reads_on_where_its_session_is_lost(is_global: bool, world: MemberWorld) -> None:
    """A local session is over with the role of its server. A global one may live on elsewhere, so it is the client that
    gives it up, when its time has passed."""
    states: list[tuple[float, SessionState]] = []
    zk, is_connected = new_client("m1:2181"), asyncio.Event()

    async def act() -> None:
        async with zk:
            if is_global:
                await zk.create("/e", ephemeral=True)
            zk.on_state(lambda state: states.append((world.sim.time(), state)))
            is_connected.set()
            await zk.wait_for(SessionState.CONNECTED_READ_ONLY)
            assert (await zk.get("/a")).data == b"1"
            assert bool(await zk.exists("/e")) == is_global, "nobody is there who could delete it"

    done = world.client().start(act)
    world.sim.run_until(is_connected.is_set)
    leave_alone(world, 1)
    served_s = world.sim.time()
    world.sim.run_until(done.done)
    done.result()
    assert [state for _, state in states[:3]] == [
        SessionState.SUSPENDED, SessionState.LOST, SessionState.CONNECTED_READ_ONLY,
    ]  # fmt: skip
    assert states[2][0] - served_s < TIMEOUT_MS / 1000


def test_a_session_of_the_quorum_is_not_said_to_be_over(world: MemberWorld) -> None:
    """Whether it began before this member was cut off, or since: it lives on, and with it its ephemerals."""
    machines = {sid: world.sim.machine(f"m{sid}") for sid in (1, 2, 3)}

    async def open_sessions(*paths: str) -> list[Session]:
        sessions: list[Session] = []
        for path in paths:
            zk = client_of("m2:2181", TIMEOUT_MS)
            await zk.start()
            await zk.create(path, ephemeral=True)
            sessions.append(Session(zk.session_id, zk.session_password, TIMEOUT_MS))
        return sessions

    async def is_turned_away(session: Session) -> bool:
        client = await open_connection("m1")
        request = connect_request(TIMEOUT_MS, session.session_id, session.password)
        client.transport.write(request[:-1] + b"\1")
        await client.lost
        return isinstance(client.opened.exception(), ConnectionError)

    before = world.sim.run(open_sessions("/before"), world.sim.machine("other"))
    world.sim.run_until(lambda: world.servers[1].service.database.tree.lookup(b"/before") is not None)
    world.sim.partition(machines[1], [machines[2], machines[3]])
    world.sim.run_until(lambda: reads_only(world, 1))
    since = world.sim.run(open_sessions("/since"), world.sim.machine("other"))
    for session in (*before, *since):
        assert world.sim.run(is_turned_away(session), world.client())
    world.sim.heal()
    await_roles(world, 1)

    async def resume() -> None:
        for session in (*before, *since):
            assert (await connect("m1", TIMEOUT_MS, session)).session == session

    world.sim.run(resume(), world.client())


def test_a_session_of_a_read_only_member_is_over_with_it(world: MemberWorld) -> None:
    leave_alone(world, 1)
    zk = new_client()
    world.sim.run(zk.start(), world.client())
    session_id = zk.session_id
    assert world.metrics(1)["local_sessions"] == "1"
    world.start(2)
    await_roles(world, 1, 2)
    assert session_id not in world.servers[1].service.tracker.sessions
    assert session_id not in world.servers[1].service.database.sessions
    world.sim.run(zk.close(), world.client())


def test_ids_of_sessions_are_not_given_twice(world: MemberWorld) -> None:
    async def ids() -> list[int]:
        found: list[int] = []
        for _ in range(3):
            async with new_client("m1:2181") as zk:
                found.append(zk.session_id)
        return found

    given = world.sim.run(ids(), world.client())
    leave_alone(world, 1)
    given += world.sim.run(ids(), world.client())
    world.start(2)
    await_roles(world, 1, 2)
    given += world.sim.run(ids(), world.client())
    assert len(set(given)) == 9
    assert {each >> 56 for each in given} == {1}


def test_a_read_only_member_stops_in_order(world: MemberWorld) -> None:
    leave_alone(world, 1)
    zk = new_client("m1:2181")
    world.sim.run(zk.start(), world.client())
    server, machine = world.servers[1], world.sim.machine("m1")
    world.sim.run(server.stop(), machine)
    world.sim.run_until(lambda: zk.state is SessionState.SUSPENDED)
    assert server.failure is None
    assert not server.service.serves()
    assert server.port.links() == []
    world.sim.run(zk.close(), world.client())
