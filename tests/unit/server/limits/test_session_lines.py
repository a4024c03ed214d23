"""The lines of the log that tell the life of a session, and that they are off unless somebody asks for them."""

import logging

import pytest
import raw_wire as raw
from limits_machine import CONFIG, lines, running
from pipeline_harness import FIRST_SESSION, Server

from zkeeper.pipeline.session_lines import SessionLines


def told(server: Server) -> list[str]:
    """The lines from here on."""
    written: list[str] = []
    server.service.session_lines = SessionLines(written.append)
    return written


def test_a_session_is_told_of_when_it_is_durable_resumed_and_closed() -> None:
    server = Server()
    written = told(server)
    client = server.open()
    client.send(raw.connect(10_000))
    assert written == []
    client.handshake(b"")
    back = server.open()
    back.handshake(raw.connect(5000, client.session_id, client.password))
    back.post(raw.CLOSE_SESSION)
    server.commit()
    name = f"session 0x{FIRST_SESSION:x}"
    assert written == [
        f"{name} created by peer:1, timeout 10000 ms",
        f"{name} resumed by peer:1, timeout 5000 ms",
        f"{name} closed by peer:1, timeout 5000 ms",
    ]


def test_a_session_that_expires_is_told_of_once_with_its_holder() -> None:
    server = Server(first_session=-0x10)
    held, lost = server.connect(4000), server.connect(4000)
    lost.link.lost()
    written = told(server)
    server.now_ms += 8000
    server.service.expire_sessions()
    server.commit()
    assert held.is_closed
    assert written == [
        "session 0xfffffffffffffff0 expired held by peer:1, timeout 4000 ms",
        "session 0xfffffffffffffff1 expired without a connection, timeout 4000 ms",
    ]


def test_a_session_that_is_refused_is_not_told_of() -> None:
    server = Server()
    client = server.connect()
    written = told(server)
    server.open().handshake(raw.connect(5000, client.session_id, bytes(16)))
    assert written == []


@pytest.mark.parametrize(("level", "count"), [(logging.DEBUG, 1), (logging.INFO, 0)])
def test_a_server_tells_of_sessions_when_debug_lines_are_wanted(
    level: int, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level, "zkeeper.sessions")
    with running(CONFIG) as server:
        client = server.connect(raw.connect(timeout_ms=5000))
        server.sim.run_until(lambda: len(client.data) > 0)
        assert (server.node.service.session_lines is not None) == (count == 1)
    created = [line for line in lines(caplog, "zkeeper.sessions") if line.endswith(", timeout 5000 ms")]
    assert len(created) == count
