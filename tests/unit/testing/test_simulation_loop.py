"""Time, order, errors and executors of the simulated loop."""

import asyncio
import contextvars
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from zkeeper.testing.simulation import Deadlock, RunTimeout, Simulation, UnhandledError


@pytest.fixture
def sim() -> Iterator[Simulation]:
    with Simulation(seed=1) as simulation:
        yield simulation


def test_timers_run_in_the_order_of_time_then_of_scheduling(sim: Simulation) -> None:
    seen: list[str] = []
    sim.loop.call_later(2, seen.append, "late")
    sim.loop.call_later(1, seen.append, "first of two")
    sim.loop.call_later(1, seen.append, "second of two")
    sim.loop.call_soon(seen.append, "now")
    sim.loop.call_later(1.5, seen.append, "cancelled").cancel()
    sim.run_for(3)
    assert seen == ["now", "first of two", "second of two", "late"]


def test_a_timer_is_never_early_and_hardly_late(sim: Simulation) -> None:
    times: list[float] = []
    for when_s in (0.1, 3600.0, 3600.5):
        sim.loop.call_at(when_s, lambda: times.append(sim.time()))
    sim.run_for(4000)
    assert all(0 <= time_s - when_s < 0.001 for time_s, when_s in zip(times, (0.1, 3600.0, 3600.5), strict=True))


def test_a_task_that_spins_does_not_stop_time(sim: Simulation) -> None:
    async def spin() -> int:
        rounds = 0
        while sim.time() < 0.001:
            rounds += 1
            await asyncio.sleep(0)
        return rounds

    assert 100 < sim.run(spin()) < 2000


def test_many_cancelled_timers_are_forgotten(sim: Simulation) -> None:
    async def renew() -> None:
        for _ in range(10_000):
            sim.loop.call_later(1e6, lambda: None).cancel()

    sim.run(renew())
    assert len(sim.loop._timers) < 250


def test_wait_for_times_out_in_virtual_time(sim: Simulation) -> None:
    with pytest.raises(TimeoutError):
        sim.run(asyncio.wait_for(sim.loop.create_future(), 100))
    assert 100 <= sim.time() < 100.1


def test_waiting_for_nothing_is_a_deadlock_that_names_the_seed(sim: Simulation) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="seed 1"):
        sim.run(wait())


def test_run_until_times_out_and_names_the_seed(sim: Simulation) -> None:
    with pytest.raises(RunTimeout, match=r"within 5 s .*seed 1"):
        sim.run_until(lambda: False, timeout_s=5)
    assert 5 <= sim.time() < 5.1


def test_run_until_stops_as_soon_as_it_is_true(sim: Simulation) -> None:
    seen: list[int] = []
    sim.loop.call_later(2, seen.append, 1)
    sim.run_until(lambda: seen)
    assert 2 <= sim.time() < 2.1


def test_wait_until_in_a_coroutine(sim: Simulation) -> None:
    seen: list[int] = []
    sim.loop.call_later(2, seen.append, 1)
    sim.run(sim.wait_until(lambda: seen))
    assert 2 <= sim.time() < 2.1
    with pytest.raises(RunTimeout, match="seed 1"):
        sim.run(sim.wait_until(lambda: False, timeout_s=1))


def test_an_exception_in_a_callback_fails_the_run(sim: Simulation) -> None:
    sim.loop.call_later(1, lambda: 1 // 0)
    with pytest.raises(UnhandledError, match=r"division.*seed 1") as caught:
        sim.run_for(2)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_exception_in_a_forgotten_task_fails_the_run(sim: Simulation) -> None:
    async def fail() -> None:
        raise ValueError("forgotten")

    async def forget() -> None:
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(1)
        del task
        await asyncio.sleep(1)

    with pytest.raises(UnhandledError, match="forgotten"):
        sim.run(forget())


def test_a_machine_whose_main_fails_fails_the_run(sim: Simulation) -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise ValueError("main")

    sim.machine("a").start(fail)
    with pytest.raises(UnhandledError, match=r"machine a.*main"):
        sim.run_for(2)


def test_an_exception_that_was_not_seen_before_the_end_is_raised_at_the_end() -> None:
    with pytest.raises(UnhandledError, match="late"), Simulation(seed=1) as sim:
        sim.loop.call_exception_handler({"message": "late"})


def test_an_exception_handler_belongs_to_its_machine(sim: Simulation) -> None:
    seen: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: seen.append(context["message"]))
        loop.call_soon(lambda: 1 // 0)

    sim.machine("a").start(main)
    sim.run_for(1)
    assert len(seen) == 1
    assert sim.loop.get_exception_handler() is None


def test_leaving_the_simulation_adds_the_seed_to_an_exception() -> None:
    with pytest.raises(AssertionError) as caught, Simulation(seed="x7"):
        raise AssertionError
    assert "x7" in caught.value.__notes__[0]


def test_the_executor_runs_later_and_without_a_loop(sim: Simulation) -> None:
    def job(number: int) -> int:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return number + 1

    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, job, 1), await asyncio.to_thread(job, 2)

    assert sim.run(main()) == (2, 3)
    assert sim.time() > 0.0001


