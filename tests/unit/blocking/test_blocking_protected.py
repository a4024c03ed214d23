"""What finds out about writes, as threads use it. What it promises under failures is tested on the loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from zkeeper import Client, Created, Outcome, blocking
from zkeeper.client import protected as on_loop
from zkeeper.errors import ConnectionLossError, NoNodeError, SessionExpiredError
from zkeeper.testing import Server

PATIENCE_S = 20.0


@pytest.fixture
def other(server: Server) -> Iterator[Client]:
    with Client(server.address) as other:
        yield other


def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        threading.Event().wait(0.001)


def test_a_protected_znode_is_found_by_its_guid(zk: Client, other: Client) -> None:
    guid = blocking.new_guid(zk)
    created = blocking.create_protected(zk, "/lock-", b"x", guid=guid)
    assert created.path == f"/_c_{guid}-lock-0000000000"
    assert zk.get(created.path).data == b"x"
    assert blocking.find_protected(zk, "/", guid) == created
    assert blocking.find_protected(other, "/", guid) is None, "it belongs to another session"
    assert blocking.find_protected(other, "/", guid, ephemeral=False) == created
    assert blocking.find_protected(zk, "/", blocking.new_guid(zk), timeout_s=PATIENCE_S) is None
    with pytest.raises(NoNodeError):
        blocking.create_protected(zk, "/missing/lock-")


def test_the_reply_may_be_lost(zk: Client, server: Server) -> None:
    zk.create("/jobs")
    server.delay_ms = 5
    for _ in range(5):
        dropper = threading.Thread(target=server.drop_connections)
        dropper.start()
        path = blocking.create_protected(zk, "/jobs/j-", timeout_s=PATIENCE_S).path
        dropper.join()
        assert [f"/jobs/{name}" for name in blocking.insist(lambda: zk.children("/jobs"))] == [path]
        blocking.insist(lambda path=path: zk.delete(path))  # type: ignore[misc]


@pytest.mark.parametrize("ephemeral", [True, False])
def test_what_took_too_long_is_undone(zk: Client, server: Server, ephemeral: bool) -> None:
    zk.create("/jobs")
    server.pause()
    with pytest.raises(blocking.CallTimeoutError) as caught:
        blocking.create_protected(zk, "/jobs/j-", ephemeral=ephemeral, timeout_s=0.1)
    assert (caught.value.path, caught.value.outcome) == ("/jobs/j-", Outcome.UNKNOWN)
    server.resume()
    blocking.settle(zk, "/jobs", timeout_s=PATIENCE_S)
    # 0 only if the loop had no time to begin.
    wait_until(lambda: zk.exists("/jobs").cversion in (2, 0))  # type: ignore[union-attr]
    assert zk.children("/jobs") == []


@pytest.mark.parametrize("ephemeral", [True, False])
def test_what_was_made_when_nobody_waited_any_more_is_undone(
    zk: Client, monkeypatch: pytest.MonkeyPatch, ephemeral: bool
) -> None:
    real = on_loop.create_protected

    async def create(*args: Any, **kwargs: Any) -> Created:
        created = await real(*args, **kwargs)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return created

    monkeypatch.setattr(on_loop, "create_protected", create)
    zk.create("/jobs")
    with pytest.raises(blocking.CallTimeoutError):
        blocking.create_protected(zk, "/jobs/j-", ephemeral=ephemeral, timeout_s=0.5)
    wait_until(lambda: zk.children("/jobs") == [])
    assert zk.exists("/jobs").cversion == 2  # type: ignore[union-attr]


def test_what_may_be_done_twice_is_repeated(zk: Client, server: Server) -> None:
    failures: list[Exception] = [ConnectionLossError(), blocking.CallTimeoutError()]

    def request() -> str:
        if failures:
            raise failures.pop()
        return "answer"

    assert blocking.insist(request) == "answer"
    failures.append(SessionExpiredError())
    assert blocking.insist(request, across_sessions=True) == "answer"
    failures.append(SessionExpiredError())
    with pytest.raises(SessionExpiredError):
        blocking.insist(request)
    with pytest.raises(NoNodeError):
        blocking.insist(lambda: zk.get("/missing"))


def test_settling_comes_after_what_was_on_its_way(zk: Client, server: Server) -> None:
    server.pause()
    with pytest.raises(blocking.CallTimeoutError):
        zk.create("/late", timeout_s=0.01)
    with pytest.raises(blocking.CallTimeoutError, match="/: no answer"):
        blocking.settle(zk, "/", timeout_s=0.01)
    server.resume()
    blocking.settle(zk, "/")
    assert zk.exists("/late") is not None
