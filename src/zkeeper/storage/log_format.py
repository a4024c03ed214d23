"""The bytes of a transaction log (storage, section 3).

`"ZKLG" | version 2 | dbid 0`, then entries, then zeros to the end of the file. An entry is
`i64 Adler-32 of the payload | i32 length | payload | 0x42`; a length of zero is the beginning of the padding.
"""

import struct
from typing import Final

LOG_MAGIC: Final = b"ZKLG"
LOG_HEADER: Final = LOG_MAGIC + struct.pack(">iq", 2, 0)
ENTRY_HEAD: Final = struct.Struct(">qi")
ENTRY_HEAD_BYTES: Final = ENTRY_HEAD.size
ENTRY_FRAME_BYTES: Final = ENTRY_HEAD_BYTES + 1
TXN_HEADER_BYTES: Final = 32
ZXID_OFFSET: Final = 12
PADDING_MARGIN_BYTES: Final = 4096


def padded_size(position: int, size: int, pre_alloc_bytes: int) -> int:
    """The size that a file has before an entry is added, when `position` bytes of it are written and padding has made
    it `size` long. The same as Java's, so that files look the same."""
    if pre_alloc_bytes <= 0 or position + PADDING_MARGIN_BYTES < size:
        return size
    if position <= size:
        return size + pre_alloc_bytes
    grown = position + pre_alloc_bytes
    return grown - grown % pre_alloc_bytes
