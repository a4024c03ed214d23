"""Numbers that nobody else gets."""

import asyncio
from collections.abc import Sequence

from zkeeper import OPEN_ACL, Acl, AsyncClient
from zkeeper.arguments import whole_number
from zkeeper.errors import ConnectionLossError, SessionExpiredError

from .counter import Counter


class IdGenerator:
    """Unique positive integers. It reserves `block_size` of them at a time, so that most cost no request.

        ids = IdGenerator(zk, "/ids/order")
        number = await ids.next()

    Promises: no id is given twice by all generators of a path, under any failure. Those of one generator grow; those of
    several are in no common order. Ids are left out when a process ends, or when a reservation's outcome is unknown.

    The znode is a counter of 64 bits (see `Counter`, `"curator-long"`), the first id that is not reserved yet.
    """

    def __init__(
        self, zk: AsyncClient, path: str, *, first: int = 1, block_size: int = 100, acl: Sequence[Acl] = OPEN_ACL
    ) -> None:
        self.block_size = whole_number("block_size", block_size, 1)
        self._counter = Counter(zk, path, start=first, layout="curator-long", acl=acl)
        self._next = self._end = 0
        self._reserving = asyncio.Lock()

    async def next(self) -> int:
        """The next id; waits while there is no connection."""
        async with self._reserving:
            if self._next == self._end:
                self._end = await self._reserve()
                self._next = self._end - self.block_size
            self._next += 1
            return self._next - 1

    async def _reserve(self) -> int:
        while True:
            try:
                return await self._counter.add(self.block_size)
            except (ConnectionLossError, SessionExpiredError):
                # It may be reserved, and nobody will ever use it. Another one is as good.
                continue
