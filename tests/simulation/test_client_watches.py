"""Watches of the client: told once, in order, and set again on every connection."""

import asyncio

import pytest

from zkeeper import AsyncClient, EventType, SessionState, WatchEvent
from zkeeper.client import subscription as subscription_module
from zkeeper.errors import ConnectionLossError, NotReadOnlyError, NoWatcherError, SessionExpiredError
from zkeeper.server.config.model import NetworkConfig
from zkeeper.values import RemoveWatches

from .client_world import ClientWorld, reached
from .node import make_config
from .odd_servers import SET_WATCHES2, OldServer, ReadOnlyServer

CREATED, DELETED, CHANGED = EventType.CREATED, EventType.DELETED, EventType.DATA_CHANGED
CHILDREN, NONE = EventType.CHILDREN_CHANGED, EventType.NONE


def kinds(events: list[WatchEvent]) -> list[tuple[EventType, str]]:
    return [(event.type, event.path) for event in events]


def test_one_shot_watches_are_told_once_and_before_the_reply_behind_the_change() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client() as zk:
            await zk.create("/a")
            await asyncio.gather(
                zk.get("/a", watch=events.append),
                zk.children("/a", watch=events.append),
                zk.exists("/b", watch=events.append),
            )
            told_at_reply: list[int] = []
            for number, request in enumerate((zk.set("/a", b"1"), zk.create("/a/c"), zk.create("/b")), start=1):
                request.add_done_callback(lambda _, number=number: told_at_reply.append(len(events) - number))  # type: ignore[misc]
            await asyncio.gather(zk.set("/a", b"2"), zk.create("/a/d"), zk.set("/b", b"2"))
            assert kinds(events) == [(CHANGED, "/a"), (CHILDREN, "/a"), (CREATED, "/b")]
            assert min(told_at_reply) >= 0, "a reply came before the event of its change"
            assert all(event.zxid > 0 for event in events)

    with ClientWorld() as world:
        world.play(story)


def test_a_read_that_fails_sets_no_watch() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client() as zk:
            await asyncio.gather(
                zk.get("/a", watch=events.append), zk.children("/a", watch=events.append), return_exceptions=True
            )
            await zk.create("/a")
            await zk.delete("/a")
        assert events == []

    with ClientWorld() as world:
        world.play(story)


def test_one_shot_watches_outlive_the_connection_and_tell_what_happened_meanwhile() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client() as zk:
            await asyncio.gather(*(zk.create(path) for path in ("/set", "/gone", "/same")))
            for path in ("/set", "/gone", "/same"):
                await zk.get(path, watch=events.append)
            await zk.exists("/new", watch=events.append)
            await zk.children("/", watch=events.append)
            world.cut()
            await reached(zk, SessionState.SUSPENDED)

            async def change(other: AsyncClient) -> None:
                await asyncio.gather(other.set("/set", b""), other.delete("/gone"), other.create("/new"))

            await world.elsewhere(change)
            world.sim.heal()
            await reached(zk, SessionState.CONNECTED)
            await zk.sync()
            expected = [(CHILDREN, "/"), (CREATED, "/new"), (DELETED, "/gone"), (CHANGED, "/set")]
            assert sorted(kinds(events), key=lambda one: one[1]) == sorted(expected, key=lambda one: one[1])
            await zk.set("/same", b"")
            assert kinds(events)[4:] == [(CHANGED, "/same")]

    with ClientWorld() as world:
        world.play(story)


@pytest.mark.parametrize("end", ["lost", "closed"])
def test_one_shot_watches_are_told_the_end_of_their_session(end: str) -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        zk = world.client()
        await zk.start()
        await zk.exists("/a", watch=events.append)
        if end == "lost":
            world.cut()
            await reached(zk, SessionState.LOST)
            assert events == [WatchEvent(NONE, "/a", -1)]
            world.sim.heal()
            await reached(zk, SessionState.CONNECTED)
            await zk.create("/a")
        await zk.close()
        assert events == [WatchEvent(NONE, "/a", -1)]

    with ClientWorld() as world:
        world.play(story)


def test_many_watches_are_set_again_in_several_requests() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client() as zk:
            paths = [f"/{number:05d}-{'x' * 60}" for number in range(5000)]
            await asyncio.gather(*map(zk.create, paths))
            await asyncio.gather(*(zk.get(path, watch=events.append) for path in paths))
            world.break_connections()
            await reached(zk, SessionState.SUSPENDED)
            await asyncio.gather(*(zk.set(path, b"") for path in paths))
            assert kinds(events) == [(CHANGED, path) for path in paths]

    with ClientWorld() as world:
        world.play(story)


