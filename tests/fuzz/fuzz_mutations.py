"""Small lies about valid bytes: flipped bits, lengths that are wrong, pieces cut, doubled, moved or borrowed."""

import struct
from collections.abc import Callable, Sequence
from random import Random

I32 = [-1, -2, 0, 1, 2, 3, 4, 5, 14, 100, 0xFFFF, 0xFFFFF, 0x100000, 2 * 0xFFFFF, 2**31 - 1, -(2**31)]
I64 = [-1, 0, 1, 2**32, 2**63 - 1, -(2**63), 0x0100000D47A00000]
PIECES = [
    b"", b"/", b"//", b"\0", b"\xff", b"/zookeeper", b"/zookeeper/quota/a/zookeeper_limits", b"count=" + b"9" * 30,
    b"\xed\xa0\x80", b"digest", b"auth", "\U0001f600".encode(), b"9" * 5000, b"count=" + b"9" * 5000,
]  # fmt: skip
MOST_MUTATIONS = 4


def _flip(random: Random, data: bytearray, _: bytes) -> None:
    at = random.randrange(len(data) * 8)
    data[at // 8] ^= 1 << at % 8


def _set(random: Random, data: bytearray, _: bytes) -> None:
    data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _truncate(random: Random, data: bytearray, _: bytes) -> None:
    del data[random.randrange(len(data)) :]


def _remove(random: Random, data: bytearray, _: bytes) -> None:
    at = random.randrange(len(data))
    del data[at : at + random.randint(1, 8)]


def _double(random: Random, data: bytearray, _: bytes) -> None:
    at = random.randrange(len(data))
    piece = data[at : at + random.randint(1, 40)]
    data[at:at] = piece * random.choice((1, 1, 2, 30))


def _write_i32(random: Random, data: bytearray, _: bytes) -> None:
    at = random.randrange(max(1, len(data) - 3))
    data[at : at + 4] = struct.pack(">i", random.choice(I32))


def _nudge_i32(random: Random, data: bytearray, _: bytes) -> None:
    """Most lengths are small and stand on three zero bytes."""
    at = data.find(b"\0\0\0", random.randrange(len(data)))
    if 0 <= at < len(data) - 3:
        data[at + 3] = (data[at + 3] + random.choice((-4, -1, 1, 4, 100))) & 0xFF


def _write_i64(random: Random, data: bytearray, _: bytes) -> None:
    at = random.randrange(max(1, len(data) - 7))
    data[at : at + 8] = struct.pack(">q", random.choice(I64))


def _splice(random: Random, data: bytearray, other: bytes) -> None:
    at = random.randrange(len(data))
    data[at:] = other[random.randrange(len(other) + 1) :]


def _insert(random: Random, data: bytearray, _: bytes) -> None:
    at = random.randrange(len(data))
    piece = random.choice(PIECES)
    data[at:at] = struct.pack(">i", len(piece)) + piece if random.random() < 0.7 else piece


def _make_null(random: Random, data: bytearray, _: bytes) -> None:
    """In place of a text or a buffer, a null."""
    at = data.find(b"\0\0\0", random.randrange(len(data)))
    if 0 <= at < len(data) - 3:
        data[at : at + 4 + data[at + 3]] = struct.pack(">i", -1)


MUTATIONS: Sequence[Callable[[Random, bytearray, bytes], None]] = (
    _flip, _set, _truncate, _remove, _double, _write_i32, _nudge_i32, _nudge_i32, _write_i64, _splice, _insert,
    _make_null,
)  # fmt: skip


def mutated(random: Random, data: bytes, other: bytes) -> bytes:
    """`data` after one to four mutations; `other` is what a splice borrows from."""
    changed = bytearray(data)
    for _ in range(random.randint(1, MOST_MUTATIONS)):
        if not changed:
            break
        random.choice(MUTATIONS)(random, changed, other)
    return bytes(changed)
