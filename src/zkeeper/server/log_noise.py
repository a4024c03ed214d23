"""Keeps a storm of clients from flooding the log: a few lines at once, then a trickle, and how many were left out."""

import asyncio
from collections.abc import Callable
from typing import Final

BURST_LINES: Final = 10
LINES_PER_S: Final = 1.0
SUMMARY_S: Final = 10.0


class QuietLog:
    """Lines about one `kind` of event; `write` takes those that pass."""

    def __init__(self, kind: str, write: Callable[[str], None], loop: asyncio.AbstractEventLoop) -> None:
        self._kind = kind
        self._write = write
        self._loop = loop
        self._lines = float(BURST_LINES)
        self._filled_s = loop.time()
        self._left_out = 0
        self._summary: asyncio.TimerHandle | None = None

    def tell(self, sentence: str) -> None:
        """Writes `sentence`, or counts it."""
        now_s = self._loop.time()
        self._lines = min(BURST_LINES, self._lines + (now_s - self._filled_s) * LINES_PER_S)
        self._filled_s = now_s
        if self._lines >= 1:
            self._lines -= 1
            self._write(sentence)
            return
        self._left_out += 1
        if self._summary is None:
            self._summary = self._loop.call_later(SUMMARY_S, self.summarize)

    def summarize(self) -> None:
        """Says at once what was left out since the last summary."""
        if self._summary is not None:
            self._summary.cancel()
            self._summary = None
        if self._left_out:
            self._write(f"{self._kind}: {self._left_out} more lines were left out")
            self._left_out = 0
