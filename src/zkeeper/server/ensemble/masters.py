"""Whom a learner connects to: its leader, or, as an observer where there are observer masters, a follower (quorum, 14).

1. Observers go from one follower to the next with each attempt, in an order of their own, so that they are spread.
2. When all followers have failed in a row the leader itself is next: a follower that serves no observers, or none that
   can be reached, keeps nobody out.
"""

from collections import deque
from dataclasses import dataclass

from zkeeper.quorum.members import Member
from zkeeper.server.ensemble.context import EnsembleContext
from zkeeper.server.ensemble.observing import wait_to_connect


@dataclass(frozen=True)
class Master:
    """Server `sid` at `addresses`, hosts and ports; `title` is for the log, `advice` for who is never let in there."""

    sid: int
    addresses: tuple[tuple[str, int], ...]
    title: str
    advice: str


def _at_leader(member: Member) -> Master:
    sid, addresses = member.sid, tuple((one.host, one.quorum_port) for one in member.addresses)
    advice = (
        f"look at this server's line server.{sid}={member.text()}: the first port has to be the quorum port of server "
        f"{sid}, not its client port nor its election port; if it is, the log of server {sid} says why"
    )
    return Master(sid, addresses, f"leader {sid}", advice)


def _at_follower(member: Member, port: int) -> Master:
    sid, addresses = member.sid, tuple((one.host, port) for one in member.addresses)
    advice = f"observerMasterPort has to be {port} on server {sid}, too; if it is, the log of server {sid} says why"
    return Master(sid, addresses, f"observer master {sid}", advice)


class Masters:
    """Outlives the roles of its server."""

    def __init__(self, context: EnsembleContext) -> None:
        self._context = context
        self._order: deque[int] = deque()
        self._version = -1
        self._attempts = 0

    async def next(self, leader: Member) -> Master:
        """For the next attempt, when the time for it has come."""
        if not self._context.is_observer:
            return _at_leader(leader)
        follower = self._next_follower(leader) if self._context.observer_master_port > 0 else None
        if follower is not None:
            self._attempts += 1
            return _at_follower(follower, self._context.observer_master_port)
        self._attempts = 0
        await wait_to_connect(self._context)
        return _at_leader(leader)

    def _next_follower(self, leader: Member) -> Member | None:
        """None when it is the leader's turn (rule 2)."""
        committed = self._context.memberships.committed
        if committed.version != self._version or not self._order:
            self._shuffle(sorted(committed.participants))
            self._version = committed.version
        if self._order[0] == leader.sid:
            self._order.rotate(-1)
        sid = self._order[0]
        if sid == leader.sid or self._attempts >= len(self._order) - 1:
            return None
        self._order.rotate(-1)
        return committed.members[sid]

    def _shuffle(self, sids: list[int]) -> None:
        self._context.random.shuffle(sids)
        self._order = deque(sids)
        self._attempts = 0

    def succeeded(self) -> None:
        """The last one that was named has brought this server into line."""
        self._attempts = 0
