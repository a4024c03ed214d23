"""Jute: every value comes back, and bytes that are cut off or lie about lengths are a `DecodeError`, nothing else."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from zkeeper.errors import DecodeError, EndOfDataError
from zkeeper.wire.acl import Acl, RawAcl, acl_bytes, read_acl, read_raw_acl
from zkeeper.wire.jute import (
    Reader,
    put_i32,
    text,
    wrap_i32,
    write_bool,
    write_buffer,
    write_i32,
    write_i64,
    write_strings,
)

I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
ENTRIES = st.lists(st.tuples(I32, st.binary(max_size=8), st.binary(max_size=8)), max_size=4).map(tuple)


def written(write: object, *values: object) -> bytes:
    out = BytesWriter()
    assert callable(write)
    write(out, *values)
    return out.getvalue()


@given(I32, I64)
def test_integers_are_big_endian(small: int, big: int) -> None:
    data = written(write_i32, small) + written(write_i64, big)
    assert data == struct.pack(">iq", small, big)
    reader = Reader(data)
    assert (reader.int32(), reader.int64(), reader.remaining()) == (small, big, 0)


@given(st.none() | st.binary(max_size=40))
def test_null_empty_and_filled_buffers_stay_apart(value: bytes | None) -> None:
    data = written(write_buffer, value)
    assert data == (b"\xff\xff\xff\xff" if value is None else struct.pack(">i", len(value)) + value)
    assert Reader(data).buffer() == value


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_a_vector_of_strings_comes_back(values: list[bytes]) -> None:
    data = written(write_strings, values)
    assert Reader(data).strings() == values


@pytest.mark.parametrize(("count", "expected"), [(-1, None), (0, []), (-2, []), (-(2**31), [])])
def test_only_a_count_of_minus_one_is_a_null_vector(count: int, expected: list[bytes] | None) -> None:
    data = struct.pack(">i", count)
    assert Reader(data).strings() == expected
    assert (read_raw_acl(Reader(data)) is None) == (expected is None)
    assert not read_raw_acl(Reader(data))
    assert read_acl(Reader(data)) == ()


@pytest.mark.parametrize("byte", [0, 1, 2, 255])
def test_every_byte_but_zero_is_true(byte: int) -> None:
    assert Reader(bytes([byte])).boolean() is (byte != 0)
    assert written(write_bool, byte != 0) == bytes([byte != 0])


@given(ENTRIES)
def test_an_acl_comes_back(entries: tuple[Acl, ...]) -> None:
    assert read_acl(Reader(acl_bytes(entries))) == entries


def test_a_client_may_send_null_scheme_and_id_but_a_file_may_not() -> None:
    data = struct.pack(">iiii", 1, 31, -1, -1)
    entries = read_raw_acl(Reader(data))
    assert entries is not None
    assert isinstance(entries[0], RawAcl)
    assert (entries[0].permissions, entries[0].scheme, entries[0].identity) == (31, None, None)
    with pytest.raises(DecodeError):
        read_acl(Reader(data))


READS = [
    (b"\x12\x34\x56\x78", "int32"),
    (b"\x12\x34\x56\x78\x9a\xbc\xde\xf0", "int64"),
    (b"\x01", "boolean"),
    (b"\0\0\0\5hello", "buffer"),
    (b"\0\0\0\5hello", "need_buffer"),
    (b"\0\0\0\2\0\0\0\1a\xff\xff\xff\xff", "strings"),
]


@pytest.mark.parametrize(("data", "method"), READS, ids=[method for _, method in READS])
def test_every_truncation_is_the_end_of_the_data(data: bytes, method: str) -> None:
    getattr(Reader(data), method)()
    for size in range(len(data)):
        with pytest.raises(EndOfDataError):
            getattr(Reader(data[:size]), method)()
        with pytest.raises(EndOfDataError):
            getattr(Reader(data, 0, size), method)()


@pytest.mark.parametrize("length", [-2, -(2**31), 101, 2**31 - 1])
def test_a_length_that_cannot_be_meant_is_refused(length: int) -> None:
    with pytest.raises(DecodeError) as caught:
        Reader(struct.pack(">i", length) + bytes(200), 0, -1, 100).buffer()
    assert not isinstance(caught.value, EndOfDataError)


def test_the_limit_itself_is_allowed() -> None:
    assert Reader(struct.pack(">i", 100) + bytes(100), 0, -1, 100).buffer() == bytes(100)


def test_null_where_a_value_is_needed_is_refused() -> None:
    with pytest.raises(DecodeError, match="null"):
        Reader(b"\xff\xff\xff\xff").need_buffer()


def test_a_reader_sees_only_its_part() -> None:
    reader = Reader(b"xx\0\0\0\1ayyyy", 2, 7)
    assert reader.need_buffer() == b"a"
    assert reader.remaining() == 0
    with pytest.raises(EndOfDataError):
        reader.boolean()


@given(st.binary(max_size=60))
def test_any_bytes_are_values_or_a_decode_error(data: bytes) -> None:
    for method in ("int32", "int64", "boolean", "buffer", "need_buffer", "strings"):
        reader = Reader(data)
        try:
            getattr(reader, method)()
        except DecodeError:
            continue
        assert reader.remaining() >= 0


@given(I64)
def test_versions_wrap_at_32_bits(value: int) -> None:
    wrapped = wrap_i32(value % 2**40)
    assert -(2**31) <= wrapped < 2**31
    assert (wrapped - value % 2**40) % 2**32 == 0


@given(I32)
def test_a_placeholder_is_overwritten_in_place(value: int) -> None:
    out = BytesWriter()
    out.write(b"ab____cd")
    put_i32(out, 2, value)
    assert out.getvalue() == b"ab" + struct.pack(">i", value) + b"cd"


def test_text_for_people_shows_malformed_bytes() -> None:
    assert text(b"a\xffb") == "a\ufffdb"
