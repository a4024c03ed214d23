"""What one connection may take of a turn of the loop, of the memory for replies, and of the log's."""

import time

import pytest
import raw_wire as raw
from limits_support import Turns, answers, limited, set_data
from pipeline_harness import Client, Server

from zkeeper.pipeline.authentication import MAX_CREDENTIALS, MAX_CREDENTIALS_BYTES
from zkeeper.pipeline.intake import TURN_EFFORT
from zkeeper.pipeline.reads import MAX_MULTI_READ_BYTES
from zkeeper.pipeline.replies import OUT_CHUNK_BYTES
from zkeeper.pipeline.service import MAX_OUTSTANDING_BYTES

LARGE_BYTES = 1_000_000
GET_LARGE_EFFORT = LARGE_BYTES >> 12


def get(xid: int, path: bytes = b"/large") -> bytes:
    return raw.request(xid, raw.GET_DATA, raw.read(path))


def with_large_znode() -> tuple[Server, Client]:
    server = limited()
    client = server.connect()
    client.create(b"/large", b"x" * LARGE_BYTES)
    return server, client


def test_a_connection_with_much_to_answer_lets_others_have_their_turn() -> None:
    server, client = with_large_znode()
    other, turns = server.connect(), Turns(server)
    client.send(b"".join(get(xid) for xid in range(1, 101)))
    first = len(answers(client))
    assert first * GET_LARGE_EFFORT <= TURN_EFFORT + GET_LARGE_EFFORT < 100 * GET_LARGE_EFFORT
    assert client.outlet.is_paused
    other.send(get(1, b"/"))
    assert answers(other) == [(1, 0)]
    assert turns.all() >= 3
    assert [xid for xid, _ in answers(client)] == list(range(first + 1, 101))
    assert not client.outlet.is_paused


def test_small_requests_fill_a_turn_by_their_number() -> None:
    server = limited()
    client, turns = server.connect(), Turns(server)
    client.send(b"".join(get(xid, b"/") for xid in range(1, 2 * TURN_EFFORT)))
    first = len(client.take())
    assert TURN_EFFORT * 0.8 < first <= TURN_EFFORT
    turns.all()
    assert first + len(client.take()) == 2 * TURN_EFFORT - 1


