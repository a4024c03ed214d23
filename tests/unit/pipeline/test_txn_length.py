"""No transaction is longer than logs and peers take (ZOOKEEPER-3496): it took the whole service down, for good."""

import pytest
import raw_wire as raw
from pipeline_harness import Client, Server

MAX_TXN_BYTES = 2000
MARSHALLING = -5
AUTH = [(31, b"auth", b"")]


@pytest.fixture
def server() -> Server:
    made = Server()
    made.service.preparer._options.max_txn_bytes = MAX_TXN_BYTES
    return made


def client_with_many_names(server: Server) -> Client:
    client = server.connect()
    for number in range(20):
        client.log_in(b"user%d:secret" % number)
    return client


def check_lengths(server: Server) -> None:
    assert max(len(payload) for _, payload in server.log) <= MAX_TXN_BYTES


def test_the_end_of_a_session_with_many_ephemerals_does_not_list_them(server: Server) -> None:
    client = server.connect()
    for number in range(40):
        client.create(b"/%040d" % number, flags=1)
    other = server.connect()
    client.ok(raw.CLOSE_SESSION)
    check_lengths(server)
    assert other.children(b"/") == [b"zookeeper"]
    assert server.database.digest_mismatches == 0


def test_a_session_with_few_ephemerals_lists_them(server: Server) -> None:
    client = server.connect()
    client.create(b"/ephemeral", flags=1)
    client.ok(raw.CLOSE_SESSION)
    assert b"/ephemeral" in server.log[-1][1]


@pytest.mark.parametrize("count", [1, 5])
def test_an_acl_that_grows_too_long_is_refused(server: Server, count: int) -> None:
    client = client_with_many_names(server)
    entries = [(31 - number, b"auth", b"") for number in range(count)]
    before = int(server.database.tree.digest)
    is_long = count > 1
    assert client.err(raw.CREATE, raw.create(b"/a", entries=entries)) == (MARSHALLING if is_long else 0)
    check_lengths(server)
    if is_long:
        assert int(server.database.tree.digest) == before
    client.ok(raw.CREATE, raw.create(b"/b"))
    assert server.database.digest_mismatches == 0


def test_a_setacl_that_grows_too_long_is_refused(server: Server) -> None:
    client = client_with_many_names(server)
    client.create(b"/a")
    entries = [(31 - number, b"auth", b"") for number in range(5)]
    assert client.err(raw.SET_ACL, raw.set_acl(b"/a", entries)) == MARSHALLING
    assert client.stat(b"/a").aversion == 0
    check_lengths(server)


def test_a_multi_that_grows_too_long_is_refused_as_a_whole(server: Server) -> None:
    client = client_with_many_names(server)
    ops = [(raw.CREATE, raw.create(b"/%d" % number, entries=AUTH)) for number in range(3)]
    assert client.err(raw.MULTI, raw.multi(*ops)) == MARSHALLING
    check_lengths(server)
    assert client.children(b"/") == [b"zookeeper"]
    client.create(b"/after")
    assert server.database.digest_mismatches == 0


def test_a_multi_that_fails_after_it_has_grown_too_long_is_refused(server: Server) -> None:
    client = client_with_many_names(server)
    ops = [(raw.CREATE, raw.create(b"/%d" % number, entries=AUTH)) for number in range(3)]
    assert client.err(raw.MULTI, raw.multi(*ops, (raw.DELETE, raw.versioned(b"/none")))) == MARSHALLING
    check_lengths(server)


def test_what_is_pending_at_the_same_path_is_kept(server: Server) -> None:
    client = client_with_many_names(server)
    client.post(raw.CREATE, raw.create(b"/a", b"1"))
    client.post(raw.SET_ACL, raw.set_acl(b"/a", [(31 - number, b"auth", b"") for number in range(5)]))
    client.post(raw.SET_DATA, raw.set_data(b"/a", b"2", 0))
    server.commit()
    assert [reply.err for reply in client.take()] == [0, MARSHALLING, 0]
    assert client.get(b"/a")[0] == b"2"
    assert server.database.digest_mismatches == 0
