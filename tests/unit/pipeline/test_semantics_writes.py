"""Corner cases of the semantics: what a write checks, in which order, and changes (8 to 10, 13, 14, 21, 22, 48)."""

import raw_wire as raw
from pipeline_harness import START_MS, Server
from raw_wire import Stat
from semantics_support import NOBODY, create_err, new_client, watch


def test_8_parent_of_a_child() -> None:
    client = new_client()
    client.create(b"/p")
    before = client.stat(b"/p")
    created = client.ok(raw.CREATE, raw.create(b"/p/c")).zxid
    assert client.stat(b"/p") == before._replace(cversion=1, children=1, pzxid=created)
    deleted = client.delete(b"/p/c").zxid
    assert client.stat(b"/p") == before._replace(cversion=2, children=0, pzxid=deleted)


def test_9_set_acl_changes_aversion_only() -> None:
    client = new_client()
    client.create(b"/p")
    watch(client, raw.GET_DATA, b"/p")
    before = client.stat(b"/p")
    reply = client.ok(raw.SET_ACL, raw.set_acl(b"/p", raw.OPEN, 0))
    assert client.noted == []
    assert reply.cursor().stat() == client.stat(b"/p") == before._replace(aversion=1)
    assert client.err(raw.SET_ACL, raw.set_acl(b"/p", raw.OPEN, 0)) == -103


def test_10_a_failed_write_uses_a_zxid_up() -> None:
    client = new_client()
    replies = [client.call(raw.CREATE, raw.create(path)) for path in (b"/a", b"/a", b"/b")]
    assert [(reply.zxid, reply.err) for reply in replies] == [(2, 0), (3, -110), (4, 0)]


def test_13_permission_before_version() -> None:
    client = new_client()
    client.create(b"/p", entries=NOBODY)
    assert client.err(raw.SET_DATA, raw.set_data(b"/p", b"", 9)) == -102
    assert client.err(raw.SET_ACL, raw.set_acl(b"/p", raw.OPEN, 9)) == -102
    assert client.err(raw.DELETE, raw.versioned(b"/p", 9)) == -103


def test_13_acl_before_parent_and_permission() -> None:
    client = new_client()
    client.create(b"/p", entries=NOBODY)
    bad: list[raw.RawEntry] = [(31, b"nope", b"x")]
    assert create_err(client, b"/none/x", entries=bad) == -114
    assert create_err(client, b"/p/x", entries=bad) == -114
    assert client.err(raw.SET_ACL, raw.set_acl(b"/p", bad)) == -114
    assert create_err(client, b"/p/x/y") == -101
    assert create_err(client, b"/p/.") == -102
    assert client.err(raw.DELETE, raw.versioned(b"/p/none")) == -102


def test_14_version_before_children() -> None:
    client = new_client()
    client.create(b"/p")
    client.create(b"/p/c")
    assert client.err(raw.DELETE, raw.versioned(b"/p", 9)) == -103
    assert client.err(raw.DELETE, raw.versioned(b"/p", -2)) == -103
    assert client.err(raw.DELETE, raw.versioned(b"/p", 0)) == -111


def test_21_no_number_is_skipped() -> None:
    client = new_client()
    client.create(b"/t")
    failing = [(raw.CREATE, raw.create(b"/t/s-", flags=2)), (raw.CHECK, raw.versioned(b"/none"))]
    assert [result.err for result in client.multi(*failing)] == [0, -101]
    assert create_err(client, b"/t/s-", flags=2, entries=[(1, b"nope", b"")]) == -114
    made = client.multi(*[(raw.CREATE, raw.create(b"/t/s-", flags=2))] * 3)
    assert [result.path for result in made] == [b"/t/s-%010d" % number for number in range(3)]


def test_22_suffix_only_names() -> None:
    client = new_client()
    client.create(b"/t")
    assert client.create(b"/t/", flags=2) == b"/t/0000000000"
    assert client.create(b"/", flags=2) == b"/0000000001"
    client.delete(b"/0000000001")
    assert client.create(b"/s", flags=3) == b"/s0000000002"


def test_22_numbers_run_out() -> None:
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


def test_48_reconfig() -> None:
    body = raw.buffer(b"server.1=a:1:2") + raw.buffer(None) + raw.buffer(None) + raw.i64(-1)
    assert Server().connect().err(raw.RECONFIG, body) == -123
    assert Server(reconfig=True).connect().err(raw.RECONFIG, body) == -6


def test_the_log_says_why_a_reconfig_is_refused() -> None:
    body = raw.buffer(b"server.1=a:1:2") + raw.buffer(None) + raw.buffer(None) + raw.i64(-1)
    for server, reason in (
        (Server(), "reconfigEnabled is not true"),
        (Server(reconfig=True), "a standalone server has no ensemble to change"),
    ):
        client = server.connect()
        client.err(raw.RECONFIG, body)
        assert server.told[-1] == f"a reconfig of session 0x{client.session_id:x} is refused: {reason}"


def test_section_3_versions_wrap() -> None:
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


def test_section_10_4_ephemerals_in_flight_go_with_their_session() -> None:
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


def test_section_12_ops_see_those_before_them() -> None:
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
