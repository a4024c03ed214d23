"""Corner cases of the client protocol: opcodes and bodies that are not as they should be (10 to 17, 33, 37)."""

import pytest
import raw_wire as raw
from pipeline_harness import Server


def check_unimplemented(op: int) -> None:
    client = Server().connect()
    client.send(raw.request(1, op, raw.versioned(b"/", 0)))
    assert client.outlet.take() == bytes.fromhex("0000001000000001fffffffffffffffffffffffa")
    assert client.is_closed
    assert client.server.last_logged == 1


def test_10_unknown_opcode() -> None:
    check_unimplemented(99)


def test_10_opcodes_that_clients_may_not_use() -> None:
    for op in (0, 10, 23, 108, 99999, -1, -2, -10, 20, 2**31 - 1, -(2**31)):
        check_unimplemented(op)


def test_11_check_outside_a_multi() -> None:
    check_unimplemented(raw.CHECK)


def test_10_overtakes_and_discards() -> None:
    client = Server().connect()
    first, last = [raw.request(xid, raw.CREATE, raw.create(path)) for xid, path in [(1, b"/a"), (3, b"/b")]]
    client.send(first + raw.request(2, 99) + last)
    assert [reply.xid for reply in client.take()] == [2]
    client.server.commit()
    assert client.take() == []
    assert client.server.connect().stat(b"/a").czxid == 2


def test_12_body_cut_off() -> None:
    client = Server().connect()
    reply = client.call(raw.GET_DATA, bytes.fromhex("000000052f61"))
    assert (reply.err, reply.zxid, reply.body) == (-5, 1, b"")
    assert client.err(raw.EXISTS, raw.read(b"/")) == 0


BODIES = {
    raw.CREATE: raw.create(b"/a"),
    raw.DELETE: raw.versioned(b"/a"),
    raw.EXISTS: raw.read(b"/a"),
    raw.GET_DATA: raw.read(b"/"),
    raw.SET_DATA: raw.set_data(b"/", b"x"),
    raw.GET_ACL: raw.buffer(b"/"),
    raw.SET_ACL: raw.set_acl(b"/", raw.OPEN),
    raw.GET_CHILDREN: raw.read(b"/"),
    raw.SYNC: raw.buffer(b"/"),
    raw.GET_CHILDREN2: raw.read(b"/"),
    raw.MULTI: raw.multi((raw.CREATE, raw.create(b"/a")), (raw.CHECK, raw.versioned(b"/a", 0))),
    raw.CREATE2: raw.create(b"/a"),
    raw.RECONFIG: raw.buffer(b"1") + raw.buffer(None) + raw.buffer(b"") + raw.i64(-1),
    raw.CHECK_WATCHES: raw.versioned(b"/", 3),
    raw.REMOVE_WATCHES: raw.versioned(b"/", 3),
    raw.CREATE_CONTAINER: raw.create(b"/a", flags=4),
    raw.CREATE_TTL: raw.create(b"/a", flags=5, ttl_ms=1000),
    raw.MULTI_READ: raw.multi((raw.GET_DATA, raw.read(b"/")), (raw.GET_CHILDREN, raw.read(b"/"))),
    raw.SET_WATCHES: raw.set_watches(0, [b"/"], [b"/a"], [b"/"]),
    raw.GET_EPHEMERALS: raw.buffer(b"/"),
    raw.GET_ALL_CHILDREN_NUMBER: raw.buffer(b"/"),
    raw.SET_WATCHES2: raw.set_watches(0, [b"/"], [b"/a"], [b"/"], [b"/"], [b"/"]),
    raw.ADD_WATCH: raw.versioned(b"/", 0),
}


def test_12_every_body_cut_off_everywhere() -> None:
    for op, body in BODIES.items():
        client = Server(extended_types=True).connect()
        for size in range(len(body)):
            reply = client.call(op, body[:size])
            # A multi is the one request that has its place in the order of zxids even then.
            zxid = client.xid + 1 if op == raw.MULTI else 1
            assert reply == raw.Reply(client.xid, zxid, -5, b""), (op, size)
            assert client.noted == []


def test_12_junk_behind_every_body_is_ignored() -> None:
    for op, body in BODIES.items():
        server = Server(extended_types=True)
        client = server.connect()
        if op in (raw.DELETE, raw.CHECK_WATCHES, raw.REMOVE_WATCHES):
            client.create(b"/a")
            client.ok(raw.ADD_WATCH, raw.versioned(b"/", 0))
        expected = {raw.EXISTS: -101, raw.RECONFIG: -123}.get(op, 0)
        assert client.call(op, body + b"junkjunk").err == expected, op


