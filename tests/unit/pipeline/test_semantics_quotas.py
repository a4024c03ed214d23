"""Corner cases of the semantics: quotas (39 to 42)."""

import raw_wire as raw
from pipeline_harness import Client, Server
from semantics_support import create_err, new_client

QUOTA = b"/zookeeper/quota"


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


def test_39_hard_limit_of_the_count() -> None:
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


def test_40_hard_limit_of_the_bytes() -> None:
    client = Server(enforce_quota=True).connect()
    client.create(b"/q")
    with_quota(client, b"/q", b"count=-1,bytes=-1=;byteHardLimit=20")
    client.write(b"/q", bytes(20))
    assert client.err(raw.SET_DATA, raw.set_data(b"/q", bytes(21))) == -125
    assert client.err(raw.SET_DATA, raw.set_data(b"/q", bytes(21), 9)) == -125
    assert client.err(raw.CREATE, raw.create(b"/q/a", b"x")) == -125
    client.create(b"/q/a")


def test_40_nothing_is_refused_unless_told_to() -> None:
    client = new_client()
    client.create(b"/q")
    with_quota(client, b"/q", b"count=1,bytes=1=;byteHardLimit=1;countHardLimit=1")
    client.write(b"/q", bytes(20))
    client.create(b"/q/a", b"123")
    assert usage(client, b"/q") == b"count=2,bytes=23"


def test_40_limits_that_mean_nothing() -> None:
    for limits in (b"count", b"count=x", b"count=", b"=", b"countHardLimit=" + b"9" * 5000):
        client = Server(enforce_quota=True).connect()
        client.create(b"/q")
        with_quota(client, b"/q", limits)
        assert create_err(client, b"/q/a") == -5, limits[:20]
        assert client.err(raw.SET_DATA, raw.set_data(b"/q", b"x")) == -5
        client.ok(raw.SET_DATA, raw.set_data(QUOTA + b"/q/zookeeper_limits", b"count=9"))
        client.create(b"/q/a")


def test_41_stats_are_real_totals() -> None:
    client = new_client()
    client.create(b"/q", b"12345")
    client.create(b"/q/a", b"123")
    with_quota(client, b"/q", b"count=9,bytes=-1")
    assert usage(client, b"/q") == b"count=2,bytes=8"


def test_41_junk_written_into_stats() -> None:
    for junk in (b"junk", None, b"", b"count=1;bytes", b"count=" + b"1" * 5000):
        for enforce in (False, True):
            client = Server(enforce_quota=enforce).connect()
            client.create(b"/q", b"12345")
            with_quota(client, b"/q", b"countHardLimit=10")
            client.write(QUOTA + b"/q/zookeeper_stats", junk)
            client.create(b"/q/a", b"123")
            client.create(b"/q/b", b"")
            client.delete(b"/q/b")


def test_42_nested_quotas() -> None:
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


def test_42_no_quota_on_the_root() -> None:
    client = new_client()
    assert create_err(client, QUOTA + b"/zookeeper_limits") == -8
    client.create(QUOTA + b"/zookeeper_stats", b"junk")
    client.create(b"/a", b"1")
