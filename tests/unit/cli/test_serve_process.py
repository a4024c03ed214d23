"""What an operator's machine does to the process: few descriptors, and a pause."""

import os
import resource
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import raw_wire as raw
from serve_support import Running, read_frame, serving

SOFT_LIMIT, HARD_LIMIT = 64, 160
CONFIG = "clientPort=0\nclientPortAddress=127.0.0.1\ndataDir=./data\nmaxClientCnxns=0\n"


def few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_LIMIT, HARD_LIMIT))


@contextmanager
def flood(server: Running, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(server.address, timeout=60)) for _ in range(count)]


def test_a_flood_of_connections_leaves_descriptors_to_the_log(tmp_path: Path) -> None:
    (tmp_path / "zoo.cfg").write_text(CONFIG + "snapCount=20\npreAllocSize=64\n")
    with serving("zoo.cfg", cwd=tmp_path, prepare=few_descriptors) as server, server.open_session() as client:
        with flood(server, 2 * HARD_LIMIT) as crowd:
            turned_away, _, _ = select.select(crowd, [], [], 60)
            assert turned_away
            for xid in range(1, 101):
                client.sendall(raw.request(xid, raw.CREATE, raw.create(b"/%d" % xid)))
                assert raw.reply(read_frame(client)).err == 0
        ended = server.stop()
    assert ended.code == 0, ended.told
    assert len(list((tmp_path / "data/version-2").glob("log.*"))) > 2
    assert f"{HARD_LIMIT - 64} connections are open, and the process's limit of descriptors" in ended.told


def paused_until_after_a_tick(server: Running, tick_s: float, pause_s: float, client: socket.socket) -> None:
    """Stops the process when a tick has just been; what `client` sends meanwhile waits in its socket."""
    while not 0.1 < time.monotonic() % tick_s / tick_s < 0.3:
        client.sendall(raw.request(-2, raw.PING))
        read_frame(client)
    server.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.process.pid, os.WSTOPPED | os.WNOWAIT)
    client.sendall(raw.request(-2, raw.PING))
    client.settimeout(pause_s)
    try:
        silence = client.recv(1)
    except TimeoutError:
        silence = b""
    client.settimeout(60)
    assert not silence
    server.process.send_signal(signal.SIGCONT)


def check_session_goes_on(client: socket.socket, ticks: int) -> None:
    assert raw.reply(read_frame(client)).xid == -2
    for xid in range(1, ticks + 1):
        client.sendall(raw.request(xid, raw.EXISTS, raw.read(b"/")))
        assert raw.reply(read_frame(client)).err == 0


def test_what_arrived_during_a_pause_is_read_before_sessions_expire(tmp_path: Path) -> None:
    """The tick comes late by less than another one."""
    (tmp_path / "zoo.cfg").write_text(CONFIG + "tickTime=1000\nminSessionTimeout=100\n")
    with serving("zoo.cfg", cwd=tmp_path) as server, server.open_session(timeout_ms=100) as client:
        paused_until_after_a_tick(server, 1.0, 1.2, client)
        check_session_goes_on(client, 3)
        assert "expired" not in server.stop().told
