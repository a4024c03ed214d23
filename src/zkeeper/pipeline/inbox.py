"""What a client sent and the link has not parsed yet.

1. It is parsed again when there is enough of it: a whole frame. Until then arriving chunks are gathered, not joined.
2. What is kept because a bound holds the client back has an age, counted from when it was held back; a frame that is
   merely incomplete has none.
"""

from typing import final

from mypy_extensions import i64


@final
class Inbox:
    def __init__(self) -> None:
        self.held_bytes: i64 = 0
        self._held_since_ms: i64 = 0
        self._chunks: list[bytes] = []
        self._chunk_bytes: i64 = 0
        self._needed_bytes: i64 = 0

    def is_empty(self) -> bool:
        return not self._chunks

    def add(self, data: bytes) -> None:
        """Takes more of what was kept."""
        self._chunks.append(data)
        self._chunk_bytes += len(data)

    def has_enough(self) -> bool:
        return self._chunk_bytes >= self._needed_bytes

    def take(self) -> bytes:
        """All that was kept; from here on it is the parser's."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data

    def keep(self, rest: bytes, needed_bytes: i64, is_held: bool, now_ms: i64) -> None:
        """Keeps what the parser left over, and goes on with at `needed_bytes`; `is_held` if a bound stopped it."""
        self._chunks.append(rest)
        self._chunk_bytes = len(rest)
        self._needed_bytes = needed_bytes
        if not is_held:
            self.held_bytes = 0
        elif self.held_bytes == 0:
            self.held_bytes = self._chunk_bytes
            self._held_since_ms = now_ms

    def parsed(self, size_bytes: i64) -> None:
        """So much of what was taken has been handled."""
        self.held_bytes = max(0, self.held_bytes - size_bytes)

    def overdue_bytes(self, limit_ms: i64, now_ms: i64) -> i64:
        """How much of what was taken has been held back for longer than `limit_ms`; nothing is if that is 0."""
        return self.held_bytes if 0 < limit_ms < now_ms - self._held_since_ms else 0

    def clear(self) -> None:
        self._chunks.clear()
