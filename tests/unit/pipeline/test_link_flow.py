"""One connection: order of its answers, what it holds back and for how long, and how it ends."""

import pytest
import raw_wire as raw
from hypothesis import given
from hypothesis import strategies as st
from pipeline_harness import Client, Server

from zkeeper.pipeline.intake import MAX_OUTSTANDING


def reads(first_xid: int, count: int) -> bytes:
    return b"".join(raw.request(first_xid + at, raw.EXISTS, raw.read(b"/")) for at in range(count))


def writes(first_xid: int, count: int) -> bytes:
    body = raw.set_data(b"/", b"x")
    return b"".join(raw.request(first_xid + at, raw.SET_DATA, body) for at in range(count))


def xids(client: Client) -> list[int]:
    return [reply.xid for reply in client.take()]


def test_a_read_without_writes_before_it_is_answered_at_once() -> None:
    client = Server().connect()
    client.send(reads(1, 3))
    assert xids(client) == [1, 2, 3]


def test_a_read_waits_for_the_writes_before_it_only() -> None:
    server = Server()
    client, other = server.connect(), server.connect()
    client.send(writes(1, 1) + reads(2, 2) + writes(4, 1) + reads(5, 1))
    other.send(reads(1, 1))
    assert (xids(client), xids(other)) == ([], [1])
    server.commit(1)
    assert xids(client) == [1, 2, 3]
    server.commit(1)
    assert xids(client) == [4, 5]


def test_a_read_that_waited_sees_its_own_write_and_none_after_it() -> None:
    client = Server().connect()
    for data in (b"a", b"b"):
        client.post(raw.SET_DATA, raw.set_data(b"/", data))
        client.post(raw.GET_DATA, raw.read(b"/"))
    client.server.commit()
    replies = client.take()
    assert [reply.cursor().buffer() for reply in replies[1::2]] == [b"a", b"b"]
    assert [reply.zxid for reply in replies] == [2, 2, 3, 3]


def test_a_body_that_does_not_decode_is_answered_in_its_turn() -> None:
    client = Server().connect()
    client.send(writes(1, 1) + raw.request(2, raw.CREATE, b"\0") + raw.request(3, raw.EXISTS, b"\0"))
    assert xids(client) == []
    client.server.commit()
    assert [(reply.xid, reply.err) for reply in client.take()] == [(1, 0), (2, -5), (3, -5)]


@given(st.lists(st.integers(1, 60), max_size=40))
def test_frames_may_be_cut_anywhere(sizes: list[int]) -> None:
    client = Server().open()
    data = raw.connect() + writes(1, 3) + reads(4, 3) + raw.request(7, raw.PING)
    for size in sizes:
        client.send(data[:size])
        data = data[size:]
        client.server.commit()
    client.send(data)
    client.server.commit()
    _, *replies = raw.split(client.outlet.take())
    assert [raw.reply(payload).xid for payload in replies] == [1, 2, 3, 4, 5, 6, -2]


def test_the_log_is_woken_once_for_a_batch() -> None:
    server = Server()
    client = server.connect()
    wakes = server.wakes
    client.send(writes(1, 5))
    assert server.wakes == wakes + 1
    server.commit(2)
    client.send(writes(6, 1))
    assert server.wakes == wakes + 1
    server.commit()
    client.send(writes(7, 1))
    assert server.wakes == wakes + 2


# What holds a client back.


def served(client: Client, count: int, batch: int = 1) -> list[int]:
    """The xids that are answered when `batch` transactions become durable at a time."""
    server, answered = client.server, xids(client)
    for _ in range(2 * count):
        if server.database.last_zxid >= server.last_logged:
            break
        server.commit(batch)
        answered += xids(client)
    return answered


@pytest.mark.parametrize("batch", [1, 7, 999])
@pytest.mark.parametrize("limit", [10, 1000, 100_000])
def test_a_long_pipeline_of_writes_is_answered_to_its_end(limit: int, batch: int) -> None:
    client = Server(outstanding_limit=limit).connect()
    client.send(writes(1, 5000))
    assert client.link.outstanding() == min(limit, MAX_OUTSTANDING)
    assert client.outlet.is_paused
    assert served(client, 5000, batch) == list(range(1, 5001))
    assert not client.outlet.is_paused


def test_reads_that_wait_count_and_are_answered_to_their_end() -> None:
    client = Server().connect()
    client.send(writes(1, 1) + reads(2, 1000) + writes(1002, 1) + reads(1003, 2000))
    assert client.link.outstanding() == MAX_OUTSTANDING
    assert served(client, 3002) == list(range(1, 3003))
    assert not client.outlet.is_paused


