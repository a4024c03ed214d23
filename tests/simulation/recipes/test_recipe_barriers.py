"""Barriers and double barriers."""

import asyncio

import pytest

from zkeeper.recipes import Barrier, DoubleBarrier, LockTimeoutError

from .recipe_world import RecipeWorld


def test_a_barrier_holds_up_until_it_is_removed() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        gate, waiter = Barrier(a, "/deep/gate"), Barrier(b, "/deep/gate")
        assert world.run("b", waiter.wait()) is True
        assert world.run("a", gate.create()) is True
        assert world.run("a", gate.create()) is False
        assert world.run("b", waiter.wait(timeout_s=1.0)) is False
        task = world.begin("b", waiter.wait)
        world.pass_time(0.5)
        world.break_connection("b")
        world.pass_time(0.5)
        world.expire(b)
        world.pass_time(5.0)
        assert not task.done()
        assert world.run("a", gate.remove()) is True
        assert world.result(task) is True
        assert world.run("a", gate.remove()) is False


def test_all_enter_together_and_leave_together() -> None:
    with RecipeWorld() as world:
        events: list[str] = []
        may_leave = {name: asyncio.Event() for name in "abc"}

        async def take_part(name: str) -> None:
            async with DoubleBarrier(world.clients[name], "/both", 3, identifier=name):
                events.append(f"{name} in")
                await may_leave[name].wait()
            events.append(f"{name} out")

        tasks = []
        for name in "abc":
            world.client(name)
            tasks.append(world.begin(name, lambda name=name: take_part(name)))
            if name != "c":
                world.pass_time(1.0)
                assert events == []
        world.until(lambda: len(events) == 3)
        for name in "ab":
            may_leave[name].set()
            world.pass_time(1.0)
            assert len(events) == 3
        may_leave["c"].set()
        for task in tasks:
            world.result(task)
        assert sorted(events[3:]) == ["a out", "b out", "c out"]
        assert world.names("/both") == []


def test_a_member_that_dies_inside_does_not_keep_the_others_from_leaving() -> None:
    with RecipeWorld() as world:
        barriers = {name: DoubleBarrier(world.client(name), "/both", 3) for name in "abc"}
        entering = [world.begin(name, barriers[name].enter) for name in "abc"]
        for task in entering:
            world.result(task)
        leaving = [world.begin(name, barriers[name].leave) for name in "ab"]
        world.pass_time(1.0)
        assert not any(task.done() for task in leaving)
        world.expire(world.clients["c"])
        for task in leaving:
            world.result(task)
        world.run("c", barriers["c"].leave())
        assert world.names("/both") == []


def test_who_does_not_wait_any_longer_is_no_member_any_more() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        barrier = DoubleBarrier(a, "/both", 2)
        with pytest.raises(LockTimeoutError):
            world.run("a", barrier.enter(timeout_s=1.0))
        world.run("a", barrier.settled())
        assert world.names("/both") == []
        late = DoubleBarrier(b, "/both", 2)
        with pytest.raises(LockTimeoutError):
            world.run("b", late.enter(timeout_s=1.0))


def test_a_session_that_is_lost_while_waiting_enters_anew() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        first = world.begin("a", DoubleBarrier(a, "/both", 2).enter)
        world.until(lambda: world.names("/both"))
        world.pass_time(0.5)
        world.break_connection("a")
        world.pass_time(2.0)
        world.expire(a)
        world.until(lambda: not world.names("/both"))
        world.pass_time(3.0)
        assert not first.done()
        world.run("b", DoubleBarrier(b, "/both", 2).enter())
        world.result(first)
