"""Corner cases of the client protocol: multi and multiRead (22 to 27)."""

import raw_wire as raw
from pipeline_harness import Server

MULTI_END = bytes.fromhex("ffffffff01ffffffff")


def test_22_empty_multi() -> None:
    client = Server().connect()
    assert client.call(raw.MULTI, raw.multi()) == raw.Reply(1, 2, 0, MULTI_END)
    assert client.call(raw.MULTI_READ, raw.multi()) == raw.Reply(2, 2, 0, MULTI_END)
    assert client.server.last_logged == 2


def test_23_failing_multi() -> None:
    client = Server().connect()
    ops = [
        (raw.CREATE, raw.create(b"/a")),
        (raw.CHECK, raw.versioned(b"/", 9)),
        (raw.DELETE, raw.versioned(b"/a")),
    ]
    assert [result.err for result in client.multi(*ops)] == [0, -103, -2]
    assert [result.type for result in client.multi(*ops)] == [-1, -1, -1]
    assert client.err(raw.EXISTS, raw.read(b"/a")) == -101


def test_24_not_in_a_multi() -> None:
    client = Server().connect()
    for op in (raw.MULTI, raw.SET_ACL, raw.EXISTS, raw.GET_DATA, raw.GET_CHILDREN, raw.DELETE_CONTAINER, 99, -11, 0):
        body = raw.multi((raw.CREATE, raw.create(b"/a")), (op, raw.multi()))
        reply = client.call(raw.MULTI, body)
        assert (reply.err, reply.body) == (-5, b""), op
    assert client.err(raw.EXISTS, raw.read(b"/a")) == -101
    assert client.err(raw.MULTI, raw.multi()[:-1]) == -5
    assert client.err(raw.MULTI) == -5


def test_24_only_done_ends_a_multi() -> None:
    client = Server().connect()
    body = raw.i32(raw.CREATE) + b"\0" + raw.i32(7) + raw.create(b"/a") + raw.i32(42) + b"\2" + raw.i32(5)
    assert [result.path for result in raw.results(client.ok(raw.MULTI, body).body)] == [b"/a"]


def test_25_result_types() -> None:
    client = Server(extended_types=True).connect()
    made = client.multi(
        (raw.CREATE_CONTAINER, raw.create(b"/c", flags=4)),
        (raw.CREATE_TTL, raw.create(b"/t", flags=5, ttl_ms=1000)),
        (raw.CREATE2, raw.create(b"/d")),
        (raw.CREATE, raw.create(b"/e")),
    )
    assert [result.type for result in made] == [15, 15, 15, 1]
    assert [result.stat for result in made[:3]] == [client.stat(path) for path in (b"/c", b"/t", b"/d")]


def test_26_multi_read() -> None:
    client = Server().connect()
    client.write(b"/", b"v")
    body = raw.multi(
        (raw.GET_DATA, raw.read(b"/none")), (raw.GET_DATA, raw.read(b"/", True)), (raw.GET_CHILDREN, raw.read(b"/"))
    )
    reply = client.ok(raw.MULTI_READ, body)
    missing, data, children = raw.results(reply.body)
    assert (missing.type, missing.err) == (-1, -101)
    assert (data.data, data.stat) == client.get(b"/")
    assert children.children == [b"zookeeper"]
    client.write(b"/", b"w")
    assert client.noted == []


def test_27_multi_read_with_a_write() -> None:
    client = Server().connect()
    reply = client.call(raw.MULTI_READ, raw.multi((raw.DELETE, raw.versioned(b"/zz"))))
    assert (reply.err, reply.body) == (-5, MULTI_END)
