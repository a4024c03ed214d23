"""The ballots that a server has heard in an election, and whether they elect somebody (quorum, section 4.4).

Votes of servers that look for a leader are counted within a round. Those of servers that have one are also counted
whatever their round: that is how a server joins a leader that was elected without it.
"""

from typing import final

from zkeeper.quorum.votes import LEADING, Ballot, agree


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
