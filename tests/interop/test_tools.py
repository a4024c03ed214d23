"""The suite's own tools: reading a program's report, and the proxy that cuts connections."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from .clients.harness import Addresses, wait_for
from .programs import read_outcome
from .proxy import Proxy, run_proxy
from .servers import HOST, free_port


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("ok one\n", None),
        ("", "one reported ok 0 times"),
        ("ok one\nok one\n", "one reported ok 2 times"),
        ("FAILED one: it broke\n", "one: it broke"),
        ("ok one\nFAILED one: later\n", "one: later"),
        ("talk: ok one\nok one more\n", "one reported ok 0 times"),
    ],
)
def test_a_check_passes_only_when_reported_ok_once(output: str, problem: str | None) -> None:
    found = read_outcome(output, 0).problem_with("one")
    assert found is None if problem is None else found is not None and found.startswith(problem)


@pytest.mark.parametrize(
    ("output", "exit_code", "sound"),
    [
        ("ok one\n", 0, True),
        ("FAILED one: it broke\n", 1, True),
        ("ok one\n", 1, False),
        ("FAILED one: it broke\n", 0, False),
        ("ok one\nok unlisted\n", 0, False),
    ],
)
def test_a_run_is_sound_when_names_and_exit_code_fit(output: str, exit_code: int, sound: bool) -> None:
    assert (read_outcome(output, exit_code).problem_with_run(("one",)) is None) == sound


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy before a server that sends every line back."""
    with socketserver.ThreadingTCPServer((HOST, free_port()), _Echo) as echo:
        echo.daemon_threads = True
        thread = threading.Thread(target=echo.serve_forever, daemon=True)
        thread.start()
        with run_proxy(echo.server_address[1]) as running:
            yield running
        echo.shutdown()
        thread.join()


def _tell(proxy: Proxy, command: str) -> str:
    return Addresses(server="", proxy=proxy.address, control=proxy.control).tell_proxy(command)


def _connect(proxy: Proxy) -> socket.socket:
    host, _, port = proxy.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5.0)


def _echoes(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"hello\n")
        return connection.recv(6, socket.MSG_WAITALL) == b"hello\n"
    except ConnectionError:
        return False


def test_cut_breaks_open_connections_and_welcomes_new_ones(proxy: Proxy) -> None:
    with _connect(proxy) as before, _connect(proxy) as other:
        assert _echoes(before)
        assert _echoes(other)
        assert _tell(proxy, "cut") == "ok"
        assert not _echoes(before)
        assert not _echoes(other)
    with _connect(proxy) as after:
        assert _echoes(after)
        assert _tell(proxy, "accepted") == "3"


def test_refuse_lasts_until_accept(proxy: Proxy) -> None:
    with _connect(proxy) as before:
        assert _echoes(before)
        assert _tell(proxy, "refuse") == "ok"
        assert not _echoes(before)
    with _connect(proxy) as refused:
        assert not _echoes(refused)
    assert _tell(proxy, "accept") == "ok"
    with _connect(proxy) as after:
        assert _echoes(after)


def test_a_client_that_leaves_is_forgotten(proxy: Proxy) -> None:
    with _connect(proxy) as gone:
        assert _echoes(gone)
    with _connect(proxy) as staying:
        wait_for(lambda: _echoes(staying), "an echo after another client left")
        assert _tell(proxy, "accepted") == "2"


def test_an_unknown_command_is_an_error(proxy: Proxy) -> None:
    assert _tell(proxy, "explode").startswith("error: ")
