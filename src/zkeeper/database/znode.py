"""A znode, its Stat and its digest."""

from typing import Final, final
from zlib import crc32

from librt.strings import BytesWriter, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, mypyc_attr

from zkeeper.database.acls import AclList
from zkeeper.wire.protocol import MAX_TTL_MS

CONTAINER_OWNER: Final = -0x8000000000000000
TTL_OWNER: Final = -0x0100000000000000
"""`0xFF00000000000000`, to which a ttl of at most `MAX_TTL_MS` is added."""

PERSISTENT: Final = 0
EPHEMERAL: Final = 1
CONTAINER: Final = 2
TTL: Final = 3


@final
@mypyc_attr(acyclic=True)
class ZNode:
    """One znode. Its name is known to its parent only.

    `cversion` is the persisted one, the number of children ever created; `owner` says also whether the znode is a
    container or has a ttl. `digest` is -1 while it is not known. `children` is None until there is a first one.
    """

    def __init__(self, data: bytes | None, acl: AclList, zxid: i64, time_ms: i64, owner: i64) -> None:
        self.data = data
        self.acl = acl
        self.children: dict[bytes, ZNode] | None = None
        self.czxid: i64 = zxid
        self.mzxid: i64 = zxid
        self.pzxid: i64 = zxid
        self.ctime_ms: i64 = time_ms
        self.mtime_ms: i64 = time_ms
        self.owner: i64 = owner
        self.digest: i64 = -1
        self.version: i32 = 0
        self.cversion: i32 = 0
        self.aversion: i32 = 0

    def child_count(self) -> i64:
        children = self.children
        return len(children) if children is not None else 0

    def data_bytes(self) -> i64:
        data = self.data
        return len(data) if data is not None else 0

    def write_stat(self, out: BytesWriter, ephemeral_owner: i64) -> None:
        """The 68 bytes that clients see; the wire's cversion counts deletions of children, too."""
        children: i64 = self.child_count()
        write_i64_be(out, self.czxid)
        write_i64_be(out, self.mzxid)
        write_i64_be(out, self.ctime_ms)
        write_i64_be(out, self.mtime_ms)
        write_i32_be(out, self.version)
        write_i32_be(out, i32(wire_cversion(i64(self.cversion), children)))
        write_i32_be(out, self.aversion)
        write_i64_be(out, ephemeral_owner)
        write_i32_be(out, i32(self.data_bytes()))
        write_i32_be(out, i32(children))
        write_i64_be(out, self.pzxid)


def wire_cversion(cversion: i64, child_count: i64) -> i64:
    return ((2 * cversion - child_count + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def digest_of(
    path: bytes, data: bytes | None, czxid: i64, mzxid: i64, pzxid: i64, ctime_ms: i64, mtime_ms: i64,
    version: i64, cversion: i64, aversion: i64, owner: i64,
) -> i64:  # fmt: skip
    """A znode's share in the digest of the tree: a CRC-32, 0 to 2^32-1 (semantics, section 16)."""
    out = BytesWriter()
    if len(path) > 1:
        out.write(path)
    if data is not None:
        out.write(data)
    write_i64_be(out, czxid)
    write_i64_be(out, mzxid)
    write_i64_be(out, pzxid)
    write_i64_be(out, ctime_ms)
    write_i64_be(out, mtime_ms)
    write_i32_be(out, i32(version))
    write_i32_be(out, i32(cversion))
    write_i32_be(out, i32(aversion))
    write_i64_be(out, owner)
    return crc32(out.getvalue())


def node_digest(path: bytes, node: ZNode) -> i64:
    """Of the znode as it stands; znodes below /zookeeper do not count."""
    if path.startswith(b"/zookeeper/"):
        return 0
    return digest_of(
        path, node.data, node.czxid, node.mzxid, node.pzxid, node.ctime_ms, node.mtime_ms,
        i64(node.version), i64(node.cversion), i64(node.aversion), node.owner,
    )  # fmt: skip


@final
class OwnerRules:
    """How `owner` is to be read; it depends on two settings of the server (storage, section 0.3)."""

    def __init__(self, extended_types: bool, emulate_353_ttl: bool) -> None:
        self.extended_types = extended_types
        self.emulate_353_ttl = emulate_353_ttl

    def kind(self, owner: i64) -> i64:
        if owner == 0:
            return PERSISTENT
        if owner == CONTAINER_OWNER:
            return CONTAINER
        if owner < 0 and self.extended_types and (self.emulate_353_ttl or owner >= TTL_OWNER):
            return TTL
        return EPHEMERAL

    def ttl_ms(self, owner: i64) -> i64:
        """Of an owner whose kind is TTL."""
        if owner >= TTL_OWNER:
            return owner & MAX_TTL_MS
        return owner & 0x0FFFFFFFFFFFFFFF

    def ephemeral_owner(self, owner: i64) -> i64:
        """What clients see: the session of an ephemeral, else 0."""
        if owner == 0 or self.kind(owner) != EPHEMERAL:
            return 0
        return owner
