"""A member of an ensemble: looks for a leader, takes a role, and looks again when that is over (quorum, section 5).

1. The state outlives the roles. What a role has logged and not committed is applied when it is over, so that the next
   election hears of it: memory and the log end with the same transaction then. A state that came only in part is loaded
   from the disk again, and so is one that an observer without a log has gathered, should it become a voter.
2. One role is there at a time, with its own service and its own writer of the log; when it is over, its writer has
   been closed before anything else is written.
3. Clients are served while there is a role that may; otherwise their connections are closed. Who is content with reads
   may be served while there is none (`read_only.py`).
4. A failure of the disk stops the server, as does whatever else it cannot go on without: `stopped` resolves, `failure`
   says why, and nothing more is answered.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from random import Random
from typing import Any

from zkeeper.database.database import Database
from zkeeper.database.sessions import first_session_id
from zkeeper.pipeline.service import Service
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.election import Decision
from zkeeper.quorum.marks import hit
from zkeeper.quorum.members import ClientAddress
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.verifiers import Oracle
from zkeeper.quorum.votes import LEADING, LOOKING, OBSERVING, STATE_NAMES, Vote
from zkeeper.server import audit
from zkeeper.server.client_port import ClientPort
from zkeeper.server.config.dynamic_files import DynamicFiles
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.descriptors import Descriptors
from zkeeper.server.durable_log import DurableLog
from zkeeper.server.ensemble.activation import Activations
from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError
from zkeeper.server.ensemble.divergence import Divergence
from zkeeper.server.ensemble.election import Election
from zkeeper.server.ensemble.facts import MemberFacts
from zkeeper.server.ensemble.following import Following
from zkeeper.server.ensemble.leading import Leader
from zkeeper.server.ensemble.learner import Learner
from zkeeper.server.ensemble.masters import Masters
from zkeeper.server.ensemble.membership_writer import MembershipWriter
from zkeeper.server.ensemble.oracle_file import OracleFile
from zkeeper.server.ensemble.pace import Pace
from zkeeper.server.ensemble.read_only import ReadsMeanwhile
from zkeeper.server.ensemble.settings import election_settings, ensemble_context, make_memberships, outstanding_limit
from zkeeper.server.ensemble.telling import tell_reads_only, tell_synchronized, tell_who_it_is
from zkeeper.server.node import Node, tell_failure
from zkeeper.server.reaper import reap_for_ever
from zkeeper.server.session_clock import expire_for_ever
from zkeeper.server.words import ProcessFacts
from zkeeper.storage.disk import Disk
from zkeeper.storage.epochs import Epochs, load_epochs
from zkeeper.storage.history import DiskHistory
from zkeeper.storage.log_writer import TxnLog
from zkeeper.storage.recovery import Start, discard_initialize
from zkeeper.storage.resync import Resync
from zkeeper.storage.snapshot_writer import SnapshotWriter

logger = logging.getLogger("zkeeper.quorum")


class EnsembleServer:
    """The arguments are those of `Node`; `config.quorum` is there."""

    def __init__(
        self, config: ServerConfig, disk: Disk, wall_ms: Callable[[], int], random: Random,
        process: ProcessFacts | None = None, *, clock_s: Callable[[], float] | None = None,
        descriptors: Descriptors | None = None,
    ) -> None:  # fmt: skip
        assert config.quorum is not None, "a member of an ensemble"
        self.config = config
        self.failure: Exception | None = None
        self._sid = config.quorum.my_sid
        self._node = Node(
            config, disk, wall_ms, random, self._fail, process, clock_s=clock_s, descriptors=descriptors,
            server_id=self._sid,
        )  # fmt: skip
        self._database = self._node.empty_database()
        self._is_whole = True
        self._is_ahead_of_disk = False
        self._history = CommittedLog(config.learners.max_committed_txns)
        self._resync: Resync
        self._files = DynamicFiles(disk, config.quorum) if config.limits.is_reconfig_enabled else None
        self._membership_writer = MembershipWriter(disk, self._files, self._fail) if self._files is not None else None
        self._memberships = make_memberships(config.quorum, self._membership_writer)
        self._context: EnsembleContext | None = None
        self._next_session_id: int
        self._service: Service | None = None
        self._log: DurableLog | None = None
        self._port: ClientPort | None = None
        self._election: Election | None = None
        self._activations: Activations
        self._leader: Leader | None = None
        self._following: Following | None = None
        self._masters: Masters
        self._pace: Pace
        self._divergence: Divergence
        self._now_s: Callable[[], float] = lambda: 0.0
        self._unserved_since_s = 0.0
        self._role_tasks: list[asyncio.Task[None]] = []
        self._main: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    @property
    def service(self) -> Service:
        """Of the role at hand; it changes with the role."""
        assert self._service is not None, "the server is not started"
        return self._service

    @property
    def log(self) -> DurableLog | None:
        """Of the role at hand, if it has one."""
        return self._log

    @property
    def port(self) -> ClientPort:
        assert self._port is not None, "the server is not started"
        return self._port

    @property
    def election(self) -> Election:
        assert self._election is not None, "the server is not started"
        return self._election

    @property
    def context(self) -> EnsembleContext:
        assert self._context is not None, "the server is not started"
        return self._context

    async def start(self) -> None:
        """Recovers, opens the ports and begins to look for a leader. `StorageError` when the data cannot be trusted,
        `PortError` for the client port, `ElectionPortError` for that of elections."""
        try:
            await self._start()
        except Exception:
            self._node.audit_server(audit.SERVER_START, audit.FAILURE)
            raise
        self._node.audit_server(audit.SERVER_START, audit.SUCCESS)

    async def _start(self) -> None:
        node = self._node
        self._resync = Resync(node.disk, node.storage, self.empty_database, logger.warning, node.clock_away())
        if self._files is not None:
            self._files.prepare()
        epochs = await self._recover()
        self._context = ensemble_context(self.config, self._memberships, epochs, node.random)
        self._masters = Masters(self._context)
        self._pace = Pace(self._context)
        self._divergence = Divergence(self.config.learners.digest_mismatch_policy, self._context, self._fail)
        node.on_digest_mismatch = self._divergence.seen
        if self.config.ensemble.oracle_path:
            await self._consult_oracle(self._context, self.config.ensemble.oracle_path)
        self._now_s = asyncio.get_running_loop().time
        self._unserved_since_s = self._now_s()
        self._service = self._idle_service()
        self._port = node.make_port(self._service)
        await node.listen(self._port)
        node.answer_words(self._service, self._port)
        vote = Vote(self._sid, int(self._database.last_zxid), 0, epochs.current)
        self._election = Election(
            self._sid, self._memberships, election_settings(self.config), vote, self.context.oracle
        )
        self._activations = Activations(self._sid, self._memberships, self._election, self._move_clients, self._fail)
        self._election.on_newer_membership = self._activations.learn
        self._election.stand_again = self._stand_again
        await self._election.start()
        node.start_tasks()
        self._main = asyncio.get_running_loop().create_task(self._go_through_roles())

    async def _consult_oracle(self, context: EnsembleContext, path: str) -> None:
        file = OracleFile(self._node.disk, path, context.tick_s)
        await file.look()
        context.oracle = Oracle(file.says_yes)
        self._node.start_task(file.watch())

    async def _recover(self) -> Epochs:
        node = self._node
        recovered = node.recover(self._history.add)
        self._database = recovered.database
        self._next_session_id = first_session_id(self._sid, node.wall_ms(), int(self._database.last_zxid))
        epochs = load_epochs(node.disk, node.storage, int(self._database.last_zxid), logger.warning)
        tell_who_it_is(self._sid, self._memberships, epochs)
        if recovered.start is Start.EMPTY:
            await SnapshotWriter(node.disk, node.storage).write(self._database)
            discard_initialize(node.disk, node.storage)
        return epochs

    def _idle_service(self) -> Service:
        """Answers words, and takes no clients."""
        service = self._node.make_service(self._database, self._next_session_id)
        service.stop()
        return service

    def _idle(self) -> None:
        self._service = self.port.service = self._idle_service()
        self._node.answer_words(self._service, self.port)

    async def stopped(self) -> None:
        """Returns when the server cannot go on; `failure` then says why."""
        await self._stopped.wait()

    async def stop(self) -> None:
        """Leaves the ensemble, closes every connection, and finishes what the disk is doing."""
        self._node.audit_server(audit.SERVER_STOP, audit.INVOKED)
        if self._main is not None:
            self._main.cancel()
            await asyncio.gather(self._main, return_exceptions=True)
        if self._election is not None:
            await self._activations.stop()
            await self._election.stop()
        await self._node.stop_tasks()
        if self._port is not None:
            await self._port.close()
        self._node.summarize_quiet_logs()
        logger.info("stopped")

    def _fail(self, error: Exception) -> None:
        tell_failure(error)
        self.failure = self.failure or error
        self.service.stop()
        self._stopped.set()

    # Roles.

    async def _go_through_roles(self) -> None:
        try:
            while self.failure is None:
                await self._take_a_role()
        except Exception as error:
            self._fail(error)

    async def _take_a_role(self) -> None:
        await self._activations.settled()
        if self.failure is not None:
            return
        self._pace.begin()
        decision = self._activations.take_next() or await self._elect()
        role = STATE_NAMES[decision.state]
        try:
            await self._play(decision)
        except RoleEndedError as error:
            logger.info("this server is not %s any more: %s", role, error)
            self._pace.role_ended(role, error)
        self.election.set_role(LOOKING, self.election.vote)
        if self.failure is None:
            await self._get_ready()
        await self._pace.wait(is_observer=decision.state == OBSERVING)

    async def _elect(self) -> Decision:
        measures, began_s = self.context.measures, self._now_s()
        measures.elections += 1
        async with self._reads_meanwhile():
            decision = await self.election.look_for_leader(int(self._database.last_zxid), self.context.epochs.current)
        took_ms = int((self._now_s() - began_s) * 1000)
        if decision.state != OBSERVING:
            measures.election_ms.add(took_ms)
        whom = "" if decision.state == LEADING else f" server {decision.vote.leader}"
        logger.info("%s%s: the election took %d ms", STATE_NAMES[decision.state], whom, took_ms)
        return decision

    def _reads_meanwhile(self) -> AbstractAsyncContextManager[None]:
        if not self.config.network.is_read_only_enabled:
            return nullcontext()
        return ReadsMeanwhile(self.context.tick_s, self._serve_reads, self._stop_reads)

    def _serve_reads(self) -> None:
        service = self.make_service(self._database)
        service.serve_reads_only()
        self._open(service, LOOKING)
        tell_reads_only(int(self._database.last_zxid), service.local_sessions is not None)

    async def _stop_reads(self) -> None:
        await self.close_to_clients()
        self._idle()

    async def _play(self, decision: Decision) -> None:
        self._is_whole = True
        if decision.state == LEADING:
            self._leader = Leader(self.context, self, self._database, self._history, decision.voters)
            self.election.on_peer_looking = self._leader.peer_looks
            try:
                await self._leader.lead()
            finally:
                self._leader = None
        else:
            await self._follow(decision.vote.leader)

    async def _follow(self, leader_sid: int) -> None:
        member = self._memberships.committed.members.get(leader_sid)
        if member is None:
            raise RoleEndedError(
                f"leader {leader_sid} is no member that this server knows", "all members need the same lines server.N"
            )
        master = await self._masters.next(member)
        learner, began_s = Learner(self.context, self, self._database, self._history, master), self._now_s()
        # By the membership with which it begins: it may become a voter on the way.
        self._is_ahead_of_disk = not self.context.is_logging
        try:
            await learner.synchronize()
        finally:
            self._is_whole = learner.is_database_whole
            self._database = learner.database
        tell_synchronized(self.context, learner, int((self._now_s() - began_s) * 1000))
        self._masters.succeeded()
        self._following = Following(learner, self)
        self._divergence.follow(self._following.end)
        try:
            await self._following.follow()
        finally:
            self._divergence.leave()
            self._following = None

    async def _get_ready(self) -> None:
        """Rule 1."""
        self._idle()
        if not self._is_whole or self._has_to_forget():
            await self._reload()

    def _has_to_forget(self) -> bool:
        """Whether this server votes, and has in memory alone what it gathered without a log."""
        return self._is_ahead_of_disk and self.context.is_logging

    async def _reload(self) -> None:
        hit("member.reload")
        self._is_ahead_of_disk = False
        self._history.clear()
        async with self._node.history_lock:
            self._database = await self._resync.reload(self._history.add)
        if not self.service.serves():
            self._idle()

    async def _stand_again(self, zxid: int) -> int:
        """In the election it has learned of a membership by which it may be a voter now."""
        if not self._has_to_forget():
            return zxid
        await self._reload()
        return int(self._database.last_zxid)

    # The stage of the roles.

    @property
    def is_digest_enabled(self) -> bool:
        return self.config.storage.is_digest_enabled

    def make_service(self, database: Database) -> Service:
        service = self._node.make_service(database, self._next_session_id)
        service.settings.outstanding_limit = outstanding_limit(self.config, self._memberships)
        return service

    def make_log(self, database: Database, on_durable: Callable[[int], None]) -> DurableLog:
        self._log = self._node.make_log(database, partial(self._durable, on_durable))
        return self._log

    def _durable(self, on_durable: Callable[[int], None], zxid: int) -> None:
        """Rule 4: also the membership that the log builds upon has to be durable."""
        if self.failure is None:
            on_durable(zxid)

    def show_membership(self, database: Database) -> None:
        committed = self._memberships.committed
        database.show_membership(committed.text().encode(), committed.version, self._node.wall_ms())

    def activate(self, membership: Membership, designated: int | None, zxid: int) -> bool:
        return self._activations.activate(membership, designated, zxid)

    async def memberships_settled(self) -> None:
        if self._membership_writer is not None:
            await self._membership_writer.settled()

    async def _move_clients(self, client: ClientAddress) -> None:
        await self._node.move_clients(self.port, client)

    def open_to_clients(self, service: Service, epoch: int) -> None:
        self._pace.served()
        self.election.update_epoch(epoch)
        state = self.election.state
        self._count_unserved(state)
        self._open(service, state)

    def _open(self, service: Service, state: int) -> None:
        self._service = self.port.service = service
        facts = self._facts(state)
        self._node.answer_words(service, self.port, facts.mode, facts)
        if state == LEADING:
            service.handshake.takes_clients = self.config.ensemble.is_leader_serving
        if state == LEADING or service.local_sessions is not None:
            self._start_role_task(expire_for_ever(service, self.context.tick_s))
        if state == LEADING:
            self._start_role_task(reap_for_ever(service, self.config.nodes, self._node.wall_ms))

    def _facts(self, state: int) -> MemberFacts:
        assert self.config.quorum is not None
        return MemberFacts(self.config.quorum, self.context, state, self._leader, self._following, self._now_s)

    def _count_unserved(self, state: int) -> None:
        measures, unserved_ms = self.context.measures, int((self._now_s() - self._unserved_since_s) * 1000)
        measures.unavailable_ms.add(unserved_ms)
        if state == LEADING:
            measures.leader_unavailable_ms.add(unserved_ms)

    def _start_role_task(self, work: Coroutine[Any, Any, None]) -> None:
        self._role_tasks.append(self._node.start_task(work))

    async def close_to_clients(self) -> None:
        for task in self._role_tasks:
            task.cancel()
        await asyncio.gather(*self._role_tasks, return_exceptions=True)
        self._role_tasks.clear()
        service = self.service
        if service.serves() and not service.is_read_only:
            self._unserved_since_s = self._now_s()
        self._next_session_id = max(self._next_session_id, service.handshake.next_session_id)
        service.stop()
        for link in self.port.links():
            link.close()
        if self._log is not None:
            log, self._log = self._log, None
            await log.close()
            if service.outstanding():
                hit("member.fast-forward")
            service.apply_rest()

    def empty_database(self) -> Database:
        return self._node.empty_database()

    def begin_log(self, database: Database) -> TxnLog:
        return TxnLog(self._node.disk, self._node.storage, int(database.last_zxid), logger.warning)

    async def truncate(self, zxid: int, history: CommittedLog) -> Database | None:
        async with self._node.history_lock:
            return await self._resync.truncate(zxid, history.add)

    def disk_history(self, peer_zxid: int, until_zxid: int) -> DiskHistory:
        return DiskHistory(self._node.disk, self._node.storage, peer_zxid, until_zxid)

    async def keep_received(self, database: Database) -> None:
        async with self._node.history_lock:
            written = await SnapshotWriter(self._node.disk, self._node.storage).write(database)
            await self._resync.forget_behind(written.zxid)
