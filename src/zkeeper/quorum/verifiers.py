"""What a quorum is: more than half of the participants, or of the weight in more than half of the groups.

1. Any two quorums of one verifier have a server in common.
2. A server that is not a participant has no weight (quorum, section 2.5).
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, final

ORACLE_SIZE: Final = 2
"""The number of participants for which an oracle is asked."""


class Verifier:
    """Says which sets of servers are a quorum."""

    def __init__(self, participants: frozenset[int]) -> None:
        self.participants = participants

    def weight(self, sid: int) -> int:
        raise NotImplementedError

    def contains_quorum(self, sids: AbstractSet[int]) -> bool:
        """Whether `sids`, of which only participants count, hold a quorum."""
        raise NotImplementedError


@final
class MajorityVerifier(Verifier):
    """Every participant counts alike."""

    def __init__(self, participants: AbstractSet[int]) -> None:
        super().__init__(frozenset(participants))

    def weight(self, sid: int) -> int:
        return 1 if sid in self.participants else 0

    def contains_quorum(self, sids: AbstractSet[int]) -> bool:
        count = 0
        for sid in self.participants:
            if sid in sids:
                count += 1
        return count > len(self.participants) // 2


@final
class HierarchicalVerifier(Verifier):
    """`groups` has the participants by group; a participant without an entry in `weights` weighs 1.

    Groups without weight do not count: not their votes, and not among how many there are. Without any that counts there
    is no quorum.
    """

    def __init__(self, groups: Mapping[int, AbstractSet[int]], weights: Mapping[int, int]) -> None:
        super().__init__(frozenset([sid for members in groups.values() for sid in members]))
        self._weights = {sid: weights.get(sid, 1) for sid in self.participants}
        self._groups = [members for members in groups.values() if self._sum(members) > 0]

    def weight(self, sid: int) -> int:
        return self._weights.get(sid, 0)

    def contains_quorum(self, sids: AbstractSet[int]) -> bool:
        won = 0
        for members in self._groups:
            if self._sum([sid for sid in members if sid in sids]) > self._sum(members) // 2:
                won += 1
        return won > len(self._groups) // 2

    def _sum(self, sids: "AbstractSet[int] | list[int]") -> int:
        return sum([self._weights[sid] for sid in sids])


@final
class Oracle:
    """The rule for two participants who cannot tell a dead peer from a dead network: somebody outside says who goes on.

    `ask` reads the answer anew each time: True lets this server go on alone. `is_needed` is False while a leader has a
    follower; a server that does not lead needs it.
    """

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self.is_needed = True

    def grants(self, participants: AbstractSet[int]) -> bool:
        """Whether this server alone may count as a quorum."""
        return len(participants) == ORACLE_SIZE and self.is_needed and self._ask()

    def yields(self, participants: AbstractSet[int]) -> bool:
        """Whether a server that looks for a leader may follow the other one without a quorum of votes."""
        return len(participants) == ORACLE_SIZE and self.is_needed and not self._ask()
