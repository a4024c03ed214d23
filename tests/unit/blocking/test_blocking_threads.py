"""One client, many threads; and servers that do not answer."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from zkeeper import Client, Outcome, SessionState, blocking
from zkeeper.blocking import CallTimeoutError
from zkeeper.errors import ClosedError, ConnectionLossError
from zkeeper.testing import Server

PATIENCE_S = 20.0


def loop_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in ("zkeeper loop", "zkeeper callbacks")]


def wait_until_waiting(zk: Client, count: int) -> None:
    """Until so many calls wait for the loop."""
    thread = zk._core._thread
    assert thread is not None
    while len(thread._waiting) < count:
        threading.Event().wait(0)


def begin(pool: ThreadPoolExecutor, *calls: Callable[[], Any]) -> list[Future[Any]]:
    return [pool.submit(call) for call in calls]


def test_many_threads_get_their_own_answers(zk: Client) -> None:
    def work(number: int) -> list[tuple[bytes, str]]:
        found = []
        for count in range(60):
            path = zk.create(f"/{number}-", b"%d.%d" % (number, count), sequential=True)
            found.append((zk.get(path).data, path))
        return found

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(work, range(16)))
    assert [[data for data, _ in found] for found in results] == [
        [b"%d.%d" % (number, count) for count in range(60)] for number in range(16)
    ]
    assert sorted(path for found in results for _, path in found) == sorted(f"/{name}" for name in names(zk))
    assert zk._core._thread is not None
    assert zk._core._thread._waiting == set()


def names(zk: Client) -> list[str]:
    return [name for name in zk.children("/") if name != "zookeeper"]


def test_all_clients_share_one_loop_thread(server: Server, zk: Client) -> None:
    with Client(server.address) as one, Client(server.address) as two:
        assert len({zk.session_id, one.session_id, two.session_id}) == 3
        assert loop_threads() == ["zkeeper loop"]
    assert loop_threads() == ["zkeeper loop"]
    zk.close()
    assert loop_threads() == []


def test_clients_start_and_stop_in_many_threads_at_once(server: Server) -> None:
    def work(number: int) -> int:
        for _ in range(5):
            with Client(server.address) as zk:
                zk.on_state(lambda state: None)
                assert zk.exists("/no") is None
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    assert loop_threads() == []


def test_one_client_is_started_by_two_threads_at_once(server: Server) -> None:
    zk = Client(server.address)
    with ThreadPoolExecutor(2) as pool:
        assert [each.result(PATIENCE_S) for each in begin(pool, zk.start, zk.start)] == [None, None]
    assert zk.state is SessionState.CONNECTED
    zk.close()
    assert loop_threads() == []


# The end.


def test_stop_ends_the_calls_of_others(server: Server) -> None:
    zk = Client(server.address, session_timeout_ms=1000)
    zk.start()
    watch = zk.watch("/")
    watch.start()
    server.pause()
    calls = [lambda: zk.get("/"), lambda: zk.create("/a"), lambda: zk.transaction().create("/b").commit()]
    calls += [lambda: zk.ensure_path("/x/y"), lambda: zk.wait_for(SessionState.CLOSED), lambda: next(watch, None)]
    with ThreadPoolExecutor(6) as pool:
        waiting = begin(pool, *calls)
        wait_until_waiting(zk, 6)
        zk.stop()
        errors = [each.exception(PATIENCE_S) for each in waiting[:4]]
        assert waiting[4].result(PATIENCE_S) is SessionState.CLOSED
        assert waiting[5].result(PATIENCE_S) is None
    # Those that were on their way cannot know what became of them.
    assert {type(error) for error in errors} <= {ClosedError, ConnectionLossError}
    assert [error.outcome for error in errors if isinstance(error, ConnectionLossError)][:1] == [Outcome.NOT_APPLIED]
    assert loop_threads() == []
    server.resume()


def test_stop_in_many_threads_and_again(server: Server) -> None:
    zk = Client(server.address)
    zk.start()
    with ThreadPoolExecutor(8) as pool:
        assert [each.result(PATIENCE_S) for each in begin(pool, *[zk.stop] * 8)] == [None] * 8
    zk.stop()
    assert loop_threads() == []


def test_a_client_that_was_never_started_can_be_stopped(server: Server) -> None:
    zk = Client(server.address)
    zk.stop()
    assert zk.state is SessionState.CLOSED
    with pytest.raises(ClosedError):
        zk.start()
    assert loop_threads() == []


def test_a_callback_may_stop_the_client(server: Server) -> None:
    zk = Client(server.address)
    zk.start()
    stopped = threading.Event()

    def stop(event: object) -> None:
        zk.stop()
        stopped.set()

    zk.exists("/a", watch=stop)
    zk.create("/a")
    assert stopped.wait(PATIENCE_S)
    assert zk.state is SessionState.CLOSED
    for thread in threading.enumerate():
        if thread.name == "zkeeper callbacks":
            thread.join(PATIENCE_S)
    assert loop_threads() == []


def test_stop_does_not_wait_for_ever_for_a_callback(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("zkeeper.blocking.dispatcher.END_PATIENCE_S", 0.01)
    may_end = threading.Event()
    zk = Client(server.address)
    zk.on_state(lambda state: may_end.wait(PATIENCE_S))
    zk.start()
    zk.stop()
    assert "a callback is still running" in caplog.text
    may_end.set()


# The loop's thread.


def test_a_call_on_the_loop_itself_is_refused(zk: Client) -> None:
    with pytest.raises(RuntimeError, match="would wait for itself"):
        zk._core.do(zk.get, "/")
    assert zk.children("/") == ["zookeeper"]


def test_stop_on_the_loop_itself_returns(server: Server) -> None:
    zk = Client(server.address)
    zk.start()
    thread = zk._core._thread
    assert thread is not None
    zk._core.do(zk.stop)
    thread._thread.join(PATIENCE_S)
    assert loop_threads() == []
    assert zk.state is SessionState.CLOSED
    assert server.session_ids == []


def test_calls_within_a_running_loop_work(server: Server) -> None:
    async def main() -> list[str]:
        with Client(server.address) as zk:
            with zk.watch("/", recursive=True) as watch:
                zk.create("/a")
                assert watch.next(PATIENCE_S).path == "/a"
            return zk.children("/")

    assert sorted(asyncio.run(main())) == ["a", "zookeeper"]


# Callbacks.


def test_an_exception_in_a_callback_is_logged_and_the_next_one_runs(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def fail(event: object) -> None:
        raise LookupError("a mistake")

    with Client(server.address) as zk, caplog.at_level(logging.ERROR, "zkeeper.blocking"), zk.watch("/a") as watch:
        watch.add_callback(fail)
        zk.exists("/a", watch=fail)
        zk.exists("/a", watch=lambda event: told.append(event.path))
        zk.create("/a")
    assert told == ["/a"]
    assert caplog.text.count("LookupError: a mistake") == 2


# Servers that do not answer.


def test_a_server_that_is_away_at_the_start(server: Server) -> None:
    server.refuse_connections()
    zk = Client(server.address)
    with pytest.raises(ConnectionLossError, match="no session within"):
        zk.start(timeout_s=0.05)
    assert zk.state is SessionState.CLOSED
    assert loop_threads() == []


def test_calls_have_a_time_limit_while_the_server_is_away(server: Server, zk: Client) -> None:
    zk.create("/a", b"x")
    server.refuse_connections()
    server.drop_connections()
    zk.wait_for(SessionState.SUSPENDED, timeout_s=PATIENCE_S)
    found = [failure(partial(call, 0.0)) for call in calls(zk)]
    assert found == [
        ("/a", Outcome.NOT_APPLIED, True),
        ("/b", Outcome.UNKNOWN, False),
        ("/a", Outcome.UNKNOWN, False),
        ("/a", Outcome.UNKNOWN, True),
        (None, Outcome.UNKNOWN, False),
    ]
    server.refuse_connections(False)
    zk.wait_for(SessionState.CONNECTED, timeout_s=PATIENCE_S)
    assert zk.get("/a").stat.version in (0, 1, 2), "what was handed over may be done"
    zk.sync()


def calls(zk: Client) -> list[Callable[[float], object]]:
    return [
        lambda timeout_s: zk.get("/a", timeout_s=timeout_s),
        lambda timeout_s: zk.create("/b", timeout_s=timeout_s),
        lambda timeout_s: zk.set("/a", b"", timeout_s=timeout_s),
        lambda timeout_s: zk.set("/a", b"", 0, timeout_s=timeout_s),
        lambda timeout_s: zk.transaction().create("/c").commit(timeout_s=timeout_s),
    ]


def failure(call: Callable[[], object]) -> tuple[str | None, Outcome, bool]:
    with pytest.raises(CallTimeoutError, match=r"no answer within 0\.0 s") as raised:
        call()
    assert isinstance(raised.value, TimeoutError)
    return raised.value.path, raised.value.outcome, raised.value.is_repeatable


def test_a_late_answer_is_dropped(server: Server, zk: Client) -> None:
    """It must not be taken for that of a later call, which may wait on the same thread."""
    zk.create("/a", b"old")
    server.pause()
    with pytest.raises(CallTimeoutError):
        zk.get("/a", timeout_s=0.01)
    server.resume()
    zk.set("/a", b"new")
    assert [zk.get("/a").data for _ in range(20)] == [b"new"] * 20


def test_a_step_that_is_given_up_loses_no_event(server: Server, zk: Client) -> None:
    zk.create("/a")
    with zk.watch("/a") as watch:
        for version in range(1, 30):
            with pytest.raises(CallTimeoutError):
                watch.next(timeout_s=0)
            zxid = zk.set("/a", b"").mzxid
            assert zxid == watch.next(PATIENCE_S).zxid, version


def test_retry_repeats_what_took_too_long(server: Server, zk: Client) -> None:
    server.pause()
    attempts: list[float] = []

    def get(path: str) -> bytes:
        if len(attempts) == 2:
            server.resume()
        attempts.append(1)
        return zk.get(path, timeout_s=0.01 if len(attempts) < 3 else PATIENCE_S).data

    assert blocking.Retry(5, base_ms=0)(get, "/") == b""
    assert len(attempts) == 3


def test_retry_gives_up(server: Server, zk: Client) -> None:
    server.pause()
    counts = {"get": 0, "create": 0}

    def call(name: str, operation: Callable[[], object]) -> object:
        counts[name] += 1
        return operation()

    def get() -> object:
        return zk.get("/", timeout_s=0)

    def create() -> object:
        return zk.create("/a", timeout_s=0)

    with pytest.raises(CallTimeoutError):
        blocking.Retry(3, base_ms=0)(call, "get", get)
    with pytest.raises(CallTimeoutError):
        blocking.Retry(3, base_ms=0)(call, "create", create)
    assert counts == {"get": 3, "create": 1}
    with pytest.raises(CallTimeoutError):
        blocking.Retry(3, base_ms=0).unsafe(call, "create", create)
    with pytest.raises(CallTimeoutError):
        blocking.Retry(3, base_ms=60_000, deadline_s=1)(call, "get", get)
    assert counts == {"get": 4, "create": 4}


# Names.


def test_names_are_resolved(server: Server) -> None:
    with Client(f"localhost:{server.port}") as zk:
        assert zk.children("/") == ["zookeeper"]


def test_a_name_that_nobody_knows(server: Server) -> None:
    zk = Client("no-such-host.invalid:1")
    with pytest.raises(ConnectionLossError, match=r"no session within.*no-such-host"):
        zk.start(timeout_s=0.5)
    assert loop_threads() == []


def test_a_resolver_that_hangs_holds_up_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real, may_answer, asked = socket.getaddrinfo, threading.Event(), threading.Event()

    def hang(host: Any, port: Any, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> Any:
        if not flags & socket.AI_NUMERICHOST:
            asked.set()
            assert may_answer.wait(PATIENCE_S)
        return real(host, port, family, kind, proto, flags)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    zk = Client(f"localhost:{server.port}")
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(zk.start)
        assert asked.wait(PATIENCE_S)
        zk.stop()
        assert isinstance(starting.exception(PATIENCE_S), ClosedError)
    assert loop_threads() == []
    may_answer.set()