def test_the_writes_of_others_do_not_make_a_paused_client_be_forgotten() -> None:
    server = Server()
    client, other = server.connect(), server.connect()
    other.send(writes(1, 1))
    client.send(writes(1, 1) + reads(2, 2500))
    assert client.outlet.is_paused
    server.commit(1)
    assert xids(other) == [1]
    assert served(client, 2501) == list(range(1, 2502))
    assert not client.outlet.is_paused


def test_a_client_that_reads_again_while_its_writes_are_on_their_way_is_not_forgotten() -> None:
    server = Server()
    client = server.connect()
    client.outlet.is_behind = True
    client.send(reads(1, 1))
    client.outlet.is_behind = False
    client.link.drained()
    client.send(writes(2, 1) + reads(3, 1500))
    client.link.stalled()
    client.send(reads(1503, 1000))
    assert client.outlet.is_paused
    client.link.drained()
    assert served(client, 2502) == list(range(1, 2503))
    assert not client.outlet.is_paused


def test_a_client_that_does_not_read_is_not_answered_further() -> None:
    client = Server().connect()
    client.outlet.is_behind = True
    client.send(reads(1, 1))
    client.send(reads(2, 10))
    assert client.outlet.is_paused
    assert xids(client) == [1]
    client.outlet.is_behind = False
    client.link.drained()
    assert xids(client) == list(range(2, 12))
    assert not client.outlet.is_paused


def test_an_overloaded_server_takes_one_request_of_an_idle_client() -> None:
    server = Server(outstanding_limit=3)
    busy, idle = server.connect(), server.connect()
    busy.send(writes(1, 9))
    assert busy.link.outstanding() == 3
    idle.send(writes(1, 3))
    assert idle.link.outstanding() == 1
    server.commit()
    assert (xids(busy), xids(idle)) == (list(range(1, 10)), [1, 2, 3])


# How a connection ends.


def test_a_lost_connection_leaves_nothing_behind_and_its_writes_are_done() -> None:
    server = Server()
    client, other = server.connect(), server.connect()
    client.ok(raw.ADD_WATCH, raw.versioned(b"/", 1))
    client.ok(raw.GET_CHILDREN, raw.read(b"/", True))
    client.send(writes(1, 1) + reads(2, 5) + raw.request(7, raw.CREATE, raw.create(b"/a")))
    client.link.lost()
    server.commit()
    assert client.take() == []
    assert server.database.watches.idle()
    assert client.session_id not in server.service.links
    assert other.stat(b"/a").czxid == server.database.last_zxid


def test_a_session_that_ends_while_it_is_opened_is_not_told_of() -> None:
    server = Server()
    client = server.open()
    client.send(raw.connect())
    client.link.lost()
    server.commit()
    assert client.outlet.take() == b""
    assert len(server.database.sessions) == 1
    server.now_ms += 60_000
    server.service.expire_sessions()
    server.commit()
    assert not server.database.sessions


def test_what_is_sent_for_a_closing_session_is_dropped() -> None:
    server = Server()
    client, other = server.connect(4000), server.connect(40_000)
    server.now_ms += 8000
    server.service.expire_sessions()
    client.send(writes(1, 1) + reads(2, 1))
    assert server.last_logged == 3
    server.commit()
    assert client.outlet.take() == b""
    assert client.is_closed
    assert other.stat(b"/").version == 0


def test_after_the_server_stopped_nothing_is_proposed_or_answered() -> None:
    server = Server()
    client = server.connect()
    client.send(writes(1, 1))
    server.service.stop()
    client.send(writes(2, 1))
    assert server.last_logged == 2
    server.service.committed(2)
    assert client.outlet.take() == b""


def test_authentication_may_be_demanded_of_everybody() -> None:
    server = Server()
    server.service.required_schemes = frozenset([b"digest"])
    for op in (raw.PING, raw.CLOSE_SESSION, raw.SET_DATA, 99):
        client = server.connect()
        client.send(raw.request(1, op, raw.set_data(b"/", b"")))
        assert client.take() == [raw.Reply(1, 0, -124, b"")]
        assert client.is_closed
    client = server.connect()
    client.log_in(b"a:b")
    assert client.stat(b"/").version == 0


def test_an_ephemeral_without_its_session_is_closed_with_it_at_the_start() -> None:
    first = Server()
    owner = first.connect()
    owner.create(b"/e", flags=1)
    first.database.sessions.clear()
    second = Server(database=first.database, first_session=owner.session_id + 100)
    second.commit()
    assert second.connect().err(raw.EXISTS, raw.read(b"/e")) == -101
