"""The corner cases of the client protocol, numbered as in the list that the specification ends with.

Not here: 38, as nothing serves reads only yet. What four-letter words say is the server's (34 is their recognition).
"""

from collections.abc import Callable

import pytest
import raw_wire as raw
from pipeline_harness import FIRST_SESSION, Client, Server

from zkeeper.database.sessions import session_password

Case = Callable[[], None]
ROWS: dict[str, Case] = {}
REFUSAL = raw.framed(bytes(16) + raw.buffer(bytes(16)) + b"\0")
MULTI_END = bytes.fromhex("ffffffff01ffffffff")


def row(name: str) -> Callable[[Case], Case]:
    def keep(case: Case) -> Case:
        assert name not in ROWS
        ROWS[name] = case
        return case

    return keep


def in_both_states() -> list[Client]:
    """A connection before its handshake and one after it."""
    server = Server()
    return [server.open(), server.connect()]


@row("1-too-long-a-frame")
def _() -> None:
    for client in in_both_states():
        client.send(bytes.fromhex("00100000"))
        assert client.is_closed
        assert client.outlet.take() == b""


@row("2-the-longest-frame-is-waited-for")
def _() -> None:
    for client in in_both_states():
        client.send(bytes.fromhex("000fffff"))
        assert not client.is_closed


@row("2-the-longest-frame-is-served")
def _() -> None:
    client = Server().connect()
    data = bytes(0xFFFFF - len(raw.request(0, raw.SET_DATA, raw.set_data(b"/zookeeper", b""))) + 4)
    frame = raw.request(1, raw.SET_DATA, raw.set_data(b"/zookeeper", data))
    assert frame[:4] == bytes.fromhex("000fffff")
    for at in range(0, len(frame), 65536):
        client.send(frame[at : at + 65536])
    client.server.commit()
    assert client.take()[0].err == 0
    assert client.get(b"/zookeeper")[0] == data


@row("3-no-length")
def _() -> None:
    for length in ("00000000", "ffffffff", "80000000"):
        for client in in_both_states():
            client.send(bytes.fromhex(length))
            assert client.is_closed
            assert client.outlet.take() == b""


@row("4-timeout-negotiation")
def _() -> None:
    for wanted_ms, given_ms in [(0, 4000), (-1, 4000), (3999, 4000), (4001, 4001), (40000, 40000), (2**31 - 1, 40000)]:
        assert Server().connect(wanted_ms).timeout_ms == given_ms


@row("5-no-read-only-byte")
def _() -> None:
    client = Server().open()
    assert len(client.handshake(raw.connect(tail=b""))) == 4 + 36
    client = Server().open()
    assert len(client.handshake(raw.connect(tail=b"\1junk"))) == 4 + 37


@row("6-client-from-the-future")
def _() -> None:
    server = Server()
    server.connect()
    for seen_zxid, is_let_in in [(1, True), (-5, True), (2, True), (6, False)]:
        client = server.open()
        sent = client.handshake(raw.connect(seen_zxid=seen_zxid))
        assert bool(sent) == is_let_in
        assert client.is_closed != is_let_in


@row("7-wrong-password")
def _() -> None:
    server = Server()
    holder = server.connect()
    for password in (b"\1" * 16, bytes(16), b"", None, holder.password[:15], holder.password + b"\0"):
        thief = server.open()
        assert thief.handshake(raw.connect(session_id=holder.session_id, password=password)) == REFUSAL
        assert thief.is_closed
    assert holder.is_closed
    again = server.open()
    again.handshake(raw.connect(5000, holder.session_id, holder.password))
    assert (again.session_id, again.timeout_ms) == (holder.session_id, 5000)


@row("8-closed-or-unknown-session")
def _() -> None:
    server = Server()
    client = server.connect()
    client.ok(raw.CLOSE_SESSION)
    for session_id in (client.session_id, FIRST_SESSION + 77, -1):
        late = server.open()
        sent = late.handshake(raw.connect(session_id=session_id, password=session_password(session_id)))
        assert sent == REFUSAL
        assert late.is_closed
    assert server.last_logged == 2


@row("8-closing-session")
def _() -> None:
    server = Server()
    client = server.connect()
    client.post(raw.CLOSE_SESSION)
    late = server.open()
    late.send(raw.connect(session_id=client.session_id, password=client.password))
    assert late.outlet.take() == REFUSAL
    server.commit()
    assert late.is_closed


