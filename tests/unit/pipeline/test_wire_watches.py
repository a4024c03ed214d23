"""Corner cases of the client protocol: setting, taking over and removing watches (28 to 32)."""

import raw_wire as raw
from pipeline_harness import Server


def test_28_exists_watch_on_a_missing_znode() -> None:
    server = Server()
    watching, other = server.connect(), server.connect()
    assert watching.err(raw.EXISTS, raw.read(b"/a", True)) == -101
    zxid = other.ok(raw.CREATE, raw.create(b"/a")).zxid
    assert watching.events() == [raw.Event(raw.CREATED, b"/a", zxid)]


def test_29_set_watches_tells_what_was_missed() -> None:
    client = Server().connect()
    client.create(b"/a")
    client.write(b"/a", b"x")
    client.ok(raw.SET_WATCHES, raw.set_watches(1, [b"/a"], [], []))
    assert client.noted == [raw.Event(raw.DATA_CHANGED, b"/a", -1)]


def test_29_set_watches_tells_only_what_was_missed() -> None:
    client = Server().connect()
    client.create(b"/a")
    zxid = client.delete(b"/a").zxid
    client.create(b"/b")
    lists = [b"/b", b"/a"], [b"/b", b"/a"], [b"/", b"/b", b"/a"], [b"/a"], [b"/"]
    client.ok(raw.SET_WATCHES2, raw.set_watches(zxid + 1, *lists))
    told = [(raw.DELETED, b"/a"), (raw.CREATED, b"/b"), (raw.DELETED, b"/a")]
    assert client.noted == [raw.Event(kind, path, -1) for kind, path in told]
    zxid = client.call(raw.CREATE, raw.create(b"/a")).zxid
    assert client.noted == [raw.Event(raw.CREATED, b"/a", zxid), raw.Event(raw.CHILDREN_CHANGED, b"/", zxid)]


def test_30_null_list_of_watches() -> None:
    client = Server().connect()
    for at in range(3):
        lists: list[list[bytes] | None] = [[b"/none"], [b"/"], [b"/none"]]
        lists[at] = None
        reply = client.call(raw.SET_WATCHES, raw.set_watches(1, *lists))
        assert (reply.err, reply.body, len(client.noted)) == (-5, b"", at)
    assert client.err(raw.SET_WATCHES2, raw.set_watches(1, [], [], [], None, [])) == -5


def test_31_add_watch() -> None:
    client = Server().connect()
    for mode in (2, -1, 3):
        assert client.err(raw.ADD_WATCH, raw.versioned(b"/", mode)) == -5
    for path in (b"/none", b"no-path", b"", b"/a//b"):
        assert client.ok(raw.ADD_WATCH, raw.versioned(path, 0)).body == raw.i32(0)


def test_32_remove_watches_twice() -> None:
    client = Server().connect()
    client.ok(raw.GET_CHILDREN, raw.read(b"/", True))
    for kind in (0, 9, 6, -1):
        assert client.err(raw.REMOVE_WATCHES, raw.versioned(b"/", kind)) == -5
        assert client.err(raw.CHECK_WATCHES, raw.versioned(b"/", kind)) == -5
    assert client.err(raw.CHECK_WATCHES, raw.versioned(b"/", 2)) == -121
    assert client.err(raw.CHECK_WATCHES, raw.versioned(b"/", 1)) == 0
    assert client.err(raw.REMOVE_WATCHES, raw.versioned(b"/", 1)) == 0
    assert client.err(raw.REMOVE_WATCHES, raw.versioned(b"/", 1)) == -121
