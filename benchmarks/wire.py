"""The least of the ZooKeeper client wire: open a session, and keep many of them open.

It is written with struct alone, independent of the server under test and of its codecs, and adds next to
nothing to a time that is measured through it.
"""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator

from figures import BenchError

SESSION_TIMEOUT_MS = 30_000
RETRY_S = 0.002
BUSY_RETRY_S = 0.02  # Java logs a stack trace for each early attempt, so it is not asked too often.
REPLY_TIMEOUT_S = 60.0
DIAL_BATCH = 40  # The Java server listens with a backlog of 50; beyond it the kernel retries after a whole second.

_CONNECT = struct.Struct(">iiqiqi16sb")
SET_DATA = 5
_REPLY = struct.Struct(">iqi")
_CONNECTED = struct.Struct(">iiq")
_PING = struct.pack(">iii", 8, -2, 11)
_HELLO = _CONNECT.pack(_CONNECT.size - 4, 0, 0, SESSION_TIMEOUT_MS, 0, 16, bytes(16), 0)


def _receive(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = sock.recv(size - len(data))
        if not chunk:
            raise ConnectionResetError("the server closed the connection")
        data += chunk
    return data


def _receive_frame(sock: socket.socket) -> bytes:
    (length,) = struct.unpack(">i", _receive(sock, 4))
    return _receive(sock, length)


def _dial(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=REPLY_TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(_HELLO)
    return sock


def _await_session(sock: socket.socket) -> None:
    _, timeout_ms, session_id = _CONNECTED.unpack_from(_receive_frame(sock))
    if not session_id or timeout_ms <= 0:
        raise BenchError("the server answered, but gave no session")


def _knock(port: int, waiting: list[socket.socket], held: contextlib.ExitStack) -> float:
    """Tries once more to get a session; returns the seconds until the next try makes sense."""
    try:
        waiting.append(held.enter_context(_dial(port)))
    except OSError as error:
        return RETRY_S if isinstance(error, ConnectionRefusedError) else BUSY_RETRY_S
    return BUSY_RETRY_S * (1 + len(waiting) / 10)  # Many unanswered attempts would themselves be a load.


def _granted(sock: socket.socket, ask: Callable[[socket.socket], None], waiting: list[socket.socket]) -> bool:
    try:
        ask(sock)
    except OSError:
        waiting.remove(sock)
        sock.close()
        return False
    return True


def await_first_session(port: int, check_alive: Callable[[], None], timeout_s: float) -> float:
    """Tries until a session is granted; returns the moment, as time.perf_counter() counts."""
    return _await_first([port], _await_session, check_alive, timeout_s)


def await_first_write(ports: list[int], path: str, check_alive: Callable[[], None], timeout_s: float) -> float:
    """Tries all ports until a write to a znode that exists is acknowledged; returns the moment likewise."""

    def write(sock: socket.socket) -> None:
        _await_session(sock)
        _set_data(sock, path)

    return _await_first(ports, write, check_alive, timeout_s)


def _set_data(sock: socket.socket, path: str) -> None:
    """Raises ConnectionError if the server refuses: while it changes its role it may, and the next try is due."""
    name = path.encode()
    body = struct.pack(f">iii{len(name)}sii", 1, SET_DATA, len(name), name, 0, -1)
    sock.sendall(struct.pack(">i", len(body)) + body)
    _, _, code = _REPLY.unpack_from(_receive_frame(sock))
    if code:
        raise ConnectionRefusedError(f"setData: error {code}")


def _await_first(
    ports: list[int], ask: Callable[[socket.socket], None], check_alive: Callable[[], None], timeout_s: float
) -> float:
    """Tries the ports in turn until `ask` does not raise; returns the moment.

    `check_alive` is called between attempts and raises when there is nothing left to wait for. Attempts that have no
    answer yet are kept beside newer ones: the Java server never answers some of those that come while it starts.
    """
    deadline = time.perf_counter() + timeout_s
    waiting: list[socket.socket] = []
    turns = itertools.cycle(ports)
    with contextlib.ExitStack() as held:
        while time.perf_counter() < deadline:
            pause_s = _knock(next(turns), waiting, held)
            answered = select.select(waiting, [], [], pause_s)[0]
            if any(_granted(sock, ask, waiting) for sock in answered):
                return time.perf_counter()
            check_alive()
    raise BenchError(f"no answer within {timeout_s:.0f} s")


def _open_batch(port: int, count: int, held: contextlib.ExitStack) -> list[socket.socket]:
    batch = [held.enter_context(_dial(port)) for _ in range(count)]
    for sock in batch:
        _await_session(sock)
    return batch


def _ping_all(sessions: list[socket.socket]) -> None:
    for sock in sessions:
        sock.sendall(_PING)
    for sock in sessions:
        _receive_frame(sock)


@contextlib.contextmanager
def idle_sessions(port: int, count: int) -> Iterator[None]:
    """Holds `count` sessions, each of which has just proved with a ping that the server still keeps it."""
    with contextlib.ExitStack() as held:
        sessions: list[socket.socket] = []
        while len(sessions) < count:
            sessions += _open_batch(port, min(DIAL_BATCH, count - len(sessions)), held)
        _ping_all(sessions)
        yield
