"""Caches of a node, of children and of a tree, and settings that follow a tree."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from zkeeper import AsyncClient, EventType
from zkeeper.errors import ClosedError
from zkeeper.recipes import (
    Change,
    ChildrenCache,
    ConfigWatch,
    NodeCache,
    ServiceDiscovery,
    SettingError,
    TreeCache,
)

from .recipe_world import RecipeWorld


def test_a_node_that_comes_changes_and_goes() -> None:
    with RecipeWorld() as world:
        zk, writer = world.clients_named("a", "b")
        cache = NodeCache(zk, "/n")
        changes: list[EventType] = []
        cache.on_change(lambda change: changes.append(change.type))
        world.run("a", cache.start())
        assert cache.node is None
        world.ask("b", lambda: writer.create("/n", b"1"))
        world.until(lambda: cache.node and cache.node.data == b"1")
        world.ask("b", lambda: writer.create("/n/child"))
        world.ask("b", lambda: writer.set("/n", b"2"))
        world.until(lambda: cache.node and cache.node.data == b"2")
        world.ask("b", lambda: writer.delete_tree("/n"))
        world.until(lambda: cache.node is None)
        assert changes == [EventType.CREATED, EventType.DATA_CHANGED, EventType.DELETED]
        world.run("a", cache.close())


def test_children_with_their_data_and_nothing_deeper() -> None:
    with RecipeWorld() as world:
        zk, writer = world.clients_named("a", "b")

        async def write() -> None:
            await writer.create("/p", b"")
            await writer.create("/p/a", b"1")
            await writer.create("/p/a/deep", b"")
            await writer.create("/other", b"")

        world.run("b", write())
        cache = ChildrenCache(zk, "/p")
        world.run("a", cache.start())
        assert {name: node.data for name, node in cache.children.items()} == {"a": b"1"}
        world.ask("b", lambda: writer.create("/p/b", b"2"))
        world.ask("b", lambda: writer.set("/p/a", b"3"))
        world.until(lambda: {name: node.data for name, node in cache.children.items()} == {"a": b"3", "b": b"2"})
        world.ask("b", lambda: writer.delete_tree("/p"))
        world.until(lambda: cache.children == {})
        world.run("a", cache.close())


def test_the_root_of_all_can_be_followed() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        cache = TreeCache(zk, "/")
        world.run("a", cache.start())
        assert cache.children("/") == ["zookeeper"]
        world.ask("a", lambda: zk.create("/x", b"1"))
        world.until(lambda: cache.get("/x"))
        assert cache.children("/") == ["x", "zookeeper"]
        world.run("a", cache.close())


@pytest.mark.parametrize("is_expired", [False, True])
def test_what_changed_while_the_connection_was_lost_is_shown_after_it(is_expired: bool) -> None:
    with RecipeWorld() as world:
        zk, writer = world.clients_named("a", "b")

        async def write() -> None:
            for path in ("/t", "/t/kept", "/t/gone", "/t/gone/below", "/t/changed", "/t/again"):
                await writer.create(path, b"old")

        async def change() -> None:
            await writer.delete_tree("/t/gone")
            await writer.set("/t/changed", b"new")
            await writer.create("/t/fresh", b"new")
            await writer.delete("/t/again")
            await writer.create("/t/again", b"new")

        world.run("b", write())
        cache = TreeCache(zk, "/t")
        changes: list[tuple[EventType, str]] = []
        world.run("a", cache.start())
        cache.on_change(lambda change: changes.append((change.type, change.path)))
        if is_expired:
            world.expire(zk)
        world.cut_off("a")
        world.run("b", change())
        world.pass_time(10.0 if is_expired else 1.0)
        assert not changes
        world.heal()
        world.until(lambda: changes and cache.is_synced)
        assert sorted(changes) == [
            (EventType.CREATED, "/t/again"),
            (EventType.CREATED, "/t/fresh"),
            (EventType.DELETED, "/t/again"),
            (EventType.DELETED, "/t/gone"),
            (EventType.DELETED, "/t/gone/below"),
            (EventType.DATA_CHANGED, "/t/changed"),
        ]
        assert {path: node.data for path, node in cache.nodes.items()} == {
            "/t": b"old", "/t/again": b"new", "/t/changed": b"new", "/t/fresh": b"new", "/t/kept": b"old",
        }  # fmt: skip
        world.run("a", cache.close())


def test_who_listens_slowly_sees_the_newest_state_and_is_told_of_the_end() -> None:
    with RecipeWorld() as world:
        zk, writer = world.clients_named("a", "b")
        cache = TreeCache(zk, "/t")
        seen: list[int] = []

        async def listen() -> None:
            async for nodes in cache.changes():
                seen.append(len(nodes))
                await asyncio.sleep(1.0)

        async def write() -> None:
            await writer.create("/t")
            for number in range(20):
                await writer.create(f"/t/{number}")

        world.run("a", cache.start())
        task = world.begin("a", listen)
        world.run("b", write())
        world.until(lambda: seen and seen[-1] == 21)
        assert len(seen) <= 4
        world.run("a", cache.close())
        world.result(task)


def test_a_callback_sees_what_it_is_told() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        cache = TreeCache(zk, "/t")
        told: list[Change] = []

        def note(change: Change) -> None:
            assert cache.get(change.path) == change.new
            told.append(change)

        forget = cache.on_change(note)
        world.run("a", cache.start())
        world.ask("a", lambda: zk.create("/t"))
        world.until(lambda: told)
        forget()
        world.ask("a", lambda: zk.set("/t", b"x"))
        world.until(lambda: cache.nodes["/t"].data == b"x")
        assert len(told) == 1
        world.run("a", cache.close())


@dataclass(frozen=True)
class Pool:
    size: int = 4
    wait_s: float = 1.5


@dataclass(frozen=True)
class Settings:
    host: str
    is_on: bool = False
    limit: int | None = None
    names: list[str] = field(default_factory=list)
    secret: bytes = b""
    pool: Pool = field(default_factory=Pool)


def test_settings_are_typed_and_follow_and_what_is_wrong_is_not_taken_over() -> None:
    with RecipeWorld() as world:
        zk, writer = world.clients_named("a", "b")
        with pytest.raises(SettingError, match="/config/host"):
            world.run("a", ConfigWatch(zk, "/config", Settings).__aenter__())
        seen: list[Settings] = []

        async def write() -> None:
            await writer.ensure_path("/config/pool")
            for path, data in {"host": b"db", "is_on": b"Yes", "limit": b"7", "names": b'["x"]', "secret": b"\xff",
                               "pool/size": b"9"}.items():  # fmt: skip
                await writer.create(f"/config/{path}", data)

        async def follow() -> None:
            async with ConfigWatch(zk, "/config", Settings) as config:
                assert config.value == Settings("db", True, 7, ["x"], b"\xff", Pool(9))
                async for settings in config.changes():
                    seen.append(settings)
                    if len(seen) == 2:
                        await writer.set("/config/pool/size", b"many")
                        while config.error is None:
                            assert config.value.pool.size == 10
                            await asyncio.sleep(0.1)
                        assert config.error.path == "/config/pool/size"
                        assert config.value.pool.size == 10
                        await writer.set("/config/pool/size", b"11")
                    if len(seen) == 3:
                        return

        world.run("b", write())
        task = world.begin("a", follow)
        world.until(lambda: seen)
        world.ask("b", lambda: writer.set("/config/pool/size", b"10"))
        world.result(task)
        assert [settings.pool.size for settings in seen] == [9, 10, 11]


@dataclass(frozen=True)
class Nothing:
    """Settings of which none has to be there."""


async def follow(changes: AsyncIterator[object]) -> None:
    async for _ in changes:
        pass


async def settings(zk: AsyncClient) -> None:
    async with ConfigWatch(zk, "/", Nothing) as config:
        await follow(config.changes())


async def providing(zk: AsyncClient) -> None:
    async with ServiceDiscovery(zk, "/s").provider("web") as provider:
        await follow(provider.changes())


async def waiting(zk: AsyncClient) -> None:
    async with TreeCache(zk, "/") as cache:
        await cache.wait_for(lambda: False)


async def tree(zk: AsyncClient) -> None:
    async with TreeCache(zk, "/") as cache:
        await follow(cache.changes())


async def node(zk: AsyncClient) -> None:
    async with NodeCache(zk, "/n") as cache:
        await follow(cache.changes())


@pytest.mark.parametrize("work", [settings, providing, waiting, tree, node])
def test_whoever_waits_for_a_cache_is_told_when_the_client_is_closed(
    work: Callable[[AsyncClient], Coroutine[Any, Any, None]],
) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        task = world.begin("a", lambda: work(zk))
        world.pass_time(1)
        assert not task.done()
        world.run("a", zk.close())
        with pytest.raises(ClosedError):
            world.result(task)
