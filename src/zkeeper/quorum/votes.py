"""Votes: whom a server wants for leader and why; their order, and when two of them are the same (quorum, section 4.3).

Votes and ballots are values: nobody changes them.
"""

from typing import Final, final

LOOKING: Final = 0
FOLLOWING: Final = 1
LEADING: Final = 2
OBSERVING: Final = 3
"""The states of a server, by their numbers on the wire."""

STATE_NAMES: Final = ("LOOKING", "FOLLOWING", "LEADING", "OBSERVING")

NO_SID: Final = -(1 << 63)
"""The leader in the vote of one who may not lead; zxid and epoch of an observer's vote are this number, too."""

NO_HISTORY: Final = -1
"""The zxid of a server that lost its data: it may join a leader, and not help to choose one."""


@final
class Vote:
    """`zxid` and `peer_epoch` (its currentEpoch) are those of the leader; `round_` is the election of the voter."""

    def __init__(self, leader: int, zxid: int, round_: int, peer_epoch: int) -> None:
        self.leader = leader
        self.zxid = zxid
        self.round_ = round_
        self.peer_epoch = peer_epoch

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vote) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int, int, int, int]:
        return self.leader, self.zxid, self.round_, self.peer_epoch

    def __repr__(self) -> str:
        return f"Vote(leader={self.leader}, zxid={self.zxid:#x}, round_={self.round_}, peer_epoch={self.peer_epoch})"

    def in_round(self, round_: int) -> "Vote":
        return Vote(self.leader, self.zxid, round_, self.peer_epoch)

    def text(self) -> str:
        """For people."""
        leader = "nobody" if self.leader == NO_SID else str(self.leader)
        epoch = "none" if self.peer_epoch == NO_SID else str(self.peer_epoch)
        zxid = "none" if self.zxid == NO_SID else f"{self.zxid:#x}"
        return f"{leader} (epoch {epoch}, zxid {zxid})"


@final
class Ballot:
    """A vote as a server cast it: in which state, and in a message of which version."""

    def __init__(self, vote: Vote, state: int, version: int) -> None:
        self.vote = vote
        self.state = state
        self.version = version


def is_better(new: Vote, current: Vote, weight: int) -> bool:
    """Whether `new` deserves to win over `current`; `weight` is that of the new leader.

    The greater epoch wins, then the longer history, then the greater sid. What has no weight never wins.
    """
    if weight == 0:
        return False
    if new.peer_epoch != current.peer_epoch:
        return new.peer_epoch > current.peer_epoch
    if new.zxid != current.zxid:
        return new.zxid > current.zxid
    return new.leader > current.leader


def agree(one: Ballot, other: Ballot) -> bool:
    """Whether two ballots count together.

    While one of them is LOOKING all of the vote matters. Afterwards it is the leader and its epoch, and where one of
    the two comes from a server that did not know of versions, the leader alone.
    """
    if one.state == LOOKING or other.state == LOOKING:
        return one.vote == other.vote
    if one.vote.leader != other.vote.leader:
        return False
    return (one.version > 0) != (other.version > 0) or one.vote.peer_epoch == other.vote.peer_epoch
