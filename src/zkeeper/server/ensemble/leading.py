"""The role of the leader: agrees on an epoch with a quorum, brings it into line, then orders all writes.

1. The epoch, and a quorum with this server's history, come first (`Discovery`).
2. Nothing is proposed before a quorum has acknowledged NEWLEADER: has all of this server's history durably.
3. From then on what is proposed and committed is `Broadcasting`'s.
4. What a learner that joins is sent first and what it is sent from then on meet without a gap: both are decided in one
   step of the loop.
5. Leading ends when no quorum was heard of for `syncLimit` ticks and no oracle lets this server go on alone, when the
   zxids of the epoch are used up, and with the commit of a membership by which another server has to lead.
6. A voter that has promised itself to a later epoch cannot follow in this one. The leader makes way for the next epoch,
   so that all can be there, unless that voter says that it has more than the leader: it would be elected.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from zkeeper.database.database import Database
from zkeeper.database.sessions import NO_OWNER
from zkeeper.pipeline.learners import propose_for_learner, revalidate, touch_for_learner
from zkeeper.quorum.acks import NOBODY
from zkeeper.quorum.broadcast import ProposalSizes
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.marks import hit
from zkeeper.quorum.sync_plan import SyncPlan
from zkeeper.quorum.votes import Vote
from zkeeper.server.ensemble.broadcasting import Broadcasting
from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError
from zkeeper.server.ensemble.discovery import Discovery
from zkeeper.server.ensemble.gathering import Gathering
from zkeeper.server.ensemble.known_learner import KnownLearner
from zkeeper.server.ensemble.learners import Learners
from zkeeper.server.ensemble.packet_flow import MAX_HELD_BYTES
from zkeeper.server.ensemble.stage import Stage
from zkeeper.server.ensemble.sync_throttle import SyncThrottle
from zkeeper.server.ensemble.synchronizing import open_history, plan_for
from zkeeper.server.ensemble.syncs import Syncs
from zkeeper.storage.epochs import MAX_EPOCH
from zkeeper.storage.history import DiskHistory
from zkeeper.wire import protocol
from zkeeper.wire.quorum_bodies import REQUEST_HEAD_BYTES, read_request_head, read_revalidate, revalidated_bytes
from zkeeper.wire.quorum_packets import FOLLOWER_INFO, NO_ZXID, OBSERVER_INFO, REVALIDATE, QuorumPacket
from zkeeper.wire.zxids import MAX_COUNTER, epoch_begin

LAST_COUNTER: Final = MAX_COUNTER - 1
"""Of the last transaction of an epoch (quorum, section 13)."""

logger = logging.getLogger("zkeeper.quorum")


class Leader:
    """The `LearnerMaster` of all who follow or observe. Leads with `database` and the recent transactions in `history`;
    `stage` builds what serves clients; `voters` have elected this server."""

    title = "leading"
    greetings = frozenset({FOLLOWER_INFO, OBSERVER_INFO})

    def __init__(
        self, context: EnsembleContext, stage: Stage, database: Database, history: CommittedLog,
        voters: frozenset[int] = frozenset(),
    ) -> None:  # fmt: skip
        self.context = context
        self.database = database
        self.history = history
        self.tick = 0
        self.throttle = SyncThrottle(context.max_snap_syncs, context.max_diff_syncs)
        self._voters = voters
        self.serves_since_s = 0.0
        self._stage = stage
        self._discovery = Discovery(context, stage, int(database.last_zxid), self._look_around_early, self._is_alone)
        self._learners = Learners(self, MAX_HELD_BYTES)
        self._histories: dict[int, tuple[int, int]] = {}
        self._broadcasting: Broadcasting | None = None
        self._handed_over_tick: int | None = None
        self._gave_up = asyncio.Event()
        self._why = ""
        self._syncs = Syncs(self._ping_voters, self._gathering, self._syncs_confirmed)
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()

    @property
    def epoch(self) -> int:
        """-1 before there is one."""
        return self._discovery.epoch

    async def lead(self) -> None:
        """Leads until that is over. Raises `RoleEndedError`, which says why."""
        try:
            await self._listen()
            await self._discovery.run()
            self._begin_broadcast()
            await self._supervise()
        finally:
            await self._learners.close("the leader gives up")
            if self._broadcasting is not None:
                await self._stage.close_to_clients()

    # Discovery and synchronisation (quorum, section 7.3).

    async def _listen(self) -> None:
        """On every address of this server that can be opened."""
        member = self.context.memberships.committed.members.get(self.context.sid)
        if member is None:
            raise RoleEndedError("this server is no member of the ensemble it is to lead")
        places = [(one.host, one.quorum_port) for one in member.addresses]
        if self.context.listens_on_all_addresses:
            places = [("", port) for port in sorted({port for _, port in places})]
        try:
            await self._learners.listen(places)
        except OSError as error:
            advice = f"stop what listens there, or correct the line server.{member.sid}={member.text()}"
            raise RoleEndedError(f"the quorum port cannot be opened: {error}", advice) from error

    def _look_around_early(self) -> None:
        """As long as this server does not serve yet."""
        self._check_goes_on()
        self._ping_all()

    def _check_goes_on(self) -> None:
        if self._gave_up.is_set():
            raise RoleEndedError(self._why)

    def peer_looks(self, sid: int, vote: Vote) -> None:
        """A voter looks for a leader again: who waits for too long to be followed quits at once, if
        leader.maxTimeToWaitForEpoch says so (quorum, section 7.3)."""
        if vote.leader == sid:
            self._histories[sid] = (vote.peer_epoch, vote.zxid)
        limit_s, waited_s = self.context.max_wait_for_epoch_s, self._loop.time() - self._began_s
        if 0 <= limit_s < waited_s and sid in self._voters and not self._discovery.has_epoch():
            self.give_up(f"server {sid}, which has elected this one, looks for a leader again after {waited_s:.1f} s")

    async def agree_on_epoch(self, voter: int | None, accepted_epoch: int) -> int:
        epoch = await self._discovery.agree_on_epoch(voter, accepted_epoch)
        if voter is not None and epoch < accepted_epoch < MAX_EPOCH:
            self._maybe_make_way(voter, accepted_epoch)
        return epoch

    def _maybe_make_way(self, voter: int, accepted_epoch: int) -> None:
        """Rule 6. Of its history the voter has told when it looked for a leader, just before it came here."""
        history = self._histories.get(voter)
        if history is not None and history <= (self.epoch, self.last_proposed()):
            hit("leader.makes-way")
            self.context.promised_elsewhere = max(self.context.promised_elsewhere, accepted_epoch)
            self.give_up(f"server {voter} has accepted epoch {accepted_epoch} and cannot follow in epoch {self.epoch}")

    async def epoch_accepted(self, voter: int | None, current_epoch: int, last_zxid: int) -> None:
        await self._discovery.epoch_accepted(voter, current_epoch, last_zxid)

    async def followed_by(self, voter: int | None) -> None:
        await self._discovery.followed_by(voter)

    # Broadcast.

    def _begin_broadcast(self) -> None:
        self._complete_change()
        database = self.database
        self._stage.show_membership(database)
        database.demand_agreement()
        database.last_zxid = epoch_begin(self.epoch)
        self._broadcasting = Broadcasting(
            self.context, self._stage, database, self._learners, self._syncs,
            self._in_step, self._handed_over, self._give_up_used_up,
        )  # fmt: skip
        service = self._broadcasting.service
        service.history = self.history
        service.limit_zxids(database.last_zxid + LAST_COUNTER, self._broadcasting.zxids_used_up)
        service.syncs.confirm = self._sync
        service.start(NO_OWNER)
        self.serves_since_s = self._loop.time()
        self._stage.open_to_clients(service, self.epoch)
        followers = self._discovery.followers()
        logger.info("leading: serving from zxid 0x%x, followed by %s", database.last_zxid, followers)
        self._discovery.serves()

    def _complete_change(self) -> None:
        """A membership that was proposed before is committed now: a quorum of it has acknowledged NEWLEADER, too. If
        this server is not to lead under it, the others hear of it when they look for a leader again."""
        memberships = self.context.memberships
        if memberships.is_pending and self._stage.activate(memberships.last_seen, None, 0):
            raise RoleEndedError("by the membership that was under way another server has to lead")

    def _in_step(self) -> set[int]:
        followers = [one.voter for one in self.learners() if one.is_synced and one.is_alive()]
        return {self.context.sid, *[voter for voter in followers if voter is not None]}

    def _handed_over(self) -> None:
        self._handed_over_tick = self.tick
        self._maybe_leave()

    def acked(self, sid: int, zxid: int) -> None:
        """The log of a server holds everything up to `zxid`."""
        if self._broadcasting is not None:
            self._broadcasting.acked(sid, zxid)

    @property
    def _serving(self) -> Broadcasting:
        """Of a leader that serves: nobody follows one that does not."""
        assert self._broadcasting is not None
        return self._broadcasting

    @property
    def pending_syncs(self) -> int:
        """How many syncs are not answered yet."""
        return len(self._syncs)

    # What learners ask for.

    def request(self, learner: KnownLearner, packet: QuorumPacket) -> None:
        """The number of the connection is the owner of the sessions that the learner speaks for."""
        head = read_request_head(packet.data)
        assert packet.data is not None
        if head.op == protocol.SYNC:
            self._sync(learner.answer_sync)
            return
        propose_for_learner(
            self._serving.service, learner.owner, head.session_id, head.cxid, head.op, packet.data[REQUEST_HEAD_BYTES:],
            packet.authinfo or [],
        )  # fmt: skip

    def answered_ping(self, learner: KnownLearner, sessions: list[tuple[int, int]]) -> None:
        self._syncs.confirmations.answered(learner)
        for session_id, _ in sessions:
            touch_for_learner(self._serving.service, session_id)

    def revalidate(self, learner: KnownLearner, packet: QuorumPacket) -> None:
        self.context.measures.revalidations += 1
        session_id, _ = read_revalidate(packet.data)
        is_valid = revalidate(self._serving.service, learner.owner, session_id)
        self._serving.flush()
        learner.link.send(REVALIDATE, NO_ZXID, revalidated_bytes(session_id, is_valid))

    def _sync(self, answer: Callable[[], None]) -> None:
        self._syncs.add(self.last_proposed(), answer)

    def _syncs_confirmed(self) -> None:
        if self._broadcasting is not None:
            self._broadcasting.syncs_confirmed()

    def _give_up_used_up(self) -> None:
        self.give_up(f"the zxids of epoch {self.epoch} are used up, the next epoch has new ones")

    # Learners.

    def plan_for(self, peer_zxid: int) -> SyncPlan:
        """What is committed is applied first: a learner must not have to cut that back, not even to get it again."""
        if self._broadcasting is not None:
            self._broadcasting.service.apply_committed()
        return plan_for(self.context, self.database, self.history, peer_zxid)

    def disk_history(self, plan: SyncPlan) -> DiskHistory | None:
        return open_history(self._stage, plan)

    def learners(self) -> list[KnownLearner]:
        """Of all connections, whatever their stage."""
        return self._learners.known()

    def proposal_sizes(self) -> ProposalSizes:
        """Of the transactions since this server serves; to be asked only then."""
        return self._serving.proposal_sizes

    def committed_zxid(self) -> int:
        """The last that is committed: what a learner that joins now has to have, beside what is outstanding."""
        return self._broadcasting.committed_zxid if self._broadcasting is not None else int(self.database.last_zxid)

    def is_changing(self) -> bool:
        return self._broadcasting is not None and self.context.memberships.is_pending

    def last_proposed(self) -> int:
        return self._broadcasting.last_proposed if self._broadcasting is not None else int(self.database.last_zxid)

    def join(self, learner: KnownLearner, sent_zxid: int) -> None:
        """Rule 4."""
        self._learners.replace_by(learner)
        if self._broadcasting is not None:
            self._broadcasting.send_outstanding(learner, sent_zxid)
        learner.is_forwarding = True
        if self._broadcasting is not None and not self._is_alone():
            self._broadcasting.acks.alone = NOBODY

    def left(self, learner: KnownLearner) -> None:
        self._learners.remove(learner)
        self._maybe_leave()

    # The end.

    def give_up(self, why: str) -> None:
        """Ends the role."""
        self._why = self._why or why
        self._gave_up.set()

    def _maybe_leave(self) -> None:
        """One that has handed over waits until all learners have left: what it has written may be lost on its way if it
        closes connections on which there is something to read."""
        handed_over_tick = self._handed_over_tick
        if handed_over_tick is None:
            return
        if not self._learners.are_there() or self.tick - handed_over_tick > self.context.sync_limit:
            self.give_up("another server is to lead")

    async def _supervise(self) -> None:
        is_half = False
        while True:
            try:
                async with asyncio.timeout(self.context.tick_s / 2):
                    await self._gave_up.wait()
            except TimeoutError:
                is_half = not is_half
                self._look_around(is_half)
            self._check_goes_on()

    def _look_around(self, is_half: bool) -> None:
        """Twice a tick: pings all learners, and sees whether there are enough (quorum, section 12)."""
        if not is_half:
            self.tick += 1
            self._maybe_leave()
            self._check_quorum()
        self._maybe_go_alone()
        if self._broadcasting is not None:
            if self._broadcasting.is_used_up:
                self._give_up_used_up()
            self._broadcasting.flush()
        self._ping_all()

    def _check_quorum(self) -> None:
        here = self._gathering()
        for voter in self._in_step():
            here.add(voter)
        if not here.is_complete():
            hit("leader.no-quorum")
            self.give_up(f"only {sorted(here.sids())} were heard of within syncLimit, which is no quorum")

    def _gathering(self) -> Gathering:
        """One that needs nobody else where an oracle lets this server go on alone."""
        gathering = Gathering(self.context.memberships.verifiers(), self.context.sid)
        if self.context.oracle is not None and self._is_alone():
            gathering.ask(self.context.oracle)
        return gathering

    def _is_alone(self) -> bool:
        """Whether no voter is with this leader, or is being brought into line."""
        voters = self.context.memberships.voters()
        return not any(one.is_forwarding and one.is_alive() and one.voter in voters for one in self.learners())

    def _maybe_go_alone(self) -> None:
        """What waits for the other one of two is committed without it, as long as the oracle says so."""
        broadcasting, oracle = self._broadcasting, self.context.oracle
        if broadcasting is None or oracle is None:
            return
        is_granted = self._is_alone() and oracle.grants(self.context.memberships.committed.verifier)
        broadcasting.acks.alone = self.context.sid if is_granted else NOBODY
        if is_granted:
            broadcasting.advance()

    def _ping_all(self) -> None:
        self._learners.ping(self.last_proposed())
        self._syncs.confirmations.pinged(self.learners())

    def _ping_voters(self) -> None:
        voters = [learner for learner in self.learners() if learner.follows and learner.voter is not None]
        for learner in voters:
            learner.ping(self.last_proposed())
        self._syncs.confirmations.pinged(voters)
