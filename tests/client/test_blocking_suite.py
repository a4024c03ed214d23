"""What the blocking client promises, against a real server: the one at `ZKEEPER_TEST_SERVER`, or ours (`conftest.py`).

The asyncio client's suite says what the operations do; here each is done once through the other door.
"""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from random import Random
from typing import Any

import pytest

import zkeeper
from zkeeper import Client, Permission, RemoveWatches, SessionState, WatchEvent, blocking
from zkeeper.errors import (
    AuthFailedError,
    BadArgumentsError,
    BadVersionError,
    ClosedError,
    FrameTooLongError,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    NoWatcherError,
    Outcome,
    ReconfigDisabledError,
    TransactionFailed,
    UnimplementedError,
)

from .conftest import TIMEOUT_MS, Connect

PATIENCE_S = 20.0


def kinds(events: list[WatchEvent]) -> list[tuple[str, str]]:
    return [(event.type.name, event.path) for event in events]


# Znodes.


def test_create_get_set_delete(zk: Client) -> None:
    assert zk.create("/a", b"one") == "/a"
    data, stat, is_null = zk.get("/a")
    assert (data, is_null, stat.version) == (b"one", False, 0)
    assert stat.czxid == stat.mzxid == zk.last_zxid
    changed = zk.set("/a", b"two", 0)
    assert (changed.version, changed.czxid) == (1, stat.czxid)
    assert zk.exists("/a", timeout_s=PATIENCE_S) == changed
    zk.delete("/a", 1)
    assert zk.exists("/a") is None


def test_kinds_of_znodes(zk: Client) -> None:
    first, stat = zk.create2("/s-", b"x", sequential=True)
    assert (first, zk.create("/s-", sequential=True)) == ("/s-0000000000", "/s-0000000001")
    assert stat == zk.exists(first)
    assert zk.create("/e", None, ephemeral=True) == "/e"
    node = zk.get("/e")
    assert (node.stat.ephemeral_owner, node.is_null) == (zk.session_id, True)
    zk.create("/c", container=True)
    zk.create("/ttl", ttl_ms=100_000)
    assert zk.ephemerals() == ["/e"]
    with pytest.raises(ValueError, match="at most one of"):
        zk.create("/x", ephemeral=True, container=True)


def test_what_cannot_be_meant_is_refused_at_the_call(zk: Client, connect: Connect) -> None:
    async def callback(event: object) -> None:
        raise AssertionError(event)

    for ttl_ms in (0, -1, 2**62):
        with pytest.raises(BadArgumentsError, match=f"ttl_ms is between 1 and 1099511627775, not {ttl_ms}"):
            zk.create("/a", ttl_ms=ttl_ms)
    operations: list[Callable[[], object]] = [
        lambda: zk.get("/", watch=callback),
        lambda: zk.on_state(callback),
        lambda: zk.watch("/").add_callback(callback),
    ]
    for operation in operations:
        with pytest.raises(TypeError, match="a callback is called and not awaited"):
            operation()
    for client in (connect(), connect()):
        with pytest.raises(TypeError, match="timeout_s"):
            client.start("x")  # type: ignore[arg-type]  # that is the point
        client.start()
        client.close()
        with pytest.raises(ClosedError):
            client.watch("/")
    assert zk.children("/") == []


def test_children_and_trees(zk: Client) -> None:
    zk.ensure_path("/a/b/c")
    zk.create("/a/d")
    assert sorted(zk.children("/a")) == ["b", "d"]
    names, stat = zk.children2("/a")
    assert (sorted(names), stat.num_children) == (["b", "d"], 2)
    assert zk.descendant_count("/a") == 3
    zk.delete_tree("/a")
    assert zk.children("/") == []