@row("9-connect-and-read-in-one-segment")
def _() -> None:
    client = Server().open()
    client.send(raw.connect() + raw.request(5, raw.GET_DATA, raw.read(b"/")))
    assert client.outlet.take() == b""
    client.server.commit()
    first, second = raw.split(client.outlet.take())
    assert len(first) == 37
    assert raw.reply(second).xid == 5
    assert raw.reply(second).zxid == 1


@row("10-unknown-opcode")
def _() -> None:
    check_unimplemented(99)


@row("10-opcodes-that-clients-may-not-use")
def _() -> None:
    for op in (0, 10, 23, 108, 99999, -1, -2, -10, 20, 2**31 - 1, -(2**31)):
        check_unimplemented(op)


@row("11-check-outside-a-multi")
def _() -> None:
    check_unimplemented(raw.CHECK)


def check_unimplemented(op: int) -> None:
    client = Server().connect()
    client.send(raw.request(1, op, raw.versioned(b"/", 0)))
    assert client.outlet.take() == bytes.fromhex("0000001000000001fffffffffffffffffffffffa")
    assert client.is_closed
    assert client.server.last_logged == 1


@row("10-overtakes-and-discards")
def _() -> None:
    client = Server().connect()
    first, last = [raw.request(xid, raw.CREATE, raw.create(path)) for xid, path in [(1, b"/a"), (3, b"/b")]]
    client.send(first + raw.request(2, 99) + last)
    assert [reply.xid for reply in client.take()] == [2]
    client.server.commit()
    assert client.take() == []
    assert client.server.connect().stat(b"/a").czxid == 2


@row("12-body-cut-off")
def _() -> None:
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


@row("12-every-body-cut-off-everywhere")
def _() -> None:
    for op, body in BODIES.items():
        client = Server(extended_types=True).connect()
        for size in range(len(body)):
            reply = client.call(op, body[:size])
            # A multi is the one request that has its place in the order of zxids even then.
            zxid = client.xid + 1 if op == raw.MULTI else 1
            assert reply == raw.Reply(client.xid, zxid, -5, b""), (op, size)
            assert client.noted == []


@row("12-junk-behind-every-body-is-ignored")
def _() -> None:
    for op, body in BODIES.items():
        server = Server(extended_types=True)
        client = server.connect()
        if op in (raw.DELETE, raw.CHECK_WATCHES, raw.REMOVE_WATCHES):
            client.create(b"/a")
            client.ok(raw.ADD_WATCH, raw.versioned(b"/", 0))
        expected = {raw.EXISTS: -101, raw.RECONFIG: -123}.get(op, 0)
        assert client.call(op, body + b"junkjunk").err == expected, op


@row("13-null-path")
def _() -> None:
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


@row("14-junk-behind-a-read")
def _() -> None:
    client = Server().connect()
    assert client.ok(raw.GET_DATA, raw.read(b"/") + bytes(8)).cursor().buffer() == b""


@row("15-any-byte-is-a-watch")
def _() -> None:
    client = Server().connect()
    client.create(b"/a")
    client.ok(raw.GET_DATA, raw.buffer(b"/a") + b"\2")
    client.write(b"/a", b"x")
    assert client.noted == [raw.Event(raw.DATA_CHANGED, b"/a", 3)]


@row("16-ping-xid")
def _() -> None:
    client = Server().connect()
    client.send(raw.request(77, raw.PING, b"junk"))
    assert client.take() == [raw.Reply(-2, 1, 0, b"")]
    client.stat(b"/")


@row("17-null-data")
def _() -> None:
    client = Server().connect()
    for data in (None, b"", b"x", None):
        assert client.write(b"/", data).data_bytes == len(data or b"")
        assert client.get(b"/")[0] == data


@row("18-unknown-auth-scheme")
def _() -> None:
    for scheme, data in [(b"nope", b"x"), (None, b""), (b"world", b"anyone"), (b"super", b""), (b"digest", None),
                         (b"sasl", b"bob"), (b"x509", b""), (b"", b"")]:  # fmt: skip
        client = Server().connect()
        client.send(raw.request(-4, raw.AUTH, raw.auth(scheme, data)) + raw.request(1, raw.PING))
        assert client.take() == [raw.Reply(-4, 0, -115, b"")]
        assert client.is_closed


@row("18-auth-packet-cut-off")
def _() -> None:
    for op in (raw.AUTH, raw.SASL):
        client = Server().connect()
        client.send(raw.request(-4, op, b"\0\0\0"))
        assert client.outlet.take() == b""
        assert client.is_closed


