"""The roles of a follower and of an observer, once they have the leader's state (quorum, sections 9.3, 9.4 and 10).

1. A follower logs what is proposed in its order and acknowledges each transaction when its log has it durably; it
   applies what is committed, in the same order. An observer does both with what it is informed of.
2. What its clients write is sent to the leader; who was heard of is told with the answer to each PING.
3. A follower that is an observer master tells its observers of what is committed before it applies it.
4. A membership that is proposed is the last seen one before its transaction is in the log, and so before its ACK; it
   takes effect with its commit.
5. Whatever does not fit, a hole between proposals or a commit of another transaction than the next, ends the role: the
   server looks for a leader again and is brought into line.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from zkeeper.errors import DecodeError
from zkeeper.pipeline.service import Service
from zkeeper.quorum.marks import hit
from zkeeper.quorum.membership import Membership, MembershipError
from zkeeper.server.ensemble.context import RoleEndedError
from zkeeper.server.ensemble.leader_link import LeaderLink
from zkeeper.server.ensemble.learner import Learner, proposed_membership
from zkeeper.server.ensemble.observer_master import ObserverMaster
from zkeeper.server.ensemble.observing import NoLog, nothing
from zkeeper.server.ensemble.packet_link import Packets
from zkeeper.server.ensemble.stage import Stage
from zkeeper.wire.protocol import RECONFIG
from zkeeper.wire.quorum_bodies import read_activation, read_revalidated, touched_bytes
from zkeeper.wire.quorum_packets import (
    ACK,
    COMMIT,
    COMMIT_AND_ACTIVATE,
    INFORM,
    INFORM_AND_ACTIVATE,
    PING,
    PROPOSAL,
    REVALIDATE,
    SYNC,
    QuorumPacket,
    write_packet,
)
from zkeeper.wire.txns import decode_txn
from zkeeper.wire.zxids import epoch_begin, follows

logger = logging.getLogger("zkeeper.quorum")


class Following:
    """Takes over from a `Learner` that has synchronised."""

    def __init__(self, learner: Learner, stage: Stage) -> None:
        self.service: Service = stage.make_service(learner.database)
        self._learner = learner
        self._stage = stage
        self._link = learner.link
        self._leader_link = LeaderLink(learner.link)
        self._is_observer = learner.context.is_observer
        self.observer_master: ObserverMaster | None = None
        if learner.context.observer_master_port > 0 and not self._is_observer:
            self.observer_master = ObserverMaster(learner, self.service, self._leader_link, stage)
        self._limit_bytes = learner.context.limit_bytes
        self._measures = learner.context.measures
        self._first_zxid = self._last_proposed = int(learner.database.last_zxid)
        self._uncommitted: deque[int] = deque()
        self._unacknowledged: deque[int] = deque()
        self._changes: dict[int, Membership] = {}
        self._handle: dict[int, Callable[[QuorumPacket], None]] = {
            PING: self._ping, REVALIDATE: self._revalidated, SYNC: self._synced,
            COMMIT_AND_ACTIVATE: self._activated, INFORM_AND_ACTIVATE: self._informed_and_activated,
        }  # fmt: skip
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def master_sid(self) -> int:
        """Of the leader, or of the observer master in its place."""
        return self._learner.master.sid

    async def follow(self) -> None:
        """Serves clients until the leader is lost. Raises `RoleEndedError`, which says why."""
        try:
            self._begin()
            if self.observer_master is not None:
                await self.observer_master.open()
            raise RoleEndedError(f"{self._learner.master.title}: {await self._ended}")
        finally:
            if self.observer_master is not None:
                await self.observer_master.close("this follower has no leader any more")
            self._link.close("this server does not follow any more")
            await self._stage.close_to_clients()

    def _begin(self) -> None:
        learner = self._learner
        self.service.forward_to(self._leader_link)
        self.service.history = learner.history
        self._connect_log()
        self._link.send(ACK, epoch_begin(learner.epoch))
        self._stage.open_to_clients(self.service, learner.epoch)
        self._link.on_closed = lambda: self._end(self._link.closed_reason)
        if self._link.is_closed():
            self._end(self._link.closed_reason)
            return
        for one in learner.proposed:
            self._propose(int(one.txn.zxid), one.payload)
        for zxid in learner.committed:
            self._commit(zxid)
        if learner.committed:
            self.service.committed(learner.committed[-1])
        self.service.database.demand_agreement()
        self._link.serve(self._take)

    def _connect_log(self) -> None:
        if not self._learner.context.is_logging:
            self.service.connect_log(NoLog(), nothing)
            return
        log = self._stage.make_log(self._learner.database, self._logged)
        self.service.connect_log(log.batch, log.wake)

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _take(self, packets: Packets) -> None:
        committed = 0
        try:
            for packet in packets:
                kind = packet.packet_type
                if kind == PROPOSAL and not self._is_observer:
                    self._propose(int(packet.zxid), packet.data)
                elif kind == COMMIT and not self._is_observer:
                    self._commit(int(packet.zxid))
                    committed = int(packet.zxid)
                elif kind == INFORM:
                    self._propose(int(packet.zxid), packet.data)
                    self._commit(int(packet.zxid))
                    committed = int(packet.zxid)
                else:
                    if committed:
                        self._apply(committed)
                        committed = 0
                    self._other(packet)
        except (DecodeError, MembershipError, RoleEndedError) as error:
            self._link.close(str(error))
            return
        if committed:
            self._apply(committed)

    def _apply(self, zxid: int) -> None:
        """Rule 3."""
        if self.observer_master is not None:
            self.observer_master.commit(zxid)
        self.service.committed(zxid)
        if self.observer_master is not None:
            self.observer_master.applied()

    def _other(self, packet: QuorumPacket) -> None:
        handle = self._handle.get(int(packet.packet_type))
        if handle is not None:
            handle(packet)
        else:
            logger.warning("following: %s is ignored", packet.name())

    # Transactions.

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
        self.service.proposed(txn, payload)

    def _commit(self, zxid: int) -> None:
        self._measures.commits_received += 1
        if zxid <= self._first_zxid:
            return  # It was part of a snapshot, which had come before.
        if not self._uncommitted:
            if zxid > self._last_proposed:
                raise RoleEndedError(f"0x{zxid:x} is committed, and was never proposed")
            return
        if self._uncommitted[0] != zxid:
            hit("learner.wrong-commit")
            raise RoleEndedError(f"0x{zxid:x} is committed, and 0x{self._uncommitted[0]:x} is next")
        self._uncommitted.popleft()
        if self._changes:
            self._changes.pop(zxid, None)

    def _see_change(self, zxid: int, membership: Membership) -> None:
        """Rule 4."""
        self._learner.context.memberships.set_last_seen(membership)
        self._changes[zxid] = membership

    def _activated(self, packet: QuorumPacket) -> None:
        """A change of the membership is committed. It may take this server elsewhere, once it is applied."""
        zxid, (designated, _) = int(packet.zxid), read_activation(packet.data)
        membership = self._changes.pop(zxid, None)
        self._commit(zxid)
        if self.observer_master is not None:
            self.observer_master.activate(zxid, designated)
        self.service.committed(zxid)
        if membership is None:
            raise RoleEndedError(f"0x{zxid:x} is activated, and is no change of the membership that was proposed")
        if self._stage.activate(membership, designated, zxid):
            raise RoleEndedError(f"by the membership of version {membership.version:x} it or the leader is another one")

    def _informed_and_activated(self, packet: QuorumPacket) -> None:
        self._propose(int(packet.zxid), read_activation(packet.data)[1])
        self._activated(packet)

    def _logged(self, zxid: int) -> None:
        """Acknowledges each transaction, as leaders of all kinds expect."""
        waiting = self._unacknowledged
        while waiting and waiting[0] <= zxid:
            write_packet(self._link.out(), ACK, waiting.popleft())
        self._link.flush()

    # Other packets.

    def _ping(self, packet: QuorumPacket) -> None:
        self._link.send(PING, int(packet.zxid), touched_bytes(self.service.tracker.take_touched()))

    def _revalidated(self, packet: QuorumPacket) -> None:
        session_id, is_valid = read_revalidated(packet.data)
        observer, timeout_ms = self._leader_link.take_question()
        if observer is not None and self.observer_master is not None:
            self.observer_master.answer_session(observer, session_id, timeout_ms, is_valid)
        else:
            self.service.handshake.revalidated(session_id, is_valid)

    def _synced(self, packet: QuorumPacket) -> None:
        observer = self._leader_link.take_sync()
        if observer is not None:
            observer.answer_sync()
        else:
            self.service.syncs.answered()
