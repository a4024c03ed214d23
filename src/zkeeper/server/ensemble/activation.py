"""A membership takes effect at this server: its files, its ports, its role and its leader (quorum, section 16.5).

1. A change of role or leader ends the role at hand. The next one comes without an election when the leader said who is
   to lead from now on.
2. The ports move beside the role at hand, and are where they belong before another one begins (`settled`). Clients stay
   connected; where their port cannot move to, it stays.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from zkeeper.quorum.election import Decision
from zkeeper.quorum.members import ClientAddress
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Activation, Memberships, process_reconfig
from zkeeper.quorum.votes import FOLLOWING, LEADING, OBSERVING, STATE_NAMES, Vote
from zkeeper.server.ensemble.election import Election
from zkeeper.server.ensemble.election_port import ElectionPortError

logger = logging.getLogger("zkeeper.quorum")

MoveClients = Callable[[ClientAddress], Awaitable[None]]


class Activations:
    """`move_clients` moves the client port to an address; `on_failure` hears that the election port cannot move."""

    def __init__(
        self, sid: int, memberships: Memberships, election: Election, move_clients: MoveClients,
        on_failure: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self._sid = sid
        self._memberships = memberships
        self._election = election
        self._move_clients = move_clients
        self._on_failure = on_failure
        self._next: Decision | None = None
        self._last_move: asyncio.Task[None] | None = None

    def activate(self, membership: Membership, designated: int | None, zxid: int) -> bool:
        """Takes a membership that was committed; True when the role at hand has to end.

        `designated` is whom the old leader has chosen to lead from now on, with the transaction `zxid`, if it has.
        """
        outcome = self._take(membership, designated)
        if not outcome.is_other:
            return False
        self._begin(self._move_elections())
        self._next = self._next_role(outcome, zxid) if outcome.skips_election else None
        return outcome.is_major_change

    def learn(self, membership: Membership) -> bool:
        """The same for a server that looks for a leader; True when it has to do so anew, under another membership."""
        return self._take(membership, None).is_other

    def _take(self, membership: Membership, designated: int | None) -> Activation:
        is_observer = self._sid in self._memberships.committed.observers
        leader = self._election.vote.leader
        outcome = process_reconfig(self._memberships, membership, self._sid, is_observer, leader, designated)
        if outcome.is_taken:
            logger.info("the membership of version %x is in force: %s", membership.version, _describe(membership))
        if outcome.client is not None:
            self._begin(self._move_clients(outcome.client))
        return outcome

    # The next role.

    def _next_role(self, outcome: Activation, zxid: int) -> Decision:
        vote = self._election.vote
        leader = vote.leader if outcome.leader is None else outcome.leader
        if leader != vote.leader:
            vote = Vote(leader, zxid, vote.round_, vote.peer_epoch)
        state = LEADING if leader == self._sid else OBSERVING if outcome.is_observer else FOLLOWING
        return Decision(state, vote, frozenset())

    def take_next(self) -> Decision | None:
        """The role that comes next without an election, if one does."""
        decision, self._next = self._next, None
        if decision is not None:
            self._election.set_role(decision.state, decision.vote)
            leader, role = decision.vote.leader, STATE_NAMES[decision.state]
            logger.info("without an election: server %d leads, this server is %s", leader, role)
        return decision

    # Ports.

    async def _move_elections(self) -> None:
        try:
            await self._election.follow_membership()
        except ElectionPortError as error:
            self._on_failure(error)

    def _begin(self, move: Awaitable[None]) -> None:
        """One after the other: another membership may follow before the ports have moved."""
        self._last_move = asyncio.get_running_loop().create_task(_move_after(self._last_move, move))

    async def settled(self) -> None:
        """Returns when the ports are where they belong."""
        if self._last_move is not None:
            await self._last_move

    async def stop(self) -> None:
        if self._last_move is not None:
            self._last_move.cancel()
            await asyncio.gather(self._last_move, return_exceptions=True)


async def _move_after(before: "asyncio.Task[None] | None", move: Awaitable[None]) -> None:
    if before is not None:
        await before
    await move


def _describe(membership: Membership) -> str:
    observers = f", observers {sorted(membership.observers)}" if membership.observers else ""
    return f"participants {sorted(membership.participants)}{observers}"
