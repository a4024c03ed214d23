"""What is left of changes that were not synced when the machine died.

A change is a write of bytes, a new size, or a new, changed or removed name. Changes that were synced always stay.
"""

import enum
import random
from collections.abc import Callable
from typing import NamedTuple, TypeVar

C = TypeVar("C")

SECTOR_BYTES = 512


class Unsynced(enum.Enum):
    """The fate of the changes that were not synced, for each file and for the names."""

    CACHED = "cached"
    """All stay, as when only the process died; they are not durable for that, and a later crash may take them."""

    KEPT = "kept"
    """All stay, for good."""

    LOST = "lost"
    """None stays."""

    RANDOM = "random"
    """The seed decides: all, none, or the first few, the last of which may be torn at a byte."""

    REORDERED = "reordered"
    """Each sector of each write stays or not, whatever became of earlier ones."""


class FileChange(NamedTuple):
    """`data` written at `offset`, or, without data, the size set to `offset`."""

    offset: int
    data: bytes | None


def surviving_file_changes(changes: list[FileChange], fate: Unsynced, random: random.Random) -> list[FileChange]:
    return _surviving(changes, fate, random, _tear, _sectors)


def surviving_name_changes(changes: list[C], fate: Unsynced, random: random.Random) -> list[C]:
    """A change of a name happens or does not: it is never torn."""
    return _surviving(changes, fate, random, lambda change, _: [], lambda change: [change])


def _surviving(
    changes: list[C],
    fate: Unsynced,
    random: random.Random,
    tear: Callable[[C, random.Random], list[C]],
    split: Callable[[C], list[C]],
) -> list[C]:
    if fate is Unsynced.KEPT or not changes:
        return changes
    if fate is Unsynced.LOST:
        return []
    if fate is Unsynced.REORDERED:
        return [part for change in changes for part in split(change) if random.random() < 0.5]
    luck = random.random()
    if luck < 0.25:
        return changes
    if luck < 0.5:
        return []
    cut = random.randrange(len(changes))
    return changes[:cut] + tear(changes[cut], random)


def _tear(change: FileChange, random: random.Random) -> list[FileChange]:
    if change.data is None:
        return []
    return [FileChange(change.offset, change.data[: random.randrange(len(change.data) + 1)])]


def _sectors(change: FileChange) -> list[FileChange]:
    """The change, cut where the sectors of the disk end."""
    if change.data is None:
        return [change]
    parts, start = [], 0
    while start < len(change.data):
        end = start + SECTOR_BYTES - (change.offset + start) % SECTOR_BYTES
        parts.append(FileChange(change.offset + start, change.data[start:end]))
        start = end
    return parts
