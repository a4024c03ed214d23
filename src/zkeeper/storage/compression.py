"""The streams that snapshots are written in: plain, gzip, and the framing of snappy-java.

A snappy stream is 16 bytes of head, then blocks: i32 compressed length, raw snappy block of at most 32 KiB.
Every reader holds a bounded piece of the stream and raises `DecodeError` for bytes that are not one.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from zkeeper.errors import DecodeError, StorageError
from zkeeper.storage.disk import DiskFile
from zkeeper.storage.settings import Compression

CHUNK_BYTES: Final = 1024 * 1024
GZIP_MAGIC: Final = b"\x1f\x8b"
SNAPPY_MAGIC: Final = b"\x82SNAPPY\x00"
SNAPPY_HEAD: Final = SNAPPY_MAGIC + struct.pack(">ii", 1, 1)

_SNAPPY_BLOCK_BYTES: Final = 32 * 1024
_SNAPPY_MAX_BLOCK_BYTES: Final = 64 * 1024 * 1024
_GZIP_WBITS: Final = 31
_LENGTH: Final = struct.Struct(">i")


class Encoder(Protocol):
    """Turns pieces into those of the stream; pieces may come out later than they went in."""

    def encode(self, piece: bytes) -> bytes: ...

    def finish(self) -> bytes:
        """The rest of the stream."""
        ...


class PlainEncoder:
    def encode(self, piece: bytes) -> bytes:
        return piece

    def finish(self) -> bytes:
        return b""


class GzipEncoder:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(6, zlib.DEFLATED, _GZIP_WBITS)

    def encode(self, piece: bytes) -> bytes:
        return self._stream.compress(piece)

    def finish(self) -> bytes:
        return self._stream.flush()


class SnappyEncoder:
    def __init__(self) -> None:
        self._snappy = _load_snappy()
        self._head = SNAPPY_HEAD
        self._pending = b""

    def encode(self, piece: bytes) -> bytes:
        data = self._pending + piece
        whole_bytes = len(data) - len(data) % _SNAPPY_BLOCK_BYTES
        self._pending = data[whole_bytes:]
        return self._blocks(data[:whole_bytes])

    def finish(self) -> bytes:
        rest, self._pending = self._pending, b""
        return self._blocks(rest)

    def _blocks(self, data: bytes) -> bytes:
        out, self._head = [self._head], b""
        for start in range(0, len(data), _SNAPPY_BLOCK_BYTES):
            block = self._snappy.compress(data[start : start + _SNAPPY_BLOCK_BYTES])
            out += (_LENGTH.pack(len(block)), block)
        return b"".join(out)


class _Snappy(Protocol):
    def compress(self, data: bytes) -> bytes: ...

    def decompress(self, data: bytes) -> bytes: ...


class _Cramjam:
    """The raw snappy format by cramjam."""

    def __init__(self) -> None:
        import cramjam

        self._raw = cramjam.snappy
        self._error = cramjam.DecompressionError

    def compress(self, data: bytes) -> bytes:
        return bytes(self._raw.compress_raw(data))

    def decompress(self, data: bytes) -> bytes:
        try:
            if self._raw.decompress_raw_len(data) > _SNAPPY_MAX_BLOCK_BYTES:
                raise DecodeError("a snappy block claims to be larger than any writer makes it")
            return bytes(self._raw.decompress_raw(data))
        except self._error as error:
            raise DecodeError(f"a snappy block does not decompress: {error}") from error


def _load_snappy() -> _Snappy:
    try:
        return _Cramjam()
    except ImportError as error:
        raise StorageError(
            "snapshots compressed with snappy need the cramjam package: install zkeeper[snappy]"
        ) from error


def check_compression(compression: Compression) -> None:
    """Raises `StorageError` when this installation cannot write such snapshots."""
    if compression == "snappy":
        _load_snappy()


def encoder(compression: Compression) -> Encoder:
    if compression == "gz":
        return GzipEncoder()
    if compression == "snappy":
        return SnappyEncoder()
    return PlainEncoder()


def decoded(file: DiskFile, compression: Compression) -> Iterator[bytes]:
    """The uncompressed bytes of the stream in `file`, in pieces of bounded size."""
    if compression == "gz":
        return _decode_gzip(file)
    if compression == "snappy":
        return _decode_snappy(file, _load_snappy())
    return _decode_plain(file)


def _decode_plain(file: DiskFile) -> Iterator[bytes]:
    while piece := file.read(CHUNK_BYTES):
        yield piece


def _decode_gzip(file: DiskFile) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP_WBITS)
    while not stream.eof:
        data = stream.unconsumed_tail or file.read(CHUNK_BYTES)
        try:
            piece = stream.decompress(data, CHUNK_BYTES)
        except zlib.error as error:
            raise DecodeError(f"the gzip stream does not decompress: {error}") from error
        if piece:
            yield piece
        elif not data:
            raise DecodeError("the gzip stream is cut off")
    if stream.unused_data or file.read(1):
        raise DecodeError("something follows the gzip stream")


def _decode_snappy(file: DiskFile, snappy: _Snappy) -> Iterator[bytes]:
    data = _at_least(file, b"", len(SNAPPY_HEAD))
    if not data.startswith(SNAPPY_MAGIC) or len(data) < len(SNAPPY_HEAD):
        raise DecodeError("it does not begin as a snappy stream does")
    data = _at_least(file, data[len(SNAPPY_HEAD) :], _LENGTH.size)
    while data:
        if len(data) < _LENGTH.size:
            raise DecodeError("the snappy stream is cut off")
        (length,) = _LENGTH.unpack_from(data)
        if not 0 < length <= _SNAPPY_MAX_BLOCK_BYTES:
            raise DecodeError(f"a snappy block claims {length} bytes")
        end = _LENGTH.size + length
        data = _at_least(file, data, end)
        if len(data) < end:
            raise DecodeError("the snappy stream is cut off inside a block")
        yield snappy.decompress(data[_LENGTH.size : end])
        data = _at_least(file, data[end:], _LENGTH.size)


def _at_least(file: DiskFile, data: bytes, size_bytes: int) -> bytes:
    """`data` and what follows it in the file: `size_bytes`, unless the file ends before."""
    while len(data) < size_bytes and (more := file.read(max(CHUNK_BYTES, size_bytes - len(data)))):
        data += more
    return data
