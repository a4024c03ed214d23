"""The roles of a follower and of an observer, once they have the leader's state (quorum, sections 9.3, 9.4 and 10).

1. What is proposed and committed is `Replication`'s.
2. What its clients write is sent to the leader; who was heard of is told with the answer to each PING.
3. Whatever does not fit ends the role: the server looks for a leader again and is brought into line.
"""

import asyncio
import logging
from collections.abc import Callable

from zkeeper.pipeline.service import Service
from zkeeper.server.ensemble.context import RoleEndedError
from zkeeper.server.ensemble.leader_link import LeaderLink
from zkeeper.server.ensemble.learner import Learner
from zkeeper.server.ensemble.observer_master import ObserverMaster
from zkeeper.server.ensemble.observing import NoLog, nothing
from zkeeper.server.ensemble.replication import Replication
from zkeeper.server.ensemble.stage import Stage
from zkeeper.wire.quorum_bodies import read_revalidated, touched_bytes
from zkeeper.wire.quorum_packets import ACK, PING, REVALIDATE, SYNC, QuorumPacket
from zkeeper.wire.zxids import epoch_begin

logger = logging.getLogger("zkeeper.quorum")


class Following:
    """Takes over from a `Learner` that has synchronised."""

    def __init__(self, learner: Learner, stage: Stage) -> None:
        self.service: Service = stage.make_service(learner.database)
        self._learner = learner
        self._stage = stage
        self._link = learner.link
        self._leader_link = LeaderLink(learner.link)
        self._replication = Replication(learner, self.service, stage, self._take_other)
        self.observer_master: ObserverMaster | None = None
        if learner.context.observer_master_port > 0 and not learner.context.is_observer:
            self.observer_master = ObserverMaster(learner, self.service, self._leader_link, stage)
            self._replication.observer_master = self.observer_master
        self._handle: dict[int, Callable[[QuorumPacket], None]] = {
            PING: self._ping, REVALIDATE: self._revalidated, SYNC: self._synced
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
        self._link.on_closed = lambda: self.end(self._link.closed_reason)
        if self._link.is_closed():
            self.end(self._link.closed_reason)
            return
        self._replication.begin(learner.proposed, learner.committed)
        self.service.database.demand_agreement()
        self._link.serve(self._replication.take)

    def _connect_log(self) -> None:
        if not self._learner.context.is_logging:
            self.service.connect_log(NoLog(), nothing)
            return
        log = self._stage.make_log(self._learner.database, self._replication.logged)
        self.service.connect_log(log.batch, log.wake)

    def end(self, reason: str) -> None:
        """The leader is left, or lost."""
        if not self._ended.done():
            self._ended.set_result(reason)

    # What is told beside transactions.

    def _take_other(self, packet: QuorumPacket) -> None:
        handle = self._handle.get(int(packet.packet_type))
        if handle is not None:
            handle(packet)
        else:
            logger.warning("following: %s is ignored", packet.name())

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
