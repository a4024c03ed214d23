"""What was received and not handled yet: the beginning of a frame or packet whose end is still to come.

Bytes that come in small pieces are put together once, when it is whole.
"""

from typing import final

from mypy_extensions import i64


@final
class Inflow:
    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes: i64 = 0
        self._needed_bytes: i64 = 4

    def add(self, data: bytes) -> bytes:
        """All that is to be looked at now; nothing while the frame that has begun is not whole."""
        if self._bytes == 0:
            return data
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes < self._needed_bytes:
            return b""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._bytes = 0
        return data

    def keep(self, rest: bytes, needed_bytes: i64) -> None:
        """`rest` begins a frame of `needed_bytes` with its length; 4 while that is not known."""
        self._needed_bytes = needed_bytes
        if rest:
            self._pieces.append(rest)
            self._bytes = len(rest)

    def clear(self) -> None:
        self._pieces.clear()
        self._bytes = 0
        self._needed_bytes = 4
