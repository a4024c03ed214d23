"""What is no limit is refused where it is given, before anything is asked of a server."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import zkeeper
from zkeeper.errors import BadArgumentsError
from zkeeper.recipes import (
    Barrier,
    DoubleBarrier,
    Group,
    LeaderLatch,
    Lock,
    MultiLock,
    PersistentNode,
    Queue,
    Semaphore,
    ServiceDiscovery,
    ServiceInstance,
    TreeCache,
)

WEB = ServiceInstance("web")

WAITS: dict[str, Callable[[zkeeper.AsyncClient, Any], Awaitable[object]]] = {
    "Lock.acquire": lambda zk, limit_s: Lock(zk, "/l").acquire(limit_s),
    "Lock.within": lambda zk, limit_s: Lock(zk, "/l").within(limit_s).__aenter__(),
    "Semaphore.acquire": lambda zk, limit_s: Semaphore(zk, "/s", 2).acquire(limit_s),
    "MultiLock.acquire": lambda zk, limit_s: MultiLock(Lock(zk, "/l")).acquire(limit_s),
    "LeaderLatch.wait": lambda zk, limit_s: LeaderLatch(zk, "/e").wait(limit_s),
    "Barrier.wait": lambda zk, limit_s: Barrier(zk, "/b").wait(limit_s),
    "DoubleBarrier.enter": lambda zk, limit_s: DoubleBarrier(zk, "/d", 2).enter(limit_s),
    "DoubleBarrier.leave": lambda zk, limit_s: DoubleBarrier(zk, "/d", 2).leave(limit_s),
    "Queue.take": lambda zk, limit_s: Queue(zk, "/q").take(limit_s).__aenter__(),
    "PersistentNode.present": lambda zk, limit_s: PersistentNode(zk, "/p").present(limit_s),
    "Group.join": lambda zk, limit_s: Group(zk, "/g", "me").join(limit_s),
    "ServiceDiscovery.register": lambda zk, limit_s: ServiceDiscovery(zk, "/x").register(
        ServiceInstance("web"), limit_s
    ),
    "TreeCache.synced": lambda zk, limit_s: TreeCache(zk, "/t").synced(limit_s),
    "TreeCache.wait_for": lambda zk, limit_s: TreeCache(zk, "/t").wait_for(lambda: True, limit_s),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize(("limit_s", "error"), [(float("nan"), BadArgumentsError), ("5", TypeError), (True, TypeError)])
def test_what_is_no_limit(
    wait: Callable[[zkeeper.AsyncClient, Any], Awaitable[object]], limit_s: Any, error: type[Exception]
) -> None:
    """The client is not connected: whoever asked it for something would be told of that."""
    waiting = wait(zkeeper.connect("127.0.0.1:1"), limit_s)
    with pytest.raises(error, match="timeout_s is a number of seconds or None"):
        waiting.__await__().send(None)
