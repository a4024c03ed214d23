"""Sessions of the client: kept, resumed, lost in time, and begun anew."""

import asyncio

import pytest

from zkeeper import SessionState
from zkeeper.errors import (
    AuthFailedError,
    ClosedError,
    ConnectionLossError,
    NodeExistsError,
    Outcome,
    SessionExpiredError,
)

from .client_world import ClientWorld, reached
from .raw_client import Session, connect
from .requests import CloseSession


def test_a_session_is_resumed_when_its_connection_breaks() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            session_id = zk.session_id
            await zk.create("/e", ephemeral=True)
            world.break_connections()
            await reached(zk, SessionState.SUSPENDED)
            await reached(zk, SessionState.CONNECTED)
            assert zk.session_id == session_id
            assert (await zk.exists("/e")).ephemeral_owner == session_id  # type: ignore[union-attr]
        assert world.state_names() == ["CONNECTED", "SUSPENDED", "CONNECTED", "CLOSED"]

    with ClientWorld() as world:
        world.play(story)
        assert not world.exists("/e"), "close() ended the session"


def test_an_idle_session_lives_by_pings() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            await zk.create("/e", ephemeral=True)
            await asyncio.sleep(120)
            assert await zk.exists("/e") is not None
        assert world.state_names() == ["CONNECTED", "CLOSED"]

    with ClientWorld() as world:
        world.play(story)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("direction", ["both", "to the server", "to the client"])
def test_lost_is_declared_before_the_server_expires_the_session(seed: int, direction: str) -> None:
    async def story(world: ClientWorld) -> float:
        zk = world.client()
        await zk.start()
        await zk.create("/e", ephemeral=True)
        await asyncio.sleep(world.client_machine.random.uniform(0, 5))
        client, server = world.client_machine, world.node.machine
        if direction != "to the client":
            world.sim.partition(client, server, one_way=True)
        if direction != "to the server":
            world.sim.partition(server, client, one_way=True)
        await world.sim.wait_until(lambda: not world.exists("/e"))
        expired_s = world.sim.time()
        assert world.time_of(SessionState.LOST) <= expired_s
        world.sim.heal()
        await reached(zk, SessionState.CONNECTED)
        await zk.close()
        return expired_s

    with ClientWorld(seed=seed) as world:
        world.play(story)
        assert world.state_names() == ["CONNECTED", "SUSPENDED", "LOST", "CONNECTED", "CLOSED"]


@pytest.mark.parametrize("seed", range(10))
def test_a_session_that_was_lost_is_not_resumed_by_an_attempt_under_way(seed: int) -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client()
        await zk.start()
        old = zk.session_id
        await asyncio.sleep(1.9)
        world.sim.delay(world.client_machine, world.node.machine, 1200)
        world.break_connections()
        await reached(zk, SessionState.LOST)
        world.sim.heal()
        await reached(zk, SessionState.CONNECTED)
        assert zk.session_id not in (0, old)
        await zk.close()

    with ClientWorld(seed=seed) as world:
        world.play(story)


def test_a_session_that_was_granted_too_late_is_none() -> None:
    """The server grants 20 s, 25 s after it was asked: then the session may be over already."""

    async def story(world: ClientWorld) -> None:
        told: list[tuple[SessionState, int]] = []
        zk = world.client(30_000)
        zk.on_state(lambda state: told.append((state, zk.session_id)))
        server = world.node.machine
        server.pause()
        asyncio.get_running_loop().call_later(25, server.resume)
        await zk.start(timeout_s=None)
        await zk.exists("/")
        await zk.close()
        assert [state for state, _ in told] == [SessionState.CONNECTED, SessionState.CLOSED]
        assert told[0][1] != 0

    with ClientWorld() as world:
        world.play(story)


