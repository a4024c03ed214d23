"""The latest committed transactions, in memory: what a learner that was away for a short time still lacks.

1. zxids are contiguous: each is the next of its epoch, or of a later one. `add` asserts it, so that a hole never
   reaches a learner (storage, section 10).
2. At most `max_txns` are kept and at most `max_bytes` of their payloads; but the last one always is.
"""

from collections import deque
from typing import Final, final

from mypy_extensions import i64

from zkeeper.wire.zxids import follows

MAX_TXNS: Final = 500
MAX_BYTES: Final = 32 * 1024 * 1024


@final
class CommittedLog:
    """`min_zxid` and `max_zxid` mean something while it is not empty."""

    def __init__(self, max_txns: i64 = MAX_TXNS, max_bytes: i64 = MAX_BYTES) -> None:
        self.min_zxid: i64 = 0
        self.max_zxid: i64 = 0
        self.size_bytes: i64 = 0
        self._max_txns: i64 = max_txns
        self._max_bytes: i64 = max_bytes
        self._txns: deque[tuple[int, bytes]] = deque()

    def is_empty(self) -> bool:
        return not self._txns

    def __len__(self) -> int:
        return len(self._txns)

    def add(self, zxid: i64, payload: bytes) -> None:
        """Takes the next transaction; one that it holds, or held, is ignored."""
        txns = self._txns
        if not txns:
            self.min_zxid = zxid
        elif zxid <= self.max_zxid:
            return
        else:
            assert follows(zxid, self.max_zxid), f"zxid 0x{zxid:x} is committed after 0x{self.max_zxid:x}"
        self.max_zxid = zxid
        txns.append((zxid, payload))
        self.size_bytes += len(payload)
        if len(txns) > self._max_txns or self.size_bytes > self._max_bytes:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        txns = self._txns
        while len(txns) > 1 and (len(txns) > self._max_txns or self.size_bytes > self._max_bytes):
            self.size_bytes -= len(txns.popleft()[1])
        self.min_zxid = txns[0][0]

    def txns(self) -> list[tuple[int, bytes]]:
        """zxid and payload of each, oldest first; the list is the caller's."""
        return list(self._txns)

    def clear(self) -> None:
        """To be called whenever the database does not go on from `max_zxid`: after a snapshot was received, after
        transactions were taken back."""
        self._txns.clear()
        self.size_bytes = 0
