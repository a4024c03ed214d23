"""The other servers, as the election port knows them: what there is to send to each, and where it may be found."""

import asyncio

from zkeeper.quorum.members import LARGEST_SID, LEAST_SID
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.server.ensemble.peer_connection import PeerConnection

Address = tuple[str, int]


class Peer:
    """One server. `unsent` waits for a connection, `last_sent` was sent on one; `attempt` is under way to open one.
    `is_reachable` is what was told of it last."""

    def __init__(self) -> None:
        self.connection: PeerConnection | None = None
        self.attempt: asyncio.Task[None] | None = None
        self.unsent: bytes | None = None
        self.last_sent: bytes | None = None
        self.is_reachable: bool | None = None


class Peers:
    """By sid: members with whom there was something to do, and strangers while they are connected."""

    def __init__(self, memberships: Memberships) -> None:
        self._memberships = memberships
        self._peers: dict[int, Peer] = {}

    def all(self) -> list[Peer]:
        return list(self._peers.values())

    def sids(self) -> list[int]:
        return list(self._peers)

    def get(self, sid: int) -> Peer | None:
        return self._peers.get(sid)

    def admit(self, sid: int) -> Peer | None:
        """The peer, new if need be; `None` when there can be no such server. That also bounds strangers."""
        peer = self._peers.get(sid)
        if peer is None and (self.is_member(sid) or LEAST_SID <= sid <= LARGEST_SID):
            peer = self._peers[sid] = Peer()
        return peer

    def forget_stranger(self, sid: int) -> None:
        peer = self._peers.get(sid)
        if peer is not None and peer.connection is None and not self.is_member(sid):
            del self._peers[sid]

    def clear(self) -> None:
        self._peers.clear()

    def is_member(self, sid: int) -> bool:
        return sid in self._memberships.committed.members or sid in self._memberships.last_seen.members

    def places(self, sid: int) -> list[list[Address]]:
        """Where a server is by the committed membership, then by the last seen one if that says something else."""
        committed = _election_addresses(self._memberships.committed, sid)
        last_seen = _election_addresses(self._memberships.last_seen, sid)
        places = [committed] if committed == last_seen else [committed, last_seen]
        return [addresses for addresses in places if addresses]


def _election_addresses(membership: Membership, sid: int) -> list[Address]:
    member = membership.members.get(sid)
    return [] if member is None else [(each.host, each.election_port) for each in member.addresses]
