"""Requests that wait before they begin: those over the number in process, and those that waited for too long."""

import pytest
import raw_wire as raw
from limits_support import answers, limited, set_data
from pipeline_harness import Client, Server

THROTTLED = -127


def exists(xid: int) -> bytes:
    return raw.request(xid, raw.EXISTS, raw.read(b"/"))


# request_throttle_max_requests.


def test_requests_over_the_limit_wait_also_those_of_idle_clients() -> None:
    server = limited(max_requests=2)
    busy, idle = server.connect(), server.connect()
    busy.send(set_data(1) + set_data(2) + set_data(3))
    idle.send(exists(1))
    assert (server.service.outstanding(), answers(idle)) == (2, [])
    assert server.service.stats.request_throttle_waits == 2
    server.commit()
    assert (answers(busy), answers(idle)) == ([(1, 0), (2, 0), (3, 0)], [(1, 0)])
    assert not busy.outlet.is_paused
    assert not idle.outlet.is_paused


def test_without_the_limit_an_idle_client_is_read_from() -> None:
    server = limited()
    busy, idle = server.connect(), server.connect()
    for xid in range(1, 2001):
        busy.send(set_data(xid))
    idle.send(exists(1))
    assert answers(idle) == [(1, 0)]
    assert server.service.stats.request_throttle_waits == 0


def test_a_client_that_is_held_back_does_not_expire_for_it() -> None:
    server = limited(max_requests=1)
    busy, idle, gone = (server.connect() for _ in range(3))
    busy.send(set_data(1))
    idle.send(exists(1))
    server.now_ms += 60_000
    server.service.expire_sessions()
    server.commit()
    assert set(server.database.sessions) == {idle.session_id}
    assert (busy.is_closed, gone.is_closed, idle.is_closed) == (True, True, False)
    server.now_ms += 60_000
    server.service.expire_sessions()
    server.commit()
    assert idle.is_closed


# throttled_op_wait_time.


def held_back(wait_ms: int, *frames: bytes) -> tuple[Server, Client]:
    """A client whose `frames` were held back for `wait_ms` behind a write, which was answered then."""
    server = limited(outstanding_limit=1, throttled_op_wait_ms=100)
    client = server.connect()
    client.send(set_data(1) + b"".join(frames))
    assert client.outlet.is_paused
    server.now_ms += wait_ms
    zxid = server.last_logged
    server.commit(1)
    assert answers(client)[0] == (1, 0)
    assert server.database.last_zxid == zxid
    return server, client


def replies(wait_ms: int, *frames: bytes) -> tuple[list[tuple[int, int]], int]:
    """What came of the frames, and how many zxids they took."""
    server = limited(outstanding_limit=1, throttled_op_wait_ms=100)
    client = server.connect()
    client.send(set_data(1) + b"".join(frames))
    assert client.outlet.is_paused
    zxid = server.last_logged
    server.now_ms += wait_ms
    server.commit()
    return answers(client)[1:], server.last_logged - zxid


def test_one_that_waited_too_long_is_refused_and_takes_no_zxid() -> None:
    assert replies(101, set_data(2), exists(3)) == ([(2, THROTTLED), (3, THROTTLED)], 0)


def test_one_that_waited_as_long_as_it_may_is_executed() -> None:
    assert replies(100, set_data(2), exists(3)) == ([(2, 0), (3, 0)], 1)


def test_a_ping_and_an_auth_packet_are_served_however_late() -> None:
    late = raw.request(-2, raw.PING), raw.request(-4, raw.AUTH, raw.auth(b"digest", b"a:b")), exists(5)
    assert replies(101, *late) == ([(-2, 0), (-4, 0), (5, THROTTLED)], 0)


def test_a_session_is_closed_however_late() -> None:
    server, client = held_back(101, raw.request(2, raw.CLOSE_SESSION))
    server.commit()
    assert answers(client) == [(2, 0)]
    assert client.is_closed
    assert not server.database.sessions


def test_an_unknown_operation_is_refused_as_ever() -> None:
    assert replies(101, raw.request(2, 99)) == ([(2, -6)], 0)


def test_they_are_counted() -> None:
    server, client = held_back(101, set_data(2), exists(3))
    assert server.service.stats.throttled_ops == 2
    assert client.link.stats.received == 4


def test_a_read_behind_a_write_of_its_own_session_has_begun() -> None:
    server = limited(throttled_op_wait_ms=100)
    client = server.connect()
    client.send(set_data(1) + exists(2))
    server.now_ms += 1000
    server.commit()
    assert answers(client) == [(1, 0), (2, 0)]


def test_what_comes_after_the_wait_is_executed() -> None:
    server, client = held_back(101, exists(2))
    assert client.outlet.take() == b""
    client.send(set_data(3) + exists(4))
    server.now_ms += 99
    server.commit()
    assert answers(client) == [(3, 0), (4, 0)]


@pytest.mark.parametrize(("first_ms", "second_ms", "code"), [(60, 60, THROTTLED), (60, 40, 0)])
def test_the_wait_goes_on_while_it_is_held_back_again(first_ms: int, second_ms: int, code: int) -> None:
    server = limited(outstanding_limit=1, throttled_op_wait_ms=100)
    client = server.connect()
    client.send(set_data(1) + set_data(2) + set_data(3))
    server.now_ms += first_ms
    server.commit(1)
    assert client.outlet.is_paused, "the second was executed, the third is held back again"
    server.now_ms += second_ms
    server.commit()
    assert answers(client) == [(1, 0), (2, 0), (3, code)]


def test_without_the_limit_nothing_is_too_late() -> None:
    server = limited(outstanding_limit=1)
    client = server.connect()
    client.send(set_data(1) + exists(2))
    server.now_ms += 3_600_000
    server.commit()
    assert answers(client) == [(1, 0), (2, 0)]
