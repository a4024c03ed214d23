"""Corner cases of the semantics: ephemeral, container and TTL znodes (15 to 20; of the reaper what it proposes)."""

import raw_wire as raw
from pipeline_harness import Server
from raw_wire import Event
from semantics_support import create_err, new_client, watch


def test_15_child_of_an_ephemeral() -> None:
    client = new_client()
    client.create(b"/e", flags=1)
    assert create_err(client, b"/e/c") == -108
    assert create_err(client, b"/e/c", flags=1) == -108


def test_16_ttl_range() -> None:
    client = Server(extended_types=True).connect()
    for ttl_ms, err in [(0, -8), (-1, -8), (0x10000000000, -8), (0xFFFFFFFFFF, 0)]:
        assert client.call(raw.CREATE_TTL, raw.create(b"/t", flags=5, ttl_ms=ttl_ms)).err == err
    assert client.stat(b"/t").owner == 0
    assert client.create(b"/t/child") == b"/t/child"


def test_17_sequential_container() -> None:
    client = new_client()
    cursor = client.ok(raw.CREATE_CONTAINER, raw.create(b"/c-", flags=2)).cursor()
    assert cursor.buffer() == b"/c-0000000000"
    assert cursor.stat() == client.stat(b"/c-0000000000")
    assert client.server.database.tree.owners.containers == {b"/c-0000000000"}


def test_18_create_with_the_flags_of_a_container() -> None:
    client = new_client()
    client.create(b"/c", flags=4)
    assert not client.server.database.tree.owners.containers
    assert client.server.database.digest_mismatches == 0


def test_19_reaper_deletes_a_container() -> None:
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


def test_20_ttl_znode_with_a_child() -> None:
    client = Server(extended_types=True).connect()
    client.ok(raw.CREATE_TTL, raw.create(b"/t", flags=5, ttl_ms=1))
    client.create(b"/t/c")
    client.server.service.delete_container(b"/t")
    client.delete(b"/t/c")
    client.server.service.delete_container(b"/t")
    client.server.commit()
    assert client.children(b"/") == [b"zookeeper"]