def long_acl(server: Server) -> Client:
    entries = [(31, b"ip", b"10.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255)) for n in range(20_000)]
    client = server.connect()
    client.ok(raw.CREATE, raw.create(b"/node", b"", 0, [*entries, (31, b"ip", b"127.0.0.1")]))
    return client


@pytest.mark.parametrize(
    "request_",
    [
        (raw.MULTI_READ, raw.multi(*[(raw.GET_DATA, raw.read(b"/node"))] * 20_000)),
        (raw.MULTI, raw.multi(*[(raw.SET_DATA, raw.set_data(b"/node", b""))] * 15_000)),
    ],
    ids=["multiRead", "multi"],
)
def test_a_request_looks_up_what_a_long_acl_grants(request_: tuple[int, bytes]) -> None:
    """It took a search of the list for each operation: seconds, in which nobody else was served."""
    server = limited()
    client = long_acl(server)
    began_s = time.process_time()
    client.ok(*request_)
    assert time.process_time() - began_s < 2


def many_ephemerals(server: Server) -> Client:
    client = server.connect()
    for number in range(2000):
        client.create(b"/e%d" % number, flags=1)
    return client


@pytest.mark.parametrize(
    ("prepare", "request_", "at_least"),
    [
        (long_acl, (raw.GET_ACL, raw.buffer(b"/node")), 2000),
        (many_ephemerals, (raw.GET_EPHEMERALS, raw.buffer(b"/")), 800),
        (many_ephemerals, (raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/")), 50),
        (many_ephemerals, (raw.GET_CHILDREN, raw.read(b"/")), 100),
    ],
)
def test_requests_that_cost_much_count_for_what_they_cost(
    prepare: object, request_: tuple[int, bytes], at_least: int
) -> None:
    server = limited()
    client = prepare(server)  # type: ignore[operator]
    turns = Turns(server)
    count = TURN_EFFORT // at_least + 2
    client.send(b"".join(raw.request(xid, *request_) for xid in range(1, count + 1)))
    assert client.outlet.is_paused
    assert 0 < len(client.take()) < count
    turns.all()
    assert not client.outlet.is_paused


def test_reads_behind_a_write_are_bounded_by_what_they_will_cost() -> None:
    server, client = with_large_znode()
    client.send(set_data(1) + b"".join(get(xid) for xid in range(2, 60)))
    waiting = client.link.outstanding() - 1
    assert waiting * GET_LARGE_EFFORT < TURN_EFFORT + GET_LARGE_EFFORT
    assert client.outlet.is_paused
    server.commit()
    assert [xid for xid, _ in answers(client)][: waiting + 1] == list(range(1, waiting + 2))


@pytest.mark.parametrize(
    "request_",
    [
        (raw.MULTI_READ, raw.multi(*[(raw.GET_DATA, raw.read(b"/large"))] * 30)),
        (raw.GET_DATA, raw.read(b"/large")),
    ],
)
def test_effort_is_told_beforehand(request_: tuple[int, bytes]) -> None:
    server, client = with_large_znode()
    client.outlet.send = lambda data: True  # type: ignore[method-assign]
    client.send(set_data(1) + b"".join(raw.request(xid, *request_) for xid in range(2, 45)))
    assert 0 < client.link.outstanding() < 30
    server.commit()
    assert client.link.outstanding() == 0
    assert not client.outlet.is_paused


def test_replies_of_reads_that_waited_leave_in_pieces() -> None:
    server, client = with_large_znode()
    sent: list[int] = []
    client.outlet.send = lambda data: bool(sent.append(len(data)) or True)  # type: ignore[method-assign]
    client.send(set_data(1) + get(2) + get(3) + get(4))
    server.commit()
    assert len(sent) >= 3
    assert max(sent) < 2 * LARGE_BYTES + OUT_CHUNK_BYTES


def test_a_multi_read_of_too_much_ends_the_connection() -> None:
    server, client = with_large_znode()
    reads = MAX_MULTI_READ_BYTES // LARGE_BYTES + 2
    client.post(raw.MULTI_READ, raw.multi(*[(raw.GET_DATA, raw.read(b"/large"))] * reads))
    assert client.is_closed
    assert client.outlet.data == b""
    assert "multiRead" in server.told[-1]


def test_writes_on_their_way_are_bounded_by_their_bytes() -> None:
    server = limited()
    client, other = server.connect(), server.connect()
    many = MAX_OUTSTANDING_BYTES * 3 // 2 // LARGE_BYTES
    client.send(b"".join(set_data(xid, LARGE_BYTES) for xid in range(1, many + 1)))
    assert server.service.outstanding() * LARGE_BYTES < MAX_OUTSTANDING_BYTES + 2 * LARGE_BYTES
    assert client.outlet.is_paused
    other.send(set_data(1))
    assert not other.outlet.is_paused, "the first request of a client is taken all the same"
    server.commit()
    assert answers(client) == [(xid, 0) for xid in range(1, many + 1)]
    assert answers(other) == [(1, 0)]


def test_credentials_are_bounded() -> None:
    server = limited()
    client = server.connect()
    for number in range(3):
        client.log_in(b"user%d" % number + b"x" * (MAX_CREDENTIALS_BYTES // 4) + b":password")
    client.post(raw.AUTH, raw.auth(b"digest", b"y" * (MAX_CREDENTIALS_BYTES // 2) + b":password"))
    assert client.is_closed
    assert "credentials" in server.told[-1]


def test_credentials_are_bounded_in_number() -> None:
    client = limited().connect()
    for number in range(MAX_CREDENTIALS - 1):  # The address is one as well.
        client.log_in(b"user%d:password" % number)
    assert not client.is_closed
    client.post(raw.AUTH, raw.auth(b"digest", b"another:password"))
    assert client.is_closed


@pytest.mark.parametrize(
    ("op", "body"),
    [
        (raw.MULTI_READ, raw.multi((raw.CREATE, raw.create(b"/m", entries=None)))),
        (raw.MULTI_READ, raw.multi((raw.SET_DATA, raw.set_data(None, b"")))),
        (raw.MULTI_READ, raw.multi((raw.GET_DATA, raw.read(None)))),
        (raw.MULTI_READ, b"\0"),
        (raw.GET_DATA, raw.read(None)),
        (raw.GET_DATA, b"\0\0"),
        (raw.GET_CHILDREN2, raw.buffer(b"/none")),
    ],
)
def test_what_is_wrong_with_a_request_that_waits_is_said_in_its_turn(op: int, body: bytes) -> None:
    server = limited()
    client, at_once = server.connect(), server.connect()
    expected = at_once.err(op, body) if op != raw.MULTI_READ else at_once.call(op, body).err
    client.send(set_data(1) + raw.request(2, op, body))
    server.commit()
    assert answers(client) == [(1, 0), (2, expected)]
