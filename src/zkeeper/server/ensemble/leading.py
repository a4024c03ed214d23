"""The role of the leader: agrees on an epoch with a quorum, brings it into line, then orders all writes.

1. An epoch is used once: it is greater than any that a quorum has accepted, and durable here before anybody hears of
   it. A learner that has more than this server is refused; without a quorum of others this server does not lead.
2. Nothing is proposed before a quorum has acknowledged NEWLEADER: has all of this server's history durably.
3. A transaction is committed in its order, once a quorum has it in its logs. Of many, COMMIT or INFORM leaves before
   they are applied here, so that learners apply them meanwhile; of few, the answer to the client leaves first.
   A learner's sync is answered right behind the commit of what was proposed last before it.
4. What a learner that joins is sent first and what it is sent from then on meet without a gap: both are decided in one
   step of the loop.
5. Leading ends when no quorum was heard of for `syncLimit` ticks, and when the zxids of the epoch are used up.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Final

from zkeeper.database.database import Database
from zkeeper.database.sessions import NO_OWNER
from zkeeper.pipeline.service import Service
from zkeeper.quorum.acks import Acks
from zkeeper.quorum.broadcast import Broadcast, ProposalSizes
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.marks import hit
from zkeeper.quorum.sync_plan import SyncPlan, plan_sync
from zkeeper.server.durable_log import DurableLog
from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError
from zkeeper.server.ensemble.gathering import Gathering
from zkeeper.server.ensemble.learner_handler import LearnerHandler
from zkeeper.server.ensemble.packet_link import PacketLink
from zkeeper.server.ensemble.stage import Stage
from zkeeper.server.ensemble.sync_throttle import SyncThrottle
from zkeeper.storage.epochs import MAX_EPOCH
from zkeeper.storage.history import DiskHistory
from zkeeper.wire.zxids import MAX_COUNTER, counter_of, epoch_begin

MAX_LEARNERS: Final = 1000
"""Connections of learners at once; more are closed."""
LAST_COUNTER: Final = MAX_COUNTER - 1
"""Of the last transaction of an epoch (quorum, section 13)."""
FEW_TXNS: Final = 16

logger = logging.getLogger("zkeeper.quorum")


class Leader:
    """Leads with `database` and the recent transactions in `history`; `stage` builds what serves clients; `voters` have
    elected this server."""

    def __init__(
        self, context: EnsembleContext, stage: Stage, database: Database, history: CommittedLog,
        voters: frozenset[int] = frozenset(),
    ) -> None:  # fmt: skip
        self.context = context
        self.database = database
        self.history = history
        self.epoch = -1
        self.tick = 0
        self.acks: Acks | None = None
        self.service: Service | None = None
        self.throttle = SyncThrottle(context.max_snap_syncs, context.max_diff_syncs)
        self._voters = voters
        self.serves_since_s = 0.0
        self._stage = stage
        self._summary = (context.epochs.current, int(database.last_zxid))
        self._highest_accepted = context.epochs.accepted
        committed = [context.memberships.committed.verifier]
        self._connected = Gathering(committed, context.sid)
        self._accepted = Gathering(committed, context.sid)
        self._followed = Gathering(context.memberships.verifiers(), context.sid)
        self._has_epoch = asyncio.Event()
        self._serves = asyncio.Event()
        self._gave_up = asyncio.Event()
        self._why = ""
        self._handlers: dict[LearnerHandler, asyncio.Task[None]] = {}
        self._next_owner = 1
        self._broadcast: Broadcast | None = None
        self._log: DurableLog | None = None
        self._is_flush_due = False
        self._is_over = False
        self._is_used_up = False
        self._syncs: deque[tuple[int, LearnerHandler]] = deque()
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()

    async def lead(self) -> None:
        """Leads until that is over. Raises `RoleEndedError`, which says why."""
        servers = await self._listen()
        try:
            await self._discover()
            await self._synchronize()
            self._begin_broadcast()
            await self._supervise()
        finally:
            for server in servers:
                server.close()
            await self._end()

    # Discovery and synchronisation (quorum, section 7.3).

    async def _listen(self) -> list[asyncio.Server]:
        """On every address of this server that can be opened."""
        member = self.context.memberships.committed.members.get(self.context.sid)
        if member is None:
            raise RoleEndedError("this server is no member of the ensemble it is to lead")
        places = [(one.host, one.quorum_port) for one in member.addresses]
        if self.context.listens_on_all_addresses:
            places = [("", port) for port in sorted({port for _, port in places})]
        servers, errors = list[asyncio.Server](), list[OSError]()
        for host, port in places:
            try:
                servers.append(await self._loop.create_server(self._accept, host, port))
            except OSError as error:
                errors.append(error)
                logger.warning("leading: the quorum port %s:%d cannot be opened: %s", host, port, error)
        if not servers:
            raise RoleEndedError(f"the quorum port cannot be opened: {errors[0]}") from errors[0]
        return servers

    def _accept(self) -> PacketLink:
        return PacketLink(self.context.limit_bytes, self._connection_made)

    def _connection_made(self, link: PacketLink) -> None:
        if self._is_over or len(self._handlers) >= MAX_LEARNERS:
            link.close("the leader has given up" if self._is_over else f"{MAX_LEARNERS} learners are connected")
            return
        handler = LearnerHandler(self, link, self._next_owner)
        self._next_owner += 1
        self._handlers[handler] = self._loop.create_task(handler.run())

    async def _discover(self) -> None:
        await self._wait_for(self._connected, "no quorum has connected")
        self.epoch = self._highest_accepted + 1
        await self.context.epochs.accept(self.epoch)
        logger.info("leading in epoch %d: heard of servers %s", self.epoch, sorted(self._connected.sids()))
        self._has_epoch.set()
        await self._wait_for(self._accepted, "no quorum has accepted the epoch")
        await self.context.epochs.set_current(self.epoch)

    async def _synchronize(self) -> None:
        self.context.memberships.renumber(epoch_begin(self.epoch))
        await self._wait_for(self._followed, "no quorum has taken over the history")

    async def _wait_for(self, gathering: Gathering, otherwise: str) -> None:
        """Within initLimit. Learners that wait for others meanwhile hear of this server."""
        deadline_s = self._loop.time() + self.context.init_s
        while not gathering.is_complete():
            left_s = deadline_s - self._loop.time()
            if left_s <= 0:
                reason = f"{otherwise} within initLimit ({self.context.init_s:g} s), only {sorted(gathering.sids())}"
                raise RoleEndedError(reason)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, self.context.tick_s / 2)):
                    await gathering.wait()
            self._check_goes_on()
            self._ping_all()

    def _check_goes_on(self) -> None:
        if self._gave_up.is_set():
            raise RoleEndedError(self._why)

    def peer_looks(self, sid: int) -> None:
        """A voter looks for a leader again: who waits for too long to be followed quits at once, if
        leader.maxTimeToWaitForEpoch says so (quorum, section 7.3)."""
        limit_s, waited_s = self.context.max_wait_for_epoch_s, self._loop.time() - self._began_s
        if 0 <= limit_s < waited_s and sid in self._voters and not self._has_epoch.is_set():
            self.give_up(f"server {sid}, which has elected this one, looks for a leader again after {waited_s:.1f} s")

    async def agree_on_epoch(self, voter: int | None, accepted_epoch: int) -> int:
        """A learner has accepted an epoch; returns the one of this leader. `voter` is None for an observer."""
        if not self._has_epoch.is_set() and self.epoch < 0:
            if not accepted_epoch < MAX_EPOCH:
                raise RoleEndedError(f"it has accepted epoch {accepted_epoch}: there is none after it")
            self._highest_accepted = max(self._highest_accepted, accepted_epoch)
            if voter is not None:
                self._connected.add(voter)
        await self._has_epoch.wait()
        return self.epoch

    async def epoch_accepted(self, voter: int | None, current_epoch: int, last_zxid: int) -> None:
        """A learner has accepted the epoch and says how far its history goes; returns when a quorum has.

        Raises `RoleEndedError` for a learner that has more than this server.
        """
        if not self._accepted.is_complete():
            if (current_epoch, last_zxid) > self._summary:
                hit("leader.learner-is-ahead")
                raise RoleEndedError(
                    f"it is at epoch {current_epoch}, zxid 0x{last_zxid:x}, this leader only at "
                    f"epoch {self._summary[0]}, zxid 0x{self._summary[1]:x}"
                )
            if voter is not None and current_epoch >= 0 and last_zxid >= 0:
                self._accepted.add(voter)
        await self._accepted.wait()

    async def followed_by(self, voter: int | None) -> None:
        """A learner has all of the history durably; returns when the leader serves."""
        if voter is not None:
            self._followed.add(voter)
        await self._serves.wait()

    # Broadcast.

    def _begin_broadcast(self) -> None:
        database = self.database
        database.demand_agreement()
        database.last_zxid = epoch_begin(self.epoch)
        self.service = service = self._stage.make_service(database)
        service.history = self.history
        self._log = self._stage.make_log(database, self._logged)
        self._broadcast = Broadcast(self._log.batch, database.last_zxid)
        self.acks = Acks(database.last_zxid, self.context.memberships.verifiers())
        service.connect_log(self._broadcast, self._wake)
        service.limit_zxids(database.last_zxid + LAST_COUNTER, self._used_up)
        service.start(NO_OWNER)
        self.serves_since_s = self._loop.time()
        self._stage.open_to_clients(service, self.epoch)
        followers = sorted(self._followed.sids())
        logger.info("leading: serving from zxid 0x%x, followed by %s", database.last_zxid, followers)
        self._serves.set()

    def _wake(self) -> None:
        self._flush_soon()
        assert self._log is not None
        self._log.wake()

    def _flush_soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Sends to all learners what was proposed and committed so far."""
        self._is_flush_due = False
        broadcast = self._broadcast
        if broadcast is None:
            return
        for_followers = broadcast.take_for_followers()
        for_observers = broadcast.take_for_observers()
        for handler in self._handlers:
            data = for_observers if handler.is_observer else for_followers
            if handler.is_forwarding and data:
                handler.link.write(data)

    def _logged(self, zxid: int) -> None:
        self.acked(self.context.sid, zxid)

    def acked(self, sid: int, zxid: int) -> None:
        """The log of a server holds everything up to `zxid`."""
        acks = self.acks
        if acks is None or counter_of(zxid) == 0:
            return
        acks.ack(sid, zxid)
        committed = acks.committed_zxid
        while acks.advance():
            self._commit(committed + 1, acks.committed_zxid)
            committed = acks.committed_zxid

    def _commit(self, first_zxid: int, last_zxid: int) -> None:
        assert self.service is not None
        first_zxid = self._answer_syncs(first_zxid, last_zxid)
        self._tell_committed(first_zxid, last_zxid)
        if last_zxid - first_zxid >= FEW_TXNS:
            self.flush()
            self.service.committed(last_zxid)
        else:
            self.service.committed(last_zxid)
            self.flush()
        if self._is_used_up and last_zxid == self.last_proposed():
            self._give_up_used_up()

    def _answer_syncs(self, first_zxid: int, last_zxid: int) -> int:
        """Tells the commits up to the last that a learner's sync waits for, and answers these; what is left to tell."""
        while self._syncs and self._syncs[0][0] <= last_zxid:
            zxid, handler = self._syncs.popleft()
            self._tell_committed(first_zxid, zxid)
            self.flush()
            handler.answer_sync()
            first_zxid = zxid + 1
        return first_zxid

    def _tell_committed(self, first_zxid: int, last_zxid: int) -> None:
        assert self._broadcast is not None
        self._broadcast.commit(first_zxid, last_zxid)
        if any(handler.is_observer for handler in self._handlers):
            self._inform(first_zxid, last_zxid)

    def _inform(self, first_zxid: int, last_zxid: int) -> None:
        assert self._broadcast is not None
        assert self.service is not None
        for proposal in self.service.outstanding_proposals():
            if first_zxid <= proposal.txn.zxid <= last_zxid:
                assert proposal.payload is not None
                self._broadcast.inform(proposal.txn.zxid, proposal.payload)

    @property
    def pending_syncs(self) -> int:
        """How many syncs of learners wait for a commit."""
        return len(self._syncs)

    def sync(self, handler: LearnerHandler) -> None:
        """Answers a learner's sync behind the commit of all that is proposed now, and before any other (rule 3)."""
        last_proposed = self.last_proposed()
        if last_proposed > self.committed_zxid():
            self._syncs.append((last_proposed, handler))
        else:
            self.flush()
            handler.answer_sync()

    def _used_up(self) -> None:
        """Nothing more can be proposed. What was is brought to its end first, if that does not take long."""
        self._is_used_up = True
        if self.last_proposed() == self.committed_zxid():
            self._give_up_used_up()

    def _give_up_used_up(self) -> None:
        self.give_up(f"the zxids of epoch {self.epoch} are used up, the next epoch has new ones")

    # Learners.

    def plan_for(self, peer_zxid: int) -> SyncPlan:
        """The plan for a learner that has everything up to `peer_zxid`, or something else than this leader."""
        context = self.context
        return plan_sync(
            peer_zxid, self.database.last_zxid, self.history, context.uses_disk_history, context.forces_snapshots
        )

    def disk_history(self, plan: SyncPlan) -> DiskHistory | None:
        """What `plan` depends on, if it does."""
        if not plan.needs_history():
            return None
        return self._stage.disk_history(int(plan.peer_zxid), int(plan.history_until))

    def handlers(self) -> list[LearnerHandler]:
        """Of all connections, whatever their stage."""
        return list(self._handlers)

    def proposal_sizes(self) -> ProposalSizes:
        """Of the transactions since this server serves; to be asked only then."""
        assert self._broadcast is not None
        return self._broadcast.sizes

    def committed_zxid(self) -> int:
        """The last that is committed: what a learner that joins now has to have, beside what is outstanding."""
        return int(self.acks.committed_zxid) if self.acks is not None else int(self.database.last_zxid)

    def last_proposed(self) -> int:
        return int(self._broadcast.last_proposed) if self._broadcast is not None else int(self.database.last_zxid)

    def join(self, handler: LearnerHandler, sent_zxid: int) -> None:
        """From now on `handler` gets all that is proposed or committed, and first what came behind `sent_zxid`."""
        self.flush()
        if self.service is not None:
            handler.send_outstanding(self.service.outstanding_proposals(), sent_zxid, self.committed_zxid())
        handler.is_forwarding = True

    def left(self, handler: LearnerHandler) -> None:
        self._handlers.pop(handler, None)

    # The end.

    def give_up(self, why: str) -> None:
        """Ends the role."""
        self._why = self._why or why
        self._gave_up.set()

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
            self._check_quorum()
        if self._is_used_up:
            self._give_up_used_up()
        self.flush()
        self._ping_all()

    def _check_quorum(self) -> None:
        here = Gathering(self.context.memberships.verifiers(), self.context.sid)
        for handler in self._handlers:
            if handler.voter is not None and handler.is_synced and handler.is_alive():
                here.add(handler.voter)
        if not here.is_complete():
            hit("leader.no-quorum")
            self.give_up(f"only {sorted(here.sids())} were heard of within syncLimit, which is no quorum")

    def _ping_all(self) -> None:
        for handler in list(self._handlers):
            handler.ping(self.last_proposed())

    async def _end(self) -> None:
        self._is_over = True
        for handler, task in list(self._handlers.items()):
            handler.link.close("the leader gives up")
            task.cancel()
        await asyncio.gather(*self._handlers.values(), return_exceptions=True)
        self._handlers.clear()
        if self.service is not None:
            await self._stage.close_to_clients()