def test_errors_have_the_path_and_the_outcome(zk: Client) -> None:
    zk.ensure_path("/a/b")
    for error, call in (
        (NodeExistsError, lambda: zk.create("/a")),
        (NoNodeError, lambda: zk.create("/no/child")),
        (NotEmptyError, lambda: zk.delete("/a")),
        (BadVersionError, lambda: zk.set("/a", b"", 7)),
    ):
        with pytest.raises(error) as raised:
            call()
        assert raised.value.path in ("/a", "/no/child")
        assert raised.value.outcome is Outcome.NOT_APPLIED
    with pytest.raises(BadArgumentsError):
        zk.get("no slash")
    with pytest.raises(FrameTooLongError):
        zk.create("/big", bytes(0xFFFFF))
    assert zk.get("/a").data == b"", "the client goes on"


def test_acls_and_credentials(zk: Client, connect: Connect) -> None:
    hers = zkeeper.digest_acl("ann", "secret")
    zk.create("/hers", b"x", acl=[hers])
    with pytest.raises(NoAuthError):
        zk.get("/hers")
    zk.add_auth("digest", b"ann:secret")
    assert zk.get("/hers").data == b"x"
    assert ("digest", "ann") in zk.whoami()
    assert zk.acl("/hers").acl == [hers]
    assert zk.set_acl("/hers", [hers, zkeeper.Acl(Permission.READ, "world", "anyone")], 0).aversion == 1
    with connect(auth=[("digest", b"ann:secret")]) as again:
        again.set("/hers", b"y")
    with connect() as stranger:
        with pytest.raises(AuthFailedError):
            stranger.add_auth("nope", b"x")
        assert stranger.state is SessionState.AUTH_FAILED
    assert stranger.state is SessionState.AUTH_FAILED


def test_sync_and_configuration(zk: Client, connect: Connect) -> None:
    zk.create("/a")
    with connect() as other:
        other.sync()
        assert other.exists("/a") is not None
    assert zk.config().stat.ephemeral_owner == 0
    with pytest.raises((ReconfigDisabledError, UnimplementedError)):
        zk.reconfig(leaving=[3])


# Several at once.


def test_a_transaction(zk: Client) -> None:
    zk.create("/v", b"0")
    transaction = zk.transaction().check("/v", 0).create("/a", b"x").set("/a", b"y").create2("/s-", sequential=True)
    transaction.delete("/v", 0)
    assert len(transaction) == 5
    results = transaction.commit()
    assert [type(result).__name__ for result in results] == ["NoneType", "str", "Stat", "Created", "NoneType"]
    assert zk.exists("/v") is None
    with pytest.raises(TransactionFailed) as failure:
        zk.transaction().create("/b").set("/no", b"").commit(timeout_s=PATIENCE_S)
    assert (failure.value.index, failure.value.path) == (1, "/no")
    assert zk.exists("/b") is None


def test_a_batch_of_reads(zk: Client) -> None:
    zk.create("/a", b"x")
    batch = zk.multi_read().get("/a").children("/").get("/no")
    assert len(batch) == 3
    node, names, missing = batch.fetch()
    assert (node, names) == (zk.get("/a"), ["a"])
    assert isinstance(missing, NoNodeError)


def test_retry(zk: Client) -> None:
    retry = blocking.Retry(3)
    zk.create("/a", b"x")
    assert retry(zk.get, "/a").data == b"x"
    with pytest.raises(NoNodeError):
        retry(zk.get, "/no")


# Watches.


def test_one_shot_watches_are_told_in_the_thread_of_callbacks(zk: Client) -> None:
    told: SimpleQueue[tuple[WatchEvent, str, bytes]] = SimpleQueue()

    def note(event: WatchEvent) -> None:
        told.put((event, threading.current_thread().name, zk.get("/a").data))

    assert zk.exists("/a", watch=note) is None
    zk.create("/a", b"x")
    event, thread, data = told.get(timeout=PATIENCE_S)
    assert kinds([event]) == [("CREATED", "/a")]
    assert (thread, data) == ("zkeeper callbacks", b"x")
    zk.get("/a", watch=note)
    zk.children("/a", watch=note)
    zk.create("/a/b")
    assert kinds([told.get(timeout=PATIENCE_S)[0]]) == [("CHILDREN_CHANGED", "/a")]
    zk.set("/a", b"y")
    assert kinds([told.get(timeout=PATIENCE_S)[0]]) == [("DATA_CHANGED", "/a")]


