"""`zkeeper.testing.Server`, seen by kazoo and by plain sockets: its beginning and end, and each fault."""

import contextlib
import errno
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import NoNodeError
from kazoo.security import make_digest_acl

import zkeeper
from zkeeper.server.config import ConfigError
from zkeeper.testing import Server

PATIENCE_S = 20.0
FRESH = ["zookeeper"]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(in_memory=True) as running:
        yield running


class Visitor:
    """A kazoo client that remembers the states it went through."""

    def __init__(self, server: Server, timeout_s: float = 10) -> None:
        self.client = KazooClient(server.address, timeout=timeout_s)
        self.states: list[str] = []
        self._changed = threading.Condition()
        self.client.add_listener(self._note)
        self.client.start(PATIENCE_S)

    def _note(self, state: str) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()

    @property
    def session_id(self) -> int:
        return int(self.client.client_id[0])

    def wait_for(self, *states: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.states == list(states), PATIENCE_S), self.states

    def leave(self) -> None:
        self.client.stop()
        self.client.close()


@contextlib.contextmanager
def visit(server: Server, timeout_s: float = 10) -> Iterator[Visitor]:
    visitor = Visitor(server, timeout_s)
    try:
        yield visitor
    finally:
        visitor.leave()


def ask(server: Server) -> socket.socket:
    """A connection that has asked whether the server is well; `answer` has the answer."""
    connection = socket.create_connection((server.host, server.port), PATIENCE_S)
    connection.sendall(b"ruok")
    return connection


def answer(connection: socket.socket) -> bytes:
    with connection:
        return connection.recv(100)


def is_answered(connection: socket.socket, within_s: float) -> bool:
    return bool(select.select([connection], [], [], within_s)[0])


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


# Beginning and end.


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_foreign_client_is_served(in_memory: bool) -> None:
    with Server(in_memory=in_memory) as server, visit(server) as visitor:
        assert visitor.client.get_children("/") == FRESH
        visitor.client.create("/a", b"x")
        assert visitor.client.get("/a")[0] == b"x"


def test_it_is_ready_at_once() -> None:
    """The best of a few, since the computer may be busy; the first one loads the server."""
    took_s: list[float] = []
    for _ in range(5):
        begin_s = time.perf_counter()
        with Server() as server:
            took_s.append(time.perf_counter() - begin_s)
            assert answer(ask(server)) == b"imok"
    assert min(took_s) < 0.1


def test_servers_do_not_know_of_one_another() -> None:
    with Server() as one, Server(in_memory=True) as other, Server(in_memory=True) as third:
        with visit(one) as first, visit(other) as second, visit(third) as last:
            first.client.create("/one")
            second.client.create("/other")
            assert last.client.get_children("/") == FRESH
        assert len({one.address, other.address, third.address}) == 3


