"""A server that has no quorum and serves reads only (wire, section 3.2 and corner case 38; semantics, section 13).

The bytes are those that Java 3.9.5 was seen to send, but where it is said.
"""

import pytest
import raw_wire as raw
from pipeline_harness import Client, Server

from zkeeper.database.database import Database
from zkeeper.database.sessions import session_password
from zkeeper.pipeline.local_sessions import LocalSessions

NOT_READ_ONLY, UNIMPLEMENTED, NO_NODE = -119, -6, -101
READ_ONLY = b"\1"
OWN_SID = 1
OWN_ID, OTHER_ID = 0x0100000000000077, 0x0200000000000077


@pytest.fixture
def global_session() -> Client:
    """Of the time with a quorum; it has made /a and the ephemeral /e, whose zxids are 2 and 3."""
    client = Server(first_session=OTHER_ID).connect()
    client.create(b"/a", b"1")
    client.create(b"/e", flags=1)
    return client


@pytest.fixture
def server(global_session: Client) -> Server:
    return cut_off(global_session.server.database)


def cut_off(database: Database, has_local_sessions: bool = True) -> Server:
    server = Server(database=database, read_only=True)
    if has_local_sessions:
        server.service.local_sessions = LocalSessions(server.service, OWN_SID, True)
    return server


def knock(
    server: Server, session_id: int = 0, password: bytes = bytes(16), *, seen_zxid: int = 0, tail: bytes = READ_ONLY
) -> tuple[Client, bytes]:
    """A connection that asks for a session, and what it is answered."""
    client = server.open()
    client.send(raw.connect(10_000, session_id, password, seen_zxid, tail))
    return client, client.outlet.take()


def connect(server: Server) -> Client:
    client = server.open()
    client.handshake(raw.connect(tail=READ_ONLY))
    assert client.session_id
    return client


# Who is served.


def test_a_client_that_is_content_with_reads_gets_a_local_session(server: Server) -> None:
    client, sent = knock(server)
    password = session_password(client.link.session_id)
    assert sent == raw.framed(
        bytes(4) + raw.i32(10_000) + raw.i64(client.link.session_id) + raw.buffer(password) + b"\1"
    )
    assert client.link.session_id >> 56 == OWN_SID
    assert client.link.session_id not in server.database.sessions
    assert server.log == []


@pytest.mark.parametrize("tail", [b"\0", b""], ids=["no", "absent"])
def test_others_are_turned_away_without_an_answer(server: Server, tail: bytes) -> None:
    client, sent = knock(server, tail=tail)
    assert (sent, client.is_closed) == (b"", True)


def test_a_client_from_the_future_is_turned_away(server: Server) -> None:
    client, sent = knock(server, seen_zxid=4)
    assert (sent, client.is_closed) == (b"", True)
    assert knock(server, seen_zxid=3)[1]


def test_without_local_sessions_no_session_can_begin(global_session: Client) -> None:
    """Java answers with the header of a reply, which no client takes for an answer, and leaves the connection open."""
    server = cut_off(global_session.server.database, has_local_sessions=False)
    for session_id in (0, global_session.session_id, OWN_ID):
        client, sent = knock(server, session_id, session_password(session_id))
        assert (sent, client.is_closed) == (b"", True)


def test_a_session_of_the_ensemble_is_turned_away_without_a_word_of_its_end(
    server: Server, global_session: Client
) -> None:
    client, sent = knock(server, global_session.session_id, global_session.password)
    assert (sent, client.is_closed) == (b"", True)


def test_so_is_one_that_may_have_begun_elsewhere_since(server: Server) -> None:
    """Java says that it is over."""
    client, sent = knock(server, OTHER_ID + 1, session_password(OTHER_ID + 1))
    assert (sent, client.is_closed) == (b"", True)


