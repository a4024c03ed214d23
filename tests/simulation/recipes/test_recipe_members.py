"""Persistent nodes, groups, partitions, services, leases and queues."""

import asyncio
import json

import pytest

from zkeeper import AsyncClient, SessionState
from zkeeper.errors import BadArgumentsError
from zkeeper.recipes import (
    Group,
    Lease,
    LockLostError,
    LockTimeoutError,
    Partitioner,
    PersistentNode,
    Queue,
    ServiceDiscovery,
    ServiceInstance,
    ServiceType,
    sticky,
)
from zkeeper.recipes import round_robin as in_turn

from .recipe_world import RecipeWorld


def test_a_persistent_node_comes_back_after_a_deletion_and_after_a_lost_session() -> None:
    with RecipeWorld() as world:
        zk, other = world.clients_named("a", "b")
        node = PersistentNode(zk, "/deep/n", b"1")
        world.run("a", node.start())
        world.run("a", node.present())
        world.run("a", node.set_data(b"2"))
        assert world.data("/deep/n") == b"2"
        world.ask("b", lambda: other.delete("/deep/n"))
        world.until(lambda: world.find("/deep/n") and world.data("/deep/n") == b"2")
        world.until(lambda: node.is_present)
        world.expire(zk)
        world.until(lambda: not node.is_present)
        world.until(lambda: node.is_present)
        znode = world.find("/deep/n")
        assert znode is not None
        assert znode.owner == zk.session_id
        world.run("a", node.close())
        assert world.find("/deep/n") is None


def test_a_persistent_node_is_not_present_from_the_moment_its_session_is_lost() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        node = PersistentNode(zk, "/n", b"x")
        world.run("a", node.start())
        world.run("a", node.present())
        world.cut_off("a")
        world.until(lambda: zk.state is SessionState.SUSPENDED)
        assert node.is_present
        world.until(lambda: zk.state is SessionState.LOST)
        assert not node.is_present
        world.heal()
        world.run("a", node.present())
        world.run("a", node.close())


def test_a_persistent_node_waits_for_a_foreign_one_and_leaves_it_alone() -> None:
    with RecipeWorld() as world:
        zk, other = world.clients_named("a", "b")
        world.ask("b", lambda: other.create("/n", b"foreign", ephemeral=True))
        node = PersistentNode(zk, "/n", b"mine")
        world.run("a", node.start())
        with pytest.raises(TimeoutError):
            world.run("a", node.present(timeout_s=1.0))
        assert world.data("/n") == b"foreign"
        world.ask("b", lambda: other.delete("/n"))
        world.until(lambda: node.is_present)
        assert world.data("/n") == b"mine"
        world.run("a", node.close())


def test_a_node_that_is_no_ephemeral_stays_when_it_is_closed() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        node = PersistentNode(zk, "/n", b"x", ephemeral=False)
        world.run("a", node.start())
        world.run("a", node.present())
        world.run("a", node.close())
        assert world.data("/n") == b"x"


def test_closing_while_cut_off_returns_when_the_session_is_over() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        node = PersistentNode(zk, "/n")
        world.run("a", node.start())
        world.run("a", node.present())
        world.cut_off("a")
        world.run("a", node.close())
        assert world.sim.time() < 6.0
        world.heal()
        world.until(lambda: world.find("/n") is None)


@pytest.mark.parametrize("layout", ["curator", "kazoo", "kazoo-shallow"])
def test_members_are_seen_as_they_come_and_go(layout: str) -> None:
    with RecipeWorld() as world:
        groups = {name: Group(world.client(name), "/g", name, b"data", layout=layout) for name in "ab"}
        seen: list[list[str]] = []

        async def observe() -> None:
            async for members in Group(world.clients["a"], "/g", layout=layout).changes():
                seen.append([member.identifier for member in members])

        task = world.begin("a", observe)
        world.until(lambda: seen == [[]])
        for name in "ab":
            world.run(name, groups[name].join())
        world.until(lambda: seen[-1] == ["a", "b"])
        member = world.run("b", groups["b"].members())[0]
        assert member.data == (b"data" if layout == "curator" else b"")
        world.machine("b").kill()
        del world.clients["b"]
        world.until(lambda: seen[-1] == ["a"])
        world.run("a", groups["a"].leave())
        world.until(lambda: seen[-1] == [])
        world.cancel("a", task)


def test_a_set_is_divided_among_members_and_divided_anew_when_they_change() -> None:
    with RecipeWorld() as world:
        having: dict[str, tuple[str, ...]] = {}

        async def work(name: str) -> None:
            async with Partitioner(world.clients[name], "/p", ["w", "x", "y", "z"], name, settle_s=1.0) as partitioner:
                while True:
                    async with partitioner.share() as share:
                        taken = [item for items in having.values() for item in items]
                        assert not set(taken) & set(share.items), "nobody has what another has"
                        having[name] = share.items
                        try:
                            await share.revoked.wait()
                        finally:
                            del having[name]

        tasks = {}
        world.client("a")
        tasks["a"] = world.begin("a", lambda: work("a"))
        world.until(lambda: having == {"a": ("w", "x", "y", "z")})
        world.client("b")
        tasks["b"] = world.begin("b", lambda: work("b"))
        world.until(lambda: having == {"a": ("w", "y"), "b": ("x", "z")})
        world.machine("a").kill()
        del world.clients["a"], having["a"]
        world.until(lambda: having == {"b": ("w", "x", "y", "z")})
        world.cancel("b", tasks["b"])
        world.until(tasks["b"].done)
        assert tasks["b"].cancelled()
        assert world.names("/p/party") == []
        assert all(world.names(f"/p/locks/{item}") == [] for item in "wxyz")


