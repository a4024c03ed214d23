"""Servers that do nothing but elect, as machines of the simulator.

What follows an election is played by rules: a leader reaches broadcast when a quorum follows it and it can be reached,
and its epoch is then the next one; a server whose leader does not lead, or that leads nobody, looks for one again.
"""

import asyncio
from collections.abc import Iterable

from zkeeper.quorum.election import Decision
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.votes import FOLLOWING, LEADING, LOOKING, OBSERVING, Vote
from zkeeper.server.ensemble.election import Election, ElectionSettings
from zkeeper.server.ensemble.peer_connections import PeerSettings
from zkeeper.testing.simulation import Machine, Simulation

PATIENCE_S = 1.0
LOOK_S = 0.2


class NoFiles:
    def write_next(self, membership: Membership) -> None: ...

    def activate(self, membership: Membership) -> None: ...

    def remove_next(self) -> None: ...


def text_of(participants: Iterable[int], observers: Iterable[int] = (), version: int = 1) -> str:
    roles = {**dict.fromkeys(participants, "participant"), **dict.fromkeys(observers, "observer")}
    lines = [f"server.{sid}=s{sid}:2888:3888:{role}" for sid, role in sorted(roles.items())]
    return "\n".join([*lines, f"version={version:x}"])


class Member:
    """One server; `zxid`, `epoch` and `membership` outlive its lives, as on a disk."""

    def __init__(self, world: "ElectionWorld", sid: int, membership: Membership) -> None:
        self.world = world
        self.sid = sid
        self.machine: Machine = world.machine(f"s{sid}")
        self.zxid = 0
        self.epoch = 0
        self.membership = membership
        self.last_seen: Membership | None = None
        self.seen_looking: list[int] = []
        self.decisions: list[Decision] = []
        self.is_started = False
        self.has_broadcast = False
        self.leadership: Decision | None = None
        self.election: Election

    def start(self) -> None:
        if not self.machine.is_alive:
            self.machine.restart()
        known = Memberships(self.membership, self.last_seen or self.membership, True, self)
        settings = ElectionSettings(peers=PeerSettings(introduction_timeout_s=10.0))
        self.election = Election(self.sid, known, settings, Vote(self.sid, self.zxid, -1, self.epoch))
        self.election.on_peer_looking = lambda sid, vote: self.seen_looking.append(sid)
        self.machine.start(self._run)
        self.is_started = True

    # What a server keeps of memberships.

    def write_next(self, membership: Membership) -> None:
        self.last_seen = membership

    def activate(self, membership: Membership) -> None:
        self.membership = membership

    def remove_next(self) -> None:
        self.last_seen = None

    async def _run(self) -> None:
        await self.election.start()
        while True:
            self.has_broadcast = False
            self.leadership = None
            self.decisions.append(await self.election.look_for_leader(self.zxid, self.epoch))
            await asyncio.sleep(PATIENCE_S)
            while self._is_in_order():
                await asyncio.sleep(LOOK_S)

    def _is_in_order(self) -> bool:
        leader = self.leader
        if leader is None or not leader.is_leading():
            return False
        if leader is not self and not self.world.are_connected(leader, self):
            return False
        # A leader that has begun anew has not the connections to its followers that it had before.
        self.leadership = self.leadership or leader.decisions[-1]
        if self.leadership is not leader.decisions[-1]:
            return False
        if not self.has_broadcast and (leader is self or leader.has_broadcast):
            self.epoch = self.epoch + 1 if leader is self else leader.epoch
            self.election.update_epoch(self.epoch)
            self.has_broadcast = True
        return True

    @property
    def is_alive(self) -> bool:
        return self.is_started and self.machine.is_alive

    @property
    def state(self) -> int:
        return self.election.state if self.is_alive else LOOKING

    @property
    def leader(self) -> "Member | None":
        return self.world.members.get(self.election.vote.leader)

    def follows(self, leader: "Member") -> bool:
        is_learning = self.is_alive and self.state in (FOLLOWING, OBSERVING)
        return is_learning and self.leader is leader and self.world.are_connected(self, leader)

    def is_leading(self) -> bool:
        if not self.is_alive or self.state != LEADING:
            return False
        followers = {one.sid for one in self.world.members.values() if one.follows(self)}
        return self.membership.verifier.contains_quorum(followers | {self.sid})


class ElectionWorld(Simulation):
    """`members` by sid, none of them started."""

    def __init__(self, seed: object, participants: Iterable[int], observers: Iterable[int] = ()) -> None:
        super().__init__(f"election {seed}")
        participants, observers = list(participants), list(observers)
        membership = Membership.parse(text_of(participants, observers))
        self.members = {sid: Member(self, sid, membership) for sid in [*participants, *observers]}
        self.lines: list[str] = []

    def start_all(self) -> None:
        for member in self.members.values():
            member.start()

    def are_connected(self, one: Member, other: Member) -> bool:
        links = [(one.machine.host, other.machine.host), (other.machine.host, one.machine.host)]
        return not any(self.network.link(*link).is_blocked for link in links)

    def agreed_leader(self) -> int | None:
        """Whom all that live follow, and who leads them."""
        alive = [member for member in self.members.values() if member.is_alive]
        if not alive or any(member.state == LOOKING for member in alive):
            return None
        leader = alive[0].leader
        is_agreed = leader is not None and all(one is leader or one.follows(leader) for one in alive)
        return leader.sid if leader is not None and is_agreed and leader.is_leading() else None

    def settle(self, timeout_s: float = 60.0) -> int:
        """Waits until all that live have one leader."""
        self.run_until(lambda: self.agreed_leader() is not None, timeout_s)
        leader = self.agreed_leader()
        assert leader is not None
        return leader
