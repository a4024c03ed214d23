"""The file of `oraclePath`: whether one of two participants may go on without the other (quorum, section 2.5).

1. Yes is a file that begins with `1`; whatever else it says, and a file that cannot be read, is no.
2. It is read away from the loop, twice a tick. What is older than a tick is worth nothing: then the answer is no.
"""

import asyncio
import logging
from typing import Final

from zkeeper.storage.disk import Disk

YES: Final = b"1"
_LANE: Final = "oracle"

logger = logging.getLogger("zkeeper.quorum")


class OracleFile:
    """Whoever changes the file has to see to it that only one of the two is told yes."""

    def __init__(self, disk: Disk, path: str, tick_s: float) -> None:
        self._disk = disk
        self._path = path
        self._tick_s = tick_s
        self._answer: bool | None = None
        self._as_of_s = 0.0
        self._loop = asyncio.get_running_loop()

    def says_yes(self) -> bool:
        """The answer for now."""
        return self._answer is True and self._loop.time() - self._as_of_s <= self._tick_s

    async def watch(self) -> None:
        """Reads the file for ever."""
        while True:
            await self.look()
            await asyncio.sleep(self._tick_s / 2)

    async def look(self) -> None:
        """Reads it once."""
        began_s, why = self._loop.time(), ""
        try:
            answer = await self._disk.submit(_LANE, self._read)
        except OSError as error:
            answer, why = False, f", as it cannot be read: {error}"
        if answer != self._answer:
            logger.info("the oracle %s says %s%s", self._path, "yes" if answer else "no", why)
        self._answer, self._as_of_s = answer, began_s

    def _read(self) -> bool:
        file = self._disk.open_reader(self._path)
        try:
            return file.read(1) == YES
        finally:
            file.close()
