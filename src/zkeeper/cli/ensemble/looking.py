"""What the members of a local ensemble are at the moment: asked by the word `srvr`, and read of their epoch files.

A member whose process is over is not asked: whoever answered at its address would be somebody else.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from zkeeper.cli.ensemble.members import Member
from zkeeper.cli.status.asking import status_of
from zkeeper.cli.status.srvr import Health, Status

ASK_S: Final = 2.0
ROLES: Final = {Health.NOT_SERVING: "electing", Health.UNREACHABLE: "no answer", Health.READ_ONLY: "read-only"}
ENDED: Final = "ended"
EPOCH_BITS: Final = 32


class Look(NamedTuple):
    """Of one member; what is not known is None. `connections` are without that of who asks."""

    sid: int
    address: str
    pid: int
    role: str
    epoch: int | None = None
    zxid: int | None = None
    connections: int | None = None

    @property
    def serves(self) -> bool:
        return self.zxid is not None

    @property
    def is_over(self) -> bool:
        return self.role.startswith(ENDED)


async def look_at(members: Sequence[Member]) -> list[Look]:
    return await asyncio.gather(*map(_look_at, members))


async def _look_at(member: Member) -> Look:
    """It may end while it is asked."""
    status = None if member.end else await status_of(member.host, member.port, ASK_S)
    if status is None or member.end:
        return Look(member.sid, member.address, member.pid, f"{ENDED} ({member.end})")
    return look(member, status, read_epoch(member))


def look(member: Member, status: Status, epoch: int | None) -> Look:
    role = ROLES.get(status.health, status.mode or "")
    if status.health is not Health.UNREACHABLE:
        member.has_answered = True
    elif not member.has_answered:
        role = "starting"
    others = None if status.connections is None else status.connections - 1
    return Look(member.sid, member.address, member.pid, role, epoch, status.zxid, others)


def read_epoch(member: Member) -> int | None:
    """The epoch of the last leader whose history the member has; None as long as there was none."""
    try:
        with open(f"{member.data_folder}/currentEpoch", "rb") as file:
            return int(file.read()) or None
    except (OSError, ValueError):
        return None


def behind(looks: Iterable[Look]) -> dict[int, int | None]:
    """By sid, how many transactions a member has still to apply; None where it is in another epoch than the foremost.

    Whoever has a leader's history, as its epoch says, lacks nothing from before that epoch, even if it shows the zxid
    of the last transaction before it.
    """
    known = {look.sid: _position(look) for look in looks}
    foremost = max((zxid for zxid in known.values() if zxid is not None), default=0)
    return {sid: _distance(zxid, foremost) for sid, zxid in known.items()}


def _position(look: Look) -> int | None:
    return None if look.zxid is None else max(look.zxid, (look.epoch or 0) << EPOCH_BITS)


def _distance(zxid: int | None, foremost: int) -> int | None:
    is_comparable = zxid is not None and zxid >> EPOCH_BITS == foremost >> EPOCH_BITS
    return foremost - zxid if zxid is not None and is_comparable else None
