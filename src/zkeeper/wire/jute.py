"""Jute, the encoding of everything that ZooKeeper sends or stores.

1. Integers are big-endian two's complement; a buffer or string is an i32 length and its bytes, -1 for null; a vector
   is an i32 count and its elements, -1 for null.
2. Strings stay bytes (UTF-8) in the core; `text` is for what is shown to people.
3. Reading past the end of a record raises `EndOfDataError`, a length that cannot be meant `DecodeError`; no length is
   believed before it was compared with what is there.
"""

import codecs
from typing import Final, final

from librt.strings import BytesWriter, read_i32_be, read_i64_be, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, mypyc_attr, u8

from zkeeper.errors import DecodeError, EndOfDataError

MAX_BUFFER_BYTES: Final = 0xFFFFF
"""Default of `jute.maxbuffer`: the longest frame that a server takes."""


@mypyc_attr(acyclic=True)
@final
class Reader:
    """Reads values from `data[position:end]`; `limit_bytes` is the longest string or buffer that is believed."""

    def __init__(self, data: bytes, position: i64 = 0, end: i64 = -1, limit_bytes: i64 = 2 * MAX_BUFFER_BYTES) -> None:
        self.data = data
        self.position: i64 = position
        self.end: i64 = end if end >= 0 else len(data)
        self.limit_bytes: i64 = limit_bytes

    def remaining(self) -> i64:
        return self.end - self.position

    def rest(self) -> bytes:
        """What was not read yet, without reading it."""
        return self.data[self.position : self.end]

    def int32(self) -> i64:
        position = self.position
        if position + 4 > self.end:
            raise EndOfDataError("an i32 is cut off")
        self.position = position + 4
        return i64(read_i32_be(self.data, position))

    def int64(self) -> i64:
        position = self.position
        if position + 8 > self.end:
            raise EndOfDataError("an i64 is cut off")
        self.position = position + 8
        return read_i64_be(self.data, position)

    def boolean(self) -> bool:
        """Any byte but zero is true, as for Java."""
        position = self.position
        if position >= self.end:
            raise EndOfDataError("a boolean is cut off")
        self.position = position + 1
        return self.data[position] != 0

    def buffer(self) -> bytes | None:
        length = self.int32()
        if length == -1:
            return None
        if length < -1 or length > self.limit_bytes:
            raise DecodeError(f"a field claims {length} bytes; at most {self.limit_bytes} are allowed")
        position = self.position
        if position + length > self.end:
            raise EndOfDataError(f"a field claims {length} bytes, {self.end - position} are left")
        self.position = position + length
        return self.data[position : position + length]

    def need_buffer(self) -> bytes:
        """A buffer or string where null has no meaning."""
        value = self.buffer()
        if value is None:
            raise DecodeError("a field is null that must have a value")
        return value

    def strings(self) -> list[bytes | None] | None:
        """A vector of strings; a count below -1 reads as an empty vector, as for Java."""
        count = self.int32()
        if count == -1:
            return None
        found: list[bytes | None] = []
        while count > 0:
            found.append(self.buffer())
            count -= 1
        return found


def write_bool(out: BytesWriter, value: bool) -> None:
    out.append(1 if value else 0)


def write_buffer(out: BytesWriter, value: bytes | None) -> None:
    if value is None:
        write_i32_be(out, -1)
    else:
        write_i32_be(out, i32(len(value)))
        out.write(value)


def write_strings(out: BytesWriter, values: list[bytes]) -> None:
    write_i32_be(out, i32(len(values)))
    for value in values:
        write_buffer(out, value)


def put_i32(out: BytesWriter, position: i64, value: i64) -> None:
    """Overwrites the four bytes at `position`, which were written as a placeholder for a length."""
    out[position] = u8((value >> 24) & 0xFF)
    out[position + 1] = u8((value >> 16) & 0xFF)
    out[position + 2] = u8((value >> 8) & 0xFF)
    out[position + 3] = u8(value & 0xFF)


def wrap_i32(value: i64) -> i64:
    """Two's complement of 32 bits, as versions wrap."""
    return ((value + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def text(value: bytes) -> str:
    """For messages and files that people read; malformed bytes show as U+FFFD."""
    return value.decode("utf-8", "replace")


def java_string(raw: bytes) -> bytes:
    """What Java sends back for a string that it received as `raw`.

    Java's decoder turns malformed bytes into U+FFFD and its encoder writes a character outside the BMP as two
    surrogates of three bytes each. Paths cannot hold either; ids of ACLs and users can.
    """
    if raw.isascii():
        return raw
    units = java_text(raw).encode("utf-16-be", "surrogatepass")
    out = [units[at : at + 2].decode("utf-16-be", "surrogatepass") for at in range(0, len(units), 2)]
    return "".join(out).encode("utf-8", "surrogatepass")


def java_text(raw: bytes) -> str:
    """UTF-8 as Java decodes it, with U+FFFD for what is malformed."""
    return raw.decode("utf-8", "zkeeper-java")


def _replace_like_java(error: UnicodeError) -> tuple[str, int]:
    """For Java an encoded surrogate, whole or cut off, is one malformed sequence; for Python each byte of it is."""
    assert isinstance(error, UnicodeDecodeError)
    start = error.start
    head = error.object[start : start + 3]
    if len(head) >= 2 and head[0] == 0xED and 0xA0 <= head[1] <= 0xBF:
        return "\ufffd", start + (3 if len(head) == 3 and 0x80 <= head[2] <= 0xBF else 2)
    return "\ufffd", error.end


codecs.register_error("zkeeper-java", _replace_like_java)


def write_i32(out: BytesWriter, value: i64) -> None:
    write_i32_be(out, i32(value))


def write_i64(out: BytesWriter, value: i64) -> None:
    write_i64_be(out, value)
