"""Corner cases of the client protocol: new and resumed sessions (4 to 9; 38 is in test_read_only.py)."""

import raw_wire as raw
from pipeline_harness import FIRST_SESSION, Server

from zkeeper.database.sessions import session_password

REFUSAL = raw.framed(bytes(16) + raw.buffer(bytes(16)) + b"\0")


def test_4_timeout_negotiation() -> None:
    for wanted_ms, given_ms in [(0, 4000), (-1, 4000), (3999, 4000), (4001, 4001), (40000, 40000), (2**31 - 1, 40000)]:
        assert Server().connect(wanted_ms).timeout_ms == given_ms


def test_5_no_read_only_byte() -> None:
    client = Server().open()
    assert len(client.handshake(raw.connect(tail=b""))) == 4 + 36
    client = Server().open()
    assert len(client.handshake(raw.connect(tail=b"\1junk"))) == 4 + 37


def test_6_client_from_the_future() -> None:
    server = Server()
    server.connect()
    for seen_zxid, is_let_in in [(1, True), (-5, True), (2, True), (6, False)]:
        client = server.open()
        sent = client.handshake(raw.connect(seen_zxid=seen_zxid))
        assert bool(sent) == is_let_in
        assert client.is_closed != is_let_in


def test_7_wrong_password() -> None:
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


def test_8_closed_or_unknown_session() -> None:
    server = Server()
    client = server.connect()
    client.ok(raw.CLOSE_SESSION)
    for session_id in (client.session_id, FIRST_SESSION + 77, -1):
        late = server.open()
        sent = late.handshake(raw.connect(session_id=session_id, password=session_password(session_id)))
        assert sent == REFUSAL
        assert late.is_closed
    assert server.last_logged == 2


def test_8_closing_session() -> None:
    server = Server()
    client = server.connect()
    client.post(raw.CLOSE_SESSION)
    late = server.open()
    late.send(raw.connect(session_id=client.session_id, password=client.password))
    assert late.outlet.take() == REFUSAL
    server.commit()
    assert late.is_closed


def test_9_connect_and_read_in_one_segment() -> None:
    client = Server().open()
    client.send(raw.connect() + raw.request(5, raw.GET_DATA, raw.read(b"/")))
    assert client.outlet.take() == b""
    client.server.commit()
    first, second = raw.split(client.outlet.take())
    assert len(first) == 37
    assert raw.reply(second).xid == 5
    assert raw.reply(second).zxid == 1