def test_an_exception_in_the_executor_reaches_who_waits(sim: Simulation) -> None:
    async def main() -> int:
        return await asyncio.to_thread(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        sim.run(main())


def test_the_running_machine_follows_tasks_timers_and_executors(sim: Simulation) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name")
    seen: list[str] = []

    async def main(own_name: str) -> None:
        name.set(own_name)
        loop = asyncio.get_running_loop()
        loop.call_later(1, lambda: seen.append(name.get()))
        async with asyncio.TaskGroup() as group:
            group.create_task(note())
        await asyncio.to_thread(lambda: seen.append(name.get()))

    async def note() -> None:
        await asyncio.sleep(0.5)
        seen.append(name.get())

    a, b = sim.machine("a"), sim.machine("b")
    a.start(main, "a")
    b.start(main, "b")
    sim.run_for(2)
    assert sorted(seen) == ["a"] * 3 + ["b"] * 3
    events = [event for event in sim.trace.tail() if "lambda" in str(event[2])]
    assert {event[1] for event in events} == {a.host.number, b.host.number}


def test_asynchronous_generators_are_shut_down(sim: Simulation) -> None:
    closed: list[int] = []

    async def count(number: int) -> AsyncIterator[int]:
        try:
            yield number
        finally:
            await asyncio.sleep(0)
            closed.append(number)

    async def main() -> None:
        generators = [count(number) for number in range(5)]
        for generator in generators:
            await anext(generator)
        await asyncio.get_running_loop().shutdown_asyncgens()

    sim.run(main())
    assert closed == [0, 1, 2, 3, 4]


def test_a_generator_that_is_dropped_is_closed(sim: Simulation) -> None:
    closed: list[int] = []

    async def count() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            closed.append(1)

    async def main() -> None:
        async for _ in count():
            break
        await asyncio.sleep(1)

    sim.run(main())
    assert closed == [1]


def test_what_reaches_out_of_the_simulation_is_refused(sim: Simulation) -> None:
    with pytest.raises(NotImplementedError, match="add_reader"):
        sim.loop.add_reader(0, print)


def test_one_simulation_does_not_run_inside_another(sim: Simulation) -> None:
    async def main() -> None:
        with Simulation(seed=2) as inner:
            inner.run_for(1)

    with pytest.raises(RuntimeError, match="another event loop"):
        sim.run(main())


def test_leaving_does_not_run_what_was_left_and_collects_silently(recwarn: pytest.WarningsRecorder) -> None:
    seen: list[str] = []

    async def main() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            await asyncio.sleep(1)
            seen.append("ran on")

    async def never_begun() -> None:
        seen.append("begun")

    with Simulation(seed=1) as sim:
        sim.machine("a").start(main)
        sim.run_for(1)
        sim.machine("b").start(never_begun)
        sim.loop.call_soon(seen.append, "called")
    gc.collect()
    assert seen == []
    assert len(recwarn) == 0
    with pytest.raises(RuntimeError, match="closed"):
        sim.run_for(1)


def test_garbage_collection_is_on_again_after_a_run(sim: Simulation) -> None:
    seen: list[bool] = []
    sim.loop.call_soon(lambda: seen.append(gc.isenabled()))
    sim.run_for(1)
    assert (seen, gc.isenabled()) == ([False], True)
