"""What makes a quorum: more than half of the voters, plainly or weighted in groups (quorum, section 2.5).

1. Only participants count; whoever else is among the servers that are asked about is passed over.
2. Any two quorums of one verifier have a server in common.
"""

from collections.abc import Callable, Mapping, Set
from typing import Final, final

ORACLE_SIZE: Final = 2
"""The number of participants for which an oracle is asked."""


class Verifier:
    """`participants` are the servers that vote."""

    def __init__(self, participants: frozenset[int]) -> None:
        self.participants = participants

    def weight(self, sid: int) -> int:
        """What the vote of a server counts; 0 for one that cannot be elected, and for a stranger."""
        raise NotImplementedError

    def contains_quorum(self, sids: Set[int]) -> bool:
        """Whether these servers are enough to decide."""
        raise NotImplementedError


@final
class MajorityVerifier(Verifier):
    """More than half of the participants."""

    def __init__(self, participants: Set[int]) -> None:
        super().__init__(frozenset(participants))

    def weight(self, sid: int) -> int:
        return 1 if sid in self.participants else 0

    def contains_quorum(self, sids: Set[int]) -> bool:
        return len(self.participants & sids) > len(self.participants) // 2


@final
class HierarchicalVerifier(Verifier):
    """More than half of the weight in more than half of the groups that have any weight.

    `groups` has the servers of each group, every participant in exactly one; a weight that is not given is 1.
    """

    def __init__(self, groups: Mapping[int, Set[int]], weights: Mapping[int, int]) -> None:
        super().__init__(frozenset(sid for sids in groups.values() for sid in sids))
        self._weights = {sid: weights.get(sid, 1) for sid in self.participants}
        self._groups = [frozenset(sids) for sids in groups.values() if self._sum(sids) > 0]

    def weight(self, sid: int) -> int:
        return self._weights.get(sid, 0)

    def contains_quorum(self, sids: Set[int]) -> bool:
        won = [group for group in self._groups if self._sum(group & sids) > self._sum(group) // 2]
        return len(won) > len(self._groups) // 2

    def _sum(self, sids: Set[int]) -> int:
        return sum([self._weights[sid] for sid in sids])


@final
class Oracle:
    """The rule for two participants who cannot tell a dead peer from a dead network: somebody outside says who goes on.

    `ask` is asked anew each time: True lets this server go on alone. Who leads asks only while nobody follows it.
    """

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask

    def grants(self, verifier: Verifier) -> bool:
        """Whether this server, a participant of `verifier`, may count as a quorum alone."""
        return decides_for(verifier) and self._ask()


def decides_for(verifier: Verifier) -> bool:
    """Whether an oracle has a say: among two, of whom both are needed otherwise."""
    return isinstance(verifier, MajorityVerifier) and len(verifier.participants) == ORACLE_SIZE
