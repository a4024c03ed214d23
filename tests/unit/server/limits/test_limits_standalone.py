"""The limits of a whole server, as its configuration sets them, on a simulated machine."""

import errno
import gc
import logging
import os
from dataclasses import replace

import pytest
import raw_wire as raw
from limits_machine import CONFIG, PORT, Server, lines, running

from zkeeper.pipeline.link import ClientLink
from zkeeper.server.client_connection import MAX_UNREAD_BYTES, ClientConnection
from zkeeper.server.config.model import (
    AuditConfig,
    ConnectionThrottleConfig,
    LimitsConfig,
    NetworkConfig,
    RequestThrottleConfig,
)
from zkeeper.server.descriptors import PROBE_INTERVAL_S, Descriptors
from zkeeper.server.log_noise import BURST_LINES


def test_the_settings_reach_the_request_road() -> None:
    limits = replace(
        CONFIG.limits, large_request_threshold_bytes=7, large_request_max_bytes=8, throttled_op_wait_time_ms=9
    )
    with running(replace(CONFIG, limits=limits, request_throttle=RequestThrottleConfig(max_requests=10))) as server:
        settings = server.node.service.settings
        assert (settings.large_request_threshold_bytes, settings.large_request_max_bytes) == (7, 8)
        assert (settings.throttled_op_wait_ms, settings.max_requests) == (9, 10)
        assert server.node.service.large_requests.max_bytes == 8


def test_the_connection_throttle_works_where_it_is_configured() -> None:
    throttle = ConnectionThrottleConfig(tokens=1, fill_time_ms=3_600_000)
    with running(replace(CONFIG, connection_throttle=throttle)) as server:
        first, second = server.connect(raw.connect()), server.connect(raw.connect())
        server.sim.run_until(lambda: second.is_lost and len(first.data) > 0)
        assert not first.is_lost
        assert server.node.service.stats.connections_rejected == 1


SESSION = raw.connect()
ENDS = {
    "nothing sent": (),
    "no protocol": (b"GET / HTTP/1.1\r\n\r\n",),
    "a frame cut short": (SESSION[:20],),
    "a session left open": (SESSION, raw.request(1, raw.CREATE, raw.create(b"/a"))),
    "a session closed": (
        SESSION,
        raw.request(1, raw.GET_DATA, raw.read(b"/", True)),
        raw.request(2, raw.CLOSE_SESSION),
    ),
    "an unknown request": (SESSION, raw.request(1, 999)),
}


def links_and_connections() -> list[object]:
    return [one for one in gc.get_objects() if isinstance(one, (ClientLink, ClientConnection))]


@pytest.mark.parametrize("frames", ENDS.values(), ids=ENDS)
def test_a_connection_that_ends_is_freed_at_once(frames: tuple[bytes, ...]) -> None:
    """Without the garbage collector, which may come long after many connections came and went."""
    gc.collect()
    gc.disable()
    of_others = set(map(id, links_and_connections()))  # Of servers that other tests left standing.
    try:
        with running(CONFIG) as server:
            client = server.connect(*frames)
            server.sim.run_for(1)
            assert client.transport is not None
            client.transport.close()
            server.sim.run_for(1)
            assert [one for one in links_and_connections() if id(one) not in of_others] == []
    finally:
        gc.enable()


def test_by_default_there_is_no_throttle_and_no_audit_log() -> None:
    with running(CONFIG) as server:
        assert server.node.service.handshake.admit_connection is None
        assert server.node.service.audit is None