def test_one_event_for_one_callback(zk: Client, connect: Connect) -> None:
    """However many watches it has, as with the asyncio client."""
    told: SimpleQueue[WatchEvent] = SimpleQueue()
    zk.create("/a")
    zk.get("/a", watch=told.put)
    zk.children("/a", watch=told.put)
    zk.exists("/a", watch=told.put)
    zk.delete("/a")
    assert kinds([told.get(timeout=PATIENCE_S)]) == [("DELETED", "/a")]
    zk.close()
    assert told.empty(), "closing has the callbacks run that wait"


def test_a_persistent_watch(zk: Client) -> None:
    called: list[WatchEvent] = []
    with zk.watch("/w") as one, zk.watch("/w", recursive=True) as all_below:
        assert (one.path, one.is_recursive, all_below.is_recursive) == ("/w", False, True)
        one.add_callback(called.append)
        zk.create("/w")
        zk.create("/w/a")
        zk.set("/w/a", b"")
        told = [event for _, event in zip(range(3), all_below, strict=False)]
        assert kinds(told) == [("CREATED", "/w"), ("CREATED", "/w/a"), ("DATA_CHANGED", "/w/a")]
        with pytest.raises(blocking.CallTimeoutError):
            all_below.next(timeout_s=0)
        zk.delete("/w/a")
        assert kinds([all_below.next(PATIENCE_S)]) == [("DELETED", "/w/a")]
        zk.check_watches("/w")
    with pytest.raises(NoWatcherError):
        zk.check_watches("/w")
    with pytest.raises(StopIteration):
        all_below.next(PATIENCE_S)
    zk.close()
    assert kinds(called) == [("CREATED", "/w"), ("CHILDREN_CHANGED", "/w"), ("CHILDREN_CHANGED", "/w")]


def has_watch(zk: Client, path: str) -> bool:
    """As the server knows; removals that were begun before come before that answer."""
    try:
        zk.check_watches(path, RemoveWatches.PERSISTENT)
    except NoWatcherError:
        return False
    return True


def test_a_loop_that_is_left_leaves_no_watch_behind(zk: Client) -> None:
    zk.create("/w")
    watch = zk.watch("/w")
    watch.start()
    zk.set("/w", b"")
    for event in watch:
        assert event.type.name == "DATA_CHANGED"
        break
    assert has_watch(zk, "/w")
    del watch
    assert not has_watch(zk, "/w")


def test_a_step_that_was_given_up_keeps_no_watch(zk: Client) -> None:
    watch = zk.watch("/w")
    with pytest.raises(blocking.CallTimeoutError):
        watch.next(timeout_s=0.05)
    assert has_watch(zk, "/w")
    del watch
    deadline_s = time.monotonic() + PATIENCE_S
    while has_watch(zk, "/w"):  # The step ends some turns of the loop later.
        assert time.monotonic() < deadline_s


@pytest.mark.parametrize(
    ("timeout_s", "error"), [(float("nan"), BadArgumentsError), ("1", TypeError), (True, TypeError)]
)
def test_a_time_that_is_none_is_refused_before_anything_is_sent(zk: Client, timeout_s: Any, error: type) -> None:
    with pytest.raises(error, match="timeout_s is a number of seconds"):
        zk.create("/never", timeout_s=timeout_s)
    assert zk.exists("/never") is None


def test_text_is_a_credential(zk: Client) -> None:
    zk.add_auth("digest", "ann:secret")
    assert ("digest", "ann") in zk.whoami()


def test_callbacks_can_be_called(zk: Client) -> None:
    text: Any = "print"
    for ask in (lambda: zk.get("/", watch=text), lambda: zk.on_state(text), lambda: zk.watch("/").add_callback(text)):
        with pytest.raises(TypeError, match="a callback can be called, unlike 'print'"):
            ask()


def test_watches_that_are_removed(zk: Client) -> None:
    told: SimpleQueue[WatchEvent] = SimpleQueue()
    zk.exists("/a", watch=told.put)
    zk.remove_watches("/a")
    assert kinds([told.get(timeout=PATIENCE_S)]) == [("DATA_WATCH_REMOVED", "/a")]
    with pytest.raises(NoWatcherError):
        zk.remove_watches("/a", RemoveWatches.CHILDREN)


