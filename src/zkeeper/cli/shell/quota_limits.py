"""The text in which a quota's limits are kept: `count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=-1`.

The odd `=;` parts what all versions of ZooKeeper know from what newer ones added.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

NONE: Final = -1
_ITEM: Final = re.compile(r"(\w+)=(-?\d+)")


class Limits(NamedTuple):
    """Of znodes and of bytes: soft ones warn in the server's log, hard ones may be enforced."""

    znodes: int
    size_bytes: int
    znodes_hard: int
    size_bytes_hard: int

    def changed(self, changes: Mapping[str, int]) -> "Limits":
        """With the limits that the options `n`, `b`, `N`, `B` name."""
        old = {"n": self.znodes, "b": self.size_bytes, "N": self.znodes_hard, "B": self.size_bytes_hard}
        new = {**old, **changes}
        return Limits(new["n"], new["b"], new["N"], new["B"])

    def text(self) -> str:
        soft = f"count={self.znodes},bytes={self.size_bytes}"
        return f"{soft}=;byteHardLimit={self.size_bytes_hard};countHardLimit={self.znodes_hard}"

    def is_count_below(self, existing: int) -> bool:
        return any(limit != NONE and limit < existing for limit in (self.znodes, self.znodes_hard))

    def is_size_below(self, existing: int) -> bool:
        return any(limit != NONE and limit < existing for limit in (self.size_bytes, self.size_bytes_hard))


def read_limits(text: str) -> Limits:
    """What is not in `text` is no limit."""
    found = {name: int(number) for name, number in _ITEM.findall(text)}
    return Limits(*(found.get(name, NONE) for name in ("count", "bytes", "countHardLimit", "byteHardLimit")))


def read_usage(text: str) -> tuple[int, int]:
    """Znodes and bytes in the subtree."""
    found = {name: int(number) for name, number in _ITEM.findall(text)}
    return found.get("count", 0), found.get("bytes", 0)
