"""What is proposed and committed, as it comes to a follower or an observer (quorum, sections 9.3 and 9.4).

1. A follower logs what is proposed in its order and acknowledges each transaction when its log has it durably; it
   applies what is committed, in the same order. An observer does both with what it is informed of.
2. A follower that is an observer master tells its observers of what is committed before it applies it.
3. A membership that is proposed is the last seen one before its transaction is in the log, and so before its ACK; it
   takes effect with its commit.
4. What does not fit, a hole between proposals or a commit of another transaction than the next, is a `RoleEndedError`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from zkeeper.errors import DecodeError
from zkeeper.pipeline.service import Service
from zkeeper.quorum.marks import hit
from zkeeper.quorum.membership import Membership, MembershipError
from zkeeper.server.ensemble.context import RoleEndedError
from zkeeper.server.ensemble.learner import Learner, Proposed, proposed_membership
from zkeeper.server.ensemble.observer_master import ObserverMaster
from zkeeper.server.ensemble.packet_flow import Packets
from zkeeper.server.ensemble.stage import Stage
from zkeeper.wire.protocol import RECONFIG
from zkeeper.wire.quorum_bodies import read_activation
from zkeeper.wire.quorum_packets import (
    ACK,
    COMMIT,
    COMMIT_AND_ACTIVATE,
    INFORM,
    INFORM_AND_ACTIVATE,
    PROPOSAL,
    QuorumPacket,
    write_packet,
)
from zkeeper.wire.txns import decode_txn
from zkeeper.wire.zxids import follows


class Replication:
    """Goes on where `learner` has synchronised, with `service`; `observer_master` is there once this server is one.
    What is told beside transactions goes to `other`."""

    def __init__(
        self, learner: Learner, service: Service, stage: Stage, other: Callable[[QuorumPacket], None]
    ) -> None:  # fmt: skip
        self.observer_master: ObserverMaster | None = None
        self._service = service
        self._stage = stage
        self._other = other
        self._link = learner.link
        self._is_observer = learner.context.is_observer
        self._memberships = learner.context.memberships
        self._limit_bytes = learner.context.limit_bytes
        self._measures = learner.context.measures
        self._first_zxid = self._last_proposed = int(learner.database.last_zxid)
        self._uncommitted: deque[int] = deque()
        self._unacknowledged: deque[int] = deque()
        self._changes: dict[int, Membership] = {}

    def begin(self, proposed: Iterable[Proposed], committed: Sequence[int]) -> None:
        """What came while the two synchronised."""
        for one in proposed:
            self._propose(int(one.txn.zxid), one.payload)
        for zxid in committed:
            self._commit(zxid)
        if committed:
            self._service.committed(committed[-1])

    def take(self, packets: Packets) -> None:
        """What has come at once. Of what does not fit the link is closed."""
        try:
            self._take(packets)
        except (DecodeError, MembershipError, RoleEndedError) as error:
            self._link.close(str(error))

    def _take(self, packets: Packets) -> None:
        committed = 0
        for packet in packets:
            kind = packet.packet_type
            if kind == PROPOSAL and not self._is_observer:
                self._propose(int(packet.zxid), packet.data)
            elif kind == COMMIT and not self._is_observer:
                committed = self._commit(int(packet.zxid))
            elif kind == INFORM:
                self._propose(int(packet.zxid), packet.data)
                committed = self._commit(int(packet.zxid))
            else:
                self._apply(committed)
                committed = 0
                self._take_other(packet)
        self._apply(committed)

    def _take_other(self, packet: QuorumPacket) -> None:
        kind = packet.packet_type
        if kind == COMMIT_AND_ACTIVATE:
            self._activated(packet)
        elif kind == INFORM_AND_ACTIVATE:
            self._propose(int(packet.zxid), read_activation(packet.data)[1])
            self._activated(packet)
        else:
            self._other(packet)

    def _propose(self, zxid: int, payload: bytes | None) -> None:
        if payload is None:
            raise DecodeError(f"proposal 0x{zxid:x} has no transaction")
        if zxid <= self._last_proposed:
            hit("learner.sent-again")
            return  # The leader may send again what is here already.
        if not follows(zxid, self._last_proposed):
            hit("learner.hole")
            raise RoleEndedError(f"proposal 0x{zxid:x} comes after 0x{self._last_proposed:x}: there is a hole between")
        txn = decode_txn(payload, self._limit_bytes, self._stage.is_digest_enabled)
        if txn.zxid != zxid:
            raise DecodeError(f"proposal 0x{zxid:x} has a transaction 0x{txn.zxid:x}")
        if txn.txn_type == RECONFIG:
            self._see_change(zxid, proposed_membership(txn))
        self._last_proposed = zxid
        self._uncommitted.append(zxid)
        if not self._is_observer:
            self._measures.proposals_received += 1
            self._unacknowledged.append(zxid)
        self._service.proposed(txn, payload)

    def logged(self, zxid: int) -> None:
        """The log has everything up to `zxid` durably. Each transaction is acknowledged, as leaders of all kinds
        expect."""
        waiting = self._unacknowledged
        while waiting and waiting[0] <= zxid:
            write_packet(self._link.out(), ACK, waiting.popleft())
        self._link.flush()

    def _commit(self, zxid: int) -> int:
        """Checks that it is the turn of `zxid`, which is to be applied then."""
        self._measures.commits_received += 1
        if zxid <= self._first_zxid:
            return zxid  # It was part of a snapshot, which had come before.
        if not self._uncommitted:
            if zxid > self._last_proposed:
                raise RoleEndedError(f"0x{zxid:x} is committed, and was never proposed")
            return zxid
        if self._uncommitted[0] != zxid:
            hit("learner.wrong-commit")
            raise RoleEndedError(f"0x{zxid:x} is committed, and 0x{self._uncommitted[0]:x} is next")
        self._uncommitted.popleft()
        if self._changes:
            self._changes.pop(zxid, None)
        return zxid

    def _apply(self, zxid: int) -> None:
        """Rule 2. Nothing was committed where it is 0."""
        if not zxid:
            return
        if self.observer_master is None:
            self._service.committed(zxid)
            return
        self.observer_master.commit(zxid)
        self._service.committed(zxid)
        self.observer_master.applied()

    # Changes of the membership.

    def _see_change(self, zxid: int, membership: Membership) -> None:
        """Rule 3."""
        self._memberships.set_last_seen(membership)
        self._changes[zxid] = membership

    def _activated(self, packet: QuorumPacket) -> None:
        """A change of the membership is committed. It may take this server elsewhere, once it is applied."""
        zxid, (designated, _) = int(packet.zxid), read_activation(packet.data)
        membership = self._changes.pop(zxid, None)
        self._commit(zxid)
        if self.observer_master is not None:
            self.observer_master.activate(zxid, designated)
        self._service.committed(zxid)
        if membership is None:
            raise RoleEndedError(f"0x{zxid:x} is activated, and is no change of the membership that was proposed")
        if self._stage.activate(membership, designated, zxid):
            raise RoleEndedError(f"by the membership of version {membership.version:x} it or the leader is another one")