def test_a_callback_that_raises_is_reported_and_harms_nobody() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        reports: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(str(context["exception"])))

        def fail(event: WatchEvent) -> None:
            raise RuntimeError("mine")

        async with world.client() as zk:
            zk.exists("/a", watch=fail)
            zk.exists("/a", watch=events.append)
            assert await zk.create("/a") == "/a"
        assert kinds(events) == [(CREATED, "/a")]
        assert reports == ["mine"]

    with ClientWorld() as world:
        world.play(story)


def test_a_watch_that_was_removed_is_told_so_and_nothing_else() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client() as zk:
            await zk.exists("/a", watch=events.append)
            await zk.check_watches("/a", RemoveWatches.DATA)
            await zk.remove_watches("/a", RemoveWatches.DATA)
            await zk.create("/a")
            with pytest.raises(NoWatcherError):
                await zk.remove_watches("/a", RemoveWatches.DATA)
        assert kinds(events) == [(EventType.DATA_WATCH_REMOVED, "/a")]

    with ClientWorld() as world:
        world.play(story)


def test_a_callback_that_was_taken_back_is_not_called_and_its_neighbours_are() -> None:
    async def story(world: ClientWorld) -> None:
        mine: list[WatchEvent] = []
        others: list[WatchEvent] = []
        async with world.client() as zk:
            await zk.create("/a")
            await asyncio.gather(zk.get("/a", watch=mine.append), zk.children("/a", watch=mine.append))
            await asyncio.gather(zk.get("/a", watch=others.append), zk.exists("/b", watch=mine.append))
            zk.forget_watch("/a", mine.append)
            zk.forget_watch("/never", mine.append)
            unanswered = zk.exists("/a", watch=mine.append)
            await asyncio.sleep(0)
            waiting = zk.get("/a", watch=mine.append)
            zk.forget_watch("/a", mine.append)
            await asyncio.gather(unanswered, waiting)
            await asyncio.gather(zk.set("/a", b"1"), zk.create("/a/c"), zk.create("/b"))
            assert kinds(mine) == [(CREATED, "/b")], "of another path"
            assert kinds(others) == [(CHANGED, "/a")]

    with ClientWorld() as world:
        world.play(story)


def test_what_was_taken_back_is_not_set_again_and_not_told_of_the_end() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client() as zk:
            await zk.exists("/a", watch=events.append)
            zk.forget_watch("/a", events.append)
            world.break_connections()
            await reached(zk, SessionState.SUSPENDED)
            await reached(zk, SessionState.CONNECTED)
            with pytest.raises(NoWatcherError):
                await zk.check_watches("/a")
        assert events == []

    with ClientWorld() as world:
        world.play(story)


def test_without_a_connection_watches_can_be_removed_here() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client(60_000) as zk:
            await asyncio.gather(zk.exists("/a", watch=events.append), zk.exists("/b", watch=events.append))
            await zk.remove_watches("/b", local=True)
            with pytest.raises(NoWatcherError):
                await zk.check_watches("/b")
            world.cut()
            lost = asyncio.ensure_future(zk.remove_watches("/a"))
            await reached(zk, SessionState.SUSPENDED)
            with pytest.raises(ConnectionLossError):
                await lost
            with pytest.raises(NoWatcherError):
                await zk.remove_watches("/a", RemoveWatches.CHILDREN, local=True)
            await zk.remove_watches("/a", local=True)
            assert kinds(events) == [(EventType.DATA_WATCH_REMOVED, "/b"), (EventType.DATA_WATCH_REMOVED, "/a")]
            world.sim.heal()
            await reached(zk, SessionState.CONNECTED)
            with pytest.raises(NoWatcherError):
                await zk.check_watches("/a")

    with ClientWorld() as world:
        world.play(story)


def test_a_removal_here_is_done_also_when_the_connection_is_lost_on_the_way() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client(60_000) as zk:
            await zk.exists("/a", watch=events.append)
            world.cut()
            await zk.remove_watches("/a", local=True)
            assert zk.state is SessionState.SUSPENDED
            assert kinds(events) == [(EventType.DATA_WATCH_REMOVED, "/a")]

    with ClientWorld() as world:
        world.play(story)


