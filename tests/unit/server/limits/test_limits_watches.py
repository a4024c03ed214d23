"""The watches that one connection may have, and what it costs the others when it leaves with many."""

from dataclasses import replace

import pytest
import raw_wire as raw
from limits_machine import CONFIG, lines, running
from limits_support import Turns, answers
from pipeline_harness import Client, Server

from zkeeper.database.watches import NO_LIMIT
from zkeeper.pipeline.link import FORGET_SLICE_WATCHES

QUOTA_EXCEEDED = -125


def server_with(most: int) -> Server:
    server = Server()
    server.service.database.watches.most = most
    return server


def exists(path: bytes) -> tuple[int, bytes]:
    return raw.EXISTS, raw.read(path, True)


def watches_of(client: Client) -> int:
    return int(client.link.watched)


@pytest.mark.parametrize(
    ("op", "body"),
    [
        (raw.EXISTS, raw.read(b"/none", True)),
        (raw.EXISTS, raw.read(b"/a", True)),
        (raw.GET_DATA, raw.read(b"/a", True)),
        (raw.GET_CHILDREN, raw.read(b"/a", True)),
        (raw.GET_CHILDREN2, raw.read(b"/a", True)),
        (raw.ADD_WATCH, raw.versioned(b"/a", 0)),
        (raw.ADD_WATCH, raw.versioned(b"/a", 1)),
    ],
    ids=["exists, no znode", "exists", "getData", "getChildren", "getChildren2", "persistent", "recursive"],
)
def test_at_the_limit_no_request_sets_another_watch(op: int, body: bytes) -> None:
    client = server_with(2).connect()
    client.create(b"/a")
    for path in (b"/x", b"/y"):
        assert client.err(*exists(path)) == -101
    reply = client.call(op, body)
    assert (reply.err, reply.body) == (QUOTA_EXCEEDED, b"")
    assert watches_of(client) == 2
    assert client.stat(b"/a").version == 0, "what sets no watch is answered"


def test_what_is_watched_may_be_watched_again_and_a_watch_that_fired_makes_room() -> None:
    client = server_with(2).connect()
    for path in (b"/x", b"/y", b"/x"):
        assert client.err(*exists(path)) == -101
    client.create(b"/x")
    assert [event.path for event in client.noted] == [b"/x"]
    assert client.err(*exists(b"/z")) == -101
    assert client.err(*exists(b"/x")) == QUOTA_EXCEEDED


def test_each_connection_has_a_limit_of_its_own() -> None:
    server = server_with(1)
    one, two = server.connect(), server.connect()
    for client in (one, two):
        assert client.err(*exists(b"/x")) == -101
        assert client.err(*exists(b"/y")) == QUOTA_EXCEEDED


def test_long_paths_count_for_more() -> None:
    client = server_with(4).connect()
    assert client.err(*exists(b"/" + b"x" * 3000)) == -101
    assert watches_of(client) == 3
    assert client.err(*exists(b"/y")) == -101
    assert client.err(*exists(b"/z")) == QUOTA_EXCEEDED


def test_a_client_that_brings_back_too_many_is_closed() -> None:
    client = server_with(3).connect()
    xid = client.post(raw.SET_WATCHES, raw.set_watches(0, [], [b"/a", b"/b", b"/c"], []))
    assert answers(client) == [(xid, 0)]
    client.post(raw.SET_WATCHES, raw.set_watches(0, [], [b"/a", b"/d"], []))
    assert answers(client) == []
    assert client.is_closed
    (told,) = client.server.told
    assert told.endswith(" has 3 watches, maxWatchesPerConnection allows no more; closed, since it brings more again")


def test_it_is_told_once_for_a_connection() -> None:
    server = server_with(1)
    client = server.connect()
    assert client.err(*exists(b"/x")) == -101
    for _ in range(3):
        assert client.err(*exists(b"/y")) == QUOTA_EXCEEDED
    name = f"session 0x{client.session_id:x}"
    assert server.told == [
        f"connection from peer:1: {name} has 1 watches, maxWatchesPerConnection allows no more; refused what would set "
        "more"
    ]


def test_the_setting_reaches_the_watches_and_refusals_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    limits = replace(CONFIG.limits, max_watches_per_connection=1)
    with running(replace(CONFIG, limits=limits)) as server:
        client = server.connect(raw.connect(), *(raw.request(xid, *exists(b"/%d" % xid)) for xid in (1, 2)))
        server.sim.run_until(lambda: len(raw.split(bytes(client.data))) == 3)
        assert [raw.reply(payload).err for payload in raw.split(bytes(client.data))[1:]] == [-101, QUOTA_EXCEEDED]
    assert [record.levelname for record in caplog.records if "maxWatchesPerConnection" in record.message] == ["WARNING"]
    assert len(lines(caplog, "zkeeper.clients")) == 1


def test_without_a_setting_there_is_no_limit_that_is_ever_met() -> None:
    assert Server().service.database.watches.most == NO_LIMIT
    limits = replace(CONFIG.limits, max_watches_per_connection=0)
    with running(replace(CONFIG, limits=limits)) as server:
        assert server.node.service.database.watches.most == NO_LIMIT


def test_many_watches_are_forgotten_while_others_have_their_turns() -> None:
    server = Server()
    turns = Turns(server)
    many, other = server.connect(), server.connect()
    for at in range(3 * FORGET_SLICE_WATCHES):
        assert many.err(*exists(b"/%d" % at)) == -101
    many.link.lost()
    assert watches_of(many) == 2 * FORGET_SLICE_WATCHES
    turns.next()
    assert watches_of(many) == FORGET_SLICE_WATCHES
    for at in range(3 * FORGET_SLICE_WATCHES - 3, 3 * FORGET_SLICE_WATCHES):
        other.create(b"/%d" % at)
    assert many.take() == [], "what is left of its watches tells nobody"
    turns.all()
    assert watches_of(many) == 0
    assert server.database.watches.idle()
