"""The eleven rules that the bug lists of other clients' recipes teach, each with its test by name."""

import asyncio
import inspect
from collections import Counter as Tally

import pytest

from zkeeper import AsyncClient, Outcome, SessionState, recipes
from zkeeper.errors import ConnectionLossError, SessionExpiredError, TransactionFailed
from zkeeper.recipes import Counter, Held, Lock, LockLostError, Queue, ReadWriteLock, TreeCache

from .recipe_world import EXPIRED_S, TIMEOUT_MS, RecipeWorld

PATH = "/locks/a"
ON_THE_WAY_S = [0.0, 0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.02, 0.06, 0.1]
"""Moments after a request at which the connection is lost: before it arrives, in the disk's queue, before the reply."""


@pytest.mark.parametrize("delay_ms", [0, 300, 1000])
def test_rule_01_the_client_declares_lost_no_later_than_the_server(delay_ms: int) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        states: list[tuple[SessionState, float]] = []
        zk.on_state(lambda state: states.append((state, world.sim.time())))
        session_id = zk.session_id
        world.sim.delay(world.node.machine, world.machine("a"), delay_ms)
        world.pass_time(7.3)
        cut_s = world.sim.time()
        world.cut_off("a")
        world.until(lambda: zk.state is SessionState.LOST)
        assert [state for state, _ in states][-2:] == [SessionState.SUSPENDED, SessionState.LOST]
        lost_s = states[-1][1]
        server = world.node.server
        assert server is not None
        assert session_id in server.service.tracker.sessions
        assert world.until(lambda: session_id not in server.service.tracker.sessions) >= lost_s
        assert lost_s <= cut_s + TIMEOUT_MS / 1000
        world.heal()
        world.until(lambda: zk.state is SessionState.CONNECTED)
        assert zk.session_id != session_id


def test_rule_02_a_lock_has_a_fencing_token_and_its_loss_cancels_the_block() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        helds: list[Held] = []
        cancelled_s: list[float] = []

        async def guarded() -> None:
            async with Lock(zk, PATH) as held:
                helds.append(held)
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    cancelled_s.append(world.sim.time())
                    raise

        task = world.begin("a", guarded)
        world.until(lambda: helds)
        znode = world.find(helds[0].path)
        assert znode is not None
        assert helds[0].fencing_token == znode.czxid
        lost_s: list[float] = []
        helds[0].on_lost(lambda: lost_s.append(world.sim.time()))
        world.cut_off("a")
        world.until(task.done)
        assert helds[0].lost.is_set()
        assert cancelled_s == pytest.approx(lost_s, abs=0.0001)
        assert lost_s[0] <= TIMEOUT_MS / 1000 + 1
        world.heal()
        with pytest.raises(LockLostError):
            task.result()


@pytest.mark.parametrize("after_s", ON_THE_WAY_S)
def test_rule_03_a_znode_whose_creation_was_not_answered_is_found_again(after_s: float) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        world.ask("a", lambda: zk.ensure_path(PATH))
        # Slower than a reconnect: the new connection lists while the creation is still on its way to the disk.
        world.node.machine.disk.set_latency(1.5, 1.5)
        lock = Lock(zk, PATH)
        task = world.begin("a", lock.acquire)
        world.pass_time(after_s)
        world.break_connection("a")
        held = world.result(task)
        world.pass_time(5.0)
        assert world.names(PATH) == [held.znode.name]
        assert held.znode.session_id == zk.session_id


@pytest.mark.parametrize("after_s", ON_THE_WAY_S)
def test_rule_03_what_an_earlier_session_created_is_not_taken_for_ones_own(after_s: float) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        world.ask("a", lambda: zk.ensure_path(PATH))
        world.node.machine.disk.set_latency(0.2, 0.2)
        task = world.begin("a", Lock(zk, PATH).acquire)
        world.pass_time(after_s)
        world.cut_off("a")
        world.until(lambda: zk.state is SessionState.LOST)
        world.heal()
        held = world.result(task)
        assert held.znode.session_id == zk.session_id
        world.until(lambda: world.names(PATH) == [held.znode.name], EXPIRED_S)


def test_rule_04_the_users_own_transaction_is_fenced_by_the_lock() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")

        async def write() -> None:
            await a.create("/account", b"0")
            held = await Lock(a, PATH).acquire()
            await held.check(a.transaction()).set("/account", b"1").commit()
            await b.delete(held.path)
            with pytest.raises(TransactionFailed) as failed:
                await held.check(a.transaction()).set("/account", b"2").commit()
            assert failed.value.index == 0
            assert (await a.get("/account")).data == b"1"

        world.run("a", write())


