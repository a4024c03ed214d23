"""Corner cases of the client protocol: auth and sasl packets (18 to 21)."""

import raw_wire as raw
from pipeline_harness import Server


def test_18_unknown_auth_scheme() -> None:
    for scheme, data in [(b"nope", b"x"), (None, b""), (b"world", b"anyone"), (b"super", b""), (b"digest", None),
                         (b"sasl", b"bob"), (b"x509", b""), (b"", b"")]:  # fmt: skip
        client = Server().connect()
        client.send(raw.request(-4, raw.AUTH, raw.auth(scheme, data)) + raw.request(1, raw.PING))
        assert client.take() == [raw.Reply(-4, 0, -115, b"")]
        assert client.is_closed


def test_18_auth_packet_cut_off() -> None:
    for op in (raw.AUTH, raw.SASL):
        client = Server().connect()
        client.send(raw.request(-4, op, b"\0\0\0"))
        assert client.outlet.take() == b""
        assert client.is_closed


def test_19_digest_without_password() -> None:
    client = Server().connect()
    client.log_in(b"justname")
    assert client.who_am_i() == {(b"digest", b"justname"), (b"ip", b"127.0.0.1")}


def test_20_auth_between_creates() -> None:
    client = Server().connect()
    creates = [raw.request(xid, raw.CREATE, raw.create(b"/n%d" % xid)) for xid in range(1, 6)]
    client.send(b"".join([*creates, raw.request(-4, raw.AUTH, raw.auth(b"digest", b"a:b"))]))
    client.server.commit()
    replies = client.take()
    assert [reply.xid for reply in replies if reply.xid != -4] == [1, 2, 3, 4, 5]
    assert [(reply.zxid, reply.err) for reply in replies if reply.xid == -4] == [(0, 0)]


def test_21_sasl_without_sasl() -> None:
    assert Server().connect().call(raw.SASL, raw.buffer(b"")) == raw.Reply(1, 0, 0, raw.i32(-1))
