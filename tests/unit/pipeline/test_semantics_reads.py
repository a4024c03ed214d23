"""Corner cases of the semantics: single reads (section 6.1)."""

import raw_wire as raw
from pipeline_harness import Server
from semantics_support import new_client


def test_section_6_1_sync() -> None:
    client = new_client()
    for path in (None, b"", b"/none", b"no//path"):
        assert client.ok(raw.SYNC, raw.buffer(path)).body == raw.buffer(path)


def test_section_6_1_get_ephemerals() -> None:
    server = Server()
    client, other = server.connect(), server.connect()
    for path in (b"/a", b"/ab", b"/b"):
        client.create(path, flags=1)
    other.create(b"/a2", flags=1)
    for prefix, expected in [
        (b"/", [b"/a", b"/ab", b"/b"]), (None, [b"/a", b"/ab", b"/b"]), (b"", [b"/a", b"/ab", b"/b"]),
        (b" / \t", [b"/a", b"/ab", b"/b"]), (b"/a", [b"/a", b"/ab"]), (b"/none", []),
    ]:  # fmt: skip
        assert sorted(client.ok(raw.GET_EPHEMERALS, raw.buffer(prefix)).cursor().buffers()) == expected


def test_section_6_1_get_all_children_number() -> None:
    client = new_client()
    for path in (b"/a", b"/a/b", b"/a/b/c", b"/a/d"):
        client.create(path)
    counts = [
        client.ok(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(path)).cursor().i32()
        for path in (b"/", b"/a", b"/a/b", b"/a/d")
    ]
    assert counts == [7, 3, 1, 0]
    assert client.err(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/a/")) == -101


def test_sync_is_answered_behind_what_others_have_on_the_way() -> None:
    server = Server()
    writer, reader = server.connect(), server.connect()
    writer.post(raw.SET_DATA, raw.set_data(b"/", b"1"))
    reader.post(raw.SYNC, raw.buffer(b"/"))
    reader.post(raw.GET_DATA, raw.read(b"/"))
    writer.post(raw.SET_DATA, raw.set_data(b"/", b"2"))
    assert reader.take() == []
    server.commit(1)
    sync, read = reader.take()
    assert (sync.xid, sync.err, sync.cursor().buffer()) == (1, 0, b"/")
    assert sync.zxid == read.zxid == server.database.last_zxid
    assert read.cursor().buffer() == b"1"


def test_a_sync_of_a_connection_that_closed_holds_nothing_up() -> None:
    server = Server()
    writer, gone, other = server.connect(), server.connect(), server.connect()
    writer.post(raw.SET_DATA, raw.set_data(b"/", b"1"))
    gone.post(raw.SYNC, raw.buffer(b"/"))
    other.post(raw.SYNC, raw.buffer(b"/"))
    gone.link.lost()
    server.commit()
    assert [reply.err for reply in other.take()] == [0]
    assert gone.take() == []
