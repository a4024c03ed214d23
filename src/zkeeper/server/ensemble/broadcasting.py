"""A leader's transactions on their way: proposed, logged by a quorum, committed in their order (quorum, 9 and 10).

1. A transaction is committed in its order, once a quorum has it in its logs.
2. COMMIT or INFORM leaves before a transaction is applied here, so that learners apply it meanwhile. Only where a few
   are committed and this server's own client waits for the first of them, the answer leaves first.
3. A sync is answered between the commits of what was proposed before it and behind it (`Syncs`).
4. Nothing is proposed or committed behind the commit of a membership by which another server has to lead.
5. When the zxids of the epoch are used up, what was proposed is committed first; then the role may end.
"""

import asyncio
import logging
from collections.abc import Callable, Set
from typing import Final

from zkeeper.database.database import Database
from zkeeper.pipeline.service import Service
from zkeeper.quorum.acks import Acks
from zkeeper.quorum.broadcast import Broadcast, ProposalSizes
from zkeeper.quorum.membership import Membership
from zkeeper.server.ensemble.changes import Changes
from zkeeper.server.ensemble.context import EnsembleContext
from zkeeper.server.ensemble.known_learner import KnownLearner
from zkeeper.server.ensemble.learners import Learners
from zkeeper.server.ensemble.stage import Stage
from zkeeper.server.ensemble.syncs import Syncs
from zkeeper.wire.zxids import counter_of

FEW_TXNS: Final = 16

logger = logging.getLogger("zkeeper.quorum")


