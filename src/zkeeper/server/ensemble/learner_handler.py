"""The master's side of one learner's connection, a leader's or an observer master's (quorum, sections 7.3, 9, 10, 14).

1. What the learner says is taken in its order: info, ACKEPOCH, ACK of NEWLEADER, then anything. What does not fit costs
   the connection.
2. Each connection has a number of its own, by which a leader knows where a session is.
3. A learner that was not heard of for `syncLimit` ticks does not count as one that follows; one that leaves a proposal
   unacknowledged for so long is disconnected.
4. An observer has no voice, whatever the configuration says of its sid.
"""

import asyncio
import logging
from functools import partial

from zkeeper.errors import DecodeError, StorageError
from zkeeper.pipeline.proposals import Proposal
from zkeeper.quorum.sync_plan import SyncPlan
from zkeeper.server.ensemble.context import RoleEndedError
from zkeeper.server.ensemble.learner_master import LearnerMaster
from zkeeper.server.ensemble.packet_link import LinkClosedError, PacketLink, Packets
from zkeeper.server.ensemble.synchronizing import decide, describe, send_plan
from zkeeper.storage.history import DiskHistory
from zkeeper.wire.quorum_bodies import PROTOCOL_VERSION, int32_bytes, read_int32, read_learner_info, read_touched
from zkeeper.wire.quorum_packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    INFORM,
    LEADER_INFO,
    NEW_LEADER,
    NO_ZXID,
    OBSERVER_INFO,
    PACKET_NAMES,
    PING,
    PROPOSAL,
    REQUEST,
    REVALIDATE,
    SNAP,
    SYNC,
    UP_TO_DATE,
    QuorumPacket,
)
from zkeeper.wire.zxids import counter_of, epoch_begin, epoch_of

logger = logging.getLogger("zkeeper.quorum")


class PeerError(Exception):
    """The peer broke the protocol; the message says how."""


