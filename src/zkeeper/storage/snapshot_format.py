"""The bytes of a snapshot around the image of the database (storage, section 5.2).

`"ZKSN" | version 2 | dbid -1 | image | seal [| digest section | seal] [| last zxid section | seal]`. A seal is the
Adler-32 of all bytes before it, uncompressed, as an i64, and the string "/". Which sections are there is known from the
number of bytes after the first seal, whatever this server would write itself.
"""

import struct
from dataclasses import dataclass
from typing import Final
from zlib import adler32

from zkeeper.errors import DecodeError
from zkeeper.wire.txns import DIGEST_VERSION

SNAPSHOT_MAGIC: Final = b"ZKSN"
SNAPSHOT_HEADER: Final = SNAPSHOT_MAGIC + struct.pack(">iq", 2, -1)
SEAL_END: Final = b"\x00\x00\x00\x01/"
MIN_PLAIN_BYTES: Final = 10

_SEAL: Final = struct.Struct(f">q{len(SEAL_END)}s")
_DIGEST: Final = struct.Struct(">qiq")
_LAST_ZXID: Final = struct.Struct(">q")
_DIGEST_SECTION_BYTES: Final = _DIGEST.size + _SEAL.size
_LAST_ZXID_SECTION_BYTES: Final = _LAST_ZXID.size + _SEAL.size
_SIZES: Final = {
    0,
    _DIGEST_SECTION_BYTES,
    _LAST_ZXID_SECTION_BYTES,
    _DIGEST_SECTION_BYTES + _LAST_ZXID_SECTION_BYTES,
}
MAX_TAIL_BYTES: Final = _SEAL.size + max(_SIZES)


@dataclass(frozen=True, slots=True)
class SnapshotDigest:
    """The digest of the tree after the transaction `zxid`, the last one that the snapshot may hold parts of."""

    zxid: int
    version: int
    digest: int

    def encode(self) -> bytes:
        return _DIGEST.pack(self.zxid, self.version, self.digest)


NO_DIGEST: Final = SnapshotDigest(0, DIGEST_VERSION, 0)


@dataclass(frozen=True, slots=True)
class SnapshotTail:
    """What follows the image. `last_zxid` is the last transaction applied when the snapshot was complete."""

    digest: SnapshotDigest | None
    last_zxid: int | None


def encode_last_zxid(zxid: int) -> bytes:
    return _LAST_ZXID.pack(zxid)


def encode_seal(checksum: int) -> bytes:
    return _SEAL.pack(checksum, SEAL_END)


def decode_tail(tail: bytes, checksum: int) -> SnapshotTail:
    """Reads what follows the image, whose bytes with all before them have the Adler-32 `checksum`."""
    sections = len(tail) - _SEAL.size
    if sections not in _SIZES:
        raise DecodeError(f"{len(tail)} bytes follow the znodes, which fits no version of the format")
    at, checksum = _check_seal(tail, 0, checksum)
    digest: SnapshotDigest | None = None
    if len(tail) - at >= _DIGEST_SECTION_BYTES:
        digest = SnapshotDigest(*_DIGEST.unpack_from(tail, at))
        at, checksum = _check_section(tail, at, _DIGEST.size, checksum)
    if at == len(tail):
        return SnapshotTail(digest, None)
    (last_zxid,) = _LAST_ZXID.unpack_from(tail, at)
    _check_section(tail, at, _LAST_ZXID.size, checksum)
    return SnapshotTail(digest, last_zxid)


def _check_section(tail: bytes, at: int, size: int, checksum: int) -> tuple[int, int]:
    return _check_seal(tail, at + size, adler32(tail[at : at + size], checksum))


def _check_seal(tail: bytes, at: int, checksum: int) -> tuple[int, int]:
    """Returns where the seal ends, and the checksum with the seal's own bytes."""
    found, end = _SEAL.unpack_from(tail, at)
    if found != checksum or end != SEAL_END:
        raise DecodeError(f"a seal does not match: checksum 0x{found:x}, the bytes have 0x{checksum:x}")
    return at + _SEAL.size, adler32(tail[at : at + _SEAL.size], checksum)
