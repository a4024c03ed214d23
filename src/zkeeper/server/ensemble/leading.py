"""The role of the leader: agrees on an epoch with a quorum, brings it into line, then orders all writes.

1. An epoch is used once: it is greater than any that a quorum has accepted, and durable here before anybody hears of
   it. Whoever has more than this server makes it give up before it leads.
2. Nothing is proposed before a quorum has acknowledged NEWLEADER: has all of this server's history durably.
3. A transaction is committed in its order, once a quorum has it in its logs. Of many, COMMIT or INFORM leaves before
   they are applied here, so that learners apply them meanwhile; of few, the answer to the client leaves first.
4. What a learner that joins is sent first and what it is sent from then on meet without a gap: both are decided in one
   step of the loop.
5. Leading ends when no quorum was heard of for `syncLimit` ticks.
"""

import asyncio
import logging
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
from zkeeper.storage.history import DiskHistory
from zkeeper.wire.zxids import MAX_COUNTER, counter_of, epoch_begin

MAX_LEARNERS: Final = 1000
"""Connections of learners at once; more are closed."""
FEW_TXNS: Final = 16

logger = logging.getLogger("zkeeper.quorum")


class Leader:
    """Leads with `database` and the recent transactions in `history`; `stage` builds what serves clients."""

    def __init__(self, context: EnsembleContext, stage: Stage, database: Database, history: CommittedLog) -> None:
        self.context = context
        self.database = database
        self.history = history
        self.epoch = -1
        self.tick = 0
        self.acks: Acks | None = None
        self.service: Service | None = None
        self.serves_since_s = 0.0
        self.pending_syncs = 0
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
        self._loop = asyncio.get_running_loop()

    async def lead(self) -> None:
        """Leads until that is over. Raises `RoleEndedError`, which says why."""
        server = await self._listen()
        try:
            await self._discover()
            await self._synchronize()
            self._begin_broadcast()
            await self._supervise()
        finally:
            server.close()
            await self._end()

    # Discovery and synchronisation (quorum, section 7.3).

    async def _listen(self) -> asyncio.Server:
        member = self.context.memberships.committed.members.get(self.context.sid)
        if member is None:
            raise RoleEndedError("this server is no member of the ensemble it is to lead")
        hosts = [""] if self.context.listens_on_all_addresses else [one.host for one in member.addresses]
        port = member.addresses[0].quorum_port
        try:
            return await self._loop.create_server(self._accept, hosts, port)
        except OSError as error:
            raise RoleEndedError(f"the quorum port {port} cannot be opened: {error}") from error

    def _accept(self) -> PacketLink:
        return PacketLink(self.context.limit_bytes, self._connection_made)

    def _connection_made(self, link: PacketLink) -> None:
        if len(self._handlers) >= MAX_LEARNERS:
            link.close(f"{MAX_LEARNERS} learners are connected")
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
        try:
            async with asyncio.timeout(self.context.init_s):
                await gathering.wait()
        except TimeoutError as error:
            reason = f"{otherwise} within initLimit ({self.context.init_s:g} s), only {sorted(gathering.sids())}"
            raise RoleEndedError(reason) from error

    async def agree_on_epoch(self, sid: int, accepted_epoch: int) -> int:
        """A learner has accepted an epoch; returns the one of this leader."""
        if not self._has_epoch.is_set() and self.epoch < 0:
            self._highest_accepted = max(self._highest_accepted, accepted_epoch)
            self._connected.add(sid)
        await self._has_epoch.wait()
        return self.epoch

    async def epoch_accepted(self, sid: int, current_epoch: int, last_zxid: int) -> None:
        """A learner has accepted the epoch and says how far its history goes; returns when a quorum has.

        Raises `RoleEndedError` for a learner that has more than this server.
        """
        if not self._accepted.is_complete():
            if (current_epoch, last_zxid) > self._summary:
                hit("leader.learner-is-ahead")
                raise RoleEndedError(
                    f"server {sid} is at epoch {current_epoch}, zxid 0x{last_zxid:x}, this leader only at "
                    f"epoch {self._summary[0]}, zxid 0x{self._summary[1]:x}"
                )
            if current_epoch >= 0 and last_zxid >= 0:
                self._accepted.add(sid)
        await self._accepted.wait()

    async def followed_by(self, sid: int) -> None:
        """A learner has all of the history durably; returns when the leader serves."""
        self._followed.add(sid)
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
        assert self._broadcast is not None
        assert self.service is not None
        self._broadcast.commit(first_zxid, last_zxid)
        if any(handler.is_observer for handler in self._handlers):
            self._inform(first_zxid, last_zxid)
        if last_zxid - first_zxid >= FEW_TXNS:
            self.flush()
            self.service.committed(last_zxid)
        else:
            self.service.committed(last_zxid)
            self.flush()

    def _inform(self, first_zxid: int, last_zxid: int) -> None:
        assert self._broadcast is not None
        assert self.service is not None
        for proposal in self.service.outstanding_proposals():
            if first_zxid <= proposal.txn.zxid <= last_zxid:
                assert proposal.payload is not None
                self._broadcast.inform(proposal.txn.zxid, proposal.payload)

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
        while not self._gave_up.is_set():
            try:
                async with asyncio.timeout(self.context.tick_s / 2):
                    await self._gave_up.wait()
            except TimeoutError:
                is_half = not is_half
                self._look_around(is_half)
        raise RoleEndedError(self._why)

    def _look_around(self, is_half: bool) -> None:
        """Twice a tick: pings all learners, and sees whether there are enough (quorum, section 12)."""
        if not is_half:
            self.tick += 1
            alive = {handler.sid for handler in self._handlers if handler.is_synced and handler.is_alive()}
            here = Gathering(self.context.memberships.verifiers(), self.context.sid)
            for sid in alive:
                if sid is not None:
                    here.add(sid)
            if not here.is_complete():
                hit("leader.no-quorum")
                self.give_up(f"only {sorted(here.sids())} were heard of within syncLimit, which is no quorum")
                return
        if counter_of(self.last_proposed()) >= MAX_COUNTER - 1:
            self.give_up("the zxids of this epoch are used up")
            return
        self.flush()
        for handler in list(self._handlers):
            handler.ping(self.last_proposed())

    async def _end(self) -> None:
        for handler, task in list(self._handlers.items()):
            handler.link.close("the leader gives up")
            task.cancel()
        await asyncio.gather(*self._handlers.values(), return_exceptions=True)
        self._handlers.clear()
        if self.service is not None:
            await self._stage.close_to_clients()