@row("19-digest-without-password")
def _() -> None:
    client = Server().connect()
    client.log_in(b"justname")
    assert client.who_am_i() == {(b"digest", b"justname"), (b"ip", b"127.0.0.1")}


@row("20-auth-between-creates")
def _() -> None:
    client = Server().connect()
    creates = [raw.request(xid, raw.CREATE, raw.create(b"/n%d" % xid)) for xid in range(1, 6)]
    client.send(b"".join([*creates, raw.request(-4, raw.AUTH, raw.auth(b"digest", b"a:b"))]))
    client.server.commit()
    replies = client.take()
    assert [reply.xid for reply in replies if reply.xid != -4] == [1, 2, 3, 4, 5]
    assert [(reply.zxid, reply.err) for reply in replies if reply.xid == -4] == [(0, 0)]


@row("21-sasl-without-sasl")
def _() -> None:
    assert Server().connect().call(raw.SASL, raw.buffer(b"")) == raw.Reply(1, 0, 0, raw.i32(-1))


@row("22-empty-multi")
def _() -> None:
    client = Server().connect()
    assert client.call(raw.MULTI, raw.multi()) == raw.Reply(1, 2, 0, MULTI_END)
    assert client.call(raw.MULTI_READ, raw.multi()) == raw.Reply(2, 2, 0, MULTI_END)
    assert client.server.last_logged == 2


@row("23-failing-multi")
def _() -> None:
    client = Server().connect()
    ops = [
        (raw.CREATE, raw.create(b"/a")),
        (raw.CHECK, raw.versioned(b"/", 9)),
        (raw.DELETE, raw.versioned(b"/a")),
    ]
    assert [result.err for result in client.multi(*ops)] == [0, -103, -2]
    assert [result.type for result in client.multi(*ops)] == [-1, -1, -1]
    assert client.err(raw.EXISTS, raw.read(b"/a")) == -101


@row("24-not-in-a-multi")
def _() -> None:
    client = Server().connect()
    for op in (raw.MULTI, raw.SET_ACL, raw.EXISTS, raw.GET_DATA, raw.GET_CHILDREN, raw.DELETE_CONTAINER, 99, -11, 0):
        body = raw.multi((raw.CREATE, raw.create(b"/a")), (op, raw.multi()))
        reply = client.call(raw.MULTI, body)
        assert (reply.err, reply.body) == (-5, b""), op
    assert client.err(raw.EXISTS, raw.read(b"/a")) == -101
    assert client.err(raw.MULTI, raw.multi()[:-1]) == -5
    assert client.err(raw.MULTI) == -5


@row("24-only-done-ends-a-multi")
def _() -> None:
    client = Server().connect()
    body = raw.i32(raw.CREATE) + b"\0" + raw.i32(7) + raw.create(b"/a") + raw.i32(42) + b"\2" + raw.i32(5)
    assert [result.path for result in raw.results(client.ok(raw.MULTI, body).body)] == [b"/a"]


@row("25-result-types")
def _() -> None:
    client = Server(extended_types=True).connect()
    made = client.multi(
        (raw.CREATE_CONTAINER, raw.create(b"/c", flags=4)),
        (raw.CREATE_TTL, raw.create(b"/t", flags=5, ttl_ms=1000)),
        (raw.CREATE2, raw.create(b"/d")),
        (raw.CREATE, raw.create(b"/e")),
    )
    assert [result.type for result in made] == [15, 15, 15, 1]
    assert [result.stat for result in made[:3]] == [client.stat(path) for path in (b"/c", b"/t", b"/d")]


@row("26-multi-read")
def _() -> None:
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


@row("27-multi-read-with-a-write")
def _() -> None:
    client = Server().connect()
    reply = client.call(raw.MULTI_READ, raw.multi((raw.DELETE, raw.versioned(b"/zz"))))
    assert (reply.err, reply.body) == (-5, MULTI_END)


@row("28-exists-watch-on-a-missing-znode")
def _() -> None:
    server = Server()
    watching, other = server.connect(), server.connect()
    assert watching.err(raw.EXISTS, raw.read(b"/a", True)) == -101
    zxid = other.ok(raw.CREATE, raw.create(b"/a")).zxid
    assert watching.events() == [raw.Event(raw.CREATED, b"/a", zxid)]


@row("29-set-watches-tells-what-was-missed")
def _() -> None:
    client = Server().connect()
    client.create(b"/a")
    client.write(b"/a", b"x")
    client.ok(raw.SET_WATCHES, raw.set_watches(1, [b"/a"], [], []))
    assert client.noted == [raw.Event(raw.DATA_CHANGED, b"/a", -1)]


