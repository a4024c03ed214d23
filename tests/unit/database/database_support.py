"""What the tests of the database share: short transactions, the tree as a plain dictionary, and its digest anew."""

import re
import struct
from typing import Any
from zlib import crc32

from librt.strings import BytesWriter

from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.database.image import ImageReader, ImageWriter
from zkeeper.database.znode import ZNode
from zkeeper.wire import protocol
from zkeeper.wire.acl import WORLD_ANYONE, Acl
from zkeeper.wire.txns import (
    CloseSessionBody,
    CreateBody,
    CreateSessionBody,
    DeleteBody,
    SetAclBody,
    SetDataBody,
    Txn,
    TxnBody,
)

LIMIT_BYTES = 2 * 0xFFFFF
OPEN: tuple[Acl, ...] = (WORLD_ANYONE,)
READ_ONLY: tuple[Acl, ...] = ((1, b"world", b"anyone"),)
CLOSED: tuple[Acl, ...] = ((31, b"digest", b"a:b"),)


def new_database() -> Database:
    return Database(DatabaseOptions(extended_types=True))


def txn(zxid: int, txn_type: int, body: TxnBody, session: int = 7) -> Txn:
    return Txn(session, 1, zxid, 1000 + zxid, txn_type, body)


def create(
    zxid: int, path: bytes, data: bytes | None = b"", parent_cversion: int = -1, acl: tuple[Acl, ...] = OPEN,
    txn_type: int = protocol.CREATE, session: int = 0, ttl_ms: int = 0,
) -> Txn:  # fmt: skip
    body = CreateBody(txn_type, path, data, acl, session != 0, parent_cversion, ttl_ms)
    return txn(zxid, txn_type, body, session or 7)


def delete(zxid: int, path: bytes) -> Txn:
    return txn(zxid, protocol.DELETE, DeleteBody(path))


def set_data(zxid: int, path: bytes, data: bytes | None, version: int) -> Txn:
    return txn(zxid, protocol.SET_DATA, SetDataBody(path, data, version))


def set_acl(zxid: int, path: bytes, acl: tuple[Acl, ...], version: int) -> Txn:
    return txn(zxid, protocol.SET_ACL, SetAclBody(path, acl, version))


def open_session(zxid: int, session: int) -> Txn:
    return txn(zxid, protocol.CREATE_SESSION, CreateSessionBody(9000), session)


def close_session(zxid: int, session: int, paths: list[bytes] | None) -> Txn:
    return txn(zxid, protocol.CLOSE_SESSION, CloseSessionBody(paths), session)


def nodes(database: Database) -> dict[bytes, ZNode]:
    """Every znode by its path, the root under the empty one."""
    found: dict[bytes, ZNode] = {}
    waiting = [(b"", database.tree.root)]
    while waiting:
        path, node = waiting.pop()
        found[path] = node
        waiting += [(path + b"/" + name, child) for name, child in (node.children or {}).items()]
    return found


def shown(database: Database) -> dict[bytes, Any]:
    """All that can be seen of the znodes."""
    stat = BytesWriter()
    found: dict[bytes, Any] = {}
    for path, node in nodes(database).items():
        stat.truncate(0)
        node.write_stat(stat, node.owner)
        found[path] = (node.data, node.acl.entries, stat.getvalue())
    return found


NUMBERS = struct.Struct(">qqqqqiiiq")


def digest_anew(database: Database) -> int:
    """The digest of the tree, computed from nothing."""
    total = 0
    for path, node in nodes(database).items():
        if not path.startswith(b"/zookeeper/"):
            numbers = NUMBERS.pack(
                node.czxid, node.mzxid, node.pzxid, node.ctime_ms, node.mtime_ms,
                node.version, node.cversion, node.aversion, node.owner,
            )  # fmt: skip
            total += crc32(path + (node.data or b"") + numbers)
    return total


def check_consistent(database: Database) -> None:
    """What the tree keeps beside the znodes agrees with them."""
    tree, found = database.tree, nodes(database)
    assert tree.digest == digest_anew(database)
    assert tree.node_count == len(found)
    assert tree.data_bytes == sum(len(path) + len(node.data or b"") for path, node in found.items())
    kinds: dict[int, set[bytes]] = {0: set(), 1: set(), 2: set(), 3: set()}
    for path, node in found.items():
        kinds[tree.owner_rules.kind(node.owner)].add(path)
        assert tree.lookup(path) is node
    assert {path for owned in tree.owners.ephemerals.values() for path in owned} == kinds[1]
    assert all(found[path].owner == owner for owner, owned in tree.owners.ephemerals.items() for path in owned)
    assert (tree.owners.containers, tree.owners.ttls) == (kinds[2], kinds[3])
    used = {node.acl.index: node.acl.entries for node in found.values() if node.acl.index != -1}
    assert dict(tree.acls.items()) == used


def image_of(database: Database, max_nodes: int = 1000, max_bytes: int = LIMIT_BYTES) -> bytes:
    writer = ImageWriter(database)
    return b"".join(iter(lambda: writer.next_slice(max_nodes, max_bytes), None))


def loaded(image: bytes, sizes: tuple[int, ...] = ()) -> Database:
    """A database from an image that arrives in pieces of `sizes` bytes, then the rest."""
    database = new_database()
    reader = ImageReader(database, LIMIT_BYTES)
    for size in sizes:
        piece, image = image[:size], image[size:]
        rest = reader.feed(piece)
        if rest is not None:
            assert rest + image == b""
            return database
    assert reader.feed(image) == b""
    return database


def image_parts(image: bytes) -> list[bytes]:
    """The image cut at each path, so that the order of siblings does not matter."""
    return sorted(re.split(rb"(?=\0\0\0[\0-\x20]/)", image))
