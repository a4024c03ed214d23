"""The ballots that a server has heard in an election, and whether they elect somebody (quorum, section 4.4).

Votes of servers that look for a leader are counted within a round. Those of servers that have one are also counted
whatever their round: that is how a server joins a leader that was elected without it.
"""

from collections.abc import Set as AbstractSet
from typing import Protocol, final

from zkeeper.quorum.verifiers import Verifier
from zkeeper.quorum.votes import LEADING, Ballot, agree


class Configuration(Protocol):
    """What an election needs of a `Membership`."""

    @property
    def version(self) -> int: ...

    @property
    def participants(self) -> frozenset[int]: ...

    @property
    def verifier(self) -> Verifier: ...

    def text(self) -> str: ...


class Configurations(Protocol):
    """What an election needs of `Memberships`; `committed` may be replaced between two calls."""

    @property
    def committed(self) -> Configuration: ...

    def voters(self) -> AbstractSet[int]:
        """The participants of the committed configuration or of the one last seen."""

    def has_quorum(self, sids: AbstractSet[int]) -> bool:
        """Whether `sids` hold a quorum of the committed configuration, and of a newer one that was seen."""


@final
class Poll:
    """The last ballot of each voter."""

    def __init__(self) -> None:
        self.ballots: dict[int, Ballot] = {}

    def cast(self, sid: int, ballot: Ballot) -> None:
        self.ballots[sid] = ballot

    def has(self, sid: int, ballot: Ballot) -> bool:
        """Whether this is what `sid` has cast already."""
        known = self.ballots.get(sid)
        return known is not None and known.state == ballot.state and known.vote == ballot.vote

    def clear(self) -> None:
        self.ballots.clear()

    def voters_for(self, ballot: Ballot) -> frozenset[int]:
        """Those who agree with `ballot`."""
        return frozenset([sid for sid, other in self.ballots.items() if agree(ballot, other)])

    def says_it_leads(self, leader: int) -> bool:
        """Whether `leader` itself was heard to lead; what others say of it may be old."""
        ballot = self.ballots.get(leader)
        return ballot is not None and ballot.state == LEADING
