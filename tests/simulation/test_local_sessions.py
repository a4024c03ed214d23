"""Local sessions in a whole ensemble: at the leader, at a follower and at an observer (semantics, section 11)."""

import asyncio

import pytest

from zkeeper import AsyncClient, SessionState
from zkeeper.errors import EphemeralOnLocalSessionError

from .member_world import MemberWorld, client_of
from .raw_client import RawClient, Session, SessionExpiredError, connect
from .requests import EPHEMERAL, Create

SID_OF = {"follower": 1, "leader": 3, "observer": 4}
ROLES = pytest.mark.parametrize("sid", SID_OF.values(), ids=SID_OF)
TIMEOUT_MS = 1500
UPGRADING = "localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true\n"


def running(world: MemberWorld) -> None:
    """Starts all; server 3 leads, 4 observes."""
    world.start(*world.sids)
    world.await_serving(*world.sids)


def counts(world: MemberWorld) -> list[tuple[str, str]]:
    """The global and the local sessions that each member tells of."""
    told = {sid: world.metrics(sid) for sid in world.sids}
    return [(told[sid]["global_sessions"], told[sid]["local_sessions"]) for sid in world.sids]


def has(world: MemberWorld, path: str) -> set[int]:
    """The members that have a znode."""
    return {sid for sid, one in world.servers.items() if one.service.database.tree.lookup(path.encode()) is not None}


@ROLES
def test_a_local_session_reads_and_writes_and_is_known_to_its_server_alone(sid: int) -> None:
    async def act() -> AsyncClient:
        client = client_of(f"m{sid}:2181")
        await client.start()
        await client.create("/a", b"1")
        await client.set("/a", b"2")
        await client.sync("/a")
        assert (await client.get("/a")).data == b"2"
        return client

    with MemberWorld(3, 1, more=UPGRADING) as world:
        running(world)
        client = world.sim.run(act(), world.client())
        assert counts(world) == [("0", "1" if each == sid else "0") for each in world.sids]
        assert int(world.metrics(3)["proposal_count"]) == 2
        world.sim.run(client.close(), world.client())
        assert counts(world) == [("0", "0")] * 4
        assert int(world.metrics(3)["proposal_count"]) == 2


@ROLES
def test_an_ephemeral_upgrades_it_and_it_goes_on_anywhere(sid: int) -> None:
    """The session keeps id, password and timeout; its ephemeral goes with it, by the leader's clock."""
    others = [each for each in SID_OF.values() if each != sid]

    async def upgrade() -> Session:
        client = await connect(f"m{sid}", TIMEOUT_MS)
        assert (await client.call(Create("/e", flags=EPHEMERAL))).code == 0
        client.abort()
        return client.session

    async def come_back(session: Session, *sids: int) -> RawClient:
        for each in sids:
            client = await connect(f"m{each}", TIMEOUT_MS, session)
            assert client.session == session
            assert (await client.call(Create(f"/f{each}", flags=EPHEMERAL))).code == 0
        return client

    with MemberWorld(3, 1, more=UPGRADING) as world:
        running(world)
        session = world.sim.run(upgrade(), world.client())
        world.sim.run(come_back(session, *others, sid), world.client())
        assert counts(world) == [("1", "0")] * 4
        assert {path: has(world, path) for path in ("/e", f"/f{others[0]}", f"/f{sid}")} == {
            "/e": set(world.sids), f"/f{others[0]}": set(world.sids), f"/f{sid}": set(world.sids),
        }  # fmt: skip
        began_s = world.sim.time()
        world.sim.run_until(lambda: not has(world, "/e"))
        assert 1.0 < world.sim.time() - began_s < 2.0
        world.sim.run_until(lambda: not has(world, f"/f{sid}"))
        assert counts(world) == [("0", "0")] * 4


@ROLES
def test_a_local_session_cannot_move(sid: int) -> None:
    (there, *_) = [each for each in SID_OF.values() if each != sid]

    async def move() -> None:
        here = await connect(f"m{sid}", TIMEOUT_MS)
        with pytest.raises(SessionExpiredError):
            await connect(f"m{there}", TIMEOUT_MS, here.session)
        again = await connect(f"m{sid}", TIMEOUT_MS, here.session)
        assert again.session == here.session

    with MemberWorld(3, 1, more=UPGRADING) as world:
        running(world)
        world.sim.run(move(), world.client())


@ROLES
def test_without_upgrades_an_ephemeral_is_refused(sid: int) -> None:
    async def act() -> None:
        async with client_of(f"m{sid}:2181") as client:
            with pytest.raises(EphemeralOnLocalSessionError):
                await client.create("/e", ephemeral=True)
            await client.create("/p")

    with MemberWorld(3, 1, more="localSessionsEnabled=true\n") as world:
        running(world)
        world.sim.run(act(), world.client())
        world.sim.run_for(1)
        assert (has(world, "/e"), has(world, "/p")) == (set(), set(world.sids))


def test_when_the_leader_dies_local_sessions_are_lost_and_upgraded_ones_go_on() -> None:
    states: dict[str, list[SessionState]] = {"local": [], "upgraded": []}

    async def act(world: MemberWorld) -> None:
        clients = {name: client_of("m1:2181", 6000) for name in states}
        for name, client in clients.items():
            client.on_state(states[name].append)
            await client.start()
        await clients["upgraded"].create("/e", ephemeral=True)
        session_ids = {name: client.session_id for name, client in clients.items()}
        world.kill(3)
        await asyncio.gather(*(client.wait_for(SessionState.SUSPENDED) for client in clients.values()))
        await asyncio.gather(*(client.wait_for(SessionState.CONNECTED) for client in clients.values()))
        assert await clients["upgraded"].exists("/e")
        assert clients["upgraded"].session_id == session_ids["upgraded"]
        assert clients["local"].session_id != session_ids["local"]
        for client in clients.values():
            await client.close()

    with MemberWorld(3, more=UPGRADING) as world:
        running(world)
        world.sim.run(act(world), world.client())
    assert [SessionState.LOST in told for told in states.values()] == [True, False]
