"""The corner cases of ZooKeeper's semantics, numbered as in the list that the specification ends with.

Not here: 44 (a limit of the listener), 45 and 46 (ensembles); 18 to 20 only as far as the request road decides them.
"""

from collections.abc import Callable

import pytest
import raw_wire as raw
from pipeline_harness import START_MS, Client, Server
from raw_wire import Event, Stat

from zkeeper.database.auth import AuthRules

Case = Callable[[], None]
ROWS: dict[str, Case] = {}
QUOTA = b"/zookeeper/quota"
SUPER = AuthRules(super_digest=b"super:xQJmxLMiHGwaqBvst5y6rkB6HQs=")
NOBODY: list[raw.RawEntry] = [(31, b"ip", b"10.9.9.9")]


def row(name: str) -> Callable[[Case], Case]:
    def keep(case: Case) -> Case:
        assert name not in ROWS
        ROWS[name] = case
        return case

    return keep


def new_client() -> Client:
    return Server().connect()


def create_err(client: Client, path: bytes | None, flags: int = 0, entries: list[raw.RawEntry] | None = None) -> int:
    return client.call(raw.CREATE, raw.create(path, b"", flags, entries or raw.OPEN)).err


def get_err(client: Client, path: bytes) -> int:
    return client.call(raw.GET_DATA, raw.read(path)).err


def watch(client: Client, op: int, path: bytes) -> int:
    return client.call(op, raw.read(path, True)).err


@row("1-invalid-paths")
def _() -> None:
    client = new_client()
    client.create(b"/p")
    for path in (b"", b"foo", b"/p/", b"/p/.", b"/p/..", b"//x", b"/p/a\0", b"/p/\1", b"/p/\x1f", b"/p/\x7f", b"/."):
        assert create_err(client, path) == -8, path
    assert create_err(client, b"/") == -110
    for path in (b"/p//b", b"/p/./b", b"foo/b", b"///x"):
        assert create_err(client, path) == -101, path


@row("1-invalid-paths-of-other-writes")
def _() -> None:
    client = new_client()
    client.create(b"/p")
    for path in (b"", b"foo", b"/p/", b"/p/.", b"//p", b"/p\0"):
        assert client.err(raw.SET_DATA, raw.set_data(path, b"")) == -8, path
        assert client.err(raw.SET_ACL, raw.set_acl(path, raw.OPEN)) == -8, path
        assert [result.err for result in client.multi((raw.CHECK, raw.versioned(path)))] == [-8], path
    for path, err in [(b"", -8), (b"foo", -8), (b"/p\0", -8), (b"/p/", -101), (b"//p", -101)]:
        assert client.err(raw.DELETE, raw.versioned(path)) == err, path
    for path, err in [(b"/p\0", -8), (b"/p/", -101), (b"p", -101)]:
        assert client.err(raw.EXISTS, raw.read(path)) == err, path


@row("2-dots-that-are-allowed")
def _() -> None:
    client = new_client()
    client.create(b"/p")
    for path in (b"/p/...", b"/p/a..", b"/p/.a", b"/p/a b", b"/p/~"):
        assert client.create(path) == path


@row("3-boundaries-of-characters")
def _() -> None:
    client = new_client()
    for code, is_allowed in [(0xD7FF, True), (0xE000, False), (0xF8FF, False), (0xF900, True), (0xFFEF, True),
                             (0xFFF0, False), (0xFFFD, False), (0x80, False), (0x9F, False), (0xA0, True)]:  # fmt: skip
        assert create_err(client, b"/" + chr(code).encode()) == (0 if is_allowed else -8), hex(code)


@row("4-not-in-the-basic-plane")
def _() -> None:
    client = new_client()
    for name in ("😀".encode(), b"\xed\xa0\xbd\xed\xb8\x80", b"\xff", b"\xc3", b"a\x80"):
        assert create_err(client, b"/" + name) == -8


