"""What every server is made of, alone or in an ensemble: recovered state, the road of requests, log and client port.

Who runs a server decides when each of these is made and let go; here is how.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any

from zkeeper.database.database import Database
from zkeeper.errors import StorageError
from zkeeper.pipeline.clocks import MonotonicMs
from zkeeper.pipeline.service import Service
from zkeeper.pipeline.session_lines import SessionLines
from zkeeper.pipeline.settings import NO_LOCAL_SESSIONS
from zkeeper.pipeline.stats import ServiceStats, Summary
from zkeeper.pipeline.surroundings import Surroundings
from zkeeper.quorum.members import ClientAddress
from zkeeper.server import audit
from zkeeper.server.client_port import ClientPort
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.connection_throttle import ConnectionThrottle
from zkeeper.server.descriptors import Descriptors, probe_for_ever
from zkeeper.server.durable_log import DurableLog
from zkeeper.server.log_noise import QuietLog
from zkeeper.server.measurements import start_summaries, watch_summaries
from zkeeper.server.port_failure import PortError, port_failure
from zkeeper.server.settings import (
    auth_rules,
    database_options,
    prepare_options,
    service_settings,
    storage_settings,
)
from zkeeper.server.words import FourLetterWords, ProcessFacts, QuorumFacts, ServerFacts, folder_bytes
from zkeeper.storage.disk import Disk
from zkeeper.storage.recovery import Recovered, recover
from zkeeper.storage.replay import Each
from zkeeper.storage.retention import purge
from zkeeper.wire.addresses import listening_host

logger = logging.getLogger("zkeeper.server")
clients_logger = logging.getLogger("zkeeper.clients")
storage_logger = logging.getLogger("zkeeper.storage")
sessions_logger = logging.getLogger("zkeeper.sessions")

STANDALONE = "standalone"


class Node:
    """`wall_ms` is the wall clock in ms since 1970; the monotonic clock is the running loop's. `clock_s` is another
    one, for what blocks the loop, where the loop's may stand still. `server_id` is 0 for a server on its own.

    `on_failure` is told why the server cannot go on: the disk refuses, or something failed that nobody thought of.
    """

    def __init__(
        self, config: ServerConfig, disk: Disk, wall_ms: Callable[[], int], random: Random,
        on_failure: Callable[[Exception], None], process: ProcessFacts | None = None, *,
        clock_s: Callable[[], float] | None = None,
        descriptors: Descriptors | None = None, server_id: int = 0,
    ) -> None:  # fmt: skip
        self.config = config
        self.disk = disk
        self.wall_ms = wall_ms
        self.random = random
        self.storage = storage_settings(config)
        self.stats = ServiceStats()
        self.on_digest_mismatch: Callable[[], None] | None = None
        """Called for each transaction after which the tree is not what it should be."""
        self.history_lock = asyncio.Lock()
        """Held by whoever takes files of the history away, or puts another history in its place: what one of them has
        seen to be there the other one must not remove meanwhile."""
        self._on_failure = on_failure
        self._server_id = server_id
        self._clock_s = clock_s
        self._descriptors = descriptors if descriptors is not None else Descriptors()
        self._process = process if process is not None else ProcessFacts()
        self._audit = self._make_audit() if config.audit.is_enabled else None
        self._quiet_logs: dict[str, QuietLog] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._summaries: Mapping[str, Summary] = {}

    # State.

    def empty_database(self) -> Database:
        return Database(database_options(self.config), logger.error, self._digest_differs)

    def _digest_differs(self) -> None:
        if self.on_digest_mismatch is not None:
            self.on_digest_mismatch()

    def clock_s(self) -> float:
        """For what blocks the loop."""
        return self._clock_s() if self._clock_s is not None else asyncio.get_running_loop().time()

    def clock_away(self) -> Callable[[], float]:
        """As `clock_s`, for what runs away from the loop."""
        return self._clock_s if self._clock_s is not None else asyncio.get_running_loop().time

    def recover(self, each: Each | None = None) -> Recovered:
        """The state that the disk has. `StorageError` when it cannot be trusted."""
        logger.info("snapshots are in %s, the log is in %s", self.storage.snapshot_folder, self.storage.log_folder)
        recovered = recover(
            self.disk, self.storage, self.empty_database, tell=logger.warning, clock_s=self.clock_s,
            progress=_tell_progress, each=each,
        )  # fmt: skip
        logger.info(
            "recovered to zxid 0x%x from %s and %d transactions of the log in %.2f s: %d znodes, %d sessions",
            recovered.database.last_zxid, recovered.start.value, recovered.txns, recovered.duration_s,
            recovered.database.tree.node_count, len(recovered.database.sessions),
        )  # fmt: skip
        self._summaries = start_summaries(recovered)
        return recovered

    # The road of requests.

    def has_local_sessions(self) -> bool:
        """Only a member of an ensemble has somebody who need not know of a session."""
        return self.config.quorum is not None and self.config.ensemble.is_local_sessions_enabled

    def make_service(self, database: Database, first_session_id: int) -> Service:
        return Service(
            database, auth_rules(self.config),
            service_settings(self.config, self._server_id if self.has_local_sessions() else NO_LOCAL_SESSIONS),
            prepare_options(self.config), first_session_id, self._surroundings(),
        )  # fmt: skip

    def _surroundings(self) -> Surroundings:
        loop = asyncio.get_running_loop()
        now_ms = MonotonicMs(loop.time).read
        throttle = self.config.connection_throttle
        return Surroundings(
            self.wall_ms,
            now_ms,
            self.quiet("connections closed for what they sent", clients_logger.info),
            tell_refused=self.quiet("connections refused", clients_logger.info),
            tell_expired=self.quiet("sessions expired", clients_logger.info),
            tell_over_limit=self.quiet("connections over a limit", clients_logger.warning),
            tell_reconfig=self.quiet("refused reconfigs", clients_logger.warning),
            later=loop.call_soon,
            on_broken=self._on_failure,
            admit_connection=self._throttle(now_ms).admit if throttle.tokens > 0 else None,
            audit=self._audit,
            session_lines=SessionLines(sessions_logger.debug) if sessions_logger.isEnabledFor(logging.DEBUG) else None,
            stats=self.stats,
        )

    def _throttle(self, now_ms: Callable[[], int]) -> ConnectionThrottle:
        throttle = self.config.connection_throttle
        return ConnectionThrottle(throttle, self.random, now_ms, self.stats, self.has_local_sessions())

    def make_log(self, database: Database, durable: Callable[[int], None]) -> DurableLog:
        """`durable` is told up to which zxid the log is."""
        return DurableLog(
            self.disk, self.storage, database, self.random, durable, self._on_failure, self.stats,
            self.quiet("warnings of the transaction log", storage_logger.warning),
        )  # fmt: skip

    # The client port.

    def make_port(self, service: Service) -> ClientPort:
        network, limits = self.config.network, self.config.limits
        return ClientPort(
            service,
            max_per_host=limits.max_client_cnxns,
            max_total=limits.max_cnxns,
            max_open=self._descriptors.max_connections,
            max_unread_bytes=limits.max_unread_reply_bytes,
            sessionless_timeout_s=network.sessionless_timeout_ms / 1000,
            tcp_keep_alive=network.is_tcp_keep_alive,
            tell=service.tell_over_limit,
        )

    async def listen(self, port: ClientPort) -> None:
        """Opens the port. `PortError` when it cannot be opened."""
        network = self.config.network
        assert network.client_port is not None
        try:
            await port.listen(network.listening_host, network.client_port, network.listen_backlog)
        except OSError as error:
            raise port_failure(network, error) from error

    async def move_clients(self, port: ClientPort, client: ClientAddress) -> None:
        """Has `port` listen where the membership says from now on. Where it cannot, it stays."""
        try:
            await port.move(listening_host(client.host), client.port, self.config.network.listen_backlog)
        except OSError as error:
            logger.error("the client port cannot move to %s, and stays where it is: %s", client, error)
            return
        for name, number in port.addresses():
            logger.info("serving clients on %s port %d", name, number)

    def answer_words(
        self, service: Service, port: ClientPort, mode: str = STANDALONE, quorum: QuorumFacts | None = None
    ) -> None:  # fmt: skip
        """Has `service` answer the four-letter words; it begins to serve now. `quorum` is a member's only."""
        facts = self._facts(service, port, mode, quorum)
        service.words = FourLetterWords(service, facts, self.config.network.allows_word, service.serves)

    def _facts(self, service: Service, port: ClientPort, mode: str, quorum: QuorumFacts | None) -> ServerFacts:
        data_folder, log_folder = self.storage.snapshot_folder, self.storage.log_folder
        return ServerFacts(
            client_port=lambda: port.addresses()[0][1],
            data_folder=data_folder,
            log_folder=log_folder,
            data_folder_bytes=lambda: folder_bytes(self.disk, data_folder),
            log_folder_bytes=lambda: folder_bytes(self.disk, log_folder),
            max_client_cnxns=self.config.limits.max_client_cnxns,
            listen_backlog=self.config.network.listen_backlog,
            sessionless_timeout_ms=self.config.network.sessionless_timeout_ms,
            started_ms=service.now_ms(),
            links=port.links,
            server_id=self._server_id,
            mode=mode,
            quorum=quorum,
            process=self._process,
            summaries={**self._summaries, **watch_summaries(service.database.watches)},
        )

    # Tasks beside the service.

    def start_tasks(self) -> None:
        """What goes on for as long as the process runs."""
        self.start_task(probe_for_ever(self._descriptors, self.quiet("descriptors", logger.error)))
        if self.config.retention.purge_interval_ms > 0:
            self.start_task(self._purge_for_ever(self.config.retention.purge_interval_ms / 1000))

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that goes on until `stop_tasks`, or until its task is cancelled. The server does not go on without."""
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._task_ended)
        self._tasks.append(task)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            error = task.exception()
            self._on_failure(error if isinstance(error, Exception) else RuntimeError(f"{task.get_coro()} has ended"))

    async def stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _purge_for_ever(self, interval_s: float) -> None:
        while True:
            try:
                async with self.history_lock:
                    plan = await purge(self.disk, self.storage)
                if plan.snapshots or plan.logs:
                    logger.info("purged: snapshots %d, logs %d", len(plan.snapshots), len(plan.logs))
            except StorageError as error:
                logger.error("nothing purged: %s", error)
            await asyncio.sleep(interval_s)

    # Lines of the log.

    def quiet(self, kind: str, write: Callable[[str], None]) -> Callable[[str], None]:
        """`write`, for what many clients can cause."""
        if kind not in self._quiet_logs:
            self._quiet_logs[kind] = QuietLog(kind, write, asyncio.get_running_loop())
        return self._quiet_logs[kind].tell

    def summarize_quiet_logs(self) -> None:
        for quiet_log in self._quiet_logs.values():
            quiet_log.summarize()

    def _make_audit(self) -> audit.AuditLog:
        return audit.AuditLog(auth_rules(self.config), self._process.environment().get("user.name", ""))

    def audit_server(self, operation: str, result: str) -> None:
        if self._audit is not None:
            self._audit.server(operation, result)


def tell_failure(error: Exception) -> None:
    """Says why the server stops."""
    if isinstance(error, (StorageError, PortError)):
        logger.critical("the server stops: %s; start it again after that", error)
    else:
        logger.critical("the server stops, as something failed that nobody thought of: %r", error, exc_info=error)


def _tell_progress(done_bytes: int, all_bytes: int) -> None:
    logger.info("replayed %d of %d MB of logs", done_bytes >> 20, all_bytes >> 20)
