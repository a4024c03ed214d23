"""Writes a tree with everything that a data directory can hold, and photographs what a server serves of one."""

import base64
import hashlib
from dataclasses import dataclass

from .clients.harness import wait_for
from .differential import codec
from .servers import Server
from .wire_session import Credentials, Refused, ServerError, WireSession, create_body

EPHEMERAL, SEQUENTIAL, CONTAINER, TTL, TTL_SEQUENTIAL = 1, 2, 4, 5, 6
LONG_TIMEOUT_MS, SHORT_TIMEOUT_MS = 60_000, 500
DAY_MS = 86_400_000
SUPER, ALICE = b"super:test", b"alice:secret"
CHANGES = 130
"""Writes of no interest, so that small files are full."""


def digest_id(credentials: bytes) -> str:
    """The id under which the scheme `digest` knows somebody."""
    name = credentials.partition(b":")[0].decode()
    return f"{name}:{base64.b64encode(hashlib.sha1(credentials).digest()).decode()}"


@dataclass(frozen=True)
class Sessions:
    """Those that are alive, and those that are over."""

    alive: tuple[Credentials, ...]
    over: tuple[Credentials, ...]


@dataclass(frozen=True)
class Node:
    """A znode as clients see it who may see everything."""

    data: bytes | None
    stat: dict[str, int]
    acl: list[tuple[int, bytes | None, bytes | None]]
    children: list[str]


@dataclass(frozen=True)
class Photo:
    """What a server serves: its znodes, and the ephemerals of the sessions that could be resumed."""

    nodes: dict[str, Node]
    ephemerals: dict[int, list[str]]
    refused: list[int]


def write_tree(server: Server) -> Sessions:
    """Sessions that are alive have no connection any more."""
    writer, other = (WireSession(server, LONG_TIMEOUT_MS) for _ in range(2))
    for write in (_plain, _sequential, _kinds, _acls, _quotas, _multis, _failures, _changes):
        write(writer)
    writer.create("/live", b"w", EPHEMERAL)
    other.create("/kinds/ephemeral-", b"o", EPHEMERAL | SEQUENTIAL)
    other.create("/other", None, EPHEMERAL)
    over = (_closed(server), _expired(server, writer))
    for session in (writer, other):
        session.drop()
    return Sessions((writer.credentials, other.credentials), over)


def _plain(session: WireSession) -> None:
    session.create("/plain", b"data")
    session.create("/plain/null", None)
    session.create("/plain/empty", b"")
    session.create("/plain/large", bytes(range(256)) * 800)
    session.create("/plain/é中", "é中\U0001f600".encode())
    for path in ("/plain/a", "/plain/a/b", "/plain/a/b/c", "/plain/gone"):
        session.create(path)
    for number in range(5):
        session.set_data("/plain/a/b", b"%d" % number)
    session.set_data("/plain/a", None)
    session.delete("/plain/gone")


def _sequential(session: WireSession) -> None:
    session.create("/sequence")
    names = [session.create("/sequence/n-", b"", SEQUENTIAL) for _ in range(6)]
    for name in names[1:3]:
        session.delete(name)


def _kinds(session: WireSession) -> None:
    session.create("/kinds")
    session.create("/kinds/container", b"c", CONTAINER)
    session.create("/kinds/container/child")
    session.create("/kinds/unused", b"", CONTAINER)
    session.create("/kinds/ttl", b"t", TTL, ttl_ms=DAY_MS)
    session.create("/kinds/ttl-", b"t", TTL_SEQUENTIAL, ttl_ms=2 * DAY_MS)


def _acls(session: WireSession) -> None:
    session.authenticate("digest", ALICE)
    alice = (31, "digest", digest_id(ALICE))
    session.create("/acl")
    session.create("/acl/world", b"", acl=[(1, "world", "anyone")])
    session.create("/acl/auth", b"", acl=[(31, "auth", "")])
    session.create("/acl/digest", b"", acl=[alice])
    session.create("/acl/nobody", b"hidden", acl=[(31, "digest", "nobody:AAAA")])
    session.create("/acl/ip", b"", acl=[(31, "ip", "127.0.0.0/8"), (1, "ip", "::1")])
    session.create("/acl/mixed", b"", acl=[(1, "world", "anyone"), alice])
    session.create("/acl/changed")
    session.set_acl("/acl/changed", [(17, "world", "anyone"), (14, "digest", digest_id(ALICE))])
    session.set_acl("/acl/changed", [alice])
    session.set_data("/acl/changed", b"after")