def test_a_session_of_this_server_goes_on_or_is_over(server: Server) -> None:
    client = connect(server)
    again, sent = knock(server, client.session_id, client.password)
    assert (sent[-1:], again.link.session_id, client.is_closed) == (READ_ONLY, client.session_id, True)
    thief, sent = knock(server, client.session_id, bytes(16))
    assert (sent, thief.is_closed) == (raw.framed(bytes(16) + raw.buffer(bytes(16)) + READ_ONLY), True)
    late, sent = knock(server, OWN_ID, session_password(OWN_ID))
    assert (sent, late.is_closed) == (raw.framed(bytes(16) + raw.buffer(bytes(16)) + READ_ONLY), True)


def test_a_session_expires_and_closes_without_a_transaction(server: Server) -> None:
    first, second = connect(server), connect(server)
    reply = first.call(raw.CLOSE_SESSION)
    assert (reply.err, reply.zxid, first.is_closed) == (0, 3, True)
    server.now_ms += 13_000
    server.service.expire_sessions()
    assert second.is_closed
    assert server.log == []
    assert server.service.tracker.sessions == {}


# What it is served.


@pytest.mark.parametrize(
    ("op", "body"),
    [
        (raw.CREATE, raw.create(b"/b")),
        (raw.CREATE2, raw.create(b"/b", flags=1)),
        (raw.CREATE_CONTAINER, raw.create(b"/b", flags=4)),
        (raw.CREATE_TTL, raw.create(b"/b", flags=5, ttl_ms=1000)),
        (raw.DELETE, raw.versioned(b"/a")),
        (raw.SET_DATA, raw.set_data(b"/a", b"2")),
        (raw.SET_ACL, raw.set_acl(b"/a", raw.OPEN)),
        (raw.MULTI, raw.multi((raw.CHECK, raw.versioned(b"/a")))),
        (raw.RECONFIG, b""),
        (raw.SET_DATA, b"what does not decode"),
        (raw.SYNC, raw.text("/")),
    ],
)
def test_what_needs_a_quorum_is_refused_and_the_connection_stays(server: Server, op: int, body: bytes) -> None:
    client = connect(server)
    reply = client.call(op, body)
    assert (reply.err, reply.zxid, reply.body) == (NOT_READ_ONLY, 3, b"")
    assert client.get(b"/a")[0] == b"1"
    assert server.log == []


@pytest.mark.parametrize("op", [raw.CHECK, raw.DELETE_CONTAINER, 4711])
def test_what_no_client_may_ask_for_is_refused_as_ever(server: Server, op: int) -> None:
    client = connect(server)
    client.post(op, raw.versioned(b"/a"))
    assert [reply.err for reply in client.take()] == [UNIMPLEMENTED]
    assert client.is_closed


def test_reads_watches_and_credentials_are_served(server: Server) -> None:
    client = connect(server)
    assert client.get(b"/a")[0] == b"1"
    assert client.children(b"/") == [b"a", b"e", b"zookeeper"]
    assert client.err(raw.EXISTS, raw.read(b"/none", watch=True)) == NO_NODE
    several = client.ok(raw.MULTI_READ, raw.multi((raw.GET_DATA, raw.read(b"/a"))))
    assert [one.data for one in raw.results(several.body)] == [b"1"]
    client.log_in(b"ann:secret")
    assert len(client.who_am_i()) == 2
    assert client.ok(raw.GET_EPHEMERALS, raw.text("/")).cursor().buffers() == []
    client.ok(raw.ADD_WATCH, raw.versioned(b"/a", 1))
    client.post(raw.PING)
    assert [(reply.xid, reply.err) for reply in client.take()] == [(-2, 0)]


def test_watches_that_are_brought_again_are_told_what_they_missed(server: Server) -> None:
    client = connect(server)
    client.ok(raw.SET_WATCHES, raw.set_watches(1, [b"/a", b"/none"], [], []))
    assert [(event.type, event.path) for event in client.noted] == [(3, b"/a"), (2, b"/none")]