@row("5-null-path")
def _() -> None:
    client = new_client()
    reply = client.call(raw.CREATE, raw.create(None))
    assert (reply.err, reply.zxid) == (-5, 2)
    assert client.call(raw.EXISTS, raw.read(None)).err == -5
    assert client.call(raw.GET_DATA, raw.read(None)).err == -5


@row("6-empty-path-is-the-root")
def _() -> None:
    client = new_client()
    assert client.stat(b"") == client.stat(b"/")
    assert client.get(b"") == client.get(b"/")
    assert client.children(b"") == [b"zookeeper"]


@row("7-fresh-tree")
def _() -> None:
    client = new_client()
    zero = Stat(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert client.stat(b"/") == zero._replace(cversion=-1, children=1)
    assert client.stat(b"/zookeeper") == zero._replace(cversion=-2, children=2)
    assert client.stat(b"/zookeeper/quota") == zero
    assert client.stat(b"/zookeeper/config") == zero._replace(aversion=-1)
    entries = client.ok(raw.GET_ACL, raw.buffer(b"/zookeeper/config")).cursor().acl()
    assert entries == [(1, b"world", b"anyone")]
    assert client.ok(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/")).cursor().i32() == 3


@row("8-parent-of-a-child")
def _() -> None:
    client = new_client()
    client.create(b"/p")
    before = client.stat(b"/p")
    created = client.ok(raw.CREATE, raw.create(b"/p/c")).zxid
    assert client.stat(b"/p") == before._replace(cversion=1, children=1, pzxid=created)
    deleted = client.delete(b"/p/c").zxid
    assert client.stat(b"/p") == before._replace(cversion=2, children=0, pzxid=deleted)


@row("9-set-acl-changes-aversion-only")
def _() -> None:
    client = new_client()
    client.create(b"/p")
    watch(client, raw.GET_DATA, b"/p")
    before = client.stat(b"/p")
    reply = client.ok(raw.SET_ACL, raw.set_acl(b"/p", raw.OPEN, 0))
    assert client.noted == []
    assert reply.cursor().stat() == client.stat(b"/p") == before._replace(aversion=1)
    assert client.err(raw.SET_ACL, raw.set_acl(b"/p", raw.OPEN, 0)) == -103


@row("10-a-failed-write-uses-a-zxid-up")
def _() -> None:
    client = new_client()
    replies = [client.call(raw.CREATE, raw.create(path)) for path in (b"/a", b"/a", b"/b")]
    assert [(reply.zxid, reply.err) for reply in replies] == [(2, 0), (3, -110), (4, 0)]


@row("11-reserved-znodes-stay")
def _() -> None:
    client = new_client()
    for path in (b"/zookeeper/config", b"/zookeeper/quota", b"/zookeeper", b"/"):
        assert client.err(raw.DELETE, raw.versioned(path)) == -8
        assert [result.err for result in client.multi((raw.DELETE, raw.versioned(path)))] == [-8]


@row("12-children-of-reserved-znodes")
def _() -> None:
    client = new_client()
    assert create_err(client, b"/zookeeper/config/x") == -102
    assert create_err(client, b"/zookeeper/x") == 0


@row("13-permission-before-version")
def _() -> None:
    client = new_client()
    client.create(b"/p", entries=NOBODY)
    assert client.err(raw.SET_DATA, raw.set_data(b"/p", b"", 9)) == -102
    assert client.err(raw.SET_ACL, raw.set_acl(b"/p", raw.OPEN, 9)) == -102
    assert client.err(raw.DELETE, raw.versioned(b"/p", 9)) == -103


@row("13-acl-before-parent-and-permission")
def _() -> None:
    client = new_client()
    client.create(b"/p", entries=NOBODY)
    bad: list[raw.RawEntry] = [(31, b"nope", b"x")]
    assert create_err(client, b"/none/x", entries=bad) == -114
    assert create_err(client, b"/p/x", entries=bad) == -114
    assert client.err(raw.SET_ACL, raw.set_acl(b"/p", bad)) == -114
    assert create_err(client, b"/p/x/y") == -101
    assert create_err(client, b"/p/.") == -102
    assert client.err(raw.DELETE, raw.versioned(b"/p/none")) == -102


@row("14-version-before-children")
def _() -> None:
    client = new_client()
    client.create(b"/p")
    client.create(b"/p/c")
    assert client.err(raw.DELETE, raw.versioned(b"/p", 9)) == -103
    assert client.err(raw.DELETE, raw.versioned(b"/p", -2)) == -103
    assert client.err(raw.DELETE, raw.versioned(b"/p", 0)) == -111


@row("15-child-of-an-ephemeral")
def _() -> None:
    client = new_client()
    client.create(b"/e", flags=1)
    assert create_err(client, b"/e/c") == -108
    assert create_err(client, b"/e/c", flags=1) == -108


@row("16-ttl-range")
def _() -> None:
    client = Server(extended_types=True).connect()
    for ttl_ms, err in [(0, -8), (-1, -8), (0x10000000000, -8), (0xFFFFFFFFFF, 0)]:
        assert client.call(raw.CREATE_TTL, raw.create(b"/t", flags=5, ttl_ms=ttl_ms)).err == err
    assert client.stat(b"/t").owner == 0
    assert client.create(b"/t/child") == b"/t/child"


@row("17-sequential-container")
def _() -> None:
    client = new_client()
    cursor = client.ok(raw.CREATE_CONTAINER, raw.create(b"/c-", flags=2)).cursor()
    assert cursor.buffer() == b"/c-0000000000"
    assert cursor.stat() == client.stat(b"/c-0000000000")
    assert client.server.database.tree.containers == {b"/c-0000000000"}


@row("18-create-with-the-flags-of-a-container")
def _() -> None:
    client = new_client()
    client.create(b"/c", flags=4)
    assert not client.server.database.tree.containers
    assert client.server.database.digest_mismatches == 0


@row("19-reaper-deletes-a-container")
def _() -> None:
    client = new_client()
    for path in (b"/used", b"/full"):
        client.ok(raw.CREATE_CONTAINER, raw.create(path, flags=4))
        client.create(path + b"/c")
    client.delete(b"/used/c")
    client.create(b"/e", flags=1)
    watch(client, raw.EXISTS, b"/used")
    for path in (b"/used", b"/full", b"/e", b"/none", b"/zookeeper"):
        client.server.service.delete_container(path)
    client.server.commit()
    (event,) = client.events()
    assert event == Event(raw.DELETED, b"/used", event.zxid)
    assert client.children(b"/") == [b"e", b"full", b"zookeeper"]


@row("20-ttl-znode-with-a-child")
def _() -> None:
    client = Server(extended_types=True).connect()
    client.ok(raw.CREATE_TTL, raw.create(b"/t", flags=5, ttl_ms=1))
    client.create(b"/t/c")
    client.server.service.delete_container(b"/t")
    client.delete(b"/t/c")
    client.server.service.delete_container(b"/t")
    client.server.commit()
    assert client.children(b"/") == [b"zookeeper"]


@row("21-no-number-is-skipped")
def _() -> None:
    client = new_client()
    client.create(b"/t")
    failing = [(raw.CREATE, raw.create(b"/t/s-", flags=2)), (raw.CHECK, raw.versioned(b"/none"))]
    assert [result.err for result in client.multi(*failing)] == [0, -101]
    assert create_err(client, b"/t/s-", flags=2, entries=[(1, b"nope", b"")]) == -114
    made = client.multi(*[(raw.CREATE, raw.create(b"/t/s-", flags=2))] * 3)
    assert [result.path for result in made] == [b"/t/s-%010d" % number for number in range(3)]


@row("22-suffix-only-names")
def _() -> None:
    client = new_client()
    client.create(b"/t")
    assert client.create(b"/t/", flags=2) == b"/t/0000000000"
    assert client.create(b"/", flags=2) == b"/0000000001"
    client.delete(b"/0000000001")
    assert client.create(b"/s", flags=3) == b"/s0000000002"


@row("22-numbers-run-out")
def _() -> None:
    client = new_client()
    client.create(b"/t")
    parent = client.server.database.tree.lookup(b"/t")
    assert parent is not None
    parent.cversion = 2**31 - 2
    client.server.database.tree.refresh_digest(b"/t", parent)
    assert client.create(b"/t/", flags=2) == b"/t/2147483646"
    assert client.create(b"/t/", flags=2) == b"/t/2147483647"
    assert create_err(client, b"/t/", flags=2) == -110
    assert client.server.database.digest_mismatches == 0


@row("23-exists-watch-fires-once")
def _() -> None:
    client = new_client()
    assert watch(client, raw.EXISTS, b"/a") == -101
    zxid = client.ok(raw.CREATE, raw.create(b"/a")).zxid
    assert client.noted == [Event(raw.CREATED, b"/a", zxid)]
    client.write(b"/a", b"x")
    assert client.noted == []


@row("24-get-data-watch-on-a-missing-znode")
def _() -> None:
    client = new_client()
    for op in (raw.GET_DATA, raw.GET_CHILDREN, raw.GET_CHILDREN2):
        assert watch(client, op, b"/a") == -101
    client.create(b"/a")
    assert client.noted == []
    assert client.server.database.watches.idle()


@row("25-data-and-child-watch-fire-as-one")
def _() -> None:
    client = new_client()
    client.create(b"/a")
    watch(client, raw.GET_DATA, b"/a")
    watch(client, raw.GET_CHILDREN, b"/a")
    zxid = client.delete(b"/a").zxid
    assert client.noted == [Event(raw.DELETED, b"/a", zxid)]


@row("26-recursive-and-child-watch")
def _() -> None:
    client = new_client()
    client.create(b"/w")
    client.ok(raw.ADD_WATCH, raw.versioned(b"/w", 1))
    watch(client, raw.GET_CHILDREN, b"/w")
    zxid = client.ok(raw.CREATE, raw.create(b"/w/c")).zxid
    assert client.noted == [Event(raw.CREATED, b"/w/c", zxid), Event(raw.CHILDREN_CHANGED, b"/w", zxid)]


@row("27-persistent-and-recursive-go-together")
def _() -> None:
    client = new_client()
    for mode in (0, 1):
        client.ok(raw.ADD_WATCH, raw.versioned(b"/w", mode))
    client.ok(raw.REMOVE_WATCHES, raw.versioned(b"/w", 3))
    assert client.server.database.watches.idle()
    client.create(b"/w")
    assert client.noted == []


@row("28-events-of-a-multi")
def _() -> None:
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


@row("29-no-event-without-read")
def _() -> None:
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


@row("30-own-ephemerals")
def _() -> None:
    client = new_client()
    client.create(b"/e", flags=1)
    watch(client, raw.GET_DATA, b"/e")
    watch(client, raw.GET_CHILDREN, b"/")
    reply = client.ok(raw.CLOSE_SESSION)
    assert client.noted == [Event(raw.DELETED, b"/e", reply.zxid), Event(raw.CHILDREN_CHANGED, b"/", reply.zxid)]
    assert client.is_closed


@row("31-expiry")
def _() -> None:
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


@row("32-invalid-acls")
def _() -> None:
    client = new_client()
    for entry in [(31, b"world", b"foo"), (31, b"auth", b""), (31, b"digest", b"a:b:c"), (31, b"ip", b"10.0.0.0/33"),
                  (31, b"sasl", b"bob"), (31, b"super", b"x"), (31, None, b"x"), (31, b"x509", b"CN=a")]:  # fmt: skip
        assert create_err(client, b"/a", entries=[entry]) == -114, entry
        assert create_err(client, b"/a", entries=[*raw.OPEN, entry]) == -114, entry
    assert create_err(client, b"/a", entries=[(31, b"digest", None)]) == -5


@row("33-duplicates")
def _() -> None:
    client = new_client()
    entries: list[raw.RawEntry] = [(1, b"world", b"anyone"), (2, b"world", b"anyone"), (1, b"ip", b"1.2.3.4")]
    client.create(b"/a", entries=[*entries, *entries])
    assert client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl() == entries


@row("33-auth-is-replaced-by-who-one-is")
def _() -> None:
    client = new_client()
    client.log_in(b"bob:secret")
    client.log_in(b"ann:x")
    client.create(b"/a", entries=[(31, b"auth", b"ignored"), (1, b"world", b"anyone")])
    entries = client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl()
    assert {entry[1:] for entry in entries[:2]} >= {(b"digest", b"bob:fyVmFCwVbTJYrznoSu1koqYEYF0=")}
    assert (len(entries), entries[2]) == (3, (1, b"world", b"anyone"))


@row("34-no-permissions")
def _() -> None:
    client = new_client()
    client.create(b"/a", entries=[(0, b"world", b"anyone")])
    assert get_err(client, b"/a") == client.err(raw.GET_CHILDREN, raw.read(b"/a")) == -102
    assert watch(client, raw.EXISTS, b"/a") == -102
    assert (
        client.err(raw.GET_ACL, raw.buffer(b"/a")) == client.err(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/a")) == -102
    )
    assert client.server.database.watches.idle()
    assert client.err(raw.DELETE, raw.versioned(b"/a")) == 0


@row("35-secrets-are-masked")
def _() -> None:
    client = new_client()
    entries: list[raw.RawEntry] = [(1, b"world", b"anyone"), (31, b"digest", b"bob:hash"), (31, b"ip", b"::1")]
    client.create(b"/a", entries=entries)
    shown = client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl()
    assert shown == [entries[0], (31, b"digest", b"bob:x"), entries[2]]


@row("36-admin-only")
def _() -> None:
    client = new_client()
    entries: list[raw.RawEntry] = [(16, b"world", b"anyone"), (31, b"digest", b"bob:hash")]
    client.create(b"/a", entries=entries)
    assert client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl() == entries
    assert get_err(client, b"/a") == -102


@row("37-networks")
def _() -> None:
    client = new_client()
    client.create(b"/v4", entries=[(31, b"ip", b"127.0.0.2/30")])
    client.create(b"/v6", entries=[(31, b"ip", b"::/0")])
    assert get_err(client, b"/v4") == 0
    assert get_err(client, b"/v6") == -102
    assert get_err(client.server.connect(address=b"0:0:0:0:0:0:0:1"), b"/v6") == 0


@row("38-super")
def _() -> None:
    client = Server(auth=SUPER).connect()
    client.create(b"/a", entries=NOBODY)
    assert get_err(client, b"/a") == -102
    client.log_in(b"super:admin")
    assert client.who_am_i() == {(b"super", b""), (b"digest", b"super"), (b"ip", b"127.0.0.1")}
    assert get_err(client, b"/a") == 0
    assert create_err(client, b"/zookeeper/config/x") == 0


def with_quota(client: Client, path: bytes, limits: bytes) -> None:
    made = b""
    for part in path.split(b"/")[1:]:
        made += b"/" + part
        create_err(client, QUOTA + made)
    client.create(QUOTA + path + b"/zookeeper_limits", limits)
    client.create(QUOTA + path + b"/zookeeper_stats", b"junk")


def usage(client: Client, path: bytes) -> bytes:
    data, stat = client.get(QUOTA + path + b"/zookeeper_stats")
    assert (stat.version, stat.czxid, stat.data_bytes) == (0, stat.mzxid, len(data or b""))
    return data or b""


@row("39-hard-limit-of-the-count")
def _() -> None:
    client = Server(enforce_quota=True).connect()
    client.create(b"/q")
    with_quota(client, b"/q", b"count=1,bytes=-1=;byteHardLimit=-1;countHardLimit=4")
    for name in (b"/q/a", b"/q/b", b"/q/c"):
        client.create(name)
    reply = client.call(raw.CREATE, raw.create(b"/q/d"))
    assert (reply.err, reply.zxid) == (-125, client.server.last_logged)
    assert usage(client, b"/q") == b"count=4,bytes=0"
    client.delete(b"/q/a")
    client.create(b"/q/d")


@row("40-hard-limit-of-the-bytes")
def _() -> None:
    client = Server(enforce_quota=True).connect()
    client.create(b"/q")
    with_quota(client, b"/q", b"count=-1,bytes=-1=;byteHardLimit=20")
    client.write(b"/q", bytes(20))
    assert client.err(raw.SET_DATA, raw.set_data(b"/q", bytes(21))) == -125
    assert client.err(raw.SET_DATA, raw.set_data(b"/q", bytes(21), 9)) == -125
    assert client.err(raw.CREATE, raw.create(b"/q/a", b"x")) == -125
    client.create(b"/q/a")


@row("40-nothing-is-refused-unless-told-to")
def _() -> None:
    client = new_client()
    client.create(b"/q")
    with_quota(client, b"/q", b"count=1,bytes=1=;byteHardLimit=1;countHardLimit=1")
    client.write(b"/q", bytes(20))
    client.create(b"/q/a", b"123")
    assert usage(client, b"/q") == b"count=2,bytes=23"


@row("40-limits-that-mean-nothing")
def _() -> None:
    for limits in (b"count", b"count=x", b"count=", b"=", b"countHardLimit=" + b"9" * 5000):
        client = Server(enforce_quota=True).connect()
        client.create(b"/q")
        with_quota(client, b"/q", limits)
        assert create_err(client, b"/q/a") == -5, limits[:20]
        assert client.err(raw.SET_DATA, raw.set_data(b"/q", b"x")) == -5
        client.ok(raw.SET_DATA, raw.set_data(QUOTA + b"/q/zookeeper_limits", b"count=9"))
        client.create(b"/q/a")


@row("41-stats-are-real-totals")
def _() -> None:
    client = new_client()
    client.create(b"/q", b"12345")
    client.create(b"/q/a", b"123")
    with_quota(client, b"/q", b"count=9,bytes=-1")
    assert usage(client, b"/q") == b"count=2,bytes=8"


@row("41-junk-written-into-stats")
def _() -> None:
    for junk in (b"junk", None, b"", b"count=1;bytes", b"count=" + b"1" * 5000):
        for enforce in (False, True):
            client = Server(enforce_quota=enforce).connect()
            client.create(b"/q", b"12345")
            with_quota(client, b"/q", b"countHardLimit=10")
            client.write(QUOTA + b"/q/zookeeper_stats", junk)
            client.create(b"/q/a", b"123")
            client.create(b"/q/b", b"")
            client.delete(b"/q/b")


@row("42-nested-quotas")
def _() -> None:
    client = new_client()
    for path in (b"/q", b"/q/in", b"/qq"):
        client.create(path)
    with_quota(client, b"/q", b"count=9,bytes=-1")
    with_quota(client, b"/q/in", b"count=9,bytes=-1")
    client.create(b"/q/in/x", b"123")
    client.create(b"/q/innot", b"1")
    client.create(b"/qq/x", b"1")
    assert usage(client, b"/q/in") == b"count=2,bytes=3"
    assert usage(client, b"/q") == b"count=3,bytes=1"
    client.delete(QUOTA + b"/q/in/zookeeper_limits")
    client.delete(b"/q/in/x")
    assert usage(client, b"/q") == b"count=2,bytes=-2"


@row("42-no-quota-on-the-root")
def _() -> None:
    client = new_client()
    assert create_err(client, QUOTA + b"/zookeeper_limits") == -8
    client.create(QUOTA + b"/zookeeper_stats", b"junk")
    client.create(b"/a", b"1")


@row("43-digest-of-a-fresh-tree")
def _() -> None:
    assert Server().database.tree.digest == 1371985504


@row("47-config-is-read-only")
def _() -> None:
    client = Server(auth=SUPER).connect()
    assert client.err(raw.SET_DATA, raw.set_data(b"/zookeeper/config", b"x")) == -102
    client.log_in(b"super:admin")
    assert client.write(b"/zookeeper/config", b"x").version == 1


@row("48-reconfig")
def _() -> None:
    body = raw.buffer(b"server.1=a:1:2") + raw.buffer(None) + raw.buffer(None) + raw.i64(-1)
    assert Server().connect().err(raw.RECONFIG, body) == -123
    assert Server(reconfig=True).connect().err(raw.RECONFIG, body) == -6


# What other sections say about single operations.


@row("section-6.1-sync")
def _() -> None:
    client = new_client()
    for path in (None, b"", b"/none", b"no//path"):
        assert client.ok(raw.SYNC, raw.buffer(path)).body == raw.buffer(path)


@row("section-6.1-get-ephemerals")
def _() -> None:
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


@row("section-6.1-get-all-children-number")
def _() -> None:
    client = new_client()
    for path in (b"/a", b"/a/b", b"/a/b/c", b"/a/d"):
        client.create(path)
    counts = [
        client.ok(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(path)).cursor().i32()
        for path in (b"/", b"/a", b"/a/b", b"/a/d")
    ]
    assert counts == [7, 3, 1, 0]
    assert client.err(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/a/")) == -101


@row("section-3-versions-wrap")
def _() -> None:
    client = new_client()
    client.create(b"/a")
    node = client.server.database.tree.lookup(b"/a")
    assert node is not None
    node.version = 2**31 - 1
    client.server.database.tree.refresh_digest(b"/a", node)
    assert client.write(b"/a", b"", 2**31 - 1).version == -(2**31)
    assert client.err(raw.SET_DATA, raw.set_data(b"/a", b"", 2**31 - 1)) == -103
    assert client.write(b"/a", b"", -(2**31)).version == -(2**31) + 1
    assert client.server.database.digest_mismatches == 0


@row("section-10.4-ephemerals-in-flight-go-with-their-session")
def _() -> None:
    for list_ephemerals in (True, False):
        server = Server(list_ephemerals=list_ephemerals)
        client, other = server.connect(), server.connect()
        client.create(b"/old", flags=1)
        client.create(b"/gone", flags=1)
        client.post(raw.CREATE, raw.create(b"/new", flags=1))
        client.post(raw.DELETE, raw.versioned(b"/gone"))
        client.post(raw.CLOSE_SESSION)
        assert create_err(other, b"/new") == 0
        assert other.children(b"/") == [b"new", b"zookeeper"]
        assert server.database.digest_mismatches == 0


@row("section-12-ops-see-those-before-them")
def _() -> None:
    client = new_client()
    made = client.multi(
        (raw.CREATE2, raw.create(b"/a", b"1")), (raw.SET_DATA, raw.set_data(b"/a", b"12", 0)),
        (raw.CREATE, raw.create(b"/a/e", flags=1)), (raw.CHECK, raw.versioned(b"/a", 1)),
        (raw.DELETE, raw.versioned(b"/a/e")), (raw.DELETE, raw.versioned(b"/a", 1)),
    )  # fmt: skip
    assert [result.err for result in made] == [0] * 6
    first, second = made[0].stat, made[1].stat
    assert first is not None
    assert first == Stat(2, 2, START_MS, START_MS, 0, 0, 0, 0, 1, 0, 2)
    assert second == first._replace(version=1, data_bytes=2)
    assert client.children(b"/") == [b"zookeeper"]


@pytest.mark.parametrize("case", ROWS.values(), ids=ROWS.keys())
def test_row(case: Case) -> None:
    case()