def test_services_are_found_chosen_and_lost() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")

        async def use() -> None:
            async with ServiceDiscovery(a, "/s") as ours, ServiceDiscovery(b, "/s") as theirs:
                first = await ours.register(ServiceInstance("web", "1", address="10.0.0.1", port=80))
                second = await theirs.register(ServiceInstance("web", "2", address="10.0.0.2"))
                fixed = await ours.register(ServiceInstance("web", "3", type=ServiceType.PERMANENT, enabled=False))
                assert await ours.names() == ["web"]
                assert await ours.instances("web") == [first, second, fixed]
                assert await ours.instances("none") == []
                async with theirs.provider("web") as provider, theirs.provider("web", sticky(in_turn())) as stuck:
                    assert [provider.choose() for _ in range(3)] == [first, second, first]
                    provider.note_error(first)
                    provider.note_error(first)
                    assert [provider.choose() for _ in range(2)] == [second, second]
                    await asyncio.sleep(31)
                    assert {provider.choose(), provider.choose()} == {first, second}
                    assert [stuck.choose(), stuck.choose()] == [first, first]
                    await ours.unregister(first)
                    while len(stuck.instances) > 1 or len(provider.instances) > 1:
                        await asyncio.sleep(0.01)
                    assert stuck.choose() == provider.choose() == second
            assert world.names("/s/web") == ["3"]
            await ServiceDiscovery(a, "/s").unregister(fixed)
            assert world.names("/s/web") == []

        world.run("a", use())


def test_a_record_that_cannot_be_read_is_left_out() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")

        async def use() -> None:
            await zk.ensure_path("/s/web")
            await zk.create("/s/web/1", b"no json")
            await zk.create("/s/web/2", b'{"id": "2"}')
            discovery = ServiceDiscovery(zk, "/s")
            assert await discovery.instances("web") == []
            async with discovery.provider("web") as provider:
                assert provider.choose() is None

        world.run("a", use())


def test_a_lease_lasts_for_its_time_and_is_renewed_by_its_holder() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        ours, theirs = Lease(a, "/lease", 60, "a"), Lease(b, "/lease", 60, "b")
        assert world.run("b", theirs.holder()) is None
        assert world.run("a", ours.obtain()) is True
        assert world.run("b", theirs.obtain()) is False
        record = json.loads(world.data("/lease/lease_holder"))
        assert record == {"version": 1, "holder": "a", "end": "2024-01-01T00:01:00"}
        world.pass_time(40)
        assert world.run("a", ours.obtain()) is True
        world.pass_time(40)
        assert world.run("b", theirs.obtain()) is False
        world.pass_time(30)
        assert world.run("b", theirs.obtain()) is True
        holder = world.run("a", ours.holder())
        assert holder is not None
        assert holder.identifier == "b"
        assert world.run("a", ours.give_back()) is False
        assert world.run("b", theirs.give_back()) is True
        assert world.run("a", ours.obtain()) is True
        assert [name for name in world.names("/lease") if "lock" in name] == []


def test_entries_come_in_their_order_by_priority_and_failures_give_them_back() -> None:
    with RecipeWorld() as world:
        zk = world.client("a")
        queue = Queue(zk, "/q")
        order: list[bytes] = []

        async def use() -> None:
            await queue.put_all([b"first", b"second"])
            await queue.put(b"urgent", priority=1)
            with pytest.raises(BadArgumentsError, match="between 0 and 999"):
                await queue.put(b"x", priority=1000)
            with pytest.raises(KeyError):
                async with queue.take():
                    raise KeyError
            for _ in range(3):
                async with queue.take() as item:
                    order.append(item.data)
            with pytest.raises(LockTimeoutError):
                async with queue.take(timeout_s=1.0):
                    raise AssertionError
            assert await queue.size() == 0

        world.run("a", use())
        assert order == [b"urgent", b"first", b"second"]
        assert world.names("/q/entries") == world.names("/q/taken") == []


def test_who_waits_for_an_entry_gets_it_and_loses_it_with_the_session() -> None:
    with RecipeWorld() as world:
        a, b = world.clients_named("a", "b")
        taken: list[str] = []

        async def take(zk: AsyncClient, name: str, seconds: float) -> None:
            async with Queue(zk, "/q").take() as item:
                taken.append(f"{name} {item.data.decode()}")
                await asyncio.sleep(seconds)

        first = world.begin("a", lambda: take(a, "a", 100))
        world.pass_time(1.0)
        world.run("b", Queue(b, "/q").put(b"x"))
        world.until(lambda: taken == ["a x"])
        second = world.begin("b", lambda: take(b, "b", 0.1))
        world.pass_time(1.0)
        world.expire(a)
        with pytest.raises(LockLostError):
            world.result(first)
        world.result(second)
        assert taken == ["a x", "b x"]
        assert world.names("/q/entries") == []
