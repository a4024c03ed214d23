"""Watches that nobody has any more leave nothing behind; watches that several read, or that are stopped, go on well."""

import asyncio
import gc

import pytest

from zkeeper import AsyncClient, EventType, RemoveWatches, SessionState, Watch, WatchEvent
from zkeeper.errors import ClosedError, NoWatcherError

from .client_world import ClientWorld, reached

CREATED, CHANGED, DELETED = EventType.CREATED, EventType.DATA_CHANGED, EventType.DELETED


async def is_watched(zk: AsyncClient, path: str) -> bool:
    """Whether the server knows a persistent watch of this connection."""
    try:
        await zk.check_watches(path, RemoveWatches.PERSISTENT)
    except NoWatcherError:
        return False
    return True


async def first_event(zk: AsyncClient, path: str) -> WatchEvent:
    found: list[WatchEvent] = []
    async for event in zk.watch(path):
        found.append(event)
        break
    return found[0]


def test_a_loop_that_is_left_leaves_no_watch_behind() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            reading = asyncio.ensure_future(first_event(zk, "/w"))
            await zk.sync()
            assert await is_watched(zk, "/w")
            await zk.create("/w")
            assert (await reading).type is CREATED
            del reading
            await zk.sync()
            assert not await is_watched(zk, "/w")
            assert zk._session.exchange.watches.paths() == [[], [], [], [], []]

    with ClientWorld() as world:
        world.play(story)


def test_a_task_that_is_cancelled_in_its_loop_leaves_no_watch_behind() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            reading = asyncio.ensure_future(first_event(zk, "/w"))
            await zk.sync()
            reading.cancel()
            await asyncio.wait([reading])
            del reading
            gc.collect()
            await zk.sync()
            assert not await is_watched(zk, "/w")

    with ClientWorld() as world:
        world.play(story)


def test_a_watch_that_is_held_can_be_read_further_after_a_break() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            watch = zk.watch("/w")
            await watch.start()
            await zk.create("/w")
            await zk.set("/w", b"x")
            found = []
            for _ in range(2):
                async for event in watch:
                    found.append(event.type)
                    break
            assert found == [CREATED, CHANGED]

    with ClientWorld() as world:
        world.play(story)


def test_a_watch_with_callbacks_goes_on_without_being_held() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[EventType] = []
        async with world.client() as zk:
            watch = zk.watch("/w")
            watch.add_callback(lambda event: events.append(event.type))
            await watch.start()
            del watch
            await zk.create("/w")
            await zk.set("/w", b"")
            assert events == [CREATED, CHANGED]
            assert await is_watched(zk, "/w")

    with ClientWorld() as world:
        world.play(story)


def test_who_takes_the_last_callback_back_ends_a_watch_that_nobody_holds() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            watch = zk.watch("/w")
            remove = watch.add_callback(print)
            await watch.start()
            del watch
            await zk.sync()
            assert await is_watched(zk, "/w")
            remove()
            del remove
            await zk.sync()
            assert not await is_watched(zk, "/w")

    with ClientWorld() as world:
        world.play(story)


def test_several_read_one_watch_and_each_event_goes_to_one_of_them() -> None:
    async def story(world: ClientWorld) -> None:
        read: list[tuple[str, EventType]] = []

        async def follow(name: str, watch: Watch) -> None:
            async for event in watch:
                read.append((name, event.type))

        async with world.client() as zk, asyncio.TaskGroup() as group, zk.watch("/w") as watch:
            for name in "abc":
                group.create_task(follow(name, watch))
            await zk.create("/w")
            for _ in range(20):
                await zk.set("/w", b"")
            await zk.delete("/w")
            await zk.sync()
            assert [event for _, event in read] == [CREATED, *[CHANGED] * 20, DELETED]

    with ClientWorld() as world:
        world.play(story)


def test_a_reader_that_is_given_up_takes_no_event_with_it() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk, zk.watch("/w") as watch:
            first = asyncio.ensure_future(anext(watch))
            second = asyncio.ensure_future(anext(watch))
            await asyncio.sleep(0)
            created = zk.create("/w")
            first.cancel()
            await created
            assert (await second).type is CREATED
            assert first.cancelled()

    with ClientWorld() as world:
        world.play(story)


def test_what_has_come_before_stop_can_be_read_and_then_the_iteration_ends() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk:
            watch = zk.watch("/w")
            await watch.start()
            await zk.create("/w")
            await zk.set("/w", b"")
            watch.stop()
            await zk.delete("/w")
            assert [event.type async for event in watch] == [CREATED, CHANGED]
            await zk.create("/w")
            await watch.start()
            await zk.delete("/w")
            assert (await anext(watch)).type is DELETED

    with ClientWorld() as world:
        world.play(story)


def test_a_state_that_cannot_come_any_more_is_not_waited_for() -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client()
        await zk.start()
        waiting = asyncio.ensure_future(zk.wait_for(SessionState.LOST))
        await asyncio.sleep(0)
        await zk.close()
        with pytest.raises(ClosedError, match="CLOSED for good and will not be LOST"):
            await waiting
        with pytest.raises(ClosedError, match="will not be CONNECTED"):
            await reached(zk, SessionState.CONNECTED)
        assert await zk.wait_for(SessionState.CLOSED) is SessionState.CLOSED

    with ClientWorld() as world:
        world.play(story)
