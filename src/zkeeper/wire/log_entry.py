"""Entries of the transaction log: `adler32(payload) i64 | length i32 | payload | 0x42` (storage, section 3.1)."""

from typing import Final, final
from zlib import adler32

from librt.strings import BytesWriter, write_i32_be, write_i64_be
from mypy_extensions import i32, i64

END_MARK: Final = 0x42


def write_entry(out: BytesWriter, payload: bytes) -> None:
    write_i64_be(out, adler32(payload))
    write_i32_be(out, i32(len(payload)))
    out.write(payload)
    out.append(END_MARK)


@final
class EntryBatch:
    """Entries gathered for one sync. `first_zxid` and `last_zxid` mean something while it is not empty."""

    def __init__(self) -> None:
        self.first_zxid: i64 = 0
        self.last_zxid: i64 = 0
        self._out = BytesWriter()

    def append(self, zxid: i64, payload: bytes) -> bool:
        """True for the first of a batch."""
        is_first = len(self._out) == 0
        if is_first:
            self.first_zxid = zxid
        self.last_zxid = zxid
        write_entry(self._out, payload)
        return is_first

    def is_empty(self) -> bool:
        return len(self._out) == 0

    def take(self) -> bytes:
        """The entries, which are the caller's now."""
        data = self._out.getvalue()
        self._out = BytesWriter()
        return data