def test_start_stop_and_writes_are_audited(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running(replace(CONFIG, audit=AuditConfig(is_enabled=True))) as server:
        client = server.connect(raw.connect(), raw.request(1, raw.CREATE, raw.create(b"/a")))
        server.sim.run_until(lambda: len(lines(caplog, "zkeeper.audit")) == 2)
        assert not client.is_lost
    start, create, stop = lines(caplog, "zkeeper.audit")
    assert start == "user=keeper\toperation=serverStart\tresult=success"
    assert create.endswith("\toperation=create\tznode=/a\tznode_type=persistent\tresult=success")
    assert stop == "user=keeper\toperation=serverStop\tresult=invoked"


def test_a_start_that_fails_is_audited(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    config = replace(
        CONFIG, audit=AuditConfig(is_enabled=True), network=NetworkConfig(client_port=PORT, client_port_address="away")
    )
    server = Server(config)
    with server.sim, pytest.raises(OSError, match="away"):
        server.start()
    assert lines(caplog, "zkeeper.audit") == ["user=keeper\toperation=serverStart\tresult=failure"]


def test_a_storm_of_garbage_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running(CONFIG) as server:
        storm = [server.connect(b"\xff\xff\xff\xff") for _ in range(100)]
        server.sim.run_until(lambda: all(connection.is_lost for connection in storm))
    told = [line for line in lines(caplog, "zkeeper.clients") if "no length of a frame" in line]
    left_out = [line for line in lines(caplog, "zkeeper.clients") if line.endswith("more lines were left out")]
    assert BURST_LINES <= len(told) < 100
    assert sum(int(line.split(": ")[1].split()[0]) for line in left_out) == 100 - len(told)


def test_connections_over_a_limit_do_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running(replace(CONFIG, limits=LimitsConfig(max_client_cnxns=1))) as server:
        server.connect(raw.connect())
        storm = [server.connect() for _ in range(100)]
        server.sim.run_until(lambda: all(connection.is_lost for connection in storm))
    assert BURST_LINES <= len([line for line in lines(caplog, "zkeeper.clients") if "maxClientCnxns" in line]) < 100
    assert lines(caplog, "zkeeper.clients")[-1].endswith("more lines were left out")


def test_connections_leave_descriptors_to_files(caplog: pytest.LogCaptureFixture) -> None:
    with running(CONFIG, Descriptors(max_connections=3)) as server:
        held = [server.connect(raw.connect()) for _ in range(3)]
        extra = server.connect(raw.connect())
        server.sim.run_until(lambda: extra.is_lost)
        assert not any(connection.is_lost for connection in held)
        assert server.node.service.stats.connections_rejected == 1
    (told,) = [line for line in lines(caplog, "zkeeper.clients") if "closed: 3 connections are open" in line]
    assert "the process's limit of descriptors" in told
    assert "raise the hard limit" in told


def test_it_is_told_when_descriptors_have_run_out(caplog: pytest.LogCaptureFixture) -> None:
    left = [1]

    def probe() -> None:
        if not left:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with running(CONFIG, Descriptors(probe=probe)) as server:
        server.sim.run_for(2 * PROBE_INTERVAL_S)
        assert not [line for line in lines(caplog, "zkeeper.server") if "descriptor" in line]
        left.clear()
        server.sim.run_for(PROBE_INTERVAL_S)
        left.append(1)
        server.sim.run_for(2 * PROBE_INTERVAL_S)
    told = [line for line in lines(caplog, "zkeeper.server") if "descriptor" in line]
    assert 1 <= len(told) <= 2
    assert told[0].startswith("no descriptor is left (Too many open files): new clients are turned away")


def test_a_watcher_that_does_not_read_is_dropped_with_what_it_left_unread(caplog: pytest.LogCaptureFixture) -> None:
    path = b"/" + b"x" * 900_000
    with running(CONFIG) as server:
        add_watch = raw.request(1, raw.ADD_WATCH, raw.versioned(path, 0))
        watcher = server.connect(raw.connect(timeout_ms=40_000), add_watch)
        server.sim.run_until(lambda: len(raw.split(bytes(watcher.data))) == 2)
        assert watcher.transport is not None
        watcher.transport.pause_reading()
        writer = server.connect(raw.connect(timeout_ms=40_000), raw.request(1, raw.CREATE, raw.create(path)))
        assert writer.transport is not None
        for xid in range(2, 100):
            writer.transport.write(raw.request(xid, raw.SET_DATA, raw.set_data(path, b"")))
        server.sim.run_until(lambda: len(server.node.port.links()) == 1, 20)
        assert not writer.is_lost
    (told,) = [line for line in lines(caplog, "zkeeper.clients") if "unread" in line]
    assert told.endswith(f"dropped: it left {MAX_UNREAD_BYTES} bytes unread")


def test_a_thousand_sessions_expire_and_leave_nothing() -> None:
    with running(CONFIG) as server:
        for _ in range(1000):
            server.connect(raw.connect(timeout_ms=4000), raw.request(1, raw.CREATE, raw.create(b"/e", flags=3)))
        database = server.node.service.database
        server.sim.run_until(lambda: sum(map(len, database.tree.owners.ephemerals.values())) == 1000)
        server.sim.run_until(lambda: not database.sessions)
        assert not database.tree.owners.ephemerals
        assert server.node.service.stats.sessions_expired == 1000
