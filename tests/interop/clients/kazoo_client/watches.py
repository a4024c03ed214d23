"""One-shot watches and kazoo's lasting ones built upon them."""

import queue
from collections.abc import Callable
from typing import Any

from kazoo.protocol.states import WatchedEvent

from interop.clients.harness import WAIT_DEADLINE_S, expect, wait_for

from .bench import Bench, BenchCheck


def data_watch_once(bench: Bench) -> None:
    client, path = bench.client, bench.path("node")
    events: queue.Queue[WatchedEvent] = queue.Queue()
    client.create(path, b"1")
    client.get(path, watch=events.put)
    client.set(path, b"2")
    client.set(path, b"3")
    expect(_next(events), ("CHANGED", path), "event of the first set")
    client.sync(path)
    expect(events.qsize(), 0, "events of the second set")


def exists_watch(bench: Bench) -> None:
    client, path = bench.client, bench.path("node")
    events: queue.Queue[WatchedEvent] = queue.Queue()
    client.exists(path, watch=events.put)
    client.create(path, b"")
    expect(_next(events), ("CREATED", path), "event of the create")
    client.exists(path, watch=events.put)
    client.delete(path)
    expect(_next(events), ("DELETED", path), "event of the delete")


def child_watch_once(bench: Bench) -> None:
    client = bench.client
    events: queue.Queue[WatchedEvent] = queue.Queue()
    client.get_children(bench.root, watch=events.put)
    client.set(bench.root, b"data is not children")
    client.create(bench.path("a"), b"")
    client.create(bench.path("b"), b"")
    expect(_next(events), ("CHILD", bench.root), "event of the first child")
    client.sync(bench.root)
    expect(events.qsize(), 0, "events of the second child")


def data_watch(bench: Bench) -> None:
    client, path = bench.client, bench.path("node")
    seen: list[bytes | None] = []
    client.DataWatch(path, _values_into(seen))
    writer = bench.connect()
    writer.create(path, b"1")
    wait_for(lambda: seen[-1:] == [b"1"], "the created value")
    writer.set(path, b"2")
    wait_for(lambda: seen[-1:] == [b"2"], "the changed value")
    writer.delete(path)
    wait_for(lambda: seen[-1] is None, "the deletion")
    expect(seen, [None, b"1", b"2", None], "values that DataWatch saw")


def children_watch(bench: Bench) -> None:
    seen: list[list[str]] = []
    bench.client.ChildrenWatch(bench.root, seen.append)
    writer = bench.connect()
    writer.create(bench.path("a"), b"")
    wait_for(lambda: seen[-1] == ["a"], "the first child")
    writer.create(bench.path("b"), b"")
    wait_for(lambda: sorted(seen[-1]) == ["a", "b"], "the second child")
    writer.delete(bench.path("a"))
    wait_for(lambda: seen[-1:] == [["b"]], "children after a delete")


def lasting_watches_catch_up_after_cut(bench: Bench) -> None:
    watcher = bench.connect(through_proxy=True)
    values: list[bytes | None] = []
    children: list[list[str]] = []
    watcher.DataWatch(bench.path("missed"), _values_into(values))
    watcher.ChildrenWatch(bench.root, children.append)
    bench.addresses.tell_proxy("refuse")
    wait_for(lambda: not watcher.connected, "the lost connection")
    bench.client.create(bench.path("missed"), b"1")
    bench.addresses.tell_proxy("accept")
    wait_for(lambda: (values, children) == ([None, b"1"], [[], ["missed"]]), "what changed while away")
    bench.client.set(bench.path("missed"), b"2")
    wait_for(lambda: values == [None, b"1", b"2"], "the watch is set again")


def _values_into(seen: list[bytes | None]) -> Callable[[bytes | None, Any], None]:
    return lambda data, stat: seen.append(data)


def _next(events: "queue.Queue[WatchedEvent]") -> tuple[str, str]:
    event = events.get(timeout=WAIT_DEADLINE_S)
    return event.type, event.path


CHECKS: dict[str, BenchCheck] = {
    check.__name__: check
    for check in (
        data_watch_once,
        exists_watch,
        child_watch_once,
        data_watch,
        children_watch,
        lasting_watches_catch_up_after_cut,
    )
}