class LearnerHandler:
    """`owner` is the number of the connection (rule 2); `sid` is known after the learner's first packet."""

    def __init__(self, master: LearnerMaster, link: PacketLink, owner: int) -> None:
        self.link = link
        self.owner = owner
        self.sid: int | None = None
        self.is_observer = False
        self.is_forwarding = False
        self.is_synced = False
        self.follows = False
        self.pings = self.answered_pings = 0
        """Since it follows: before that learners do not answer them."""
        self.config_version: int | None = None
        self.acked_zxid = 0
        self._awaited_zxid = 0
        self._awaited_since_s = 0.0
        self._master = master
        self._deadline_tick = master.tick + master.context.init_limit + master.context.sync_limit
        self._loop = asyncio.get_running_loop()

    @property
    def voter(self) -> int | None:
        """As whom it counts; None for an observer (rule 4), and as long as it is not known."""
        return None if self.is_observer else self.sid

    def name(self) -> str:
        who = "a learner" if self.sid is None else f"{'observer' if self.is_observer else 'follower'} {self.sid}"
        return f"{who} at {self.link.peer}"

    def _who(self) -> tuple[str, str]:
        """Of the master and of the learner, for lines of the log."""
        return self._master.title, self.name()

    async def run(self) -> None:
        """Serves the learner until its connection ends."""
        closed = self._loop.create_future()
        self.link.on_closed = partial(_settle, closed)
        self.link.limit_silence(self._master.context.init_s)
        try:
            last_zxid = await self._introduce()
            await self._synchronize(last_zxid)
            self._begin()
            await closed
        except (LinkClosedError, PeerError, RoleEndedError, DecodeError, StorageError) as error:
            self.link.close(str(error))
        except Exception:
            logger.exception("%s: %s is left, since something happened that nobody thought of", *self._who())
        finally:
            self.link.close("the handler has ended")
            self._master.left(self)
            logger.info("%s: %s has left: %s", *self._who(), self.link.closed_reason)

    # Discovery.

    async def _introduce(self) -> int:
        """Agrees on the epoch and returns the learner's last zxid."""
        packet = await self.link.receive()
        if packet.packet_type not in self._master.greetings:
            known = " nor ".join(PACKET_NAMES[kind] for kind in sorted(self._master.greetings))
            raise PeerError(f"its first packet is {packet.name()}, and not {known}")
        self.is_observer = packet.packet_type == OBSERVER_INFO
        info = read_learner_info(packet.data)
        self.sid = info.sid if info.sid is not None else -self.owner
        if info.protocol_version < PROTOCOL_VERSION:
            raise PeerError("it speaks the protocol of ZooKeeper 3.3, which is not served")
        version = self._master.context.memberships.committed.version
        self.config_version = info.config_version
        if info.config_version is not None and info.config_version > version:
            raise PeerError(f"its configuration 0x{info.config_version:x} is newer than 0x{version:x} here")
        epoch = await self._master.agree_on_epoch(self.voter, int(epoch_of(packet.zxid)))
        self.link.send(LEADER_INFO, epoch_begin(epoch), int32_bytes(PROTOCOL_VERSION))
        return await self._accept_epoch()

    async def _accept_epoch(self) -> int:
        packet = await self.link.receive()
        if packet.packet_type != ACK_EPOCH:
            raise PeerError(f"{packet.name()} came instead of ACKEPOCH")
        last_zxid = int(packet.zxid)
        await self._master.epoch_accepted(self.voter, int(read_int32(packet.data)), last_zxid)
        return last_zxid

    # Synchronisation.

    async def _synchronize(self, peer_zxid: int) -> None:
        plan = self._master.plan_for(peer_zxid)
        self._join(plan)
        history = self._master.disk_history(plan)
        try:
            if history is not None:
                plan = await self._decide(plan, history)
            logger.info("%s: %s is at zxid 0x%x and gets %s", *self._who(), peer_zxid, describe(plan))
            measures, is_snapshot = self._master.context.measures, plan.packet_type == SNAP
            admitted = self._master.throttle.admit(is_snapshot, is_essential=not self.is_observer)
            with admitted, measures.synchronizing(int(plan.packet_type)):
                await send_plan(self.link, plan, self._master.database, history)
                await self._await_ack(epoch_begin(self._master.epoch))
        finally:
            if history is not None:
                await history.close()
        await self._master.followed_by(self.voter)
        self.link.send(UP_TO_DATE, NO_ZXID)

    async def _decide(self, plan: SyncPlan, history: DiskHistory) -> SyncPlan:
        """A snapshot holds what was committed meanwhile. That could be sent again, but a Java learner, which does not
        know that its tree is ahead, would tell of digests that differ."""
        decided = await decide(plan, history)
        if decided.packet_type == SNAP:
            decided = decided.renewed(self._master.database.last_zxid)
            self._join(decided)
        return decided

    def _join(self, plan: SyncPlan) -> None:
        """Has what is proposed and committed from now on wait behind the plan, and NEWLEADER behind what is there.
        Whatever waited before is forgotten."""
        self.is_forwarding = False
        self.link.hold()
        if self._master.is_changing():
            self._join_amid_change(plan)
            return
        self._master.join(self, int(plan.queued_zxid))
        text = self._master.context.memberships.last_seen.text().encode()
        self.link.send(NEW_LEADER, epoch_begin(self._master.epoch), text)

    def _join_amid_change(self, plan: SyncPlan) -> None:
        """A learner takes the membership in NEWLEADER for committed when it is told UPTODATE, so it must not be one
        that is under way, nor may it take back what the learner has logged. So who knows the committed one is told of
        none, and who does not is told of that, ahead of the proposal of the other."""
        memberships = self._master.context.memberships
        is_known = self.config_version == memberships.committed.version
        if not is_known and plan.peer_zxid >= memberships.last_seen.version:
            raise PeerError("its membership is an old one, and it has logged a change that is under way")
        text = None if is_known else memberships.committed.text().encode()
        self.link.send(NEW_LEADER, epoch_begin(self._master.epoch), text)
        self._master.join(self, int(plan.queued_zxid))

    def send_outstanding(self, proposals: list[Proposal], sent_zxid: int, committed_zxid: int) -> None:
        """Sends what of the leader's queue came behind `sent_zxid`. What is committed the learner does not acknowledge
        one by one."""
        self.acked_zxid = committed_zxid
        for proposal in proposals:
            zxid = int(proposal.txn.zxid)
            if zxid <= sent_zxid:
                continue
            if self.is_observer:
                if zxid <= committed_zxid:
                    self.link.send(INFORM, zxid, proposal.payload)
                continue
            self.link.send(PROPOSAL, zxid, proposal.payload)
            if zxid <= committed_zxid:
                self.link.send(COMMIT, zxid)

    async def _await_ack(self, epoch_zxid: int) -> None:
        packet = await self.link.receive()
        if packet.packet_type != ACK or packet.zxid != epoch_zxid:
            raise PeerError(f"{packet.name()} 0x{packet.zxid:x} came instead of the ACK of 0x{epoch_zxid:x}")
        self.acked_zxid = max(self.acked_zxid, epoch_zxid)
        self.is_synced = True

    # Broadcast.

    def _begin(self) -> None:
        self.follows = True
        self.pings = 0
        self._heard()
        self.link.limit_silence(self._master.context.sync_s)
        logger.info("%s: %s follows", *self._who())
        self.link.serve(self._take)

    def _take(self, packets: Packets) -> None:
        self._heard()
        acked_zxid = 0
        try:
            for packet in packets:
                if packet.packet_type == ACK:
                    acked_zxid = int(packet.zxid)
                    self._check_ack(acked_zxid)
                else:
                    self._other(packet)
        except (DecodeError, PeerError) as error:
            self.link.close(str(error))
            return
        if acked_zxid and counter_of(acked_zxid):
            self.acked_zxid = max(self.acked_zxid, acked_zxid)
            if self.voter is not None:
                self._master.acked(self.voter, acked_zxid)

    def _check_ack(self, zxid: int) -> None:
        if zxid > self._master.last_proposed():
            raise PeerError(f"it acknowledges 0x{zxid:x}, and 0x{self._master.last_proposed():x} was proposed last")

    def _other(self, packet: QuorumPacket) -> None:
        kind = packet.packet_type
        if kind == REQUEST:
            self._master.request(self, packet)
        elif kind == PING:
            self.answered_pings += 1
            self._master.answered_ping(self, read_touched(packet.data))
        elif kind == REVALIDATE:
            self._master.revalidate(self, packet)
        else:
            logger.warning("%s: %s sent %s, which is ignored", *self._who(), packet.name())

    def answer_sync(self) -> None:
        self.link.send(SYNC, 0)

    # Liveness.

    def _heard(self) -> None:
        self._deadline_tick = self._master.tick + self._master.context.sync_limit

    def is_alive(self) -> bool:
        return self._master.tick <= self._deadline_tick

    def ping(self, last_proposed: int) -> None:
        """Tells the learner that this server lives and asks for the same, and leaves one that does not acknowledge
        (rule 3). Before UPTODATE learners do not answer."""
        if not self.is_synced:
            return
        if self._is_stuck(last_proposed):
            self.link.close(f"it has not acknowledged 0x{self._awaited_zxid:x} within syncLimit")
            return
        self.pings += 1
        self.link.send(PING, last_proposed)

    def _is_stuck(self, last_proposed: int) -> bool:
        """Takes the latest proposal now and then, and sees how long its acknowledgement takes."""
        if self.is_observer:
            return False
        if self.acked_zxid >= self._awaited_zxid:
            self._awaited_zxid, self._awaited_since_s = last_proposed, self._loop.time()
        waits_s = self._loop.time() - self._awaited_since_s
        return self.acked_zxid < self._awaited_zxid and waits_s > self._master.context.sync_s


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
