"""Tells a torn write, which a crash explains, from damage, which nothing that a server does explains.

What a crash leaves of writes that were not synced, and so not acknowledged, is: their beginning, then zeros or the end
of the file; or some of their sectors, with zeros (the preallocated padding) in place of the others. Hence an entry that
is not whole is
1. torn, when the file ends inside it, or its end is still zero, or one of its sectors is zero;
2. damaged otherwise, and in any case when its length is impossible, when it is whole but for its length, when a whole
   entry begins inside the range that it claims (its length lies then), or behind it while no sector of it is zero
   (what is behind it was written later or at the same time, so this one was written, too).
Damage that fills a sector with zeros looks like a torn write and is taken for one.
"""

import re
from typing import Final
from zlib import adler32

from zkeeper.storage.log_format import (
    ENTRY_FRAME_BYTES,
    ENTRY_HEAD,
    ENTRY_HEAD_BYTES,
    TXN_HEADER_BYTES,
    ZXID_OFFSET,
)
from zkeeper.wire.log_entry import END_MARK

SECTOR_BYTES: Final = 512
_ALWAYS_ZERO_BYTES: Final = 4
_MAY_BE_HEAD: Final = re.compile(rb"(?=\0{4}[\s\S]{4}[\0-\x7f][\s\S]{3})(?!\0{8})")


def region_bytes(limit_bytes: int) -> int:
    """How much of the file, from an entry that is not whole, has to be judged: if entries follow, one of them lies
    entirely in it."""
    return 2 * (limit_bytes + ENTRY_FRAME_BYTES)


def why_damaged(region: bytes, offset: int, last_zxid: int, limit_bytes: int) -> str | None:
    """None when the entry at the beginning of `region`, found at `offset` of its file and known not to be whole, is
    torn; else what is wrong. `last_zxid` is that of the entry before it."""
    if len(region) < ENTRY_HEAD_BYTES:
        return None
    length = ENTRY_HEAD.unpack_from(region)[1]
    if length < 0 or length > limit_bytes:
        return f"an entry claims {length} bytes, at most {limit_bytes} are allowed"
    end = ENTRY_FRAME_BYTES + length if length else ENTRY_HEAD_BYTES
    has_zero_sector = _has_zero_sector(region[:end], offset)
    later = _find_entry(region, last_zxid, limit_bytes)
    if later is not None and later < end and not (length == 0 and has_zero_sector):
        return f"an entry claims {length} bytes, but another begins {later} bytes after it"
    if _is_whole_but_for_its_length(region):
        return f"the length of an entry, {length}, is wrong"
    if has_zero_sector:
        return None
    if later is not None:
        return f"an entry is not whole, but another that is follows {later} bytes after it"
    return _why_last_is_damaged(region, length, end)


def _why_last_is_damaged(region: bytes, length: int, end: int) -> str | None:
    if length == 0:
        return "an entry without bytes has some" if any(region[ENTRY_HEAD_BYTES:]) else None
    if len(region) < end or region[end - 1] == 0:
        return None
    if region[end - 1] != END_MARK:
        return f"an entry ends with 0x{region[end - 1]:02x}, not with its end mark"
    return "the checksum of an entry does not match its bytes"


def _is_whole_but_for_its_length(region: bytes) -> bool:
    """Whether the last entry of a log has its end mark and matches its checksum where the padding begins."""
    written = region.rstrip(b"\0")
    checksum = ENTRY_HEAD.unpack_from(region)[0]
    return written[-1:] == bytes([END_MARK]) and adler32(written[ENTRY_HEAD_BYTES:-1]) == checksum


def _has_zero_sector(entry: bytes, offset: int) -> bool:
    """Whether a sector's share of the entry is zero although it cannot be in a whole one. The first share counts if it
    holds some of the four bytes of the checksum that are hardly ever all zero."""
    start = 0
    end = SECTOR_BYTES - offset % SECTOR_BYTES
    while start < len(entry):
        share = entry[start:end]
        if not any(share) and (start > 0 or len(share) > _ALWAYS_ZERO_BYTES):
            return True
        start, end = end, end + SECTOR_BYTES
    return False


def _find_entry(region: bytes, last_zxid: int, limit_bytes: int) -> int | None:
    """Where in `region`, behind its beginning, the first whole entry begins that is later than `last_zxid`."""
    written = region.rstrip(b"\0")
    for found in _MAY_BE_HEAD.finditer(written, 1):
        if _is_whole(written, found.start(), last_zxid, limit_bytes):
            return found.start()
    return None


def _is_whole(region: bytes, at: int, last_zxid: int, limit_bytes: int) -> bool:
    checksum, length = ENTRY_HEAD.unpack_from(region, at)
    start = at + ENTRY_HEAD_BYTES
    end = start + length
    if not TXN_HEADER_BYTES <= length <= limit_bytes or end >= len(region) or region[end] != END_MARK:
        return False
    zxid = int.from_bytes(region[start + ZXID_OFFSET : start + ZXID_OFFSET + 8], signed=True)
    return zxid > last_zxid and adler32(region[start:end]) == checksum
