"""What the clients ask for: all kinds of writes on few znodes, so that they meet, and the tree stays small.

Parents are made once and never deleted: under them a sequential name must never come twice.
"""

import random
from collections import deque

from simulation.requests import (
    CONTAINER,
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_TTL,
    EPHEMERAL,
    SEQUENTIAL,
    TTL,
    Check,
    Create,
    Delete,
    Exists,
    GetChildren,
    GetData,
    Multi,
    Request,
    SetAcl,
    SetData,
    Write,
)

PARENTS = tuple(f"/k{number}" for number in range(4))
ENOUGH_SEQUENTIALS = 60
SIZES_BYTES = (0, 5, 5, 5, 100, 100, 2_000, 40_000)


class Workload:
    """Draws requests. `made` has sequential znodes that somebody may delete; clients share it."""

    def __init__(self, rng: random.Random, made: deque[str]) -> None:
        self._random = rng
        self._made = made

    def note_made(self, path: str) -> None:
        self._made.append(path)

    def draw(self) -> Request:
        luck = self._random.random()
        if luck < 0.12:
            return self._read()
        if luck < 0.27:
            return Multi(tuple(self._operation() for _ in range(self._random.randint(2, 5))))
        if luck < 0.30:
            return SetAcl(self._path(), self._random.choice((31, 31, 29)), self._version())
        return self._write()

    def _operation(self) -> Write:
        if self._random.random() < 0.1:
            return Check(self._path(), self._version())
        return self._write()

    def _write(self) -> Write:
        if len(self._made) > ENOUGH_SEQUENTIALS:
            return Delete(self._made.popleft())
        luck = self._random.random()
        if luck < 0.35:
            return SetData(self._path(), self._data(), self._version())
        if luck < 0.55:
            return Delete(self._path(), self._version())
        return self._create()

    def _create(self) -> Create:
        choice = self._random.choice
        parent, luck = choice(PARENTS), self._random.random()
        if luck < 0.25:
            flags = choice((SEQUENTIAL, SEQUENTIAL, SEQUENTIAL | EPHEMERAL))
            return Create(f"{parent}/s-", self._data(), flags, form=choice((CREATE, CREATE2)))
        if luck < 0.32:
            return Create(f"{parent}/c{choice('01')}", b"", CONTAINER, form=CREATE_CONTAINER)
        if luck < 0.38:
            return Create(f"{parent}/t{choice('01')}", b"", TTL, ttl_ms=choice((1, 500)), form=CREATE_TTL)
        flags = EPHEMERAL if luck < 0.6 else 0
        return Create(self._path(), self._data(), flags, form=choice((CREATE, CREATE2)))

    def _path(self) -> str:
        choice = self._random.choice
        below = choice(("/n", "/n", "/n", "/e", "/c0/n"))
        return f"{choice(PARENTS)}{below}{choice('01234567')}"

    def _read(self) -> Request:
        kind = self._random.choice((Exists, GetData, GetChildren))
        return kind(self._random.choice((*PARENTS, self._path())))

    def _data(self) -> bytes | None:
        size = self._random.choice(SIZES_BYTES)
        return self._random.randbytes(size) if size else self._random.choice((None, b""))

    def _version(self) -> int:
        return self._random.choice((-1, -1, -1, 0, 1))