def test_13_null_path() -> None:
    answers = {
        **dict.fromkeys((raw.SYNC, raw.GET_EPHEMERALS, raw.ADD_WATCH, raw.CHECK_WATCHES, raw.REMOVE_WATCHES), 0),
        **dict.fromkeys((raw.SET_DATA, raw.SET_ACL), -8),
    }
    client = Server(extended_types=True).connect()
    client.ok(raw.ADD_WATCH, raw.versioned(None, 0))
    for op, body in BODIES.items():
        if body.startswith((b"\0\0\0\1/", b"\0\0\0\2/a")):
            null = raw.buffer(None) + body[4 + body[3] :]
            assert client.call(op, null).err == answers.get(op, -5), op


def test_14_junk_behind_a_read() -> None:
    client = Server().connect()
    assert client.ok(raw.GET_DATA, raw.read(b"/") + bytes(8)).cursor().buffer() == b""


def test_15_any_byte_is_a_watch() -> None:
    client = Server().connect()
    client.create(b"/a")
    client.ok(raw.GET_DATA, raw.buffer(b"/a") + b"\2")
    client.write(b"/a", b"x")
    assert client.noted == [raw.Event(raw.DATA_CHANGED, b"/a", 3)]


def test_16_ping_xid() -> None:
    client = Server().connect()
    client.send(raw.request(77, raw.PING, b"junk"))
    assert client.take() == [raw.Reply(-2, 1, 0, b"")]
    client.stat(b"/")


def test_17_null_data() -> None:
    client = Server().connect()
    for data in (None, b"", b"x", None):
        assert client.write(b"/", data).data_bytes == len(data or b"")
        assert client.get(b"/")[0] == data


def test_33_read_behind_close_session() -> None:
    client = Server().connect()
    client.send(raw.request(1, raw.CLOSE_SESSION) + raw.request(2, raw.GET_DATA, raw.read(b"/")))
    client.server.commit()
    assert client.take() == [raw.Reply(1, 2, 0, b"")]
    assert client.is_closed


def test_37_no_acl() -> None:
    client = Server().connect()
    nothing: tuple[list[raw.RawEntry] | None, ...] = (None, [])
    for entries in nothing:
        assert client.err(raw.CREATE, raw.create(b"/a", entries=entries)) == -114
        assert client.err(raw.SET_ACL, raw.set_acl(b"/", entries)) == -114
    assert client.err(raw.MULTI, raw.multi((raw.CREATE, raw.create(b"/a", entries=None)))) == -5
    assert [result.err for result in client.multi((raw.CREATE, raw.create(b"/a", entries=[])))] == [-114]
    ttl = raw.create(b"/a", entries=None, flags=0, ttl_ms=5)
    assert [result.err for result in client.multi((raw.CREATE_TTL, ttl))] == [-114]


NO_ACL_FLAGS = [
    (None, 0, 0),
    (None, 4, 0),
    (None, 6, 0),
    (None, 7, 1),
    (None, -1, 1),
    (raw.OPEN, 6, 1),
    (raw.OPEN, 7, 1),
]


@pytest.mark.parametrize(("entries", "flags", "zxids"), NO_ACL_FLAGS)
def test_37_what_a_create_lacks_decides_whether_its_multi_takes_a_zxid(
    entries: list[raw.RawEntry] | None, flags: int, zxids: int
) -> None:
    """Java looks at the range of the flags, then for the ACL, then whether flags of a ttl have one."""
    server = Server()
    client = server.connect()
    before = server.database.last_zxid
    assert client.err(raw.MULTI, raw.multi((raw.CREATE, raw.create(b"/a", entries=entries, flags=flags)))) == -5
    assert server.database.last_zxid == before + zxids


@pytest.mark.parametrize(("entries", "zxids"), [(None, 0), (raw.OPEN, 1)])
def test_37_a_create_without_an_acl_is_noticed_before_the_reads_around_it(
    entries: list[raw.RawEntry] | None, zxids: int
) -> None:
    server = Server()
    client = server.connect()
    before = server.database.last_zxid
    read, create = (raw.GET_DATA, raw.read(b"/")), (raw.CREATE, raw.create(b"/a", entries=entries))
    assert client.err(raw.MULTI, raw.multi(read, create)) == -5
    assert server.database.last_zxid == before + zxids
    assert client.err(raw.MULTI, raw.multi(read, read)) == -5
    assert server.database.last_zxid == before + zxids + 1
    assert client.err(raw.MULTI, raw.multi((raw.CREATE, raw.create(b"/a")), read, create)) == -5
    assert server.database.last_zxid == before + zxids + 2