def test_notifications_do_not_prolong_a_session_that_the_server_does_not_hear_of() -> None:
    """Only what the server answered proves that it counts the session as alive."""

    async def story(world: ClientWorld) -> None:
        zk = world.client()
        await zk.start()
        await zk.create("/e", ephemeral=True)
        async with zk.watch("/busy"):
            world.sim.partition(world.client_machine, world.node.machine, one_way=True)

            async def change(other: object) -> None:
                await other.create("/busy")  # type: ignore[attr-defined]
                while world.exists("/e"):
                    await other.set("/busy", b"")  # type: ignore[attr-defined]
                    await asyncio.sleep(0.2)

            await world.elsewhere(change)
            assert world.time_of(SessionState.LOST) <= world.sim.time()
        world.sim.heal()
        await zk.close()

    with ClientWorld() as world:
        world.play(story)


def test_a_server_that_says_expired_is_believed_and_a_new_session_follows() -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client()
        await zk.start()
        old = zk.session_id
        await zk.create("/e", ephemeral=True)

        async def usurp() -> None:
            raw = await connect("server", session=Session(old, zk.session_password, 6000))
            await raw.call(CloseSession())

        await world.sim.machine("other").start(usurp)
        await reached(zk, SessionState.LOST)
        await reached(zk, SessionState.CONNECTED)
        assert zk.session_id not in (0, old)
        assert await zk.exists("/e") is None
        await zk.close()
        assert world.state_names() == ["CONNECTED", "SUSPENDED", "LOST", "CONNECTED", "CLOSED"]

    with ClientWorld() as world:
        world.play(story)


def test_a_session_is_resumed_by_another_client_with_id_and_password() -> None:
    async def story(world: ClientWorld) -> None:
        first = world.client()
        await first.start()
        await first.create("/e", ephemeral=True)
        async with world.client(session=(first.session_id, first.session_password)) as second:
            assert second.session_id == first.session_id
            assert await second.ephemerals() == ["/e"]
        await reached(first, SessionState.LOST)
        await first.close()

    with ClientWorld() as world:
        world.play(story)


def test_a_session_outlives_a_restart_of_the_server() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            session_id = zk.session_id
            await zk.create("/e", ephemeral=True)
            await world.restart_server()
            assert await zk.exists("/e") is not None
            assert zk.session_id == session_id

    with ClientWorld() as world:
        world.play(story)


def test_requests_wait_for_the_next_connection_and_keep_their_order() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            world.break_connections()
            await reached(zk, SessionState.SUSPENDED)
            waiting = [zk.create("/n-", b"%d" % number, sequential=True) for number in range(50)]
            paths = await asyncio.gather(*waiting)
            assert paths == [f"/n-{number:010d}" for number in range(50)]
            assert [(await zk.get(path)).data for path in paths] == [b"%d" % number for number in range(50)]

    with ClientWorld() as world:
        world.play(story)


def test_a_write_in_flight_is_unknown_and_one_that_waited_is_not_applied() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            world.sim.partition(world.node.machine, world.client_machine, one_way=True)
            sent, read = zk.create("/sent"), zk.get("/")
            with pytest.raises(ConnectionLossError) as lost:
                await sent
            assert (lost.value.outcome, lost.value.path, lost.value.is_repeatable) == (Outcome.UNKNOWN, "/sent", False)
            with pytest.raises(ConnectionLossError) as lost_read:
                await read
            assert (lost_read.value.outcome, lost_read.value.is_repeatable) == (Outcome.NOT_APPLIED, True)
            with pytest.raises(SessionExpiredError) as waited:
                await zk.create("/waited")
            assert (waited.value.outcome, waited.value.path) == (Outcome.NOT_APPLIED, "/waited")
            world.sim.heal()
            assert await zk.exists("/sent") is not None
            assert await zk.exists("/waited") is None

    with ClientWorld() as world:
        world.play(story)


def test_a_cancelled_await_drops_the_reply_and_not_the_request() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:

            async def create() -> None:
                await zk.create("/dropped")

            task = asyncio.create_task(create())
            await asyncio.sleep(0)
            task.cancel()
            kept = await zk.create("/kept")
            assert kept == "/kept"
            assert await zk.exists("/dropped") is not None
            with pytest.raises(NodeExistsError):
                await zk.create("/dropped")

    with ClientWorld() as world:
        world.play(story)