@row("29-set-watches-tells-only-what-was-missed")
def _() -> None:
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


@row("30-null-list-of-watches")
def _() -> None:
    client = Server().connect()
    for at in range(3):
        lists: list[list[bytes] | None] = [[b"/none"], [b"/"], [b"/none"]]
        lists[at] = None
        reply = client.call(raw.SET_WATCHES, raw.set_watches(1, *lists))
        assert (reply.err, reply.body, len(client.noted)) == (-5, b"", at)
    assert client.err(raw.SET_WATCHES2, raw.set_watches(1, [], [], [], None, [])) == -5


@row("31-add-watch")
def _() -> None:
    client = Server().connect()
    for mode in (2, -1, 3):
        assert client.err(raw.ADD_WATCH, raw.versioned(b"/", mode)) == -5
    for path in (b"/none", b"no-path", b"", b"/a//b"):
        assert client.ok(raw.ADD_WATCH, raw.versioned(path, 0)).body == raw.i32(0)


@row("32-remove-watches-twice")
def _() -> None:
    client = Server().connect()
    client.ok(raw.GET_CHILDREN, raw.read(b"/", True))
    for kind in (0, 9, 6, -1):
        assert client.err(raw.REMOVE_WATCHES, raw.versioned(b"/", kind)) == -5
        assert client.err(raw.CHECK_WATCHES, raw.versioned(b"/", kind)) == -5
    assert client.err(raw.CHECK_WATCHES, raw.versioned(b"/", 2)) == -121
    assert client.err(raw.CHECK_WATCHES, raw.versioned(b"/", 1)) == 0
    assert client.err(raw.REMOVE_WATCHES, raw.versioned(b"/", 1)) == 0
    assert client.err(raw.REMOVE_WATCHES, raw.versioned(b"/", 1)) == -121


@row("33-read-behind-close-session")
def _() -> None:
    client = Server().connect()
    client.send(raw.request(1, raw.CLOSE_SESSION) + raw.request(2, raw.GET_DATA, raw.read(b"/")))
    client.server.commit()
    assert client.take() == [raw.Reply(1, 2, 0, b"")]
    assert client.is_closed


class Words:
    def knows(self, word: bytes) -> bool:
        return word in (b"ruok", b"stmk")

    def answer(self, word: bytes, argument: bytes, link: object) -> bytes:
        return b"%s(%s)" % (word, argument)


@row("34-four-letter-words")
def _() -> None:
    for sent, answer in [(b"abcd", b""), (b"ruok", b"ruok()"), (b"ruok\n", b"ruok(\n)")]:
        client = Server().open()
        client.server.service.words = Words()
        client.send(sent)
        assert client.outlet.take() == answer
        assert client.is_closed


@row("34-words-in-pieces")
def _() -> None:
    client = Server().open()
    client.server.service.words = Words()
    for piece in (b"s", b"tm", b"k1234", b"567"):
        client.send(piece)
        assert client.outlet.take() == b""
    client.send(b"8")
    assert client.outlet.take() == b"stmk(12345678)"


@row("34-no-words-after-the-handshake")
def _() -> None:
    client = Server().connect()
    client.server.service.words = Words()
    client.send(b"ruok")
    assert client.outlet.take() == b""
    assert client.is_closed


@row("35-ttl-without-extended-types")
def _() -> None:
    client = Server().connect()
    for op, flags in [(raw.CREATE_TTL, 5), (raw.CREATE_TTL, 6), (raw.CREATE, 5), (raw.CREATE_CONTAINER, 6)]:
        ttl_ms = 1000 if op == raw.CREATE_TTL else None
        assert client.err(op, raw.create(b"/a", flags=flags, ttl_ms=ttl_ms)) == -6
    assert not client.is_closed
    assert client.server.last_logged == 5


@row("36-create-flags")
def _() -> None:
    client = Server().connect()
    for flags in (7, 8, 100, -1, -(2**31)):
        assert client.err(raw.CREATE, raw.create(b"/a", flags=flags)) == -8


@row("37-no-acl")
def _() -> None:
    client = Server().connect()
    nothing: tuple[list[raw.RawEntry] | None, ...] = (None, [])
    for entries in nothing:
        assert client.err(raw.CREATE, raw.create(b"/a", entries=entries)) == -114
        assert client.err(raw.SET_ACL, raw.set_acl(b"/", entries)) == -114
    assert client.err(raw.MULTI, raw.multi((raw.CREATE, raw.create(b"/a", entries=None)))) == -5
    assert [result.err for result in client.multi((raw.CREATE, raw.create(b"/a", entries=[])))] == [-114]
    ttl = raw.create(b"/a", entries=None, flags=0, ttl_ms=5)
    assert [result.err for result in client.multi((raw.CREATE_TTL, ttl))] == [-114]


