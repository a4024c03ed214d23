"""The lock: turns, limits, re-entrance, and what becomes of it when connections, sessions and tasks end."""

import asyncio

import pytest

from zkeeper import AsyncClient, SessionState
from zkeeper.recipes import Layout, Lock, LockLostError, LockTimeoutError, NotHeldError

from .recipe_world import EXPIRED_S, RecipeWorld

PATH = "/locks/a"


class Holder:
    """A task that holds the lock in a block until it is told to end it."""

    def __init__(self, world: RecipeWorld, name: str, zk: AsyncClient, lock: Lock | None = None) -> None:
        self.lock = lock or Lock(zk, PATH)
        self.may_end = asyncio.Event()
        self.token: int | None = None
        self.is_in = False
        self.task = world.begin(name, self.hold)

    async def hold(self) -> None:
        async with self.lock as held:
            self.token, self.is_in = held.fencing_token, True
            try:
                await self.may_end.wait()
            finally:
                self.is_in = False


def test_one_after_the_other_in_the_order_of_asking() -> None:
    with RecipeWorld() as world:
        holders = []
        for name in "abc":
            holders.append(Holder(world, name, world.client(name)))
            world.until(lambda: len(world.names(PATH)) == len(holders))
        tokens = []
        for holder in holders:
            world.until(lambda holder=holder: holder.is_in)
            assert [each.is_in for each in holders].count(True) == 1
            tokens.append(holder.token)
            holder.may_end.set()
            world.result(holder.task)
        assert tokens == sorted(set(tokens))
        assert world.names(PATH) == []


def test_a_limit_for_waiting_leaves_no_place_behind() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        holder = Holder(world, "a", a)
        world.until(lambda: holder.is_in)
        lock = Lock(b, PATH)
        began_s = world.sim.time()
        with pytest.raises(LockTimeoutError):
            world.run("b", lock.acquire(timeout_s=2.0))
        assert world.sim.time() - began_s == pytest.approx(2.0, abs=0.1)
        world.run("b", lock.settled())
        assert len(world.names(PATH)) == 1

        async def within() -> None:
            async with lock.within(1.0):
                raise AssertionError

        with pytest.raises(LockTimeoutError):
            world.run("b", within())
        holder.may_end.set()
        world.result(holder.task)
        assert world.run("b", lock.acquire(timeout_s=2.0)).is_held


def test_asking_without_waiting() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        first, second = Lock(a, PATH), Lock(b, PATH)

        async def hold() -> None:
            assert await first.try_acquire() is not None
            assert first.is_held
            assert await second.try_acquire() is None
            assert not second.is_held
            await first.release()
            assert await second.try_acquire() is not None
            await second.release()

        world.run("a", hold())
        assert world.names(PATH) == []


def test_re_entrance_is_of_the_task_and_only_if_asked_for() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        lock = Lock(zk, PATH, reentrant=True)

        async def hold() -> None:
            async with lock as outer, lock as inner:
                assert inner is outer
                assert len(await zk.children(PATH)) == 1
                other = asyncio.create_task(lock.acquire(timeout_s=1.0))
                with pytest.raises(LockTimeoutError):
                    await other
            assert not lock.is_held
            plain = Lock(zk, PATH)
            async with plain:
                with pytest.raises(RuntimeError, match="re-entrant"):
                    await plain.acquire()

        world.run("a", hold())


def test_what_is_not_held_cannot_be_released() -> None:
    with RecipeWorld() as world:
        lock = Lock(world.client("a"), PATH)
        with pytest.raises(NotHeldError):
            world.run("a", lock.release())


def test_the_names_of_those_who_wait_and_both_layouts_on_the_wire() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        for layout, pattern in ((Layout.CURATOR, "_c_"), (Layout.KAZOO, "")):
            lock = Lock(zk, f"/{layout}", identifier=f"me in {layout}", layout=layout)

            async def look(lock: Lock = lock) -> list[str]:
                async with lock:
                    return await lock.contenders()

            task = world.begin("a", look)
            world.until(lambda layout=layout: world.names(f"/{layout}"))
            name = world.names(f"/{layout}")[0]
            assert name.startswith(pattern)
            assert name.endswith("lock-0000000000" if layout is Layout.CURATOR else "__lock__0000000000")
            assert world.data(f"/{layout}/{name}") == f"me in {layout}".encode()
            assert world.result(task) == [f"me in {layout}"]


def test_a_lost_connection_costs_neither_the_lock_nor_the_place() -> None:
    with RecipeWorld() as world:
        holder = Holder(world, "a", world.client("a"))
        world.until(lambda: holder.is_in)
        waiter = Holder(world, "b", world.client("b"))
        world.until(lambda: len(world.names(PATH)) == 2)
        before = world.names(PATH)
        world.break_connection("a")
        world.break_connection("b")
        world.pass_time(5.0)
        assert holder.is_in
        assert world.names(PATH) == before
        holder.may_end.set()
        world.until(lambda: waiter.is_in)


