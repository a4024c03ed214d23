"""A long batch and a mass expiry: done in slices, in order, with the others' requests between them."""

import raw_wire as raw
from limits_support import Turns, answers, set_data
from pipeline_harness import Client, Server

from zkeeper.pipeline.expiry import EXPIRY_SLICE_CHANGES
from zkeeper.pipeline.service import APPLY_SLICE_CHANGES

SETS = 3 * APPLY_SLICE_CHANGES // 2
"""Each is a transaction that changes one znode: three slices."""


def sliced() -> tuple[Server, Turns]:
    server = Server(outstanding_limit=1_000_000)
    return server, Turns(server)


def send_sets(client: Client, count: int = SETS) -> None:
    for xid in range(1, count + 1):
        client.send(set_data(xid))


def test_a_long_batch_is_applied_in_slices_and_answered_in_order() -> None:
    server, turns = sliced()
    client = server.connect()
    send_sets(client)
    server.service.committed(server.last_logged)
    first = answers(client)
    assert len(first) == APPLY_SLICE_CHANGES // 2
    assert turns.all() == 2
    assert first + answers(client) == [(xid, 0) for xid in range(1, SETS + 1)]


def test_a_short_batch_is_applied_at_once() -> None:
    server, turns = sliced()
    client = server.connect()
    send_sets(client, APPLY_SLICE_CHANGES // 2)
    server.service.committed(server.last_logged)
    assert len(answers(client)) == APPLY_SLICE_CHANGES // 2
    assert turns.waiting == []


def test_between_slices_others_read_a_state_of_the_log_and_its_watches_come_first() -> None:
    server, turns = sliced()
    client, reader = server.connect(), server.connect()
    reader.get(b"/")
    reader.ok(raw.GET_DATA, raw.read(b"/", True))
    before = int(server.database.last_zxid)
    send_sets(client)
    server.service.committed(server.last_logged)
    reader.post(raw.GET_DATA, raw.read(b"/"))
    event, reply = reader.take()
    assert event.event() == raw.Event(raw.DATA_CHANGED, b"/", before + 1)
    applied = APPLY_SLICE_CHANGES // 2
    reply_cursor = reply.cursor()
    reply_cursor.buffer()
    assert (reply.zxid, reply_cursor.stat().version) == (before + applied, applied)
    turns.all()


def test_what_becomes_durable_between_slices_is_applied_after_them() -> None:
    server, turns = sliced()
    client, other = server.connect(), server.connect()
    send_sets(client)
    server.service.committed(server.last_logged)
    other.send(set_data(1))
    server.service.committed(server.last_logged)
    assert len(turns.waiting) == 1
    turns.all()
    assert answers(other) == [(1, 0)]
    assert server.database.last_zxid == server.last_logged


def test_the_log_is_woken_for_what_comes_while_a_durable_batch_is_applied() -> None:
    server, turns = sliced()
    client, other = server.connect(), server.connect()
    send_sets(client)
    server.service.committed(server.last_logged)
    wakes = server.wakes
    other.send(set_data(1) + set_data(2))
    assert server.wakes == wakes + 1
    turns.all()


def test_nothing_is_applied_after_the_stop() -> None:
    server, turns = sliced()
    client = server.connect()
    send_sets(client)
    server.service.committed(server.last_logged)
    applied = server.database.last_zxid
    server.service.stop()
    assert turns.all() == 1
    assert server.database.last_zxid == applied


# Mass expiry.


def finish(server: Server, turns: Turns) -> None:
    """Makes all durable and applies it."""
    server.service.committed(server.last_logged)
    turns.all()


def expire(server: Server, count: int) -> list[Client]:
    clients = [server.connect() for _ in range(count)]
    for number, client in enumerate(clients):
        client.create(b"/%d" % number, flags=1)
    server.now_ms += 60_000
    return clients


def test_many_sessions_expire_in_slices() -> None:
    server, turns = sliced()
    expire(server, 2 * EXPIRY_SLICE_CHANGES)
    server.service.expire_sessions()
    assert server.service.stats.sessions_expired == EXPIRY_SLICE_CHANGES // 2
    assert turns.all() == 3
    assert server.service.stats.sessions_expired == 2 * EXPIRY_SLICE_CHANGES
    finish(server, turns)
    assert (dict(server.database.sessions), dict(server.database.tree.owners.ephemerals)) == ({}, {})


def test_a_session_that_is_heard_of_between_slices_stays() -> None:
    server, turns = sliced()
    clients = expire(server, EXPIRY_SLICE_CHANGES)
    server.service.expire_sessions()
    saved, closed = clients[-1], clients[-2]
    saved.post(raw.PING)
    closed.post(raw.CLOSE_SESSION)
    turns.all()
    finish(server, turns)
    assert set(server.database.sessions) == {saved.session_id}
    assert not saved.is_closed
    assert server.service.stats.sessions_expired == EXPIRY_SLICE_CHANGES - 2


def test_a_tick_while_sessions_expire_adds_nothing() -> None:
    server, turns = sliced()
    expire(server, EXPIRY_SLICE_CHANGES)
    server.service.expire_sessions()
    server.service.expire_sessions()
    assert len(turns.waiting) == 1
    turns.all()
    assert server.service.stats.sessions_expired == EXPIRY_SLICE_CHANGES
