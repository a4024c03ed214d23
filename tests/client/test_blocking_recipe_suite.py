"""The recipes as threads use them, against a real server. What they promise under failures is tested on the loop."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import pytest

from zkeeper import Client, EventType, blocking
from zkeeper.blocking import Held
from zkeeper.errors import ClosedError, NoNodeError, TransactionFailed
from zkeeper.recipes import Change, LockLostError, LockTimeoutError, NotHeldError, ServiceInstance, SettingError

from .conftest import Connect

PATIENCE_S = 20.0
block_ends_with = pytest.raises
"""For what is raised when a guarded block is left, and not by a statement in it."""


@pytest.fixture
def other(connect: Connect) -> Iterator[Client]:
    with connect() as other:
        yield other


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        threading.Event().wait(0.001)


# Locks.


def test_one_thread_at_a_time(zk: Client, other: Client, pool: ThreadPoolExecutor) -> None:
    """Threads of one client exclude each other as those of two clients do."""
    locks = [blocking.Lock(zk, "/lock"), blocking.Lock(other, "/lock")]
    inside: list[int] = []
    tokens: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            with locks[number % 2] as held:
                inside.append(number)
                assert inside == [number]
                tokens.append(held.fencing_token)
                inside.remove(number)

    list(pool.map(work, range(6)))
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 30
    assert zk.children("/lock") == []


def test_who_holds_is_a_thread(zk: Client, pool: ThreadPoolExecutor) -> None:
    lock = blocking.Lock(zk, "/lock", identifier="me")
    with lock as held:
        assert lock.is_held
        assert (held.is_held, held.is_released, held.lost.is_set()) == (True, False, False)
        assert lock.contenders() == ["me"]
        assert pool.submit(lambda: lock.is_held).result(PATIENCE_S) is False
        assert pool.submit(lock.try_acquire).result(PATIENCE_S) is None
        with pytest.raises(NotHeldError):
            pool.submit(lock.release).result(PATIENCE_S)
        with pytest.raises(RuntimeError, match="not re-entrant"):
            lock.acquire()
    assert not lock.is_held
    assert not held.is_held
    assert pool.submit(lock.try_acquire).result(PATIENCE_S) is not None


def test_a_lock_that_may_be_acquired_again(zk: Client, other: Client) -> None:
    lock = blocking.Lock(zk, "/lock", reentrant=True)
    with lock as first, lock as second:
        assert first.fencing_token == second.fencing_token
    with blocking.Lock(other, "/lock").within(PATIENCE_S):
        assert not lock.is_held


def test_time_limits(zk: Client, other: Client) -> None:
    mine, theirs = blocking.Lock(zk, "/lock"), blocking.Lock(other, "/lock")
    with theirs as held:
        with pytest.raises(LockTimeoutError):
            mine.acquire(timeout_s=0.01)
        with pytest.raises(LockTimeoutError), mine.within(0.01):
            raise AssertionError("it is not held")
        mine.settled(timeout_s=PATIENCE_S)
        assert [held.path] == [f"/lock/{name}" for name in zk.children("/lock")]


def test_a_loss_is_told_at_once_and_at_the_end_of_the_block(zk: Client, other: Client) -> None:
    told: SimpleQueue[str] = SimpleQueue()
    late = threading.Event()
    with block_ends_with(LockLostError, match="was lost while it was held"), blocking.Lock(zk, "/lock") as held:
        held.on_lost(lambda: told.put(threading.current_thread().name))
        assert held.lost.wait(timeout_s=0) is False
        other.delete(held.path)
        assert held.lost.wait(PATIENCE_S)
        assert not held.is_held
        held.on_lost(late.set)
        assert late.wait(PATIENCE_S)
    assert told.get(timeout=PATIENCE_S) == "zkeeper callbacks"
    with block_ends_with(ValueError, match="mine"), blocking.Lock(zk, "/lock") as held:
        other.delete(held.path)
        held.lost.wait(PATIENCE_S)
        raise ValueError("mine comes first")


def test_fencing_by_a_transaction(zk: Client, other: Client) -> None:
    zk.create("/account")
    with blocking.Lock(zk, "/lock") as held:
        held.check(zk.transaction()).set("/account", b"9").commit()
        held.release()
        with pytest.raises(TransactionFailed):
            held.check(zk.transaction()).set("/account", b"10").commit()
    assert zk.get("/account").data == b"9"


def test_the_end_of_the_client_is_the_end_of_what_is_held(connect: Connect, other: Client) -> None:
    zk = connect()
    zk.start()
    with block_ends_with(LockLostError), blocking.Lock(zk, "/lock") as held:
        zk.close()
        assert held.lost.is_set()
    with pytest.raises(ClosedError):
        blocking.Lock(zk, "/lock").acquire()
    with blocking.Lock(other, "/lock").within(PATIENCE_S):
        pass


def test_readers_and_writers(zk: Client, other: Client, pool: ThreadPoolExecutor) -> None:
    mine, theirs = blocking.ReadWriteLock(zk, "/rw"), blocking.ReadWriteLock(other, "/rw")
    with mine.read, theirs.read, pytest.raises(LockTimeoutError):
        pool.submit(theirs.write.acquire, 0.01).result(PATIENCE_S)
    with mine.write:
        assert theirs.read.try_acquire() is None
        mine.read.acquire(PATIENCE_S)
    assert pool.submit(theirs.write.try_acquire).result(PATIENCE_S) is None, "it is read still"
    mine.read.release()
    assert pool.submit(theirs.write.acquire, PATIENCE_S).result(PATIENCE_S).is_held


def test_a_semaphore(zk: Client, other: Client) -> None:
    mine, theirs = blocking.Semaphore(zk, "/s", 2, identifier="me"), blocking.Semaphore(other, "/s", 2)
    with mine, mine:
        assert mine.holders() == ["me", "me"]
        with pytest.raises(LockTimeoutError):
            theirs.acquire(0.01)
    with theirs:
        assert theirs.holders() == [""]


def test_several_locks_at_once(zk: Client, other: Client) -> None:
    first, second = blocking.Lock(zk, "/a", reentrant=True), blocking.Lock(zk, "/b")
    both = blocking.MultiLock(first, second)
    with both as helds:
        assert [held.path.split("/")[1] for held in helds] == ["a", "b"]
        assert second.is_held
        with first:
            assert blocking.Lock(other, "/a").try_acquire() is None
    with blocking.Lock(other, "/b"), pytest.raises(LockTimeoutError):
        both.acquire(0.01)
    with block_ends_with(LockLostError), both as helds:
        other.delete(helds[1].path)
        assert helds[1].lost.wait(PATIENCE_S)
    assert blocking.Lock(other, "/a").acquire(PATIENCE_S).is_held


# Leaders.


def test_a_latch(zk: Client, other: Client) -> None:
    with blocking.LeaderLatch(zk, "/latch", identifier="one") as one:
        assert one.wait(PATIENCE_S).fencing_token == one.leader().fencing_token  # type: ignore[union-attr]
        with blocking.LeaderLatch(other, "/latch", identifier="two") as two:
            changes, leaders = two.changes(), two.leaders()
            assert changes.next(PATIENCE_S) is False
            assert leaders.next(PATIENCE_S).identifier == "one"  # type: ignore[union-attr]
            wait_until(lambda: one.participants() == ["one", "two"])
            with pytest.raises(LockTimeoutError):
                two.wait(0.01)
            assert (one.is_leader, two.is_leader, two.held) == (True, False, None)
            one.close()
            assert changes.next(PATIENCE_S) is True
            assert isinstance(two.held, Held)
            assert leaders.next(PATIENCE_S).identifier in ("one", "two")  # type: ignore[union-attr]
        assert list(changes)[-1:] in ([False], [])


def test_an_election(zk: Client, other: Client, pool: ThreadPoolExecutor) -> None:
    elected, may_end = threading.Event(), threading.Event()

    def lead(held: Held, word: str) -> str:
        elected.set()
        assert may_end.wait(PATIENCE_S)
        return f"{word} {held.is_held}"

    one, two = blocking.Election(zk, "/e", identifier="one"), blocking.Election(other, "/e", identifier="two")
    first = pool.submit(one.run, lead, "hello")
    assert elected.wait(PATIENCE_S)
    second = pool.submit(two.run, lead, "goodbye")
    wait_until(lambda: one.contenders() == ["one", "two"])
    assert two.leader().identifier == "one"  # type: ignore[union-attr]
    may_end.set()
    assert (first.result(PATIENCE_S), second.result(PATIENCE_S)) == ("hello True", "goodbye True")
    assert one.leaders().next(PATIENCE_S) is None


def test_an_election_for_ever_goes_on_after_a_loss(zk: Client, other: Client) -> None:
    tokens: list[int] = []

    def lead(held: Held) -> None:
        tokens.append(held.fencing_token)
        if len(tokens) == 3:
            raise LookupError("enough")
        other.delete(held.path)
        assert held.lost.wait(PATIENCE_S)

    with pytest.raises(LookupError):
        blocking.Election(zk, "/e").run_forever(lead)
    assert tokens == sorted(set(tokens))


# Barriers.


def test_a_barrier(zk: Client, other: Client, pool: ThreadPoolExecutor) -> None:
    barrier = blocking.Barrier(zk, "/gates/a")
    assert barrier.wait() is True
    assert (barrier.create(), barrier.create()) == (True, False)
    assert barrier.wait(0.01) is False
    waiting = pool.submit(blocking.Barrier(other, "/gates/a").wait)
    assert (barrier.remove(), barrier.remove()) == (True, False)
    assert waiting.result(PATIENCE_S) is True


def test_a_double_barrier(zk: Client, pool: ThreadPoolExecutor) -> None:
    with pytest.raises(LockTimeoutError):
        blocking.DoubleBarrier(zk, "/d", 3).enter(0.01)
    inside: list[int] = []

    def work(number: int) -> int:
        with blocking.DoubleBarrier(zk, "/d", 3):
            inside.append(number)
            wait_until(lambda: len(inside) == 3)
        return number

    assert list(pool.map(work, range(3))) == [0, 1, 2]


# Values.


def test_values(zk: Client, pool: ThreadPoolExecutor) -> None:
    counter = blocking.Counter(zk, "/c")
    list(pool.map(lambda _: counter.add(2), range(20)))
    assert (counter.value(), counter.subtract(1)) == (40, 39)
    assert counter.compare_and_set(39, 7)
    assert not counter.compare_and_set(39, 8)
    counter.set(5)
    assert counter.value(timeout_s=PATIENCE_S) == 5
    value = blocking.AtomicValue(zk, "/v", start=b"a")
    assert value.update(bytes.upper) == b"A"
    seen = value.get_versioned()
    value.set(b"b")
    assert (value.compare_and_set(seen, b"c"), value.get()) == (False, b"b")
    ids = blocking.IdGenerator(zk, "/ids", block_size=3)
    assert sorted(pool.map(lambda _: ids.next(), range(10))) == list(range(1, 11))


def test_a_function_that_decides_may_not_call_the_client(zk: Client) -> None:
    with pytest.raises(RuntimeError, match="would wait for itself"):
        blocking.AtomicValue(zk, "/v").update(lambda old: zk.get("/").data)


def test_a_lease(zk: Client, other: Client) -> None:
    mine, theirs = blocking.Lease(zk, "/l", 3600, "me"), blocking.Lease(other, "/l", 3600, "you")
    assert (mine.obtain(), theirs.obtain(), theirs.give_back()) == (True, False, False)
    assert theirs.holder().identifier == "me"  # type: ignore[union-attr]
    assert (mine.give_back(), theirs.obtain()) == (True, True)


# Caches.


def test_caches(zk: Client, other: Client) -> None:
    changes: SimpleQueue[Change] = SimpleQueue()
    zk.create("/t", b"0")
    with blocking.NodeCache(zk, "/t") as node, blocking.ChildrenCache(zk, "/t") as children:
        with blocking.TreeCache(zk, "/t") as tree:
            remove = tree.on_change(changes.put)
            shown = tree.changes()
            assert set(shown.next(PATIENCE_S)) == {"/t"}
            other.create("/t/a", b"x")
            tree.wait_for(lambda: tree.get("/t/a") is not None, PATIENCE_S)
            children.wait_for(lambda: "a" in children.children, PATIENCE_S)
            assert (set(tree.nodes), tree.children("/t"), children.children["a"].data) == ({"/t", "/t/a"}, ["a"], b"x")
            assert (node.node.data, node.root) == (b"0", "/t")  # type: ignore[union-attr]
            change = changes.get(timeout=PATIENCE_S)
            assert (change.type, change.path, change.new.data) == (EventType.CREATED, "/t/a", b"x")  # type: ignore[union-attr]
            with pytest.raises(TimeoutError):
                tree.wait_for(lambda: False, 0.01)
            tree.synced(PATIENCE_S)
            remove()
            other.set("/t/a", b"y")
            tree.wait_for(lambda: tree.nodes["/t/a"].data == b"y", PATIENCE_S)
        assert changes.empty()
    zk.close()
    assert (list(shown)[-1:], tree.get("/t/a").data) in (  # type: ignore[union-attr]
        ([], b"y"),
        ([tree.nodes], b"y"),
    )


@dataclass(frozen=True)
class Settings:
    host: str
    port: int = 5432


def test_settings(zk: Client, other: Client) -> None:
    with pytest.raises(SettingError), blocking.ConfigWatch(zk, "/config", Settings):
        raise AssertionError("there is no host")
    zk.ensure_path("/config")
    zk.create("/config/host", b"h")
    with blocking.ConfigWatch(zk, "/config", Settings) as config:
        changes = config.changes()
        assert changes.next(PATIENCE_S) == config.value == Settings("h", 5432)
        other.create("/config/port", b"1")
        assert changes.next(PATIENCE_S) == Settings("h", 1)
        other.set("/config/port", b"x")
        wait_until(lambda: config.value is not None and config.error is not None)
        assert config.value == Settings("h", 1)


# Membership.


def test_a_node_that_is_there(zk: Client, other: Client) -> None:
    with blocking.PersistentNode(zk, "/n/a", b"x") as node:
        node.present(PATIENCE_S)
        node.set_data(b"y")
        assert (node.is_present, other.get("/n/a").data) == (True, b"y")
        czxid = other.get("/n/a").stat.czxid
        other.delete("/n/a")
        wait_until(lambda: (stat := other.exists("/n/a")) is not None and stat.czxid > czxid)
    assert other.exists("/n/a") is None


def test_a_group(zk: Client, other: Client) -> None:
    with blocking.Group(zk, "/g", "one", b"1") as one:
        changes = blocking.Group(other, "/g").changes()
        assert [each.identifier for each in changes.next(PATIENCE_S)] == ["one"]
        with blocking.Group(other, "/g", "two"):
            assert [each.identifier for each in one.members()] == ["one", "two"]
            one.set_data(b"3")
    assert blocking.Group(other, "/g").members() == []


def test_a_set_is_divided(zk: Client, other: Client, pool: ThreadPoolExecutor) -> None:
    items = ["a", "b", "c"]
    with blocking.Partitioner(zk, "/p", items, "one", settle_s=0.05) as one, one.share() as alone:
        assert alone.items == ("a", "b", "c")
        assert [held.is_held for held in alone.helds] == [True] * 3
        with blocking.Partitioner(other, "/p", items, "two", settle_s=0.05) as two:
            theirs = pool.submit(two.acquire)
            assert alone.revoked.wait(PATIENCE_S)
            for held in alone.helds:
                held.release()
            share = one.acquire()
            assert sorted(share.items + theirs.result(PATIENCE_S).items) == items
            one.release(share)
            two.release(theirs.result())


# Queues.


def test_a_queue(zk: Client, other: Client, pool: ThreadPoolExecutor) -> None:
    queue = blocking.Queue(zk, "/q")
    waiting: Future[Any] = pool.submit(take, blocking.Queue(other, "/q"))
    queue.put(b"first")
    assert waiting.result(PATIENCE_S) == b"first"
    with pytest.raises(LockTimeoutError), queue.take(0.01):
        raise AssertionError("it is empty")
    queue.put_all([b"low", b"low too"], 500)
    queue.put(b"high", 1)
    with block_ends_with(LookupError), queue.take() as item:
        assert (item.data, item.held.is_held) == (b"high", True)
        raise LookupError("not done")
    assert [take(queue) for _ in range(3)] == [b"high", b"low", b"low too"]
    assert queue.size() == 0
    queue.settled()


def take(queue: blocking.Queue) -> bytes:
    with queue.take(PATIENCE_S) as item:
        return item.data


def test_an_entry_whose_taking_is_lost_is_given_again(zk: Client, other: Client) -> None:
    queue = blocking.Queue(zk, "/q")
    queue.put(b"x")
    with block_ends_with(LockLostError), queue.take() as item:
        other.delete(item.held.path)
        assert item.held.lost.wait(PATIENCE_S)
    assert take(blocking.Queue(other, "/q")) == b"x"


def test_the_end_of_the_client_in_the_block_of_an_entry(connect: Connect, other: Client) -> None:
    zk = connect()
    zk.start()
    queue = blocking.Queue(zk, "/q")
    queue.put(b"x")
    with block_ends_with((LockLostError, ClosedError)), queue.take():
        zk.close()
    assert take(blocking.Queue(other, "/q")) == b"x"


# Services.


def test_services(zk: Client, other: Client) -> None:
    with blocking.ServiceDiscovery(zk, "/services") as mine:
        instance = mine.register(ServiceInstance("shop", address="10.0.0.1", port=80), PATIENCE_S)
        theirs = blocking.ServiceDiscovery(other, "/services")
        assert (theirs.names(), theirs.instances("shop")) == (["shop"], [instance])
        assert theirs.instance("shop", instance.id) == instance
        with theirs.provider("shop") as provider:
            changes = provider.changes()
            assert changes.next(PATIENCE_S) == provider.instances == [instance]
            assert provider.choose() == instance
            provider.note_error(instance)
            mine.unregister(instance)
            assert changes.next(PATIENCE_S) == []
            assert provider.choose() is None
        mine.register(instance)
    with pytest.raises(NoNodeError):
        other.get(f"/services/shop/{instance.id}")