def test_a_waiter_whose_session_is_lost_queues_again() -> None:
    with RecipeWorld() as world:
        holder = Holder(world, "a", world.client("a"))
        world.until(lambda: holder.is_in)
        zk = world.client("b")
        waiter = Holder(world, "b", zk)
        world.until(lambda: len(world.names(PATH)) == 2)
        world.expire(zk)
        holder.may_end.set()
        world.until(lambda: waiter.is_in)
        assert not waiter.task.done()


def test_the_block_is_cancelled_when_the_session_is_over() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        holder = Holder(world, "a", zk)
        world.until(lambda: holder.is_in)
        world.expire(zk)
        with pytest.raises(LockLostError):
            world.result(holder.task)
        assert not holder.task.cancelled()


def test_the_block_is_cancelled_when_the_znode_is_deleted_by_somebody() -> None:
    with RecipeWorld() as world:
        holder = Holder(world, "a", world.client("a"))
        world.until(lambda: holder.is_in)
        other = world.client("b")
        world.ask("b", lambda: other.delete(f"{PATH}/{world.names(PATH)[0]}"))
        with pytest.raises(LockLostError):
            world.result(holder.task, 1.0)


def test_setting_the_data_of_the_znode_loses_nothing_and_a_later_deletion_is_still_noticed() -> None:
    with RecipeWorld() as world:
        holder = Holder(world, "a", world.client("a"))
        world.until(lambda: holder.is_in)
        path = f"{PATH}/{world.names(PATH)[0]}"
        other = world.client("b")
        world.ask("b", lambda: other.set(path, b"__REVOKE__"))
        world.pass_time(1.0)
        assert holder.is_in
        world.ask("b", lambda: other.delete(path))
        with pytest.raises(LockLostError):
            world.result(holder.task, 1.0)


def test_a_cancelled_block_ends_cancelled_and_releases() -> None:
    with RecipeWorld() as world:
        holder = Holder(world, "a", world.client("a"))
        world.until(lambda: holder.is_in)
        world.cancel("a", holder.task)
        world.until(holder.task.done)
        assert holder.task.cancelled()
        assert world.names(PATH) == []


def test_a_block_that_fails_as_the_lock_is_lost_keeps_its_own_error() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        is_in = asyncio.Event()

        async def fail() -> None:
            async with Lock(zk, PATH) as held:
                is_in.set()
                try:
                    await held.lost.wait()
                except asyncio.CancelledError:
                    raise KeyError("its own") from None

        task = world.begin("a", fail)
        world.until(is_in.is_set)
        world.expire(zk)
        with pytest.raises(KeyError):
            world.result(task)


def test_a_block_that_ends_well_in_spite_of_the_loss_is_told() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")

        async def stubborn() -> None:
            async with Lock(zk, PATH):
                await zk.close()

        with pytest.raises(LockLostError):
            world.result(world.begin("a", stubborn))


def test_who_is_cut_off_is_stopped_before_the_next_one_comes_in() -> None:
    with RecipeWorld() as world:
        holder = Holder(world, "a", world.client("a"))
        world.until(lambda: holder.is_in)
        waiter = Holder(world, "b", world.client("b"))
        world.until(lambda: len(world.names(PATH)) == 2)
        world.cut_off("a")
        out_s = world.until(lambda: not holder.is_in, EXPIRED_S)
        assert not waiter.is_in
        assert world.until(lambda: waiter.is_in, EXPIRED_S) > out_s
        world.heal()
        with pytest.raises(LockLostError):
            world.result(holder.task)
        assert waiter.token is not None
        assert holder.token is not None
        assert waiter.token > holder.token


def test_a_lost_session_is_noticed_while_ones_own_znode_is_not_watched() -> None:
    with RecipeWorld() as world:
        zk, other = world.clients_named("a", "b")
        held = world.run("a", Lock(zk, PATH).acquire())
        # What it asks is lost from now on; so the event of this change uses up a watch that is not set again.
        world.sim.partition(world.machine("a"), world.node.machine, one_way=True)
        world.ask("b", lambda: other.set(held.path, b"changed"))
        world.pass_time(0.1)
        assert held.is_held
        world.until(lambda: zk.state is SessionState.LOST)
        assert held.lost.is_set()


def test_a_znode_that_goes_before_it_is_watched_again_is_missed() -> None:
    with RecipeWorld() as world:
        zk, other = world.clients_named("a", "b")
        held = world.run("a", Lock(zk, PATH).acquire())

        async def set_and_delete() -> None:
            await asyncio.gather(other.set(held.path, b"changed"), other.delete(held.path))

        world.run("b", set_and_delete())
        world.until(held.lost.is_set, 1.0)
