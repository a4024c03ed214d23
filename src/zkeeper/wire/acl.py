"""ACL entries on the wire and on disk: `(permissions, scheme, id)`."""

from typing import Final

from librt.strings import BytesWriter, write_i32_be
from mypy_extensions import i32

from zkeeper.errors import DecodeError
from zkeeper.wire.jute import Reader, write_buffer

Acl = tuple[int, bytes, bytes]
"""Permission bits, scheme and id. Scheme and id are as Java would write them (`java_string`)."""

WORLD_ANYONE: Final[Acl] = (31, b"world", b"anyone")


class RawAcl:
    """An ACL entry as a client sent it: scheme and id may be null."""

    def __init__(self, permissions: int, scheme: bytes | None, identity: bytes | None) -> None:
        self.permissions = permissions
        self.scheme = scheme
        self.identity = identity


def read_raw_acl(reader: Reader) -> list[RawAcl] | None:
    """A vector of entries from a client; None for a null vector."""
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
    if raw is None:
        return ()
    entries: list[Acl] = []
    for entry in raw:
        if entry.scheme is None or entry.identity is None:
            raise DecodeError("an ACL entry has a null scheme or id")
        entries.append((entry.permissions, entry.scheme, entry.identity))
    return tuple(entries)


def write_acl(out: BytesWriter, entries: tuple[Acl, ...]) -> None:
    write_i32_be(out, i32(len(entries)))
    for permissions, scheme, identity in entries:
        write_i32_be(out, i32(permissions))
        write_buffer(out, scheme)
        write_buffer(out, identity)


def acl_bytes(entries: tuple[Acl, ...]) -> bytes:
    out = BytesWriter()
    write_acl(out, entries)
    return out.getvalue()
