"""Corner cases of the client protocol: create flags, and which znode a create makes (35, 36, sections 7 and 8.2)."""

import pytest
import raw_wire as raw
from pipeline_harness import Client, Server


def test_35_ttl_without_extended_types() -> None:
    client = Server().connect()
    for op, flags in [(raw.CREATE_TTL, 5), (raw.CREATE_TTL, 6), (raw.CREATE, 5), (raw.CREATE_CONTAINER, 6)]:
        ttl_ms = 1000 if op == raw.CREATE_TTL else None
        assert client.err(op, raw.create(b"/a", flags=flags, ttl_ms=ttl_ms)) == -6
    assert not client.is_closed
    assert client.server.last_logged == 5


def test_36_create_flags() -> None:
    client = Server().connect()
    for flags in (7, 8, 100, -1, -(2**31)):
        assert client.err(raw.CREATE, raw.create(b"/a", flags=flags)) == -8


CONTAINER, TTL, PLAIN, EPHEMERAL = "container", "ttl", "plain", "ephemeral"


def kind_made(server: Server, path: bytes) -> str:
    tree = server.database.tree
    if path in tree.owners.containers:
        return CONTAINER
    if path in tree.owners.ttls:
        return TTL
    return EPHEMERAL if any(path in owned for owned in tree.owners.ephemerals.values()) else PLAIN


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
