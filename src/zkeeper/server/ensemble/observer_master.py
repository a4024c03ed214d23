"""A follower that serves observers in the leader's place, so that the leader has less to send (quorum, section 14).

1. Observers are told of a transaction when the leader has said that it is committed, in that order, and before the
   answer to any of their syncs that covers it.
2. What an observer is sent first and what it is told from then on meet without a gap, as at a leader: both are decided
   in one step of the loop.
3. An observer that was told more by another server waits until this one has applied it: nothing that is committed is
   taken back.
4. What observers ask for goes to the leader as it came. There the sessions of their clients are this follower's, so
   this one gives up a client whose session goes to an observer.
5. Observers are served as long as this server follows one leader. If the port cannot be opened none is.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from librt.strings import BytesWriter

from zkeeper.database.database import Database
from zkeeper.pipeline.service import Service
from zkeeper.quorum.sync_plan import SyncPlan
from zkeeper.server.ensemble.context import RoleEndedError
from zkeeper.server.ensemble.known_learner import KnownLearner
from zkeeper.server.ensemble.leader_link import LeaderLink
from zkeeper.server.ensemble.learner import Learner
from zkeeper.server.ensemble.learners import Learners
from zkeeper.server.ensemble.stage import Stage
from zkeeper.server.ensemble.sync_throttle import SyncThrottle
from zkeeper.server.ensemble.synchronizing import open_history, plan_for
from zkeeper.storage.history import DiskHistory
from zkeeper.wire.quorum_bodies import activation_bytes, revalidated_bytes
from zkeeper.wire.quorum_packets import (
    INFORM,
    INFORM_AND_ACTIVATE,
    NO_ZXID,
    OBSERVER_INFO,
    REVALIDATE,
    QuorumPacket,
    write_packet,
)
from zkeeper.wire.zxids import epoch_begin, epoch_of

LEAST_HELD_BYTES: Final = 1 << 20
"""NEWLEADER waits behind the history, too, so `observerMaster.sizeLimit` is this at least."""

logger = logging.getLogger("zkeeper.quorum")


class ObserverMaster:
    """The `LearnerMaster` of observers at a follower: `learner` has synchronised, `service` is its."""

    title = "observer master"
    greetings = frozenset({OBSERVER_INFO})

    def __init__(self, learner: Learner, service: Service, leader_link: LeaderLink, stage: Stage) -> None:
        self.context = context = learner.context
        self.epoch = learner.epoch
        self.tick = 0
        self.throttle = SyncThrottle(context.max_snap_syncs, context.max_diff_syncs)
        self._history = learner.history
        self._service = service
        self._leader_link = leader_link
        self._stage = stage
        self._learners = Learners(self, max(context.observer_master_bytes, LEAST_HELD_BYTES))
        self._has_moved = asyncio.Event()
        self._supervision: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def database(self) -> Database:
        return self._service.database

    async def open(self) -> None:
        """Listens on this server's addresses. Observers go elsewhere when that cannot be (rule 5)."""
        port = self.context.observer_master_port
        member = self.context.memberships.committed.members.get(self.context.sid)
        if member is None:
            return  # Nobody would know where to look for it.
        hosts = [""] if self.context.listens_on_all_addresses else [one.host for one in member.addresses]
        try:
            await self._learners.listen([(host, port) for host in hosts])
        except OSError as error:
            logger.error("observer master: no observers are served: port %d cannot be opened: %s", port, error)
            return
        logger.info("observer master: observers are served on port %d", port)
        self._supervision = self._loop.create_task(self._supervise())

    async def _supervise(self) -> None:
        """Twice a tick, as a leader does (quorum, section 12)."""
        is_half = False
        while True:
            await asyncio.sleep(self.context.tick_s / 2)
            is_half = not is_half
            if not is_half:
                self.tick += 1
            self._learners.ping(self.last_proposed())
            self._wake()

    async def close(self, why: str) -> None:
        """Leaves all observers."""
        if self._supervision is not None:
            self._supervision.cancel()
        await self._learners.close(why)

    def learners(self) -> list[KnownLearner]:
        """Of all connections, whatever their stage."""
        return self._learners.known()

    # What the follower hears of its leader.

    def commit(self, zxid: int) -> None:
        """The leader has committed everything up to `zxid`; the service has not been told yet."""
        if not self._learners.are_there():
            return
        out, committed_zxid = BytesWriter(), int(self._service.committed_zxid())
        for proposal in self._service.outstanding_proposals():
            if committed_zxid < proposal.txn.zxid <= zxid:
                write_packet(out, INFORM, proposal.txn.zxid, proposal.payload)
        self._learners.send(b"", out.getvalue())

    def activate(self, zxid: int, designated: int) -> None:
        """The same for a change of the membership, which is the next transaction; `designated` is to lead under it."""
        for proposal in self._service.outstanding_proposals():
            if proposal.txn.zxid == zxid and proposal.payload is not None:
                out = BytesWriter()
                write_packet(out, INFORM_AND_ACTIVATE, zxid, activation_bytes(designated, proposal.payload))
                self._learners.send(b"", out.getvalue())

    def applied(self) -> None:
        """The service was told of commits."""
        self._wake()

    def _wake(self) -> None:
        self._has_moved.set()
        self._has_moved.clear()

    def answer_session(self, observer: KnownLearner, session_id: int, timeout_ms: int, is_valid: bool) -> None:
        """The leader has answered for a session that an observer has asked for (rule 4)."""
        observer.link.send(REVALIDATE, NO_ZXID, revalidated_bytes(session_id, is_valid))
        if is_valid:
            self._service.tracker.note(session_id, timeout_ms)
            link = self._service.links.get(session_id)
            if link is not None:
                link.close()

    # As `LearnerMaster` says.

    async def agree_on_epoch(self, voter: int | None, accepted_epoch: int) -> int:
        return self.epoch

    async def epoch_accepted(self, voter: int | None, current_epoch: int, last_zxid: int) -> None:
        """Rule 3. What is of another epoch is left to the plan."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.context.sync_s):
                while self._is_ahead(last_zxid):
                    await self._has_moved.wait()
        if self._is_ahead(last_zxid):
            raise RoleEndedError(f"it is at zxid 0x{last_zxid:x}, this follower only at 0x{self.database.last_zxid:x}")

    def _is_ahead(self, last_zxid: int) -> bool:
        return epoch_of(last_zxid) == self.epoch and epoch_begin(self.epoch) < last_zxid > self.database.last_zxid

    async def followed_by(self, voter: int | None) -> None:
        """At once: a quorum has the history of who follows."""

    def plan_for(self, peer_zxid: int) -> SyncPlan:
        return plan_for(self.context, self.database, self._history, peer_zxid)

    def disk_history(self, plan: SyncPlan) -> DiskHistory | None:
        return open_history(self._stage, plan)

    def is_changing(self) -> bool:
        return self.context.memberships.is_pending

    def join(self, learner: KnownLearner, sent_zxid: int) -> None:
        """Rule 2."""
        proposals, committed_zxid = self._service.outstanding_proposals(), int(self._service.committed_zxid())
        learner.send_outstanding(proposals, sent_zxid, committed_zxid)
        learner.is_forwarding = True

    def last_proposed(self) -> int:
        """That observers know of."""
        return max(epoch_begin(self.epoch), int(self._service.committed_zxid()))

    def acked(self, sid: int, zxid: int) -> None:
        raise AssertionError("there are observers only, and they have no voice")

    def request(self, learner: KnownLearner, packet: QuorumPacket) -> None:
        self._leader_link.forward_request(learner, packet)

    def answered_ping(self, learner: KnownLearner, sessions: list[tuple[int, int]]) -> None:
        """The leader hears of them with the answer to its next PING."""
        for session_id, timeout_ms in sessions:
            self._service.tracker.note(session_id, timeout_ms)

    def revalidate(self, learner: KnownLearner, packet: QuorumPacket) -> None:
        self._leader_link.forward_question(learner, packet)

    def left(self, learner: KnownLearner) -> None:
        self._learners.remove(learner)