def test_a_recursive_watch_tells_every_change_below_it() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk, zk.watch("/w", recursive=True) as events, zk.watch("/w") as own:
            await asyncio.gather(
                zk.create("/w"), zk.create("/w/a"), zk.set("/w/a", b""), zk.create("/other"), zk.delete("/w/a")
            )
            told = [await anext(events) for _ in range(4)]
            assert kinds(told) == [(CREATED, "/w"), (CREATED, "/w/a"), (CHANGED, "/w/a"), (DELETED, "/w/a")]
            assert kinds([await anext(own) for _ in range(3)]) == [(CREATED, "/w"), (CHILDREN, "/w"), (CHILDREN, "/w")]

    with ClientWorld() as world:
        world.play(story)


def test_a_persistent_watch_goes_on_after_a_reconnect_and_in_a_new_session() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk, zk.watch("/w", recursive=True) as events:
            await zk.create("/w")
            assert kinds([await anext(events)]) == [(CREATED, "/w")]
            world.break_connections()
            assert kinds([await anext(events)]) == [(NONE, "/w")]
            await zk.create("/w/a")
            assert kinds([await anext(events)]) == [(CREATED, "/w/a")]
            world.cut()
            await reached(zk, SessionState.LOST)
            world.sim.heal()
            assert kinds([await anext(events)]) == [(NONE, "/w")]
            await zk.create("/w/b")
            assert kinds([await anext(events)]) == [(CREATED, "/w/b")]

    with ClientWorld() as world:
        world.play(story)


def test_a_persistent_watch_ends_with_its_session_if_asked_and_with_its_client() -> None:
    async def story(world: ClientWorld) -> None:
        zk = world.client()
        await zk.start()
        bound, free = zk.watch("/", ends_with_session=True), zk.watch("/")
        await bound.start()
        await free.start()
        world.cut()
        with pytest.raises(SessionExpiredError):
            await anext(bound)
        world.sim.heal()
        await reached(zk, SessionState.CONNECTED)
        await zk.close()
        assert kinds([event async for event in free]) == [(NONE, "/")]

    with ClientWorld() as world:
        world.play(story)


def test_two_watches_of_one_path_are_removed_one_by_one() -> None:
    async def story(world: ClientWorld) -> None:
        async with world.client() as zk, zk.watch("/w") as kept:
            async with zk.watch("/w") as left:
                await zk.create("/w")
                assert kinds([await anext(left)]) == [(CREATED, "/w")]
            with pytest.raises(StopAsyncIteration):
                await anext(left)
            await zk.delete("/w")
            assert kinds([await anext(kept), await anext(kept)]) == [(CREATED, "/w"), (DELETED, "/w")]
            await zk.check_watches("/w", RemoveWatches.PERSISTENT)
            kept.stop()
            with pytest.raises(NoWatcherError):
                await zk.check_watches("/w", RemoveWatches.PERSISTENT)

    with ClientWorld() as world:
        world.play(story)


def test_what_was_stopped_without_a_connection_does_not_stop_the_next_watch_of_its_path() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client() as zk:
            first = zk.watch("/")
            await first.start()
            world.break_connections()
            await reached(zk, SessionState.SUSPENDED)
            first.stop()
            created = zk.create("/a")
            second = zk.watch("/")
            second.add_callback(events.append)
            async with second:
                await created
                assert kinds(events) == [(NONE, "/"), (CHILDREN, "/")]

    with ClientWorld() as world:
        world.play(story)


def test_a_watch_that_is_not_read_collapses_into_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription_module, "MAX_EVENTS_UNREAD", 10)

    async def story(world: ClientWorld) -> None:
        async with world.client() as zk, zk.watch("/w") as events:
            await zk.create("/w")
            await asyncio.gather(*(zk.set("/w", b"") for _ in range(10)))
            assert kinds([await anext(events)]) == [(NONE, "/w")]
            await zk.delete("/w")
            assert kinds([await anext(events)]) == [(DELETED, "/w")]

    with ClientWorld() as world:
        world.play(story)


