"""Creations whose reply is lost: found again or undone, and never left behind."""

import asyncio

import pytest

import zkeeper
from zkeeper import AsyncClient, Created, SessionState
from zkeeper.errors import ConnectionLossError, NodeExistsError, NoNodeError, SessionExpiredError

from .client_world import ClientWorld, reached

MOMENTS_S = (0.0, 0.0003, 0.002, 0.03, 0.2)
"""After a request is sent: before it arrives, in the disk's queue, before the reply, after it."""


def slow_disk(world: ClientWorld, seconds: float = 0.05) -> None:
    world.node.machine.disk.set_latency(seconds, seconds)


async def children(world: ClientWorld) -> list[str]:
    """As another session sees them."""

    async def look(zk: AsyncClient) -> list[str]:
        await zkeeper.settle(zk, "/")
        return [name for name in await zk.children("/") if name != "zookeeper"]

    return await world.elsewhere(look, f"other {world.sim.time()}")


@pytest.mark.parametrize("moment_s", MOMENTS_S)
@pytest.mark.parametrize("ephemeral", [True, False])
def test_a_reply_that_is_lost_costs_no_second_znode(moment_s: float, ephemeral: bool) -> None:
    async def story(world: ClientWorld) -> None:
        slow_disk(world)
        async with world.client(60_000) as zk:
            creating = asyncio.ensure_future(zkeeper.create_protected(zk, "/a-", b"x", ephemeral=ephemeral))
            await asyncio.sleep(moment_s)
            world.break_connections()
            path, stat = await creating
            assert await children(world) == [path[1:]]
            assert stat is not None
            assert stat.ephemeral_owner == (zk.session_id if ephemeral else 0)
            assert await zk.exists(path) == stat

    with ClientWorld() as world:
        world.play(story)


def test_a_creation_that_a_lost_connection_left_in_the_server_is_waited_for() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client(60_000) as zk:
            # Slower than a reconnect: a listing on the new connection is answered before the creation is applied.
            slow_disk(world, 5.0)
            creating = asyncio.ensure_future(zkeeper.create_protected(zk, "/a-"))
            await asyncio.sleep(0.02)
            world.break_connections()
            await reached(zk, SessionState.SUSPENDED)
            await reached(zk, SessionState.CONNECTED)
            created = await creating
            assert await children(world) == [created.path[1:]]

    with ClientWorld() as world:
        world.play(story)


@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_a_creation_that_is_cancelled_leaves_nothing(moment_s: float) -> None:
    async def story(world: ClientWorld) -> None:
        slow_disk(world)
        async with world.client(60_000) as zk:
            creating = asyncio.ensure_future(zkeeper.create_protected(zk, "/a-", ephemeral=False))
            await asyncio.sleep(moment_s)
            world.break_connections()
            creating.cancel()
            try:
                created = await creating
            except asyncio.CancelledError:
                left = []
            else:
                left = [created.path[1:]]
            while zk._session._errands:
                await asyncio.sleep(0.1)
            assert await children(world) == left

    with ClientWorld() as world:
        world.play(story)


def test_closing_ends_what_was_to_be_undone() -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client(60_000)
        await zk.start()
        creating = asyncio.ensure_future(zkeeper.create_protected(zk, "/a-"))
        await asyncio.sleep(0)
        world.cut()
        creating.cancel()
        await asyncio.wait([creating])
        assert len(zk._session._errands) == 1
        await zk.close()
        assert not zk._session._errands
        world.sim.heal()

    with ClientWorld() as world:
        world.play(story)


