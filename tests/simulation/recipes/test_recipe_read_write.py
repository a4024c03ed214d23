"""Read-write locks, semaphores and several locks at once."""

import asyncio

import pytest

from zkeeper.recipes import (
    Lock,
    LockLostError,
    LockTimeoutError,
    MultiLock,
    NotHeldError,
    ReadWriteLock,
    Semaphore,
)

from .recipe_world import EXPIRED_S, RecipeWorld


@pytest.mark.parametrize("layout", ["curator", "kazoo"])
def test_readers_share_and_writers_do_not(layout: str) -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        first, second = ReadWriteLock(a, "/rw", layout=layout), ReadWriteLock(b, "/rw", layout=layout)

        async def use() -> None:
            async with first.read, second.read:
                assert await first.write.try_acquire() is None
                assert await second.write.try_acquire() is None
            async with first.write:
                assert await second.read.try_acquire() is None
                assert await second.write.try_acquire() is None
            async with second.write:
                pass

        world.run("a", use())
        assert world.names("/rw") == []


@pytest.mark.parametrize("layout", ["curator", "kazoo"])
def test_a_writer_may_read_as_well_and_keeps_its_place_when_it_ceases_to_write(layout: str) -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        rw = ReadWriteLock(a, "/rw", layout=layout)
        other = ReadWriteLock(b, "/rw", layout=layout)
        is_both, may_go_on = asyncio.Event(), asyncio.Event()
        is_read_only, may_end = asyncio.Event(), asyncio.Event()

        async def downgrade() -> None:
            await rw.write.acquire()
            async with rw.read:
                is_both.set()
                await may_go_on.wait()
                await rw.write.release()
                is_read_only.set()
                await may_end.wait()

        task = world.begin("a", downgrade)
        world.until(is_both.is_set)
        waiting = world.begin("b", other.write.acquire)
        world.until(lambda: len(world.names("/rw")) == 3)
        may_go_on.set()
        world.until(is_read_only.is_set)
        world.pass_time(1.0)
        assert not waiting.done()
        may_end.set()
        world.result(task)
        assert world.result(waiting).is_held


def test_a_place_beside_a_write_lock_that_was_lost_is_not_taken() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        rw, other = ReadWriteLock(a, "/rw"), ReadWriteLock(b, "/rw")

        async def read_after_loss() -> bool:
            held = await rw.write.acquire()
            overtaking = asyncio.ensure_future(other.write.acquire())
            await asyncio.sleep(0.5)
            # Before this client has been told of it.
            b.delete(held.path)
            reading = asyncio.ensure_future(rw.read.acquire())
            await overtaking
            await asyncio.sleep(1.0)
            is_reading = reading.done()
            reading.cancel()
            return is_reading

        assert world.run("a", read_after_loss()) is False


@pytest.mark.parametrize("layout", ["curator", "kazoo"])
def test_no_more_leases_than_allowed_and_the_next_in_line_gets_the_next_one(layout: str) -> None:
    with RecipeWorld() as world:
        names = "abcd"
        semaphores = {name: Semaphore(world.client(name), "/s", 2, identifier=name, layout=layout) for name in names}
        tasks = {}
        for name in names:
            tasks[name] = world.begin(name, semaphores[name].acquire)
            world.pass_time(0.5)
        assert [tasks[name].done() for name in names] == [True, True, False, False]
        assert sorted(world.run("a", semaphores["a"].holders())) == ["a", "b"]
        assert world.run("d", semaphores["d"].try_acquire()) is None
        world.run("b", tasks["b"].result().release())
        world.result(tasks["c"])
        assert not tasks["d"].done()
        world.expire(world.clients["a"])
        world.result(tasks["d"])
        tokens = [tasks[name].result().fencing_token for name in names]
        assert tokens == sorted(tokens)
        world.until(tasks["a"].result().lost.is_set)


def test_one_task_may_have_several_leases_and_the_last_one_is_released_first() -> None:
    with RecipeWorld() as world:
        semaphore = Semaphore(world.client("a"), "/s", 2)

        async def use() -> None:
            async with semaphore as first, semaphore as second:
                assert first.path != second.path
                with pytest.raises(LockTimeoutError):
                    await semaphore.acquire(timeout_s=1.0)
                assert len(world.names("/s/leases")) == 2
            await semaphore.settled()

        world.run("a", use())
        assert world.names("/s/leases") == world.names("/s/locks") == []


def test_kazoo_users_have_to_agree_on_the_number_of_leases() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        world.run("a", Semaphore(zk, "/s", 2, layout="kazoo").acquire())
        with pytest.raises(ValueError, match="has 2 leases, not 3"):
            world.run("a", Semaphore(zk, "/s", 3, layout="kazoo").acquire())


def test_the_block_of_a_lease_that_is_deleted_is_cancelled() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")

        async def guarded() -> None:
            async with Semaphore(a, "/s", 1) as held:
                b.delete(held.path)
                await asyncio.Event().wait()

        with pytest.raises(LockLostError):
            world.run("a", guarded())


def test_several_locks_are_held_together_or_not_at_all() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")

        async def use() -> None:
            blocked = Lock(b, "/2")
            await blocked.acquire()
            both = MultiLock(Lock(a, "/1"), Lock(a, "/2"))
            with pytest.raises(LockTimeoutError):
                await both.acquire(timeout_s=1.0)
            with pytest.raises(NotHeldError):
                await both.release()
            await asyncio.sleep(0.5)
            assert world.names("/1") == []
            await blocked.release()
            async with both as helds:
                assert [held.is_held for held in helds] == [True, True]
                assert await Lock(b, "/1").try_acquire() is None
            assert world.names("/1") == world.names("/2") == []

        world.run("a", use())


def test_the_block_is_cancelled_when_one_of_several_locks_is_lost_and_the_others_are_released() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")

        async def use() -> None:
            async with MultiLock(Lock(a, "/1"), Lock(a, "/2")) as helds:
                b.delete(helds[1].path)
                await asyncio.Event().wait()

        with pytest.raises(LockLostError):
            world.result(world.begin("a", use), EXPIRED_S)
        assert world.names("/1") == []
