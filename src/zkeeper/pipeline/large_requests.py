"""How much of the server's memory large requests may take at once (semantics, section 17).

1. A frame counts from when its length is known, before its body is kept, until its request is answered or its
   connection is gone.
2. A connection gives back what it took exactly once, in the order of its requests.
"""

from collections import deque
from typing import Final, final

from mypy_extensions import i64

NEVER_LARGE: Final = 1 << 62
"""A threshold that no frame exceeds."""


@final
class LargeRequests:
    """The sum over all connections."""

    def __init__(self, max_bytes: i64) -> None:
        self.max_bytes: i64 = max_bytes
        self.held_bytes: i64 = 0

    def take(self, size_bytes: i64) -> bool:
        """False, and nothing taken, when the sum would be too large."""
        if self.held_bytes + size_bytes > self.max_bytes:
            return False
        self.held_bytes += size_bytes
        return True

    def give_back(self, size_bytes: i64) -> None:
        self.held_bytes -= size_bytes
        assert self.held_bytes >= 0, "rule 2"


@final
class LargeFrames:
    """Those of one connection. A `turn` is the number of the write after which a request is answered."""

    def __init__(self, requests: LargeRequests) -> None:
        self._requests = requests
        self._arriving_bytes: i64 = 0
        self._parsed_bytes: i64 = 0
        self._turns: deque[tuple[int, int]] = deque()

    def admit(self, size_bytes: i64) -> bool:
        """To be asked for every large frame that begins where the parser stands, also again when more of it came."""
        if self._arriving_bytes:
            self._arriving_bytes = 0
        elif not self._requests.take(size_bytes):
            return False
        self._parsed_bytes += size_bytes
        return True

    def parsed(self, arriving_bytes: i64, turn: i64) -> None:
        """The frames admitted since the last call are answered by `turn`, but for the last if it is still arriving."""
        handled_bytes = self._parsed_bytes - arriving_bytes
        self._parsed_bytes = 0
        self._arriving_bytes = arriving_bytes
        if handled_bytes:
            self._turns.append((turn, handled_bytes))

    def answered(self, turn: i64) -> None:
        while self._turns and self._turns[0][0] <= turn:
            self._requests.give_back(self._turns.popleft()[1])

    def forget(self) -> None:
        """The connection is gone."""
        for _, size_bytes in self._turns:
            self._requests.give_back(size_bytes)
        self._turns.clear()
        self._requests.give_back(self._parsed_bytes + self._arriving_bytes)
        self._parsed_bytes = 0
        self._arriving_bytes = 0