@pytest.mark.parametrize("after_s", ON_THE_WAY_S)
def test_rule_05_leaving_deletes_ones_znode_whatever_is_cancelled_or_lost(after_s: float) -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        lock = Lock(zk, PATH)
        session_id = zk.session_id
        world.node.machine.disk.set_latency(0.05, 0.05)

        async def acquire_and_release() -> None:
            await lock.acquire()
            await lock.release()

        task = world.begin("a", acquire_and_release)
        world.until(lambda: world.names(PATH))
        world.pass_time(0.002)
        world.until(lambda: task.done() or zk.state is SessionState.CONNECTED)
        world.pass_time(after_s)
        world.break_connection("a")
        world.cancel("a", task)
        world.until(task.done)
        world.until(lambda: not world.names(PATH), 1.0)
        assert zk.session_id == session_id


@pytest.mark.parametrize("after_s", ON_THE_WAY_S)
def test_rule_05_a_cancelled_acquire_leaves_no_place_behind(after_s: float) -> None:
    with RecipeWorld() as world:
        holder, zk = world.clients_named("holder", "a")
        session_id = zk.session_id
        world.run("holder", Lock(holder, PATH).acquire())
        world.node.machine.disk.set_latency(0.05, 0.05)
        lock = Lock(zk, PATH)
        task = world.begin("a", lock.acquire)
        world.pass_time(after_s)
        world.cancel("a", task)
        world.pass_time(0.0001)
        world.break_connection("a")
        world.until(task.done)
        world.run("a", lock.settled())
        world.pass_time(0.5)
        assert len(world.names(PATH)) == 1
        assert zk.session_id == session_id


def test_rule_06_everybody_watches_the_one_before_and_lists_again_before_claiming() -> None:
    with RecipeWorld() as world:
        lists: Tally[str] = Tally()
        tasks = []
        for name in "abcdef":
            zk = world.client(name)
            _count_lists(zk, name, lists)
            tasks.append(world.begin(name, Lock(zk, PATH).acquire))
            world.until(lambda: len(world.names(PATH)) == len(tasks))
            world.pass_time(0.1)
        # One that waits in the middle gives up: only the one behind it looks, and does not believe that it has won.
        lists.clear()
        world.cancel("c", tasks[2])
        world.pass_time(1.0)
        assert not any(task.done() for task in tasks[3:])
        assert lists == {"d": 1}
        lists.clear()
        world.run("a", tasks[0].result().release())
        world.pass_time(1.0)
        assert [task.done() for task in tasks] == [True, True, True, False, False, False]
        assert lists == {"b": 1}


def _count_lists(zk: AsyncClient, name: str, lists: "Tally[str]") -> None:
    children = zk.children

    def counting(*arguments: object, **options: object) -> object:
        lists[name] += 1
        return children(*arguments, **options)  # type: ignore[arg-type]  # passed on as they came

    zk.children = counting  # type: ignore[method-assign, assignment]  # a spy


def test_rule_07_a_reader_waits_for_the_nearest_writer_before_it_only() -> None:
    with RecipeWorld() as world:
        lists: Tally[str] = Tally()
        sides = {"w1": "write", "r1": "read", "r2": "read", "w2": "write", "r3": "read", "r4": "read"}
        tasks: dict[str, asyncio.Task[Held]] = {}
        for name, side in sides.items():
            zk = world.client(name)
            _count_lists(zk, name, lists)
            tasks[name] = world.begin(name, getattr(ReadWriteLock(zk, PATH), side).acquire)
            world.until(lambda: len(world.names(PATH)) == len(tasks))
            world.pass_time(0.1)

        def holders() -> set[str]:
            world.pass_time(0.5)
            return {name for name, task in tasks.items() if task.done() and task.result().is_held}

        assert holders() == {"w1"}
        world.run("w1", tasks["w1"].result().release())
        assert holders() == {"r1", "r2"}
        # The next writer watches the reader right before it; the readers behind the writer do not stir.
        lists.clear()
        world.run("r1", tasks["r1"].result().release())
        assert holders() == {"r2"}
        assert not lists
        world.run("r2", tasks["r2"].result().release())
        assert holders() == {"w2"}
        world.run("w2", tasks["w2"].result().release())
        assert holders() == {"r3", "r4"}


def test_rule_08_a_cache_never_shows_an_older_state_after_a_newer_one_and_comes_to_show_the_newest() -> None:
    with RecipeWorld() as world:
        reader, writer = world.clients_named("reader", "writer")
        shown: dict[str, int] = {}

        def note(change: recipes.Change) -> None:
            zxid = change.new.stat.mzxid if change.new is not None else shown.get(change.path, 0)
            assert zxid >= shown.get(change.path, 0), change
            shown[change.path] = zxid

        cache = TreeCache(reader, "/t")
        cache.on_change(note)
        world.run("reader", cache.start())

        async def write() -> None:
            await writer.ensure_path("/t/a")
            for number in range(60):
                writer.set("/t/a", str(number).encode())
                if number % 10 == 0:
                    await writer.create(f"/t/a/{number}", str(number).encode())
                if number % 20 == 15:
                    await writer.delete(f"/t/a/{number - 15}")
                await asyncio.sleep(0.1)

        task = world.begin("writer", write)
        for _ in range(4):
            world.pass_time(1.1)
            world.break_connection("reader")
        world.cut_off("reader")
        world.result(task)
        world.heal()
        world.until(lambda: world.node.server and cache.get("/t/a") and cache.get("/t/a").data == b"59")  # type: ignore[union-attr]  # it is there
        world.until(lambda: cache.is_synced)
        assert cache.children("/t/a") == world.names("/t/a") == ["10", "30", "50"]
        assert set(cache.nodes) == {"/t", "/t/a", "/t/a/10", "/t/a/30", "/t/a/50"}
        world.run("reader", cache.close())