def _quotas(session: WireSession) -> None:
    session.create("/quota")
    session.create("/zookeeper/quota/quota")
    session.create("/zookeeper/quota/quota/zookeeper_limits", b"count=20,bytes=10000")
    session.create("/zookeeper/quota/quota/zookeeper_stats", b"count=1,bytes=0")
    for name in ("a", "b"):
        session.create(f"/quota/{name}", b"12345")
    session.delete("/quota/a")


def _multis(session: WireSession) -> None:
    session.create("/multi")
    session.multi(
        (codec.CREATE, create_body("/multi/a", b"1")),
        (codec.CREATE, create_body("/multi/s-", b"", SEQUENTIAL)),
        (codec.CREATE2, create_body("/multi/e", b"", EPHEMERAL)),
        (codec.CREATE_CONTAINER, create_body("/multi/c", b"", CONTAINER)),
        (codec.CREATE_TTL, create_body("/multi/t", b"", TTL, ttl_ms=DAY_MS)),
        (codec.SET_DATA, codec.text("/multi/a") + codec.buffer(b"2") + codec.i32(0)),
        (codec.CHECK, codec.text("/multi/a") + codec.i32(1)),
        (codec.CREATE, create_body("/multi/gone")),
        (codec.DELETE, codec.text("/multi/gone") + codec.i32(-1)),
    )
    session.multi((codec.CREATE, create_body("/multi/no")), (codec.CHECK, codec.text("/multi/a") + codec.i32(7)))


def _failures(session: WireSession) -> None:
    for path in ("/plain", "/nowhere/below"):
        try:
            session.create(path)
        except ServerError:
            continue
        raise AssertionError(f"{path} was created")


def _changes(session: WireSession) -> None:
    session.create("/changes")
    for number in range(CHANGES):
        if number % 10 == 9:
            session.delete(f"/changes/{number - 1}")
        else:
            session.create(f"/changes/{number}", b"%d" % number)
            session.set_data("/changes", b"%d" % number)


def _closed(server: Server) -> Credentials:
    session = WireSession(server, LONG_TIMEOUT_MS)
    session.create("/of-closed", b"", EPHEMERAL)
    session.close()
    return session.credentials


def _expired(server: Server, witness: WireSession) -> Credentials:
    session = WireSession(server, SHORT_TIMEOUT_MS)
    session.create("/of-expired", b"", EPHEMERAL)
    session.drop()
    wait_for(lambda: not witness.exists("/of-expired"), "the end of a session that is silent")
    return session.credentials


def take_photo(server: Server, sessions: Sessions) -> Photo:
    """Reads everything as the super user, and resumes the sessions with their passwords."""
    reader = WireSession(server, LONG_TIMEOUT_MS)
    reader.authenticate("digest", SUPER)
    nodes: dict[str, Node] = {}
    pending = ["/"]
    while pending:
        path = pending.pop()
        children = reader.children(path)
        nodes[path] = Node(*reader.data(path), reader.acl(path), children)
        pending += [f"{path.rstrip('/')}/{name}" for name in children]
    reader.close()
    return Photo(nodes, *_resumed(server, sessions))


def _resumed(server: Server, sessions: Sessions) -> tuple[dict[int, list[str]], list[int]]:
    ephemerals: dict[int, list[str]] = {}
    refused: list[int] = []
    for credentials in (*sessions.alive, *sessions.over):
        try:
            session = WireSession(server, LONG_TIMEOUT_MS, credentials)
        except Refused:
            refused.append(credentials.session_id)
            continue
        ephemerals[credentials.session_id] = session.ephemerals()
        session.drop()
    return ephemerals, refused