@pytest.mark.parametrize("rounds", [pytest.param(25, id="few"), pytest.param(1000, id="many", marks=pytest.mark.slow)])
def test_nothing_is_left_of_it(rounds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Server() as server:
        answer(ask(server))
    descriptors_before, threads_before = descriptors(), threading.active_count()
    for number in range(rounds):
        server = Server(in_memory=number % 2 == 1).start()
        connection = ask(server)
        server.stop()
        connection.close()
    assert (descriptors(), threading.active_count()) == (descriptors_before, threads_before)
    assert list(tmp_path.iterdir()) == []


def test_one_server_starts_and_stops_again_and_again() -> None:
    server = Server(in_memory=True)
    for _ in range(3):
        assert not server.is_running
        assert server.start() is server.start()
        with visit(server) as visitor:
            assert visitor.client.get_children("/") == FRESH
            visitor.client.create("/gone-with-it")
        server.stop()
        server.stop()
    with pytest.raises(RuntimeError, match="not running"):
        server.drop_connections()


def make_paused(server: Server) -> None:
    server.pause()


def make_late(server: Server) -> None:
    server.delay_ms = 60_000


def make_refusing(server: Server) -> None:
    server.refuse_connections()


@pytest.mark.parametrize("fault", [make_paused, make_late, make_refusing])
def test_it_stops_whatever_its_fault_and_whoever_is_connected(fault: Callable[[Server], None]) -> None:
    server = Server(in_memory=True).start()
    with socket.create_connection((server.host, server.port)) as connection:
        fault(server)
        connection.sendall(b"mntr")
        begin_s = time.perf_counter()
        server.stop()
        assert time.perf_counter() - begin_s < 5


def test_a_wrong_property_is_told_and_leaves_nothing() -> None:
    before = descriptors(), threading.active_count()
    with pytest.raises(ConfigError, match="tickTime"):
        Server(properties={"tickTime": "soon"}).start()
    for key in ("clientPort", "zookeeper.clientPort", "clientPortAddress", "dataDir"):
        with pytest.raises(ValueError, match=f"^{key} cannot be a property of a test server: use port= and data_dir="):
            Server(properties={key: "1"})
    assert (descriptors(), threading.active_count()) == before


def test_a_port_in_use_is_told_and_leaves_nothing(server: Server) -> None:
    before = descriptors(), threading.active_count()
    second = Server(port=server.port)
    told = rf"in use: port {server.port} on 127\.0\.0\.1 cannot be opened; another program has it: give another port"
    with pytest.raises(OSError, match=told) as error:
        second.start()
    assert error.value.errno == errno.EADDRINUSE
    assert (descriptors(), threading.active_count(), second.is_running) == (*before, False)


def test_what_is_of_a_wrong_type_is_told(server: Server) -> None:
    wrong: Any = "x"
    for call, name in (
        (lambda: server.expire(wrong), "session_id is an integer"),
        (lambda: server.drop_connections(wrong), "session_id is an integer"),
        (lambda: setattr(server, "delay_ms", wrong), "delay_ms is a number"),
        (lambda: Server(port=wrong), "port is an integer"),
    ):
        with pytest.raises(TypeError, match=f"{name}, not 'x'"):
            call()
    with pytest.raises(ValueError, match="forward"):
        server.delay_ms = float("nan")
    assert server.delay_ms == 0


def test_properties_are_those_of_the_configuration_file() -> None:
    with Server(in_memory=True, properties={"4lw.commands.whitelist": "srvr"}) as server:
        assert b"not in the whitelist" in answer(ask(server))


def test_a_folder_that_was_given_is_kept(tmp_path: Path) -> None:
    with Server(data_dir=str(tmp_path)) as server, visit(server) as visitor:
        visitor.client.create("/kept")
    with Server(data_dir=str(tmp_path)) as server, visit(server) as visitor:
        assert visitor.client.exists("/kept")


def test_memory_needs_no_folder_and_no_further_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    threads = threading.active_count()
    with Server(in_memory=True) as server:
        assert answer(ask(server)) == b"imok"
        assert threading.active_count() == threads + 1
        assert list(tmp_path.iterdir()) == []


FORGETFUL = """
import tempfile, sys
tempfile.tempdir = sys.argv[1]
from zkeeper.testing import Server
print(Server().start().address)
"""


def test_one_that_is_forgotten_ends_with_the_process(tmp_path: Path) -> None:
    source = str(Path(zkeeper.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, str(tmp_path)], env={**os.environ, "PYTHONPATH": source},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("127.0.0.1:")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_leaves_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Server() as server:
        child = os.fork()
        if child == 0:
            os._exit(_as_child(server))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert answer(ask(server)) == b"imok"
        assert len(list(tmp_path.iterdir())) == 1


def _as_child(server: Server) -> int:
    """0 if the child can do nothing to the server, and is told so at once."""
    try:
        server.restart()
    except RuntimeError:
        server.stop()
        return 0
    return 1


# Faults.


def test_all_connections_are_dropped_and_the_sessions_live_on(server: Server) -> None:
    with visit(server) as one, visit(server) as other:
        one.client.create("/mine", ephemeral=True)
        before = one.session_id
        assert server.drop_connections() == 2
        for visitor in (one, other):
            visitor.wait_for(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)
        assert one.session_id == before
        assert other.client.exists("/mine").ephemeralOwner == before


def test_the_connection_of_one_session_is_dropped(server: Server) -> None:
    with visit(server) as one, visit(server) as other:
        assert server.drop_connections(one.session_id) == 1
        one.wait_for(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)
        assert other.client.get_children("/") == FRESH
        assert other.states == [KazooState.CONNECTED]
        assert server.drop_connections(session_id=1) == 0


def test_a_session_expires(server: Server) -> None:
    with visit(server) as one, visit(server) as other:
        one.client.create("/mine", ephemeral=True)
        assert sorted(server.session_ids) == sorted([one.session_id, other.session_id])
        before = one.session_id
        server.expire(before)
        assert other.client.exists("/mine") is None
        assert before not in server.session_ids
        # Kazoo is told when it comes back with its session.
        one.wait_for(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.LOST, KazooState.CONNECTED)
        assert one.session_id != before
        assert other.states == [KazooState.CONNECTED]


def test_a_session_that_is_not_there_cannot_expire(server: Server) -> None:
    with pytest.raises(LookupError, match="0x2a"):
        server.expire(42)


def test_a_session_expires_by_itself_while_nobody_gets_through(server: Server) -> None:
    """A short timeout is possible: the connection is gone, and the server refuses the client until it is over."""
    with visit(server, timeout_s=0.3) as one, visit(server) as other:
        one.client.create("/mine", ephemeral=True)
        gone = threading.Event()
        assert other.client.exists("/mine", watch=lambda event: gone.set())
        server.refuse_connections()
        server.drop_connections(one.session_id)
        assert gone.wait(PATIENCE_S)
        server.heal()


def test_a_paused_server_accepts_and_does_not_answer(server: Server) -> None:
    server.pause()
    server.pause()
    connection = ask(server)
    assert not is_answered(connection, within_s=0.05)
    with pytest.raises(RuntimeError, match="paused"):
        server.drop_connections()
    with pytest.raises(RuntimeError, match="paused"):
        server.restart()
    server.resume()
    server.resume()
    assert answer(connection) == b"imok"


def test_what_the_server_sends_is_delayed(server: Server) -> None:
    server.delay_ms = 80
    begin_s = time.monotonic()
    connection = ask(server)
    assert not is_answered(connection, within_s=0.02)
    assert answer(connection) == b"imok"
    # The loop's clock may be behind by the part of a millisecond, or by what its turn has taken.
    assert time.monotonic() - begin_s >= 0.07
    with pytest.raises(ValueError, match="forward"):
        server.delay_ms = -1


def test_a_session_goes_on_under_delay(server: Server) -> None:
    with visit(server) as visitor:
        server.delay_ms = 5
        pending = [visitor.client.create_async(f"/{number:02}") for number in range(50)]
        server.delay_ms = 1
        assert [one.get(timeout=PATIENCE_S) for one in pending] == [f"/{number:02}" for number in range(50)]
        assert visitor.states == [KazooState.CONNECTED]


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_restart_keeps_port_data_and_sessions(in_memory: bool) -> None:
    with Server(in_memory=in_memory) as server, visit(server) as visitor:
        visitor.client.create("/mine", b"x", ephemeral=True)
        before = visitor.session_id, server.address
        server.restart()
        visitor.wait_for(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)
        assert (visitor.session_id, server.address) == before
        assert visitor.client.get("/mine")[0] == b"x"


def test_new_connections_are_refused_and_old_ones_stay(server: Server) -> None:
    with visit(server) as visitor:
        for _ in range(3):
            server.refuse_connections()
            server.refuse_connections()
            with pytest.raises(ConnectionRefusedError):
                ask(server)
            assert visitor.client.get_children("/") == FRESH
            server.refuse_connections(False)
            server.refuse_connections(False)
            assert answer(ask(server)) == b"imok"


def test_nobody_is_given_the_port_of_a_server_that_refuses(server: Server) -> None:
    """A client that is refused could otherwise have it as its own port, and be connected to itself."""
    server.refuse_connections()
    with socket.socket() as client, pytest.raises(OSError, match="in use"):
        client.bind((server.host, server.port))


def test_an_outage_ends(server: Server) -> None:
    with visit(server) as visitor:
        server.refuse_connections()
        server.drop_connections()
        visitor.wait_for(KazooState.CONNECTED, KazooState.SUSPENDED)
        server.heal()
        visitor.wait_for(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)


# A fresh tree.


def test_the_tree_is_fresh_after_a_reset(server: Server) -> None:
    secret = [make_digest_acl("somebody", "secret", all=True)]
    with visit(server) as visitor:
        client = visitor.client
        client.create("/a/b/c", b"x", makepath=True)
        client.create("/a/secret", acl=secret)
        client.create("/a/mine", ephemeral=True)
        client.create("/zookeeper/quota/a/zookeeper_limits", b"count=10,bytes=-1", makepath=True)
        client.set("/", b"touched")
        client.set_acls("/", secret)
        zxid = client.exists("/a/mine").czxid
        server.reset_tree()
    with visit(server) as visitor:
        client = visitor.client
        assert server.session_ids == [visitor.session_id]
        assert client.get_children("/") == FRESH
        assert sorted(client.get_children("/zookeeper")) == ["config", "quota"]
        assert client.get_children("/zookeeper/quota") == []
        assert client.get("/")[0] == b""
        client.create("/a")
        assert client.exists("/a").czxid > zxid


def test_a_client_from_before_the_reset_gets_a_new_session(server: Server) -> None:
    with visit(server) as visitor:
        visitor.client.create("/mine", ephemeral=True)
        server.reset_tree()
        visitor.wait_for(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.LOST, KazooState.CONNECTED)
        with pytest.raises(NoNodeError):
            visitor.client.get("/mine")


def test_a_reset_ends_all_faults(server: Server) -> None:
    server.delay_ms = 60_000
    server.refuse_connections()
    server.pause()
    server.reset_tree()
    assert answer(ask(server)) == b"imok"


def test_a_large_tree_is_reset(server: Server) -> None:
    with visit(server) as visitor:
        pending = [visitor.client.create_async(f"/{number}", bytes(100)) for number in range(3000)]
        assert all(one.get(timeout=PATIENCE_S) for one in pending)
        server.reset_tree()
    with visit(server) as visitor:
        assert visitor.client.get_children("/") == FRESH