def test_rule_09_names_are_those_of_curator_and_kazoo() -> None:
    guid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    with RecipeWorld() as world:
        zk = world.client("a")

        async def make() -> None:
            await recipes.Lock(zk, "/lock").acquire()
            await recipes.Lock(zk, "/kazoo-lock", layout="kazoo").acquire()
            await recipes.ReadWriteLock(zk, "/rw").read.acquire()
            await recipes.ReadWriteLock(zk, "/w").write.acquire()
            await recipes.ReadWriteLock(zk, "/kazoo-rw", layout="kazoo").read.acquire()
            await recipes.Semaphore(zk, "/semaphore", 2).acquire()
            await recipes.Semaphore(zk, "/kazoo-semaphore", 2, layout="kazoo").acquire()
            await recipes.LeaderLatch(zk, "/latch").start()
            await recipes.Group(zk, "/group", "me").join()
            await recipes.Group(zk, "/party", "me", layout="kazoo").join()
            await recipes.Group(zk, "/shallow", "me", layout="kazoo-shallow").join()
            await recipes.DoubleBarrier(zk, "/barrier", 1).enter()
            await recipes.Queue(zk, "/queue").put(b"x")

        world.run("a", make())
        world.until(lambda: world.names("/latch"))
        for path, pattern in {
            "/lock": f"_c_{guid}-lock-0000000000",
            "/kazoo-lock": "[0-9a-f]{32}__lock__0000000000",
            "/rw": f"_c_{guid}-__READ__0000000000",
            "/w": f"_c_{guid}-__WRIT__0000000000",
            "/kazoo-rw": "[0-9a-f]{32}__rlock__0000000000",
            "/semaphore/leases": f"_c_{guid}-lease-0000000000",
            "/kazoo-semaphore": "[0-9a-f]{32}",
            "/latch": f"_c_{guid}-latch-0000000000",
            "/group": "me",
            "/party": "[0-9a-f]{32}__party__",
            "/shallow": "[0-9a-f]{32}-me",
            "/queue/entries": "entry-100-0000000000",
        }.items():
            assert world.names(path) == [_Matching(pattern)], path
        assert world.names("/barrier") == [_Matching(guid), "ready"]
        assert world.data("/kazoo-semaphore") == b"2"
        assert world.data(f"/party/{world.names('/party')[0]}") == b"me"


class _Matching(str):
    """Equal to what matches it as a regular expression."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        import re

        return isinstance(other, str) and re.fullmatch(str(self), other) is not None

    __hash__ = str.__hash__


def test_rule_10_an_entry_is_removed_after_it_was_processed_and_not_before() -> None:
    with RecipeWorld() as world:
        first, second = world.clients_named("first", "second")
        world.run("first", Queue(first, "/q").put(b"work"))
        seen: list[str] = []

        async def take(zk: AsyncClient, name: str, is_hanging: bool) -> None:
            async with Queue(zk, "/q").take() as item:
                seen.append(f"{name} {item.data.decode()}")
                if is_hanging:
                    await asyncio.Event().wait()

        dying = world.begin("first", lambda: take(first, "first", True))
        world.until(lambda: seen)
        assert len(world.names("/q/entries")) == 1
        done = world.begin("second", lambda: take(second, "second", False))
        world.pass_time(1.0)
        assert not done.done()
        world.machine("first").kill()
        del world.clients["first"]
        world.result(done)
        assert seen == ["first work", "second work"]
        assert world.names("/q/entries") == world.names("/q/taken") == []
        assert not dying.done()


@pytest.mark.parametrize("after_s", ON_THE_WAY_S)
def test_rule_11_an_outcome_that_is_unknown_is_told_and_every_recipe_says_what_may_happen(after_s: float) -> None:
    for name in recipes.__all__:
        recipe = getattr(recipes, name)
        if inspect.isclass(recipe) and issubclass(recipe, recipes.Lock | recipes.Counter | recipes.Queue):
            assert "Promises" in (recipe.__doc__ or ""), name
    with RecipeWorld() as world:
        zk = world.client("a")
        counter = Counter(zk, "/n")
        world.run("a", counter.add(1))
        world.node.machine.disk.set_latency(0.05, 0.05)
        task = world.begin("a", lambda: counter.add(1))
        world.pass_time(after_s)
        world.break_connection("a")
        world.until(task.done)
        now = world.run("a", counter.value())
        error = task.exception()
        if error is None:
            assert task.result() == now == 2
        else:
            assert isinstance(error, ConnectionLossError | SessionExpiredError)
            assert error.outcome is Outcome.UNKNOWN
            assert now in (1, 2)
