"""Corner cases of the semantics: which watches fire, for whom, and in which order (23 to 31)."""

import raw_wire as raw
from pipeline_harness import Server
from raw_wire import Event
from semantics_support import NOBODY, new_client, watch


def test_23_exists_watch_fires_once() -> None:
    client = new_client()
    assert watch(client, raw.EXISTS, b"/a") == -101
    zxid = client.ok(raw.CREATE, raw.create(b"/a")).zxid
    assert client.noted == [Event(raw.CREATED, b"/a", zxid)]
    client.write(b"/a", b"x")
    assert client.noted == []


def test_24_get_data_watch_on_a_missing_znode() -> None:
    client = new_client()
    for op in (raw.GET_DATA, raw.GET_CHILDREN, raw.GET_CHILDREN2):
        assert watch(client, op, b"/a") == -101
    client.create(b"/a")
    assert client.noted == []
    assert client.server.database.watches.idle()


def test_25_data_and_child_watch_fire_as_one() -> None:
    client = new_client()
    client.create(b"/a")
    watch(client, raw.GET_DATA, b"/a")
    watch(client, raw.GET_CHILDREN, b"/a")
    zxid = client.delete(b"/a").zxid
    assert client.noted == [Event(raw.DELETED, b"/a", zxid)]


def test_26_recursive_and_child_watch() -> None:
    client = new_client()
    client.create(b"/w")
    client.ok(raw.ADD_WATCH, raw.versioned(b"/w", 1))
    watch(client, raw.GET_CHILDREN, b"/w")
    zxid = client.ok(raw.CREATE, raw.create(b"/w/c")).zxid
    assert client.noted == [Event(raw.CREATED, b"/w/c", zxid), Event(raw.CHILDREN_CHANGED, b"/w", zxid)]


def test_27_persistent_and_recursive_go_together() -> None:
    client = new_client()
    for mode in (0, 1):
        client.ok(raw.ADD_WATCH, raw.versioned(b"/w", mode))
    client.ok(raw.REMOVE_WATCHES, raw.versioned(b"/w", 3))
    assert client.server.database.watches.idle()
    client.create(b"/w")
    assert client.noted == []


def test_28_events_of_a_multi() -> None:
    client = new_client()
    client.create(b"/w")
    for mode in (0, 1):
        client.ok(raw.ADD_WATCH, raw.versioned(b"/w", mode))
    reply = client.ok(
        raw.MULTI,
        raw.multi(
            (raw.CREATE, raw.create(b"/w/c")), (raw.SET_DATA, raw.set_data(b"/w/c", b"x")),
            (raw.DELETE, raw.versioned(b"/w/c")),
        ),
    )  # fmt: skip
    told = [(raw.CREATED, b"/w/c"), (raw.CHILDREN_CHANGED, b"/w"), (raw.DATA_CHANGED, b"/w/c"),
            (raw.DELETED, b"/w/c"), (raw.CHILDREN_CHANGED, b"/w")]  # fmt: skip
    assert client.noted == [Event(kind, path, reply.zxid) for kind, path in told]


def test_29_no_event_without_read() -> None:
    server = Server()
    blind, other = server.connect(), server.connect(address=b"10.9.9.9")
    watch(blind, raw.EXISTS, b"/a")
    blind.ok(raw.ADD_WATCH, raw.versioned(b"/", 1))
    other.create(b"/a", entries=NOBODY)
    other.write(b"/a", b"x")
    other.create(b"/a/c")
    other.delete(b"/a/c")
    other.delete(b"/a")
    assert [event.path for event in blind.events()] == [b"/a/c", b"/a/c"]
    blind.create(b"/a")
    assert [event.type for event in blind.noted] == [raw.CREATED]


def test_30_own_ephemerals() -> None:
    client = new_client()
    client.create(b"/e", flags=1)
    watch(client, raw.GET_DATA, b"/e")
    watch(client, raw.GET_CHILDREN, b"/")
    reply = client.ok(raw.CLOSE_SESSION)
    assert client.noted == [Event(raw.DELETED, b"/e", reply.zxid), Event(raw.CHILDREN_CHANGED, b"/", reply.zxid)]
    assert client.is_closed


def test_31_expiry() -> None:
    server = Server()
    client, other = server.connect(4000), server.connect(40_000)
    client.create(b"/e", flags=1)
    client.ok(raw.ADD_WATCH, raw.versioned(b"/", 1))
    watch(other, raw.EXISTS, b"/e")
    server.now_ms = 3999
    server.service.expire_sessions()
    client.send(raw.request(-2, raw.PING))
    assert client.take() == [raw.Reply(-2, 3, 0, b"")]
    server.now_ms = 3999 + 4000
    server.service.expire_sessions()
    server.commit()
    assert not client.is_closed
    server.now_ms = 3999 + 4000 + 2000
    server.service.expire_sessions()
    server.commit()
    assert client.is_closed
    assert client.take() == []
    assert [(event.type, event.path) for event in other.events()] == [(raw.DELETED, b"/e")]
