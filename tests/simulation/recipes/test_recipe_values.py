"""Counters, atomic values and ids."""

import asyncio
import struct

import pytest

from zkeeper import Outcome
from zkeeper.errors import ConnectionLossError
from zkeeper.recipes import AtomicValue, Counter, ForeignDataError, IdGenerator, Lease

from .recipe_world import RecipeWorld


@pytest.mark.parametrize(
    ("layout", "written"),
    [("curator", struct.pack(">i", 7)), ("curator-long", struct.pack(">q", 7)), ("kazoo", b"7")],
)
def test_a_counter_counts_and_is_written_as_others_do(layout: str, written: bytes) -> None:
    with RecipeWorld() as world:
        counter = Counter(world.client("a"), "/deep/n", start=5, layout=layout)

        async def count() -> None:
            assert await counter.value() == 5
            assert await counter.add(3) == 8
            assert await counter.subtract() == 7

        world.run("a", count())
        assert world.data("/deep/n") == written

        async def more() -> None:
            assert await counter.compare_and_set(7, -1)
            assert not await counter.compare_and_set(7, 0)
            assert await counter.value() == -1
            await counter.set(9)
            assert await counter.value() == 9

        world.run("a", more())


def test_what_does_not_fit_changes_nothing() -> None:
    with RecipeWorld() as world:
        counter = Counter(world.client("a"), "/n", start=2**31 - 1)
        with pytest.raises(OverflowError):
            world.run("a", counter.add())
        assert world.run("a", counter.value()) == 2**31 - 1


def test_no_count_is_lost_among_many_who_count() -> None:
    with RecipeWorld() as world:

        async def count(name: str) -> None:
            counter = Counter(world.clients[name], "/n")
            await asyncio.gather(*[counter.add() for _ in range(5)])

        for name in "abc":
            world.client(name)
        tasks = [world.begin(name, lambda name=name: count(name)) for name in "abc"]
        for task in tasks:
            world.result(task)
        assert world.run("a", Counter(world.clients["a"], "/n").value()) == 15


def test_a_value_is_updated_on_what_was_seen() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        value = AtomicValue(zk, "/v", start=b"a")

        async def change() -> None:
            seen = await value.get_versioned()
            assert await value.update(lambda old: old + b"b") == b"ab"
            assert not await value.compare_and_set(seen, b"late")
            await value.set(b"c")
            assert await value.get() == b"c"

        world.run("a", change())


def test_a_change_that_was_surely_not_made_is_made_again_and_one_that_is_in_doubt_is_told() -> None:
    outcomes = set()
    for step in range(40):
        with RecipeWorld(seed=step) as world:
            zk = world.client("a")
            value = AtomicValue(zk, "/v")
            seen = world.run("a", value.get_versioned())
            world.node.machine.disk.set_latency(0.01, 0.01)
            task = world.begin("a", lambda value=value, seen=seen: value.compare_and_set(seen, b"new"))
            world.pass_time(step * 0.0005)
            world.break_connection("a")
            world.until(task.done)
            error = task.exception()
            if error is None:
                assert task.result() is True
                outcomes.add("made")
            else:
                assert isinstance(error, ConnectionLossError)
                assert error.outcome is Outcome.UNKNOWN
                outcomes.add("in doubt")
            assert world.data("/v") == b"new"
    assert outcomes == {"made", "in doubt"}


def test_ids_are_unique_whatever_happens_to_the_connections() -> None:
    with RecipeWorld() as world:
        given: list[int] = []

        async def draw(name: str) -> None:
            ids = IdGenerator(world.clients[name], "/ids", first=100, block_size=3)
            for _ in range(20):
                number = await ids.next()
                given.append(number)
                await asyncio.sleep(0.05)

        for name in "abc":
            world.client(name)
        tasks = [world.begin(name, lambda name=name: draw(name)) for name in "abc"]
        while not all(task.done() for task in tasks):
            world.pass_time(0.13)
            world.break_connection("a")
        for task in tasks:
            world.result(task)
        assert len(set(given)) == len(given) == 60
        assert min(given) == 100


@pytest.mark.parametrize(
    ("layout", "data", "expected"),
    [
        ("curator", b"seven", "a number in 4 bytes"),
        ("curator-long", b"7777", "a number in 8 bytes"),
        ("kazoo", b"7.5", "a number as text"),
        ("kazoo", b"\xff" * 100, "a number as text"),
    ],
)
def test_what_is_no_number_is_told_with_its_znode(layout: str, data: bytes, expected: str) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        counter = Counter(zk, "/n", layout=layout)
        world.ask("a", lambda: zk.create("/n", data))
        for ask in (counter.value, counter.add, lambda: counter.compare_and_set(1, 2)):
            with pytest.raises(ForeignDataError, match=f"/n holds .*, which is not {expected}") as error:
                world.ask("a", ask)
            assert (error.value.path, len(str(error.value)) < 250) == ("/n", True)
            assert isinstance(error.value.__cause__, (ValueError, struct.error))
        assert world.data("/n") == data


def test_a_layout_that_is_none_is_told_with_those_that_are() -> None:
    with RecipeWorld() as world, pytest.raises(ValueError, match="one of curator, curator-long, kazoo, not java"):
        Counter(world.client("a"), "/n", layout="java")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"7", b"{}", b'{"version": 1}', b'{"version": 1, "holder": "x", "end": "soon"}', b"\xff"],
)
def test_what_is_no_lease_is_told_with_its_znode(data: bytes) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")

        async def write() -> None:
            await zk.ensure_path("/lease")
            await zk.create("/lease/lease_holder", data)

        world.run("a", write())
        lease = Lease(zk, "/lease", 60, "me")
        for ask in (lease.holder, lease.obtain, lease.give_back):
            with pytest.raises(
                ForeignDataError, match=r"/lease/lease_holder holds .*, which is not the record of a lease"
            ):
                world.ask("a", ask)
        assert world.data("/lease/lease_holder") == data
