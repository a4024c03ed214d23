"""What users hand in may raise: neither the recipe nor anybody else's callback suffers, and somebody is told."""

import asyncio
import logging
from collections.abc import Callable

import pytest

import zkeeper
from zkeeper.errors import NoAuthError
from zkeeper.recipes import LeaderLatch, Lock, LockLostError, NodeCache, PersistentNode

from .recipe_world import RecipeWorld


class MistakeError(Exception):
    pass


def fail(*_: object) -> None:
    raise MistakeError("mine")


def give_up(*_: object) -> None:
    raise asyncio.CancelledError("mine")


def reports_of(world: RecipeWorld, name: str) -> list[str]:
    """What the exception handler of that machine is told."""
    reports: list[str] = []

    def listen() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reports.append(f"{context['message']}: {context['exception']!r}"))

    world.on(name, listen)
    return reports


@pytest.mark.parametrize("bad", [fail, give_up])
def test_a_callback_on_loss_that_raises_keeps_nobody_from_being_told(bad: Callable[[], None]) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        reports = reports_of(world, "a")
        told: list[str] = []

        async def hold() -> None:
            lock = Lock(zk, "/lock")
            held = await lock.acquire()
            held.on_lost(bad)
            held.on_lost(lambda: told.append("waiting"))
            await zk.delete(held.path)
            await held.lost.wait()
            held.on_lost(bad)
            held.on_lost(lambda: told.append("late"))

        world.run("a", hold())
        assert told == ["waiting", "late"]
        assert len(reports) == 2
        assert all("zkeeper" in report and bad.__name__ in report and "mine" in report for report in reports)


def test_a_guarded_block_is_cancelled_though_a_callback_raises_before() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        reports = reports_of(world, "a")
        is_in = asyncio.Event()

        async def hold() -> None:
            first = Lock(zk, "/first", reentrant=True)
            held = await first.acquire()
            held.on_lost(fail)
            async with first:  # The guard of this block comes behind the callback.
                is_in.set()
                await asyncio.Event().wait()

        task = world.begin("a", hold)
        world.until(is_in.is_set)
        world.ask("a", lambda: zk.delete(f"/first/{world.names('/first')[0]}"))
        with pytest.raises(LockLostError):
            world.result(task)
        assert len(reports) == 1


def test_a_leader_that_lost_comes_back_though_a_callback_raises() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        reports = reports_of(world, "a")
        latch = LeaderLatch(zk, "/latch")
        world.run("a", latch.start())
        first = world.run("a", latch.wait())
        world.on("a", lambda: first.on_lost(fail))
        world.ask("a", lambda: zk.delete(first.path))
        world.until(lambda: latch.held is not None and latch.held is not first)
        assert len(reports) == 1
        world.run("a", latch.close())


def test_a_cache_goes_on_though_a_callback_raises() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        reports = reports_of(world, "a")
        told: list[bytes] = []
        cache = NodeCache(zk, "/n")
        remove = cache.on_change(fail)
        cache.on_change(lambda change: told.append(change.new.data if change.new else b"gone"))
        world.ask("a", lambda: zk.create("/n", b"1"))
        world.run("a", cache.start())
        world.ask("a", lambda: zk.set("/n", b"2"))
        world.until(lambda: told == [b"1", b"2"])
        assert len(reports) == 2
        remove()
        remove()
        world.ask("a", lambda: zk.set("/n", b"3"))
        world.until(lambda: told == [b"1", b"2", b"3"])
        assert len(reports) == 2
        assert cache.is_synced
        world.run("a", cache.close())
        assert not cache.is_synced


def test_the_same_callback_may_listen_twice_and_stop_once() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        told: list[str] = []
        cache = NodeCache(zk, "/n")

        def note(_: object) -> None:
            told.append("told")

        world.run("a", cache.start())
        remove = cache.on_change(note)
        cache.on_change(note)
        remove()
        remove()
        world.ask("a", lambda: zk.create("/n"))
        world.until(lambda: told)
        assert told == ["told"]
        world.run("a", cache.close())


def test_what_ends_a_recipe_is_logged_though_nobody_asks(caplog: pytest.LogCaptureFixture) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        world.ask("a", lambda: zk.create("/closed", acl=zkeeper.READ_ONLY_ACL))
        node = PersistentNode(zk, "/closed/n")
        with caplog.at_level(logging.ERROR, "zkeeper.recipes"):
            world.run("a", node.start())
            world.until(lambda: caplog.records)
        assert "PersistentNode of /closed/n" in caplog.text
        assert "NoAuthError" in caplog.text
        with pytest.raises(NoAuthError):
            world.run("a", node.present())
        with pytest.raises(RuntimeError, match="PersistentNode of /closed/n has ended"):
            world.run("a", node.start())
        world.run("a", node.close())


def test_the_end_of_the_client_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        latch = LeaderLatch(zk, "/latch")
        with caplog.at_level(logging.WARNING, "zkeeper.recipes"):
            world.run("a", latch.start())
            world.run("a", latch.wait())
            world.run("a", zk.close())
            world.run("a", latch.close())
        assert not caplog.records
