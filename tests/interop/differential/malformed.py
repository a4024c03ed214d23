"""Requests bent out of shape: truncated, with bytes flipped, with junk behind, with impossible lengths.

A body is bent at random only where no outcome can be one that is never sent (see `operations`): not a createTTL, and
nothing that names a quota's nodes.
"""

import random
from collections.abc import Callable

from . import codec
from .operations import Operation

_WITH_PATH = frozenset({*range(codec.CREATE, codec.SYNC + 1), *range(codec.GET_CHILDREN2, codec.CHECK + 1),
    *range(codec.CREATE2, codec.CREATE_CONTAINER + 1), codec.GET_EPHEMERALS, codec.GET_ALL_CHILDREN_NUMBER,
    codec.ADD_WATCH} - {codec.RECONFIG})  # fmt: skip
_LENGTHS = (-2, -(2**31), 2**31 - 1, 1 << 20, 1 << 21, 4000)


def bend(rng: random.Random, operation: Operation) -> Operation:
    """A broken form of an operation; itself where none is safe to send."""
    ways: list[tuple[str, Callable[[random.Random, bytes], bytes]]] = [("truncated", _truncated), ("tailed", _tailed)]
    if operation.op in _WITH_PATH:
        ways += [("path null:", _null_path), ("path length bent:", _bent_length)]
    if operation.op != codec.CREATE_TTL and b"zookeeper_" not in operation.body:
        ways += [("flipped", _flipped)] * 2
    word, way = rng.choice(ways)
    last_write = operation.last_write or operation.op in (codec.MULTI, codec.CREATE_CONTAINER)
    body = way(rng, operation.body)
    return operation._replace(body=body, words=f"{word} {operation.words}", path=None, last_write=last_write)


def _truncated(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _tailed(rng: random.Random, body: bytes) -> bytes:
    return body + rng.randbytes(rng.randrange(1, 20))


def _flipped(rng: random.Random, body: bytes) -> bytes:
    bent = bytearray(body)
    for _ in range(min(len(bent), rng.randrange(1, 4))):
        bent[rng.randrange(min(len(bent), 200))] ^= 1 << rng.randrange(8)
    return bytes(bent)


def _null_path(rng: random.Random, body: bytes) -> bytes:
    length = int.from_bytes(body[:4], "big", signed=True)
    return codec.text(None) + body[4 + max(length, 0) :]


def _bent_length(rng: random.Random, body: bytes) -> bytes:
    return codec.i32(rng.choice(_LENGTHS)) + body[4:]