# Section 7 and 8.2: which znode a create makes.

CONTAINER, TTL, PLAIN, EPHEMERAL = "container", "ttl", "plain", "ephemeral"


def kind_made(server: Server, path: bytes) -> str:
    tree = server.database.tree
    if path in tree.containers:
        return CONTAINER
    if path in tree.ttls:
        return TTL
    return EPHEMERAL if any(path in owned for owned in tree.ephemerals.values()) else PLAIN


def create_alone(client: Client, op: int, flags: int, ttl_ms: int | None) -> str | int:
    body = raw.create(b"/n", flags=flags, ttl_ms=ttl_ms if op == raw.CREATE_TTL else None)
    reply = client.call(op, body)
    path = reply.cursor().buffer() if reply.err == 0 else None
    return kind_made(client.server, path) if path else reply.err


def create_in_multi(client: Client, op: int, flags: int, ttl_ms: int | None) -> str | int:
    body = raw.create(b"/n", flags=flags, ttl_ms=ttl_ms if op == raw.CREATE_TTL else None)
    reply = client.call(raw.MULTI, raw.multi((op, body)))
    if reply.err:
        return reply.err
    (result,) = raw.results(reply.body)
    return kind_made(client.server, result.path) if result.path else result.err


KINDS_ALONE: list[tuple[int, int, int | None, str | int]] = [
    *[(op, flags, None, kind) for op in (1, 15) for flags, kind in enumerate([PLAIN, EPHEMERAL, PLAIN, EPHEMERAL])],
    *[(op, 4, None, PLAIN) for op in (1, 15)],
    *[(op, flags, None, -8) for op in (1, 15, 19) for flags in (5, 6)],
    *[(19, flags, None, CONTAINER) for flags in range(5)],
    *[(21, flags, ttl_ms, TTL) for flags in (5, 6) for ttl_ms in (1, 0xFFFFFFFFFF)],
    *[(21, flags, ttl_ms, -8) for flags in (5, 6) for ttl_ms in (0, -1, 0x10000000000, -(2**63))],
    *[(21, flags, ttl_ms, -8) for flags in range(5) for ttl_ms in (-1, 0, 1000)],
    *[(op, 7, 5, -8) for op in (1, 15, 19, 21)],
]
KINDS_IN_MULTI: list[tuple[int, int, int | None, str | int]] = [
    *[(op, flags, None, kind) for op in (1, 15) for flags, kind in enumerate([PLAIN, EPHEMERAL, PLAIN, EPHEMERAL])],
    *[(op, 4, None, CONTAINER) for op in (1, 15)],
    *[(op, flags, None, -5) for op in (1, 15, 19) for flags in (5, 6, 7, -1)],
    *[(19, flags, None, CONTAINER) for flags in range(5)],
    *[(21, flags, 1000, TTL) for flags in (5, 6)],
    *[(21, flags, 0, -8) for flags in (5, 6, 7, -1)],
    *[(21, flags, ttl_ms, kind) for ttl_ms in (-1, 7) for flags, kind in enumerate([PLAIN, EPHEMERAL] * 2)],
    *[(21, 4, ttl_ms, CONTAINER) for ttl_ms in (-1, 7)],
]


@pytest.mark.parametrize("case", ROWS.values(), ids=ROWS.keys())
def test_row(case: Case) -> None:
    case()


@pytest.mark.parametrize(("op", "flags", "ttl_ms", "made"), KINDS_ALONE)
def test_the_kind_of_znode_that_a_create_makes(op: int, flags: int, ttl_ms: int | None, made: str | int) -> None:
    client = Server(extended_types=True).connect()
    assert create_alone(client, op, flags, ttl_ms) == made
    assert client.server.database.digest_mismatches == 0


@pytest.mark.parametrize(("op", "flags", "ttl_ms", "made"), KINDS_IN_MULTI)
def test_the_kind_of_znode_that_a_create_in_a_multi_makes(
    op: int, flags: int, ttl_ms: int | None, made: str | int
) -> None:
    client = Server(extended_types=True).connect()
    assert create_in_multi(client, op, flags, ttl_ms) == made
    assert client.server.database.digest_mismatches == 0
