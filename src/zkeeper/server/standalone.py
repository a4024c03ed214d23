"""A server on its own: recovers its state, serves clients, and stops without losing anything.

1. The client port opens once the state is recovered and everything that serving needs is in place.
2. A failure of the log stops the server: `stopped` resolves with the error, and nothing more is answered.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Final

from zkeeper.database.database import Database
from zkeeper.database.sessions import first_session_id
from zkeeper.errors import StorageError
from zkeeper.pipeline.clocks import MonotonicMs
from zkeeper.pipeline.service import Service
from zkeeper.pipeline.session_lines import SessionLines
from zkeeper.server import audit
from zkeeper.server.client_port import ClientPort
from zkeeper.server.config.model import NetworkConfig, ServerConfig
from zkeeper.server.connection_throttle import ConnectionThrottle
from zkeeper.server.descriptors import Descriptors, probe_for_ever
from zkeeper.server.durable_log import DurableLog
from zkeeper.server.log_noise import QuietLog
from zkeeper.server.measurements import start_summaries, watch_summaries
from zkeeper.server.port_failure import PortError, port_failure
from zkeeper.server.reaper import reap_for_ever
from zkeeper.server.session_clock import expire_for_ever
from zkeeper.server.settings import (
    auth_rules,
    database_options,
    prepare_options,
    service_settings,
    storage_settings,
)
from zkeeper.server.words import FourLetterWords, ProcessFacts, ServerFacts, folder_bytes
from zkeeper.storage.disk import Disk
from zkeeper.storage.folders import epoch_file
from zkeeper.storage.recovery import Recovered, Start, discard_initialize, recover
from zkeeper.storage.retention import purge

STANDALONE_SERVER_ID: Final = 1
"""The top byte of the session ids that a standalone server gives out."""

logger = logging.getLogger("zkeeper.server")
clients_logger = logging.getLogger("zkeeper.clients")
sessions_logger = logging.getLogger("zkeeper.sessions")


class StandaloneServer:
    """`wall_ms` is the wall clock in ms since 1970; the monotonic clock is the running loop's. `clock_s` is another
    one, for what blocks the loop, where the loop's may stand still."""

    def __init__(
        self, config: ServerConfig, disk: Disk, wall_ms: Callable[[], int], random: Random,
        process: ProcessFacts | None = None, *, clock_s: Callable[[], float] | None = None,
        descriptors: Descriptors | None = None,
    ) -> None:  # fmt: skip
        self.config = config
        self._clock_s = clock_s
        self._descriptors = descriptors if descriptors is not None else Descriptors()
        self._process = process if process is not None else ProcessFacts()
        self._disk = disk
        self._wall_ms = wall_ms
        self._random = random
        self._storage = storage_settings(config)
        self._audit = self._make_audit() if config.audit.is_enabled else None
        self._quiet_logs: list[QuietLog] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._service: Service | None = None
        self._log: DurableLog | None = None
        self._port: ClientPort | None = None
        self.failure: StorageError | None = None
        self._stopped = asyncio.Event()

    @property
    def service(self) -> Service:
        assert self._service is not None, "the server is not started"
        return self._service

    @property
    def log(self) -> DurableLog:
        assert self._log is not None, "the server is not started"
        return self._log

    @property
    def port(self) -> ClientPort:
        assert self._port is not None, "the server is not started"
        return self._port

    async def start(self) -> None:
        """Recovers and opens the port. `StorageError` when the data cannot be trusted, `PortError` for the port."""
        try:
            await self._start()
        except (StorageError, PortError):
            self._audit_server(audit.SERVER_START, audit.FAILURE)
            raise
        self._audit_server(audit.SERVER_START, audit.SUCCESS)

    async def _start(self) -> None:
        recovered = self._recover()
        self._service = self._make_service(recovered.database)
        self._log = self._make_log(recovered.database)
        if recovered.start is Start.EMPTY:
            await self._log.snapshot_now()
            discard_initialize(self._disk, self._storage)
        self._port = self._make_port()
        self._service.start()
        await self._listen(self._port, self.config.network)
        facts, allows_word = self._facts(recovered), self.config.network.allows_word
        self._service.words = FourLetterWords(self._service, facts, allows_word, self._service.serves)
        self._start_tasks()
        if recovered.txns:
            self._log.snapshot_soon()

    async def _listen(self, port: ClientPort, network: NetworkConfig) -> None:
        assert network.client_port is not None
        try:
            await port.listen(network.client_port_address, network.client_port, network.listen_backlog)
        except OSError as error:
            raise port_failure(network, error) from error

    def _recover(self) -> Recovered:
        logger.info("snapshots are in %s, the log is in %s", self._storage.snapshot_folder, self._storage.log_folder)
        options = database_options(self.config)
        recovered = recover(
            self._disk, self._storage, lambda: Database(options, logger.error),
            tell=logger.warning, clock_s=self._clock_s or asyncio.get_running_loop().time, progress=_tell_progress,
        )  # fmt: skip
        logger.info(
            "recovered to zxid 0x%x from %s and %d transactions of the log in %.2f s: %d znodes, %d sessions",
            recovered.database.last_zxid, recovered.start.value, recovered.txns, recovered.duration_s,
            recovered.database.tree.node_count, len(recovered.database.sessions),
        )  # fmt: skip
        self._warn_former_member()
        return recovered

    def _warn_former_member(self) -> None:
        path = epoch_file(self._disk, self._storage)
        if path is not None:
            logger.warning(
                "%s says that these are the data of an ensemble's member; this server stands alone, and what it writes "
                "the other members never see: do not bring the data back among them", path,
            )  # fmt: skip

    def _make_audit(self) -> audit.AuditLog:
        return audit.AuditLog(auth_rules(self.config), self._process.environment().get("user.name", ""))

    def _audit_server(self, operation: str, result: str) -> None:
        if self._audit is not None:
            self._audit.server(operation, result)

    def _make_service(self, database: Database) -> Service:
        loop = asyncio.get_running_loop()
        service = Service(
            database, auth_rules(self.config), service_settings(self.config), prepare_options(self.config),
            first_session_id(STANDALONE_SERVER_ID, self._wall_ms()), self._wall_ms, MonotonicMs(loop.time).read,
            self._quiet("connections closed for what they sent", clients_logger.info),
        )  # fmt: skip
        service.handshake.tell_refused = self._quiet("connections refused", clients_logger.info)
        service.tell_expired = self._quiet("sessions expired", clients_logger.info)
        service.tell_over_limit = self._quiet("connections over a limit", clients_logger.warning)
        service.later = loop.call_soon
        service.audit = self._audit
        if sessions_logger.isEnabledFor(logging.DEBUG):
            service.session_lines = SessionLines(sessions_logger.debug)
        if self.config.connection_throttle.tokens > 0:
            throttle = ConnectionThrottle(self.config.connection_throttle, self._random, service.now_ms, service.stats)
            service.handshake.admit_connection = throttle.admit
        service.required_schemes = frozenset(scheme.encode() for scheme in self.config.auth.required_schemes)
        return service

    def _quiet(self, kind: str, write: Callable[[str], None]) -> Callable[[str], None]:
        quiet_log = QuietLog(kind, write, asyncio.get_running_loop())
        self._quiet_logs.append(quiet_log)
        return quiet_log.tell

    def _make_log(self, database: Database) -> DurableLog:
        log = DurableLog(
            self._disk, self._storage, database, self._random, self.service.committed, self._log_failed,
            self.service.stats,
        )  # fmt: skip
        self.service.connect_log(log.batch, log.wake)
        return log

    def _make_port(self) -> ClientPort:
        network, limits = self.config.network, self.config.limits
        return ClientPort(
            self.service,
            max_per_host=limits.max_client_cnxns,
            max_total=limits.max_cnxns,
            max_open=self._descriptors.max_connections,
            max_unread_bytes=limits.max_unread_reply_bytes,
            sessionless_timeout_s=network.sessionless_timeout_ms / 1000,
            tcp_keep_alive=network.is_tcp_keep_alive,
            tell=self.service.tell_over_limit,
        )

    def _facts(self, recovered: Recovered) -> ServerFacts:
        data_folder, log_folder = self._storage.snapshot_folder, self._storage.log_folder
        return ServerFacts(
            client_port=self.port.addresses()[0][1],
            data_folder=data_folder,
            log_folder=log_folder,
            data_folder_bytes=lambda: folder_bytes(self._disk, data_folder),
            log_folder_bytes=lambda: folder_bytes(self._disk, log_folder),
            max_client_cnxns=self.config.limits.max_client_cnxns,
            listen_backlog=self.config.network.listen_backlog,
            sessionless_timeout_ms=self.config.network.sessionless_timeout_ms,
            started_ms=self.service.now_ms(),
            links=self.port.links,
            process=self._process,
            summaries={**start_summaries(recovered), **watch_summaries(recovered.database.watches)},
        )

    def _start_tasks(self) -> None:
        self._start_task(expire_for_ever(self.service, self.config.sessions.tick_time_ms / 1000))
        self._start_task(reap_for_ever(self.service, self.config.nodes, self._wall_ms))
        self._start_task(probe_for_ever(self._descriptors, self._quiet("descriptors", logger.error)))
        if self.config.retention.purge_interval_ms > 0:
            self._start_task(self._purge_for_ever(self.config.retention.purge_interval_ms / 1000))

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_tell_end)
        self._tasks.append(task)

    async def _purge_for_ever(self, interval_s: float) -> None:
        while True:
            try:
                plan = await purge(self._disk, self._storage)
                if plan.snapshots or plan.logs:
                    logger.info("purged %d snapshots and %d logs", len(plan.snapshots), len(plan.logs))
            except StorageError as error:
                logger.error("nothing purged: %s", error)
            await asyncio.sleep(interval_s)

    def _log_failed(self, error: StorageError) -> None:
        logger.critical("the server stops: %s", error)
        self.failure = error
        self.service.stop()
        self._stopped.set()

    async def stopped(self) -> None:
        """Returns when the server cannot go on; `failure` then says why."""
        await self._stopped.wait()

    async def stop(self) -> None:
        """Closes the port and every connection, and finishes what the disk is doing."""
        self._audit_server(audit.SERVER_STOP, audit.INVOKED)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._port is not None:
            await self._port.close()
        if self._log is not None:
            await self._log.close()
        if self._service is not None:
            self._service.stop()
        for quiet_log in self._quiet_logs:
            quiet_log.summarize()
        logger.info("stopped")


def _tell_end(task: asyncio.Task[None]) -> None:
    """These tasks go on until they are cancelled; one that ends by itself must not do so in silence."""
    if not task.cancelled():
        logger.critical("a task of the server has ended, sessions may not expire any more", exc_info=task.exception())


def _tell_progress(done_bytes: int, all_bytes: int) -> None:
    logger.info("replayed %d of %d MB of logs", done_bytes >> 20, all_bytes >> 20)
