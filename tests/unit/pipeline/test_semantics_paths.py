"""Corner cases of the semantics: paths, and the znodes that are there from the start (1 to 7, 11, 12, 43, 47)."""

import raw_wire as raw
from pipeline_harness import Server
from raw_wire import Stat
from semantics_support import SUPER, create_err, new_client


def test_1_invalid_paths() -> None:
    client = new_client()
    client.create(b"/p")
    for path in (b"", b"foo", b"/p/", b"/p/.", b"/p/..", b"//x", b"/p/a\0", b"/p/\1", b"/p/\x1f", b"/p/\x7f", b"/."):
        assert create_err(client, path) == -8, path
    assert create_err(client, b"/") == -110
    for path in (b"/p//b", b"/p/./b", b"foo/b", b"///x"):
        assert create_err(client, path) == -101, path


def test_1_invalid_paths_of_other_writes() -> None:
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


def test_2_dots_that_are_allowed() -> None:
    client = new_client()
    client.create(b"/p")
    for path in (b"/p/...", b"/p/a..", b"/p/.a", b"/p/a b", b"/p/~"):
        assert client.create(path) == path


def test_3_boundaries_of_characters() -> None:
    client = new_client()
    for code, is_allowed in [(0xD7FF, True), (0xE000, False), (0xF8FF, False), (0xF900, True), (0xFFEF, True),
                             (0xFFF0, False), (0xFFFD, False), (0x80, False), (0x9F, False), (0xA0, True)]:  # fmt: skip
        assert create_err(client, b"/" + chr(code).encode()) == (0 if is_allowed else -8), hex(code)


def test_4_not_in_the_basic_plane() -> None:
    client = new_client()
    for name in ("😀".encode(), b"\xed\xa0\xbd\xed\xb8\x80", b"\xff", b"\xc3", b"a\x80"):
        assert create_err(client, b"/" + name) == -8


def test_5_null_path() -> None:
    client = new_client()
    reply = client.call(raw.CREATE, raw.create(None))
    assert (reply.err, reply.zxid) == (-5, 2)
    assert client.call(raw.EXISTS, raw.read(None)).err == -5
    assert client.call(raw.GET_DATA, raw.read(None)).err == -5


def test_6_empty_path_is_the_root() -> None:
    client = new_client()
    assert client.stat(b"") == client.stat(b"/")
    assert client.get(b"") == client.get(b"/")
    assert client.children(b"") == [b"zookeeper"]


def test_7_fresh_tree() -> None:
    client = new_client()
    zero = Stat(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert client.stat(b"/") == zero._replace(cversion=-1, children=1)
    assert client.stat(b"/zookeeper") == zero._replace(cversion=-2, children=2)
    assert client.stat(b"/zookeeper/quota") == zero
    assert client.stat(b"/zookeeper/config") == zero._replace(aversion=-1)
    entries = client.ok(raw.GET_ACL, raw.buffer(b"/zookeeper/config")).cursor().acl()
    assert entries == [(1, b"world", b"anyone")]
    assert client.ok(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/")).cursor().i32() == 3


def test_11_reserved_znodes_stay() -> None:
    client = new_client()
    for path in (b"/zookeeper/config", b"/zookeeper/quota", b"/zookeeper", b"/"):
        assert client.err(raw.DELETE, raw.versioned(path)) == -8
        assert [result.err for result in client.multi((raw.DELETE, raw.versioned(path)))] == [-8]


def test_12_children_of_reserved_znodes() -> None:
    client = new_client()
    assert create_err(client, b"/zookeeper/config/x") == -102
    assert create_err(client, b"/zookeeper/x") == 0


def test_43_digest_of_a_fresh_tree() -> None:
    assert Server().database.tree.digest == 1371985504


def test_47_config_is_read_only() -> None:
    client = Server(auth=SUPER).connect()
    assert client.err(raw.SET_DATA, raw.set_data(b"/zookeeper/config", b"x")) == -102
    client.log_in(b"super:admin")
    assert client.write(b"/zookeeper/config", b"x").version == 1
