"""Watches against an obvious model: a set of (watcher, path, mode) in each table."""

import time

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pipeline_harness import Server

from zkeeper.database import paths
from zkeeper.database.watch_table import PERSISTENT, RECURSIVE, STANDARD, Watcher, WatchTable
from zkeeper.database.watches import WatchManager
from zkeeper.wire import protocol

LONG = b"/" + b"x" * 2047
NAMES = [b"/", b"/a", b"/a/b", b"/a/b/c", b"/ab", LONG]
PATHS = st.sampled_from(NAMES)
MODES = st.sampled_from([STANDARD, PERSISTENT, RECURSIVE])
WATCHERS = st.integers(0, 2)


class Tables(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table = WatchTable()
        self.watchers = [Watcher() for _ in range(3)]
        self.model: set[tuple[int, bytes, int]] = set()

    @rule(number=WATCHERS, path=PATHS, mode=MODES)
    def add(self, number: int, path: bytes, mode: int) -> None:
        self.table.add(self.watchers[number], path, mode)
        self.model.add((number, path, mode))

    @rule(number=WATCHERS, path=PATHS, modes=st.sets(MODES, min_size=1))
    def remove(self, number: int, path: bytes, modes: set[int]) -> None:
        gone = {(number, path, mode) for mode in modes} & self.model
        assert self.table.remove(self.watchers[number], path, sum(modes)) == bool(gone)
        self.model -= gone

    @rule(number=WATCHERS, most=st.integers(1, 7))
    def close(self, number: int, most: int) -> None:
        paths_left = len({path for n, path, _ in self.model if n == number})
        while paths_left:
            count = self.table.remove_some(self.watchers[number], most)
            assert count == min(most, paths_left)
            paths_left -= count
        assert self.table.remove_some(self.watchers[number], most) == 0
        self.model = {entry for entry in self.model if entry[0] != number}

    @rule(path=PATHS)
    def fire(self, path: bytes) -> None:
        told = self.table.fired(path)
        assert len(told) == len(set(told))
        above = [path, *paths.ancestors(path)]
        expected = {n for n, p, mode in self.model if p == path or (mode == RECURSIVE and p in above)}
        assert {self.watchers.index(watcher) for watcher in told} == expected
        self.model -= {entry for entry in self.model if entry[1:] == (path, STANDARD)}

    @invariant()
    def same(self) -> None:
        for number, watcher in enumerate(self.watchers):
            watched = {path for n, path, _ in self.model if n == number}
            assert self.table.by_watcher.get(watcher, set()) == watched
            assert watcher.watched == len(watched) + (2 if LONG in watched else 0)
            for path in NAMES:
                assert self.table.modes(watcher, path) == sum(m for n, p, m in self.model if (n, p) == (number, path))
        assert self.table.watch_count() == len({entry[:2] for entry in self.model})
        assert set(self.table.by_path) == {path for _, path, _ in self.model}


Tables.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_watch_table = Tables.TestCase

# Types of removeWatches: children, data, any, persistent, recursive.
REMOVALS = [
    (1, {("child", STANDARD)}),
    (2, {("data", STANDARD)}),
    (4, {("data", PERSISTENT), ("child", PERSISTENT)}),
    (5, {("data", RECURSIVE)}),
]
ALL = {pair for _, pairs in REMOVALS for pair in pairs}


def full() -> tuple[WatchManager, Watcher]:
    manager, watcher = WatchManager(), Watcher()
    manager.data.add(watcher, b"/a", STANDARD)
    manager.child.add(watcher, b"/a", STANDARD)
    manager.add_watch(watcher, b"/a", recursive=False)
    manager.add_watch(watcher, b"/a", recursive=True)
    return manager, watcher


def left(manager: WatchManager, watcher: Watcher) -> set[tuple[str, int]]:
    tables = [("data", manager.data), ("child", manager.child)]
    modes = (STANDARD, PERSISTENT, RECURSIVE)
    return {(name, mode) for name, table in tables for mode in modes if table.modes(watcher, b"/a") & mode}


def test_each_type_of_removal_takes_its_modes_only() -> None:
    for kind, removed in REMOVALS:
        manager, watcher = full()
        assert manager.has(watcher, b"/a", kind)
        assert not manager.has(watcher, b"/b", kind)
        assert manager.remove(watcher, b"/a", kind)
        assert left(manager, watcher) == ALL - removed
        assert not manager.has(watcher, b"/a", kind)
        assert not manager.remove(watcher, b"/a", kind)


def test_any_takes_all() -> None:
    manager, watcher = full()
    assert left(manager, watcher) == ALL
    assert manager.remove(watcher, b"/a", 3)
    assert manager.idle()
    assert not manager.remove(watcher, b"/a", 3)


def test_a_closed_watcher_leaves_nothing_behind() -> None:
    manager, watcher = full()
    assert not manager.remove_some(watcher, 1)
    assert not manager.idle()
    assert not manager.remove_some(watcher, 1)
    assert manager.remove_some(watcher, 1)
    assert manager.idle()
    assert watcher.watched == 0
    assert not manager.data.by_watcher
    assert manager.data.fired(b"/a/b") == []


def test_many_watchers_of_one_znode_take_time_by_their_number_only() -> None:
    assert min(seconds_to_tell(8000) for _ in range(3)) < 0.4, "the garbage collector may come between, not each time"


def seconds_to_tell(count: int) -> float:
    """Of the processor, for a znode that is deleted under so many watchers."""
    server, manager = Server(), WatchManager()
    for _ in range(count):
        manager.add_watch(server.open().link, b"/a", recursive=False)
    acl = server.database.tree.acls.open
    began = time.process_time()
    manager.deleted(b"/a", b"/", 1, acl, acl)
    return time.process_time() - began


def test_every_event_that_meets_watchers_is_counted_once_for_each_table() -> None:
    counted: list[tuple[int, int]] = []
    watches = WatchManager()
    watches.on_fired = lambda event, watchers: counted.append((event, watchers))
    server = Server()
    one, two, three = (server.open().link for _ in range(3))
    acl = server.database.tree.acls.open
    for watcher in (one, two):
        watches.data.add(watcher, b"/a", PERSISTENT)
    for watcher in (two, three):
        watches.child.add(watcher, b"/a", PERSISTENT)
    watches.data_changed(b"/a", 1, acl)
    watches.deleted(b"/a", b"/", 2, acl, acl)
    watches.created(b"/b", b"/a", 3, acl, acl)
    changed, deleted, children = protocol.NODE_DATA_CHANGED, protocol.NODE_DELETED, protocol.NODE_CHILDREN_CHANGED
    assert counted == [(changed, 2), (deleted, 2), (deleted, 1), (children, 2)]