class Broadcasting:
    """Of the epoch that `database` begins. `in_step` are the leader and the followers that are; `handed_over` is called
    when another server is to lead, `used_up` when no zxid is left and all are committed."""

    def __init__(
        self, context: EnsembleContext, stage: Stage, database: Database, learners: Learners, syncs: Syncs,
        in_step: Callable[[], Set[int]], handed_over: Callable[[], None], used_up: Callable[[], None],
    ) -> None:  # fmt: skip
        self.service: Service = stage.make_service(database)
        self._log = stage.make_log(database, self._logged)
        self._broadcast = Broadcast(self._log.batch, database.last_zxid)
        self.acks = Acks(database.last_zxid, context.memberships.verifiers())
        self._changes = Changes(context, self.acks, in_step)
        self._sid = context.sid
        self._stage = stage
        self._learners = learners
        self._syncs = syncs
        self._handed_over = handed_over
        self._used_up = used_up
        self.is_used_up = False
        self._is_over = False
        self._is_flush_due = False
        self._loop = asyncio.get_running_loop()
        self.service.preparer.reconfigs.reconfigurer = self._changes
        self.service.connect_log(self._broadcast, self._wake)

    # Proposed.

    @property
    def last_proposed(self) -> int:
        return int(self._broadcast.last_proposed)

    @property
    def committed_zxid(self) -> int:
        return int(self.acks.committed_zxid)

    @property
    def proposal_sizes(self) -> ProposalSizes:
        return self._broadcast.sizes

    def _wake(self) -> None:
        """Something was proposed: it is sent and logged once the loop has read what else is there."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self.flush)
        self._log.wake()

    def flush(self) -> None:
        """Sends to all learners what was proposed and committed so far."""
        self._is_flush_due = False
        self._learners.send(self._broadcast.take_for_followers(), self._broadcast.take_for_observers())

    # Committed.

    def _logged(self, zxid: int) -> None:
        self.acked(self._sid, zxid)

    def acked(self, sid: int, zxid: int) -> None:
        """The log of a server holds everything up to `zxid`."""
        if counter_of(zxid) != 0:
            self.acks.ack(sid, zxid)
            self.advance()

    def advance(self) -> None:
        """Commits what may be. When that fails some may not have been told of a commit, so they must not be told of a
        later one."""
        service, acks = self.service, self.acks
        committed = self.committed_zxid
        try:
            while not self._is_over and service.serves() and acks.advance(self._syncs.limit()):
                self._commit(committed + 1, self.committed_zxid)
                committed = self.committed_zxid
        except Exception as error:
            service.broken(error)

    def _commit(self, first_zxid: int, last_zxid: int) -> None:
        """A change of the membership is the last of those that are committed together (`Acks`, rule 3)."""
        membership = self._changes.proposed_at(last_zxid)
        if membership is not None:
            first_zxid = self._answer_syncs(first_zxid, last_zxid - 1)
            self._tell_committed(first_zxid, last_zxid - 1)
            self._commit_change(membership, last_zxid)
        else:
            first_zxid = self._answer_syncs(first_zxid, last_zxid)
            self._tell_committed(first_zxid, last_zxid)
            self._apply(last_zxid, is_much=last_zxid - first_zxid >= FEW_TXNS)
        self._end_if_used_up()

    def _apply(self, zxid: int, is_much: bool) -> None:
        """Rule 2."""
        if is_much or not self.service.answers_next():
            self.flush()
            self.service.committed(zxid)
        else:
            self.service.committed(zxid)
            self.flush()

    def _tell_committed(self, first_zxid: int, last_zxid: int) -> None:
        self._broadcast.commit(first_zxid, last_zxid)
        if self._learners.has_observers():
            self._inform(first_zxid, last_zxid)

    def _inform(self, first_zxid: int, last_zxid: int) -> None:
        for proposal in self.service.outstanding_proposals():
            if first_zxid <= proposal.txn.zxid <= last_zxid:
                assert proposal.payload is not None
                self._broadcast.inform(proposal.txn.zxid, proposal.payload)

    def send_outstanding(self, learner: KnownLearner, sent_zxid: int) -> None:
        """Sends a learner that joins what came behind `sent_zxid`, to be acknowledged whatever it has acknowledged on a
        connection before, also as what it was then: what it is sent first may take that from its log."""
        if learner.sid is not None:
            self.acks.withdraw(learner.sid, sent_zxid)
        self.flush()
        learner.send_outstanding(self.service.outstanding_proposals(), sent_zxid, self.committed_zxid)

    # Syncs.

    def _answer_syncs(self, first_zxid: int, last_zxid: int) -> int:
        """Tells the commits up to the last that a sync waits for, and answers these; what is left to tell."""
        while (sync := self._syncs.take(last_zxid)) is not None:
            self._tell_committed(first_zxid, sync.zxid)
            self.flush()
            sync.answer()
            first_zxid = sync.zxid + 1
        return first_zxid

    def syncs_confirmed(self) -> None:
        """Some are due, if what they wait for is committed."""
        while (sync := self._syncs.take(self.committed_zxid)) is not None:
            self.flush()
            sync.answer()
        self.advance()

    # Changes of the membership.

    def _commit_change(self, membership: Membership, zxid: int) -> None:
        """What follows is committed here only if this server stays the leader (quorum, section 16.4)."""
        designated = self._changes.committed(membership, self.last_proposed)
        self._broadcast.activate(zxid, self._payload_of(zxid), designated)
        self.flush()
        self._answer_syncs(zxid + 1, zxid)
        if designated != self._sid:
            self.service.stop_proposing()
        self.service.committed(zxid)
        if self._stage.activate(membership, designated, zxid):
            self._is_over = True
            logger.info("leading: server %d is to lead from now on", designated)
            self._handed_over()

    def _payload_of(self, zxid: int) -> bytes:
        (payload,) = [one.payload for one in self.service.outstanding_proposals() if one.txn.zxid == zxid]
        assert payload is not None
        return payload

    # The end of an epoch.

    def zxids_used_up(self) -> None:
        """Nothing more can be proposed (rule 5)."""
        self.is_used_up = True
        self._end_if_used_up()

    def _end_if_used_up(self) -> None:
        if self.is_used_up and self.last_proposed == self.committed_zxid:
            self._used_up()
