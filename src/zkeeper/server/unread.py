"""What clients leave unread, over all connections.

1. Counted is what a connection that is behind holds: one whose transport said that its buffer is full. The others hold
   at most their high-water mark each, and that is lower the more connections there are.
2. When those behind hold more than the limit together, they are dropped, who is behind for the longest first, until the
   rest holds less. They are not read from as it is: what grows is what others cause, notifications, and the one large
   reply that each may ask for before it is noticed. Nobody else waits for them.
3. Whoever reads catches up, and is the last in line when it is behind again. So the large reply of somebody who reads
   is not dropped for those that leave theirs, however little each of them holds.
4. It costs nothing while nobody is behind, and is looked at once in a turn of the loop while somebody is.
"""

import asyncio
from typing import Final, Protocol

MAX_HIGH_WATER_BYTES: Final = 1 << 18
MIN_HIGH_WATER_BYTES: Final = 1 << 14
UNNOTICED_BYTES: Final = 1 << 26
"""Shared by all connections, as high-water marks between these bounds."""


def high_water_bytes(connections: int) -> int:
    """From how much on a connection is behind, if it is one of so many."""
    return max(MIN_HIGH_WATER_BYTES, min(MAX_HIGH_WATER_BYTES, UNNOTICED_BYTES // max(1, connections)))


class Behind(Protocol):
    """A connection whose client is behind in reading."""

    def unread_bytes(self) -> int:
        """0 when it is about to end."""
        ...

    def drop(self, reason: str) -> None: ...


class UnreadReplies:
    """A `limit_bytes` of 0 is none."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._behind: dict[Behind, None] = {}
        self._is_due = False

    def add(self, connection: Behind) -> None:
        self._behind[connection] = None
        self.grew()

    def discard(self, connection: Behind) -> None:
        self._behind.pop(connection, None)

    def grew(self) -> None:
        """One that is behind was sent more."""
        if self._limit_bytes and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._relieve)

    def _relieve(self) -> None:
        """Rule 2; the dictionary keeps the order of rule 3."""
        self._is_due = False
        held = [(connection, connection.unread_bytes()) for connection in self._behind]
        together = sum(size_bytes for _, size_bytes in held)
        if together <= self._limit_bytes:
            return
        for connection, size_bytes in held:
            if together <= self._limit_bytes:
                return
            if size_bytes:
                connection.drop(
                    f"clients leave {together} bytes unread together, maxUnreadReplyBytes allows {self._limit_bytes}; "
                    f"it is behind for the longest, with {size_bytes}"
                )
                together -= size_bytes
