"""ACL entries on the wire and on disk: `(permissions, scheme, id)`."""

from typing import Final

from librt.strings import BytesWriter, write_i32_be
from mypy_extensions import i32

from zkeeper.errors import DecodeError
from zkeeper.wire.jute import Reader, write_buffer

Acl = tuple[int, bytes, bytes]
"""Permission bits, scheme and id. Scheme and id are as Java would write them (`java_string`)."""

WORLD_ANYONE: Final[Acl] = (31, b"world", b"anyone")
OPEN_ACL: Final[tuple[Acl, ...]] = (WORLD_ANYONE,)
"""The list that nearly every znode has. What reads, checks or writes lists knows this very object, and is quick."""
OPEN_ACL_BYTES: Final = b"\x00\x00\x00\x01\x00\x00\x00\x1f\x00\x00\x00\x05world\x00\x00\x00\x06anyone"


class RawAcl:
    """An ACL entry as a client sent it: scheme and id may be null."""

    def __init__(self, permissions: int, scheme: bytes | None, identity: bytes | None) -> None:
        self.permissions = permissions
        self.scheme = scheme
        self.identity = identity


RAW_OPEN_ACL: Final = [RawAcl(31, b"world", b"anyone")]


def _skip_open_acl(reader: Reader) -> bool:
    """Whether the open list comes next; it is read then."""
    end = reader.position + len(OPEN_ACL_BYTES)
    if end > reader.end or reader.data[reader.position : end] != OPEN_ACL_BYTES:
        return False
    reader.position = end
    return True


def read_raw_acl(reader: Reader) -> list[RawAcl] | None:
    """A vector of entries from a client; None for a null vector."""
    if _skip_open_acl(reader):
        return RAW_OPEN_ACL
    count = reader.int32()
    if count == -1:
        return None
    entries: list[RawAcl] = []
    while count > 0:
        permissions = int(reader.int32())
        scheme = reader.buffer()
        entries.append(RawAcl(permissions, scheme, reader.buffer()))
        count -= 1
    return entries


def read_acl(reader: Reader) -> tuple[Acl, ...]:
    """A vector of entries from a file or a peer server; a null vector reads as empty, as one that allows all."""
    raw = read_raw_acl(reader)
    if raw is RAW_OPEN_ACL:
        return OPEN_ACL
    if raw is None:
        return ()
    entries: list[Acl] = []
    for entry in raw:
        if entry.scheme is None or entry.identity is None:
            raise DecodeError("an ACL entry has a null scheme or id")
        entries.append((entry.permissions, entry.scheme, entry.identity))
    return tuple(entries)


def write_acl(out: BytesWriter, entries: tuple[Acl, ...]) -> None:
    if entries is OPEN_ACL:
        out.write(OPEN_ACL_BYTES)
        return
    write_i32_be(out, i32(len(entries)))
    for permissions, scheme, identity in entries:
        write_i32_be(out, i32(permissions))
        write_buffer(out, scheme)
        write_buffer(out, identity)


def acl_bytes(entries: tuple[Acl, ...]) -> bytes:
    out = BytesWriter()
    write_acl(out, entries)
    return out.getvalue()