def test_a_chroot_is_on_no_path_that_the_caller_sees() -> None:
    async def story(world: ClientWorld) -> None:
        events: list[WatchEvent] = []
        async with world.client(hosts="server/app") as zk:
            await zk.ensure_path("/")
            view = zk.with_chroot("/x")
            await view.ensure_path("/y")
            assert (zk.chroot, view.chroot) == ("/app", "/app/x")
            await view.exists("/", watch=events.append)
            assert await view.create("/e-", sequential=True, ephemeral=True) == "/e-0000000001"
            assert (await zk.ephemerals(), await view.ephemerals()) == (["/x/e-0000000001"], ["/e-0000000001"])
            async with view.watch("/", recursive=True) as watched:
                await zk.create("/x/z")
                assert kinds([await anext(watched)]) == [(CREATED, "/z")]
            await view.set("/", b"")
            assert kinds(events) == [(CHANGED, "/")]
            await zk.delete_tree("/")
            assert await zk.exists("/") is None

    with ClientWorld() as world:
        world.play(story)


@pytest.mark.parametrize("recursive", [False, True])
def test_one_shot_watches_stand_in_on_an_old_server(recursive: bool) -> None:
    async def story(world: ClientWorld) -> None:
        old = OldServer("server")
        world.sim.machine("old").start(old.serve)
        async with world.client(hosts="old") as zk, zk.watch("/w", recursive=recursive) as events:
            assert old.refused == [106]
            assert kinds([await anext(events)]) == [(NONE, "/w")], "the old server closed the connection"
            await zk.create("/w")
            assert kinds([await anext(events)]) == [(CREATED, "/w")]
            await zk.create("/w/a")
            assert kinds([await anext(events)]) == [(CREATED, "/w/a") if recursive else (CHILDREN, "/w")]
            if recursive:
                await zk.set("/w/a", b"x")
                assert kinds([await anext(events)]) == [(CHANGED, "/w/a")]
            old.break_connections()
            assert kinds([await anext(events)]) == [(NONE, "/w")]
            await zk.delete("/w/a")
            assert kinds([await anext(events)]) == [(DELETED, "/w/a") if recursive else (CHILDREN, "/w")]
            await zk.delete("/w")
            assert kinds([await anext(events)]) == [(DELETED, "/w")]
            assert old.refused == [106], "it is asked once"

    with ClientWorld() as world:
        world.play(story)


def test_one_shot_watches_take_over_when_the_next_server_is_an_old_one() -> None:
    async def story(world: ClientWorld) -> None:
        old = OldServer("server", missing=[SET_WATCHES2])
        world.sim.machine("old").start(old.serve)
        async with world.client(hosts="old") as zk, zk.watch("/w") as events:
            await zk.create("/w")
            assert kinds([await anext(events)]) == [(CREATED, "/w")]
            old.break_connections()
            await world.sim.wait_until(lambda: old.refused)
            await zk.wait_for(SessionState.SUSPENDED)
            await zk.wait_for(SessionState.CONNECTED)
            async with asyncio.timeout(60.0):  # What is changed after NONE was told, is told.
                while (event := await anext(events)).type is NONE:
                    await zk.set("/w", b"x")
            assert kinds([event]) == [(CHANGED, "/w")]
            assert old.refused == [SET_WATCHES2]

    with ClientWorld() as world:
        world.play(story)


def test_a_read_only_server_is_left_for_one_that_writes() -> None:
    async def story(world: ClientWorld) -> None:
        lonely = ReadOnlyServer()
        machine = world.sim.machine("lonely")
        machine.start(lonely.serve)
        world.node.machine.refuse_connections()
        async with world.client(hosts="lonely,server", read_only=True) as zk:
            assert (zk.state, zk.server) == (SessionState.CONNECTED_READ_ONLY, ("lonely", 2181))
            with pytest.raises(NotReadOnlyError):
                await zk.create("/a")
            world.node.machine.refuse_connections(False)
            await reached(zk, SessionState.CONNECTED)
            assert zk.server == ("server", 2181)
            assert zk.session_id not in (0, 0x77), "a session of a read-only server is known to no other"
            await zk.create("/a")
        assert set(lonely.session_ids_asked_for) == {0}
        assert "LOST" not in world.state_names()

    with ClientWorld(make_config(network=NetworkConfig(four_letter_words=("isro",)))) as world:
        world.play(story)


def test_a_client_that_has_to_write_does_not_stay_with_a_read_only_server() -> None:
    async def story(world: ClientWorld) -> None:
        world.sim.machine("lonely").start(ReadOnlyServer().serve)
        async with world.client(hosts="lonely,server") as zk:
            assert zk.server == ("server", 2181)

    with ClientWorld() as world:
        world.play(story)