@pytest.mark.parametrize("moment", ["never started", "connecting", "connected", "suspended", "silent", "twice"])
def test_close_returns(moment: str) -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client()
        began_s = world.sim.time()
        if moment == "connecting":
            world.cut()
            start = asyncio.create_task(zk.start(timeout_s=None))
            await asyncio.sleep(3)
            await zk.close()
            with pytest.raises(ClosedError):
                await start
        elif moment != "never started":
            await zk.start()
            if moment in ("suspended", "silent"):
                world.cut()
                await asyncio.sleep(4.5 if moment == "suspended" else 0.1)
            pending = zk.get("/") if moment == "silent" else None
            await asyncio.gather(zk.close(), zk.close())
            if pending is not None:
                assert isinstance(pending.exception(), (ClosedError, ConnectionLossError))
        await zk.close()
        assert zk.state is SessionState.CLOSED
        assert world.sim.time() - began_s < 10
        with pytest.raises(ClosedError):
            await zk.get("/")

    with ClientWorld() as world:
        world.play(story)


def test_a_close_that_is_cancelled_goes_on() -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client()
        await zk.start()
        world.cut()
        closing = asyncio.create_task(zk.close())
        await asyncio.sleep(0.1)
        closing.cancel()
        await asyncio.wait([closing])
        await asyncio.sleep(10)
        assert zk.state is SessionState.CLOSED

    with ClientWorld() as world:
        world.play(story)


def test_a_start_without_a_server_raises_and_leaves_nothing() -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client(hosts="server:1,nowhere:2181")
        with pytest.raises(ConnectionLossError, match=r"no session within 8 s: .*:"):
            await zk.start(timeout_s=8)
        assert zk.state is SessionState.CLOSED

    with ClientWorld() as world:
        world.play(story)


def test_names_are_resolved_again_on_every_attempt() -> None:
    async def story(world: ClientWorld) -> None:
        names = world.sim.network.names
        names["zk"] = "10.9.9.9"
        zk = world.client(hosts="zk")
        start = asyncio.create_task(zk.start(timeout_s=60))
        await asyncio.sleep(5)
        assert zk.state is SessionState.CONNECTING
        names["zk"] = world.node.machine.address
        await start
        await zk.close()

    with ClientWorld() as world:
        world.play(story)


def test_credentials_are_given_again_on_every_connection() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client(auth=[("digest", b"ann:a")]) as zk:
            await zk.add_auth("digest", b"bob:b")
            world.break_connections()
            await reached(zk, SessionState.SUSPENDED)
            await zk.add_auth("digest", b"cay:c")
            assert {user for scheme, user in await zk.whoami() if scheme == "digest"} == {"ann", "bob", "cay"}

    with ClientWorld() as world:
        world.play(story)


def test_a_refused_credential_is_the_end_of_the_client() -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client()
        await zk.start()
        with pytest.raises(AuthFailedError):
            await zk.add_auth("nope", b"")
        assert zk.state is SessionState.AUTH_FAILED
        with pytest.raises(AuthFailedError):
            await zk.get("/")
        await zk.close()

    with ClientWorld() as world:
        world.play(story)


def test_a_server_that_left_the_list_is_left() -> None:
    async def story(world: ClientWorld) -> None:
        world.sim.network.names["alias"] = world.node.machine.address
        async with world.client() as zk:
            session_id = zk.session_id
            zk.update_hosts("alias:2181")
            await reached(zk, SessionState.SUSPENDED)
            await reached(zk, SessionState.CONNECTED)
            assert (zk.server, zk.session_id) == (("alias", 2181), session_id)

    with ClientWorld() as world:
        world.play(story)


def test_runs_of_one_seed_are_alike() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            await asyncio.gather(*(zk.create("/n-", sequential=True) for _ in range(20)))
            world.break_connections()
            await zk.children("/")

    def trace(seed: int) -> str:
        with ClientWorld(seed=seed) as world:
            world.play(story)
            return world.sim.trace_hash()

    assert trace(7) == trace(7)