def test_the_end_of_the_client_ends_iterations(zk: Client) -> None:
    states, watch = zk.states(), zk.watch("/")
    assert states.next() is SessionState.CONNECTED
    watch.start()
    zk.close()
    assert list(states) == [SessionState.CLOSED]
    assert list(watch) == []
    watch.stop()


# Sessions.


def test_a_session_is_resumed_by_id_and_password(zk: Client, connect: Connect) -> None:
    first = connect()
    first.start()
    first.create("/e", ephemeral=True)
    with connect(session=(first.session_id, first.session_password)) as second:
        assert second.session_id == first.session_id
        assert zk.exists("/e") is not None
    assert zk.exists("/e") is None
    first.close()


def test_states_are_told_and_waited_for(connect: Connect) -> None:
    zk = connect()
    told: list[SessionState] = []
    forgotten: list[SessionState] = []
    zk.on_state(told.append)
    zk.on_state(forgotten.append)()
    assert zk.state is SessionState.CONNECTING
    with zk:
        assert zk.wait_for(SessionState.CONNECTED, timeout_s=PATIENCE_S) is SessionState.CONNECTED
        with pytest.raises(TimeoutError):
            zk.wait_for(SessionState.LOST, timeout_s=0)
    assert told == [SessionState.CONNECTED, SessionState.CLOSED]
    assert forgotten == []
    assert zk.state is SessionState.CLOSED


def test_what_it_is(zk: Client, connect: Connect, address: str, root: str) -> None:
    assert (zk.chroot, zk.session_timeout_ms) == (root, TIMEOUT_MS)
    host, port = address.rsplit(":", 1)
    assert zk.server is not None
    assert tuple(zk.server) == (host, int(port))
    zk.update_hosts(address + root)
    with pytest.raises(BadArgumentsError):
        zk.update_hosts(address + "/other")
    random = Random(1)
    assert connect(random=random).random is random


def test_a_view_below_another_root(zk: Client, root: str) -> None:
    zk.ensure_path("/app/x")
    app = zk.with_chroot("/app")
    assert (app.chroot, app.children("/"), app.session_id) == (f"{root}/app", ["x"], zk.session_id)
    with app.watch("/x") as watch:
        zk.set("/app/x", b"")
        assert kinds([watch.next(PATIENCE_S)]) == [("DATA_CHANGED", "/x")]
    app.stop()
    with pytest.raises(ClosedError):
        zk.get("/app")


def test_close_ends_the_session_and_refuses_what_comes_later(zk: Client, connect: Connect) -> None:
    other = connect()
    with pytest.raises(ClosedError, match="not started"):
        other.get("/")
    other.start()
    other.create("/e", ephemeral=True)
    other.stop()
    assert zk.exists("/e") is None
    for call in (lambda: other.get("/e"), lambda: other.transaction().commit(), other.start):
        with pytest.raises(ClosedError):
            call()
    other.close()


def test_resync_is_the_path_of_the_watch(zk: Client) -> None:
    """A callback that is too slow is told so, and not of all that it has missed."""
    may_go_on, told = threading.Event(), SimpleQueue[WatchEvent]()

    def slow(event: WatchEvent) -> None:
        told.put(event)
        assert may_go_on.wait(PATIENCE_S)

    with pytest.MonkeyPatch.context() as patch, zk.watch("/", recursive=True) as watch:
        patch.setattr("zkeeper.blocking.dispatcher.MAX_UNTOLD", 3)
        watch.add_callback(slow)
        zk.create("/0")
        assert kinds([told.get(timeout=PATIENCE_S)]) == [("CREATED", "/0")]
        for number in range(1, 7):
            zk.create(f"/{number}")
        may_go_on.set()
        expected = [("NONE", "/"), ("CREATED", "/6")]
        assert [kinds([told.get(timeout=PATIENCE_S)])[0] for _ in expected] == expected