def test_a_creation_whose_session_is_lost_is_not_repeated_in_the_next_one() -> None:
    """The server may yet get the first request: then there would be two."""

    async def story(world: ClientWorld) -> None:
        calls: list[int] = []
        async with world.client() as zk:

            async def create_and_lose() -> Created:
                calls.append(zk.session_id)
                if len(calls) == 1:
                    world.cut()
                    await reached(zk, SessionState.LOST)
                    world.sim.heal()
                    raise ConnectionLossError
                return await zk.create2("/_c_x-a")

            with pytest.raises(SessionExpiredError):
                await zkeeper.Protected(zk, "/", "_c_x-").create(create_and_lose, ephemeral=False)
            assert len(calls) == 1

    with ClientWorld() as world:
        world.play(story)


def test_what_was_given_up_in_a_lost_session_is_deleted_though_it_comes_late() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk, world.client(60_000) as other:
            slow_disk(world)
            creating = asyncio.ensure_future(zkeeper.create_protected(zk, "/a-", ephemeral=False, guid="x"))
            await asyncio.sleep(0)
            world.cut()
            await reached(zk, SessionState.LOST)
            world.sim.heal()
            with pytest.raises(SessionExpiredError):
                await creating
            await reached(zk, SessionState.CONNECTED)
            await asyncio.sleep(1)
            # As if the request of the old connection were only now read by the server.
            path = await other.create("/_c_x-a-0000000009")
            await world.sim.wait_until(lambda: not world.exists(path))

    with ClientWorld() as world:
        world.play(story)


def test_what_a_lost_session_made_is_not_taken_for_ones_own() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            guid = zkeeper.new_guid(zk)
            protected = zkeeper.Protected(zk, "/", f"_c_{guid}-")

            async def create_and_lose() -> Created:
                created = await zk.create2(f"/_c_{guid}-a", ephemeral=True)
                world.cut()
                await reached(zk, SessionState.LOST)
                world.sim.heal()
                await reached(zk, SessionState.CONNECTED)
                return created

            with pytest.raises(SessionExpiredError):
                await protected.create(create_and_lose)
            assert await zkeeper.find_protected(zk, "/", guid) is None
            assert await zkeeper.find_protected(zk, "/", guid, ephemeral=False) == await protected.find()
            await protected.delete()
            assert await protected.find() is None

    with ClientWorld() as world:
        world.play(story)


def test_a_refused_creation_is_told_and_undoes_nothing() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            with pytest.raises(NoNodeError):
                await zkeeper.create_protected(zk, "/missing/a-")
            assert not zk._session._errands
            assert await zkeeper.find_protected(zk, "/missing", zkeeper.new_guid(zk)) is None

    with ClientWorld() as world:
        world.play(story)


def test_insisting_goes_on_until_there_is_an_answer() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            await zk.create("/a")
            attempts = 0

            async def create_again() -> str:
                nonlocal attempts
                attempts += 1
                await reached(zk, SessionState.CONNECTED)
                creating = zk.create("/a")
                await asyncio.sleep(0)
                if attempts < 3:
                    world.break_connections()
                return await creating

            with pytest.raises(NodeExistsError):
                await zkeeper.insist(create_again)
            assert attempts == 3

    with ClientWorld() as world:
        world.play(story)


def test_insisting_across_sessions_outlives_one() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            world.cut()
            await reached(zk, SessionState.SUSPENDED)
            within = asyncio.ensure_future(zkeeper.insist(lambda: zk.exists("/")))
            across = asyncio.ensure_future(zkeeper.insist(lambda: zk.exists("/"), across_sessions=True))
            await reached(zk, SessionState.LOST)
            with pytest.raises(SessionExpiredError):
                await within
            world.sim.heal()
            assert await across is not None

    with ClientWorld() as world:
        world.play(story)


def test_settling_is_behind_what_was_on_its_way() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client(60_000) as zk:
            slow_disk(world, 1.5)
            creating = zk.create("/a")
            await asyncio.sleep(0.02)
            world.break_connections()
            with pytest.raises(ConnectionLossError):
                await creating
            await zkeeper.insist(lambda: zkeeper.settle(zk, "/"))
            assert await zk.exists("/a") is not None

    with ClientWorld() as world:
        world.play(story)
