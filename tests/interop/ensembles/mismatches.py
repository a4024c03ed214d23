"""What members say in their logs of digests that do not match, without what Java's servers say of each other.

A leader of Java goes on applying transactions while it sends a snapshot, so that this has more than the zxid that it
goes by. A follower of Java then compares the digests of transactions that are part of the snapshot already, and tells
of mismatches until it is in step. Our followers wait for the first digest that they agree with, and our leaders send
images with which Java's followers agree: what is told of these counts.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

K = TypeVar("K")

_MISMATCH: Final = re.compile("(?i)digest mismatch|digests are not matching")
_SENT: Final = re.compile(r"Sending snapshot .*, send zxid of db as (0x[0-9a-f]+)")
_TAKEN: Final = re.compile(r"Getting a snapshot from leader (0x[0-9a-f]+)")
_IN_STEP: Final = "Learner received UPTODATE message"
_BEGINS: Final = "Starting quorum peer"
"""A process of Java, behind those that ended."""


class Told(NamedTuple):
    """Lines of one log: those that count, and those of Java about Java, of its last process."""

    mismatches: list[str]
    excused: list[str]


def read_mismatches(logs: Mapping[K, str]) -> dict[K, Told]:
    """`logs` are those of all members of an ensemble, of all their processes."""
    sent = {zxid for log in logs.values() for zxid in _SENT.findall(log)}
    return {member: _read(log.splitlines(), sent) for member, log in logs.items()}


def _read(lines: Iterable[str], sent: set[str]) -> Told:
    """`sent` are the zxids of snapshots that leaders of Java have sent."""
    told, is_excused = Told([], []), False
    for line in lines:
        taken = _TAKEN.search(line)
        if _BEGINS in line:
            told.excused.clear()
        elif taken:
            is_excused = taken[1] in sent
        elif _IN_STEP in line:
            is_excused = False
        elif _MISMATCH.search(line):
            (told.excused if is_excused else told.mismatches).append(line)
    return told
