"""Watches that the shell sets and the events that it prints."""

from interop.clients.harness import expect

from .bench import Bench, BenchCheck


def get_watch(bench: Bench) -> None:
    path = bench.create("a", "1")
    bench.run(f"get -w {path}", "1")
    bench.run(f"set {path} 2")
    bench.run(f"set {path} 3")
    bench.shell.expect_event("NodeDataChanged", path)
    _expect_no_more(bench)


def stat_watch(bench: Bench) -> None:
    path = bench.create("a")
    expect(len(bench.shell.run(f"stat -w {path}")), 11, "lines of a stat")
    bench.run(f"delete {path}")
    bench.shell.expect_event("NodeDeleted", path)
    _expect_no_more(bench)


def ls_watch(bench: Bench) -> None:
    bench.run(f"ls -w {bench.root}", "[]")
    bench.create("a")
    bench.create("b")
    bench.shell.expect_event("NodeChildrenChanged", bench.root)
    _expect_no_more(bench)


def persistent_watch(bench: Bench) -> None:
    bench.run(f"addWatch -m PERSISTENT {bench.root}")
    bench.run(f"set {bench.root} 1")
    bench.run(f"set {bench.root} 2")
    bench.create("a")
    bench.create("a/b")
    for kind in ("NodeDataChanged", "NodeDataChanged", "NodeChildrenChanged"):
        bench.shell.expect_event(kind, bench.root)
    _expect_no_more(bench)


def recursive_watch(bench: Bench) -> None:
    bench.run(f"addWatch -m PERSISTENT_RECURSIVE {bench.root}")
    bench.create("a")
    bench.create("a/b")
    bench.run(f"set {bench.path('a/b')} 1")
    bench.run(f"deleteall {bench.path('a')}")
    for kind, name in (
        ("NodeCreated", "a"),
        ("NodeCreated", "a/b"),
        ("NodeDataChanged", "a/b"),
        ("NodeDeleted", "a/b"),
        ("NodeDeleted", "a"),
    ):
        bench.shell.expect_event(kind, bench.path(name))
    _expect_no_more(bench)


def removed_watch(bench: Bench) -> None:
    bench.run(f"addWatch -m PERSISTENT {bench.root}")
    bench.run(f"removewatches {bench.root} -a")
    bench.shell.expect_event("PersistentWatchRemoved", bench.root)
    bench.run(f"removewatches {bench.root} -a", f"KeeperErrorCode = No such watcher for {bench.root}")
    bench.run(f"set {bench.root} 1")
    _expect_no_more(bench)


def _expect_no_more(bench: Bench) -> None:
    # The shell's answer to a later command comes after every event that the server sent before it.
    bench.run(f"sync {bench.root}", "Sync is OK")
    expect(bench.shell.events, [], "events too many")


CHECKS: dict[str, BenchCheck] = {
    check.__name__: check
    for check in (get_watch, stat_watch, ls_watch, persistent_watch, recursive_watch, removed_watch)
}
