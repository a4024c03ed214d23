"""How contenders name their znodes, and who waits for whom. Pure: names in, a name out.

1. A name carries a GUID, so that its maker finds it again, and ends with ZooKeeper's sequence number.
2. Order is that of the sequence numbers, also where the counter of the parent wraps from 2147483647 to -2147483648.
   Kazoo and Curator compare text and do not survive the wrap.
3. A contender waits for one znode only: the nearest before it that blocks it.
"""

import enum
import re
from collections.abc import Iterable
from typing import NamedTuple

_SEQUENCE = r"(-\d{9,10}|\d{10})$"
_CYCLE = 1 << 32


class Layout(enum.StrEnum):
    """Whose names are used on the wire. Contenders of one path have to agree.

    Example:
        lock = Lock(zk, "/locks/report", layout=Layout.KAZOO)
    """

    CURATOR = "curator"
    KAZOO = "kazoo"


class Role(NamedTuple):
    """What a contender of a queue is: `kind` is in its own name, `blocked_by` in those it waits for."""

    layout: Layout
    kind: str
    blocked_by: tuple[str, ...]

    def prefix(self, guid: str) -> str:
        """The name up to the sequence number."""
        if self.layout is Layout.CURATOR:
            return f"_c_{guid}-{self.kind}"
        return guid.replace("-", "") + self.kind


class NotInQueueError(Exception):
    """The own znode is not among the names: it was deleted, or its session has ended."""


def sequence_of(name: str, kinds: Iterable[str]) -> int | None:
    """The sequence number of a name of one of the kinds; None for any other name."""
    match = re.search(f"(?:{'|'.join(map(re.escape, kinds))}){_SEQUENCE}", name)
    return int(match[1]) if match else None


def in_order(names: Iterable[str], kinds: Iterable[str]) -> list[str]:
    """The contenders among the names, first in line first."""
    kinds = tuple(kinds)
    numbered = [(number, name) for name in names if (number := sequence_of(name, kinds)) is not None]
    if not numbered:
        return []
    # Any of them does as the origin: the distances of live contenders are far below half a cycle.
    origin = numbered[0][0]
    return [name for _, name in sorted(numbered, key=lambda each: (_distance(origin, each[0]), each[1]))]


def blocker(own: str, names: Iterable[str], role: Role) -> str | None:
    """The znode that `own` has to wait for; None when its turn has come. Raises `NotInQueueError`."""
    names = list(names)
    number = sequence_of(own, (role.kind,))
    if number is None or own not in names:
        raise NotInQueueError(own)
    nearest: tuple[int, str] | None = None
    for name in names:
        other = sequence_of(name, role.blocked_by)
        if other is not None and (ahead := _distance(other, number)) > 0 and (nearest is None or ahead < nearest[0]):
            nearest = ahead, name
    return nearest[1] if nearest else None


def _distance(earlier: int, later: int) -> int:
    """How far `later` is behind `earlier`, in a counter of 32 bits that wraps."""
    return (later - earlier + _CYCLE // 2) % _CYCLE - _CYCLE // 2
