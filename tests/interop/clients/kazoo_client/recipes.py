"""kazoo's recipes, with several clients each."""

import threading
from concurrent.futures import ThreadPoolExecutor

from kazoo.exceptions import LockTimeout

from interop.clients.harness import WAIT_DEADLINE_S, expect, expect_raises, wait_for

from .bench import Bench, BenchCheck, Client


def lock(bench: Bench) -> None:
    inside, most_inside, turns = 0, 0, 0

    def take_turns(client: Client) -> None:
        nonlocal inside, most_inside, turns
        for _ in range(5):
            with client.Lock(bench.path("lock")):
                inside += 1
                most_inside = max(most_inside, inside)
                client.exists(bench.root)  # a round trip, so that a second holder would be seen
                turns += 1
                inside -= 1

    clients = [bench.connect() for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(take_turns, clients))
    expect((most_inside, turns), (1, 20), "most holders at a time, and turns")


def lock_timeout(bench: Bench) -> None:
    other = bench.connect()
    with bench.client.Lock(bench.path("lock"), "first"):
        waiting = other.Lock(bench.path("lock"), "second")
        expect_raises(LockTimeout, lambda: waiting.acquire(timeout=0.3), "acquire of a held lock")
        expect(waiting.contenders(), ["first"], "contenders after giving up")
    expect(waiting.acquire(timeout=WAIT_DEADLINE_S), True, "acquire of a free lock")


def lock_passes_on_when_holder_dies(bench: Bench) -> None:
    holder = bench.connect()
    holder.Lock(bench.path("lock")).acquire()
    waiting = bench.client.Lock(bench.path("lock"))
    with ThreadPoolExecutor(1) as pool:
        acquired = pool.submit(waiting.acquire, timeout=WAIT_DEADLINE_S)
        wait_for(lambda: len(bench.client.get_children(bench.path("lock"))) == 2, "the second contender")
        holder.stop()
        expect(acquired.result(), True, "acquire after the holder's session closed")


def read_and_write_locks(bench: Bench) -> None:
    path, other = bench.path("lock"), bench.connect()
    with bench.client.ReadLock(path), other.ReadLock(path):
        expect(other.WriteLock(path).acquire(blocking=False), False, "write lock beside readers")
    expect(other.WriteLock(path).acquire(timeout=WAIT_DEADLINE_S), True, "write lock without readers")


def semaphore(bench: Bench) -> None:
    path = bench.path("semaphore")
    holders = [bench.connect().Semaphore(path, max_leases=2) for _ in range(3)]
    expect([holder.acquire(blocking=False) for holder in holders], [True, True, False], "leases")
    holders[0].release()
    expect(holders[2].acquire(timeout=WAIT_DEADLINE_S), True, "lease after a release")


def election(bench: Bench) -> None:
    leaders: list[str] = []
    stand_down = {name: threading.Event() for name in ("one", "two")}
    clients = {name: bench.connect() for name in stand_down}

    def lead(name: str) -> None:
        leaders.append(name)
        stand_down[name].wait(WAIT_DEADLINE_S)

    with ThreadPoolExecutor(2) as pool:
        for name, client in clients.items():
            pool.submit(client.Election(bench.path("election"), name).run, lead, name)
            wait_for(lambda: leaders == ["one"], "the first leader")
        wait_for(lambda: bench.client.Election(bench.path("election")).contenders() == ["one", "two"], "contenders")
        stand_down["one"].set()
        wait_for(lambda: leaders == ["one", "two"], "the second leader")
        stand_down["two"].set()


def party(bench: Bench) -> None:
    members = [bench.connect().Party(bench.path("party"), name) for name in ("ann", "bob")]
    for member in members:
        member.join()
    guest = bench.client.Party(bench.path("party"))
    expect(sorted(guest), ["ann", "bob"], "members")
    members[0].leave()
    expect(sorted(guest), ["bob"], "members after one left")


def counter(bench: Bench) -> None:
    def count(client: Client) -> None:
        shared = client.Counter(bench.path("counter"))
        for _ in range(10):
            shared += 2

    clients = [bench.connect() for _ in range(3)]
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(count, clients))
    expect(bench.client.Counter(bench.path("counter")).value, 60, "sum of all counts")


def locking_queue(bench: Bench) -> None:
    producer = bench.client.LockingQueue(bench.path("queue"))
    consumer = bench.connect().LockingQueue(bench.path("queue"))
    producer.put_all([b"later"], priority=50)
    producer.put(b"first", priority=10)
    expect(consumer.get(timeout=WAIT_DEADLINE_S), b"first", "entry of the highest priority")
    expect(consumer.consume(), True, "consumed")
    expect((consumer.get(timeout=WAIT_DEADLINE_S), len(producer)), (b"later", 1), "next entry, and length")


def barrier(bench: Bench) -> None:
    gate = bench.client.Barrier(bench.path("barrier"))
    gate.create()
    expect(gate.wait(timeout=0.2), False, "wait at a closed barrier")
    with ThreadPoolExecutor(1) as pool:
        passed = pool.submit(bench.connect().Barrier(bench.path("barrier")).wait, WAIT_DEADLINE_S)
        gate.remove()
        expect(passed.result(), True, "wait at an opened barrier")


CHECKS: dict[str, BenchCheck] = {
    check.__name__: check
    for check in (
        lock,
        lock_timeout,
        lock_passes_on_when_holder_dies,
        read_and_write_locks,
        semaphore,
        election,
        party,
        counter,
        locking_queue,
        barrier,
    )
}
