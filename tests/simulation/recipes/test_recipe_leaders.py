"""Leader latches and elections."""

import asyncio

import pytest

from zkeeper import READ_ONLY_ACL, SessionState
from zkeeper.errors import NoAuthError
from zkeeper.recipes import Election, Held, Leader, LeaderLatch, LockLostError, LockTimeoutError, NotHeldError

from .recipe_world import EXPIRED_S, RecipeWorld


def _latches(world: RecipeWorld, names: str) -> dict[str, LeaderLatch]:
    latches = {}
    for name in names:
        latches[name] = LeaderLatch(world.client(name), "/leader", identifier=name)
        world.run(name, latches[name].start())
        world.until(lambda: len(world.names("/leader")) == len(latches))
    return latches


def test_there_is_one_leader_and_the_next_in_line_follows() -> None:
    with RecipeWorld() as world:
        latches = _latches(world, "abc")
        world.until(lambda: latches["a"].is_leader)
        assert world.run("b", latches["b"].participants()) == ["a", "b", "c"]
        leader = world.run("c", latches["c"].leader())
        assert leader is not None
        assert leader.identifier == "a"
        held = latches["a"].held
        assert held is not None
        assert leader.fencing_token == held.fencing_token
        world.run("a", latches["a"].close())
        assert not latches["a"].is_leader
        world.until(lambda: latches["b"].is_leader)
        assert not latches["c"].is_leader
        for name in "bc":
            world.run(name, latches[name].close())
        assert world.names("/leader") == []


def test_who_has_looked_on_leaves_no_watch_behind() -> None:
    async def look_on() -> None:
        leaders = observing.leaders()
        assert await anext(leaders) is None
        assert await anext(leaders) is not None
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(leaders), 1)

    with RecipeWorld() as world:
        zk = world.client("observer")
        observing = LeaderLatch(zk, "/leader")
        looking = world.begin("observer", look_on)
        world.until(lambda: zk._exchange.watches.count() > 0)
        latches = _latches(world, "a")
        world.result(looking)
        assert latches["a"].is_leader
        assert zk._exchange.watches.count() == 0


def test_a_leader_that_is_cut_off_knows_it_before_there_is_another_and_comes_back_at_the_end() -> None:
    with RecipeWorld() as world:
        latches = _latches(world, "ab")
        world.until(lambda: latches["a"].is_leader)
        world.cut_off("a")
        world.until(lambda: not latches["a"].is_leader)
        assert not latches["b"].is_leader
        world.until(lambda: latches["b"].is_leader, EXPIRED_S)
        world.heal()
        world.until(lambda: len(world.names("/leader")) == 2)
        assert latches["b"].is_leader
        for name in "ab":
            world.run(name, latches[name].close())


def test_waiting_for_the_leadership_and_being_told_of_changes() -> None:
    with RecipeWorld() as world:
        latches = _latches(world, "ab")
        with pytest.raises(LockTimeoutError):
            world.run("b", latches["b"].wait(timeout_s=1.0))
        told: list[bool] = []

        async def listen() -> None:
            async for is_leader in latches["b"].changes():
                told.append(is_leader)

        listening = world.begin("b", listen)
        waiting = world.begin("b", latches["b"].wait)
        world.run("a", latches["a"].close())
        assert world.result(waiting).is_held
        world.expire(world.clients["b"])
        world.until(lambda: told == [False, True, False, True])
        world.run("b", latches["b"].close())
        world.result(listening)
        with pytest.raises(NotHeldError):
            world.run("b", latches["b"].wait())


def test_a_latch_that_cannot_go_on_says_why() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        world.ask("a", lambda: zk.create("/latch", acl=READ_ONLY_ACL))
        latch = LeaderLatch(zk, "/latch")
        world.run("a", latch.start())
        with pytest.raises(NoAuthError, match="/latch/"):
            world.run("a", latch.wait())


def test_the_elected_one_runs_and_resigns() -> None:
    with RecipeWorld() as world:
        order: list[str] = []

        async def lead(held: Held, name: str) -> int:
            order.append(name)
            await asyncio.sleep(1.0)
            assert held.is_held
            return len(order)

        tasks = []
        for name in "ab":
            election = Election(world.client(name), "/election", identifier=name)
            tasks.append(world.begin(name, lambda election=election, name=name: election.run(lead, name)))
            world.until(lambda: len(world.names("/election")) == len(tasks))
        election = Election(world.clients["b"], "/election")
        assert world.run("b", election.contenders()) == ["a", "b"]
        assert [world.result(task) for task in tasks] == [1, 2]
        assert order == ["a", "b"]
        assert world.run("b", election.leader()) is None


def test_a_lost_leadership_cancels_the_leader_and_may_be_sought_again() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        election = Election(zk, "/election")
        tokens: list[int] = []

        async def lead(held: Held) -> None:
            tokens.append(held.fencing_token)
            await asyncio.Event().wait()

        once = world.begin("a", lambda: election.run(lead))
        world.until(lambda: tokens)
        world.expire(zk)
        with pytest.raises(LockLostError):
            world.result(once)
        for_ever = world.begin("a", lambda: election.run_forever(lead))
        world.until(lambda: len(tokens) == 2)
        world.expire(zk)
        world.until(lambda: len(tokens) == 3)
        assert tokens == sorted(tokens)
        world.cancel("a", for_ever)
        world.until(for_ever.done)
        assert world.names("/election") == []


def test_observers_see_who_leads() -> None:
    with RecipeWorld() as world:
        observer, a, b = world.clients_named("observer", "a", "b")
        seen: list[str | None] = []

        async def observe() -> None:
            async for leader in Election(observer, "/election").leaders():
                assert leader is None or isinstance(leader, Leader)
                seen.append(leader and leader.identifier)

        task = world.begin("observer", observe)
        world.until(lambda: seen == [None])

        async def lead(held: Held) -> None:
            await asyncio.Event().wait()

        leading = world.begin("a", lambda: Election(a, "/election", identifier="a").run(lead))
        world.until(lambda: seen == [None, "a"])
        next_one = world.begin("b", lambda: Election(b, "/election", identifier="b").run(lead))
        world.until(lambda: len(world.names("/election")) == 2)
        world.break_connection("observer")
        world.cancel("a", leading)
        world.until(lambda: seen[-1] == "b")
        world.expire(observer)
        world.until(lambda: observer.state is not SessionState.CONNECTED)
        world.until(lambda: observer.state is SessionState.CONNECTED)
        world.cancel("b", next_one)
        world.until(lambda: seen[-1] is None)
        assert seen == [None, "a", "b", None]
        world.cancel("observer", task)
