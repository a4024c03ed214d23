"""Recipes of threads that are interrupted, give up, or fork. `tests/client` has what they do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from zkeeper import Client, blocking
from zkeeper.blocking import CallTimeoutError
from zkeeper.testing import Server

Program = Callable[..., str]


@pytest.fixture
def other(server: Server) -> Iterator[Client]:
    with Client(server.address) as other:
        yield other


def test_an_interrupt_while_acquiring_leaves_nothing(server: Server, other: Client, program: Program) -> None:
    with blocking.Lock(other, "/lock") as held:
        told = program(
            """
noticed = []

def handle(number, frame):
    if not noticed:
        noticed.append(number)
        raise KeyboardInterrupt

signal.signal(signal.SIGINT, handle)
with zkeeper.Client(sys.argv[1]) as zk:
    lock = blocking.Lock(zk, "/lock")
    helper = threading.Thread(target=signal_main_thread, args=(signal.SIGINT, zk, lambda: noticed))
    helper.start()
    try:
        lock.acquire()
    except KeyboardInterrupt:
        helper.join()
    lock.settled()
    print(lock.is_held, len(zk.children("/lock")))
""",
            server.address,
        )
        assert told.split() == ["False", "1"]
        assert held.is_held


def test_settling_waits_for_what_is_being_given_up(zk: Client, other: Client) -> None:
    """A call is over for its thread at once, on the loop some turns later; whatever it was doing there."""
    lock = blocking.Lock(zk, "/lock")
    given_up = 0
    with blocking.Lock(other, "/lock"):
        for hundredth_ms in range(100):
            try:
                lock.try_acquire(timeout_s=hundredth_ms / 100_000)
            except CallTimeoutError:
                given_up += 1
            lock.settled()
            assert len(zk.children("/lock")) == 1
    assert given_up


def test_settling_waits_for_an_entrance_that_is_being_given_up(zk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = blocking.Queue(zk, "/q")
    done: list[str] = []

    @asynccontextmanager
    async def take(timeout_s: float | None) -> AsyncIterator[None]:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5_000):
                await asyncio.sleep(0)
            done.append("given back")
        yield

    monkeypatch.setattr(queue._recipe, "take", take)
    block = queue.take()
    with pytest.raises(CallTimeoutError):
        zk._core.step(0.1, block._enter, lambda _: None)
    queue.settled()
    assert done == ["given back"]


def test_a_child_does_not_hold_what_its_parent_holds(server: Server, program: Program) -> None:
    told = program(
        """
with zkeeper.Client(sys.argv[1]) as zk, blocking.Lock(zk, "/lock") as held:
    process = os.fork()
    if process == 0:
        for ask in (lambda: held.is_held, held.lost.is_set, held.lost.wait, held.release):
            try:
                print(ask())
            except ForkedError:
                continue
        os._exit(0)
    print(os.waitpid(process, 0)[1], held.is_held)
""",
        server.address,
    )
    assert told.split() == ["0", "True"]
