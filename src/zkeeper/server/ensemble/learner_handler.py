"""The story of one learner's connection with its master, from its first packet to its end (quorum, 7.3, 9, 10, 14).

What the learner says is taken in its order: info, ACKEPOCH, ACK of NEWLEADER, then anything (`KnownLearner`). What does
not fit costs the connection.
"""

import asyncio
import logging
from functools import partial

from zkeeper.errors import DecodeError, StorageError
from zkeeper.quorum.sync_plan import SyncPlan
from zkeeper.server.ensemble.context import RoleEndedError
from zkeeper.server.ensemble.known_learner import KnownLearner, PeerError
from zkeeper.server.ensemble.learner_master import LearnerMaster
from zkeeper.server.ensemble.packet_link import LinkClosedError
from zkeeper.server.ensemble.synchronizing import decide, describe, send_plan
from zkeeper.storage.history import DiskHistory
from zkeeper.wire.quorum_bodies import PROTOCOL_VERSION, int32_bytes, read_int32, read_learner_info
from zkeeper.wire.quorum_packets import (
    ACK,
    ACK_EPOCH,
    LEADER_INFO,
    NEW_LEADER,
    NO_ZXID,
    OBSERVER_INFO,
    PACKET_NAMES,
    SNAP,
    UP_TO_DATE,
)
from zkeeper.wire.zxids import epoch_begin, epoch_of

logger = logging.getLogger("zkeeper.quorum")


class LearnerHandler:
    """Of `learner`, who is to follow `master`."""

    def __init__(self, master: LearnerMaster, learner: KnownLearner) -> None:
        self._master = master
        self._learner = learner
        self._link = learner.link

    async def run(self) -> None:
        """Serves the learner until its connection ends."""
        closed = asyncio.get_running_loop().create_future()
        self._link.on_closed = partial(_settle, closed)
        self._link.limit_silence(self._master.context.init_s)
        try:
            last_zxid = await self._introduce()
            await self._synchronize(last_zxid)
            self._learner.begin()
            await closed
        except (LinkClosedError, PeerError, RoleEndedError, DecodeError, StorageError) as error:
            self._link.close(str(error))
        except Exception:
            logger.exception("%s: %s is left, since something happened that nobody thought of", *self._learner.who())
        finally:
            self._link.close("the handler has ended")
            self._master.left(self._learner)
            logger.info("%s: %s has left: %s", *self._learner.who(), self._link.closed_reason)

    # Discovery.

    async def _introduce(self) -> int:
        """Agrees on the epoch and returns the learner's last zxid."""
        packet = await self._link.receive()
        if packet.packet_type not in self._master.greetings:
            known = " nor ".join(PACKET_NAMES[kind] for kind in sorted(self._master.greetings))
            raise PeerError(f"its first packet is {packet.name()}, and not {known}")
        learner, info = self._learner, read_learner_info(packet.data)
        learner.is_observer = packet.packet_type == OBSERVER_INFO
        learner.sid = info.sid if info.sid is not None else -learner.owner
        if learner.sid == self._master.context.sid:
            raise PeerError(f"it says that it is server {learner.sid}, which is this one: compare their files myid")
        if info.protocol_version < PROTOCOL_VERSION:
            raise PeerError("it speaks the protocol of ZooKeeper 3.3, which is not served")
        version = self._master.context.memberships.committed.version
        learner.config_version = info.config_version
        if info.config_version is not None and info.config_version > version:
            raise PeerError(f"its configuration 0x{info.config_version:x} is newer than 0x{version:x} here")
        epoch = await self._master.agree_on_epoch(learner.voter, int(epoch_of(packet.zxid)))
        self._link.send(LEADER_INFO, epoch_begin(epoch), int32_bytes(PROTOCOL_VERSION))
        return await self._accept_epoch()

    async def _accept_epoch(self) -> int:
        packet = await self._link.receive()
        if packet.packet_type != ACK_EPOCH:
            raise PeerError(f"{packet.name()} came instead of ACKEPOCH")
        last_zxid = int(packet.zxid)
        await self._master.epoch_accepted(self._learner.voter, int(read_int32(packet.data)), last_zxid)
        return last_zxid

    # Synchronisation.

    async def _synchronize(self, peer_zxid: int) -> None:
        plan = self._master.plan_for(peer_zxid)
        self._join(plan)
        history = self._master.disk_history(plan)
        try:
            if history is not None:
                plan = await self._decide(plan, history)
            logger.info("%s: %s is at zxid 0x%x and gets %s", *self._learner.who(), peer_zxid, describe(plan))
            measures, is_snapshot = self._master.context.measures, plan.packet_type == SNAP
            admitted = self._master.throttle.admit(is_snapshot, is_essential=not self._learner.is_observer)
            with admitted, measures.synchronizing(int(plan.packet_type)):
                await send_plan(self._link, plan, self._master.database, history)
                await self._await_ack(epoch_begin(self._master.epoch))
        finally:
            if history is not None:
                await history.close()
        await self._master.followed_by(self._learner.voter)
        self._link.send(UP_TO_DATE, NO_ZXID)

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
        self._learner.is_forwarding = False
        self._link.hold()
        if self._master.is_changing():
            self._join_amid_change(plan)
            return
        self._master.join(self._learner, int(plan.queued_zxid))
        text = self._master.context.memberships.last_seen.text().encode()
        self._link.send(NEW_LEADER, epoch_begin(self._master.epoch), text)

    def _join_amid_change(self, plan: SyncPlan) -> None:
        """A learner takes the membership in NEWLEADER for committed when it is told UPTODATE, so it must not be one
        that is under way, nor may it take back what the learner has logged. So who knows the committed one is told of
        none, and who does not is told of that, ahead of the proposal of the other."""
        memberships = self._master.context.memberships
        is_known = self._learner.config_version == memberships.committed.version
        if not is_known and plan.peer_zxid >= memberships.last_seen.version:
            raise PeerError("its membership is an old one, and it has logged a change that is under way")
        text = None if is_known else memberships.committed.text().encode()
        self._link.send(NEW_LEADER, epoch_begin(self._master.epoch), text)
        self._master.join(self._learner, int(plan.queued_zxid))

    async def _await_ack(self, epoch_zxid: int) -> None:
        packet = await self._link.receive()
        if packet.packet_type != ACK or packet.zxid != epoch_zxid:
            raise PeerError(f"{packet.name()} 0x{packet.zxid:x} came instead of the ACK of 0x{epoch_zxid:x}")
        self._learner.acked_zxid = max(self._learner.acked_zxid, epoch_zxid)
        self._learner.is_synced = True


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
