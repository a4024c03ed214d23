"""A number that many count with."""

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from zkeeper import OPEN_ACL, Acl, AsyncClient
from zkeeper.arguments import integer

from .atomic_value import AtomicValue
from .errors import ForeignDataError


class _Format(NamedTuple):
    description: str
    write: Callable[[int], bytes]
    read: Callable[[bytes], int]


def _packed(shape: str, description: str) -> _Format:
    packer = struct.Struct(shape)
    return _Format(description, packer.pack, lambda data: int(packer.unpack(data)[0]))


FORMATS = {
    "curator": _packed(">i", "a number in 4 bytes"),
    "curator-long": _packed(">q", "a number in 8 bytes"),
    "kazoo": _Format("a number as text", lambda number: repr(number).encode(), lambda data: int(data)),
}


class Counter:
    """An integer that is changed atomically. It begins with `start`.

        counter = Counter(zk, "/counters/visits")
        await counter.add(1)

    Promises: each `add` counts once or raises. When the connection is lost and it cannot be told whether it counted, it
    raises `ConnectionLossError` or `SessionExpiredError` with `outcome` UNKNOWN. Under contention an `add` is tried
    again as often as others are quicker; for ids that are only to be unique `IdGenerator` costs less.

    On the wire: `layout="curator"` is `SharedCount` (32 bits), and kazoo's `Counter` with `support_curator`;
    `"curator-long"` is `DistributedAtomicLong` (64 bits); `"kazoo"` is kazoo's `Counter` of integers, without a limit.
    A number that does not fit raises `OverflowError`, and what is no number of that layout `ForeignDataError`, which
    names the znode; neither changes anything.
    """

    def __init__(
        self, zk: AsyncClient, path: str, *, start: int = 0, layout: str = "curator", acl: Sequence[Acl] = OPEN_ACL
    ) -> None:
        self.path = path
        self._start = start
        if layout not in FORMATS:
            raise ValueError(f"the layout is one of {', '.join(FORMATS)}, not {layout}")
        self._format = FORMATS[layout]
        self._value = AtomicValue(zk, path, start=self._write(start), acl=acl)

    async def value(self) -> int:
        """The number now."""
        return self._read(await self._value.get())

    async def add(self, change: int = 1) -> int:
        """Adds, and returns the number after it."""
        integer("change", change)
        return self._read(await self._value.update(lambda data: self._write(self._read(data) + change)))

    async def subtract(self, change: int = 1) -> int:
        """Subtracts, and returns the number after it."""
        return await self.add(-change)

    async def set(self, number: int) -> None:
        """Sets it, whatever it was."""
        await self._value.set(self._write(number))

    async def compare_and_set(self, expected: int, number: int) -> bool:
        """Sets it if it is `expected`; False if it is not, or is changed meanwhile."""
        integer("expected", expected)
        seen = await self._value.get_versioned()
        return self._read(seen.value) == expected and await self._value.compare_and_set(seen, self._write(number))

    def _read(self, data: bytes) -> int:
        try:
            return self._format.read(data) if data else self._start
        except (struct.error, ValueError) as error:
            raise ForeignDataError(self.path, data, self._format.description) from error

    def _write(self, number: int) -> bytes:
        integer("a counter's number", number)
        try:
            return self._format.write(number)
        except struct.error as error:
            raise OverflowError(f"{number} is too big for {self.path}") from error
