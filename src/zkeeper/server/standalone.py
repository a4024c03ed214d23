"""A server on its own: recovers its state, serves clients, and stops without losing anything.

1. The client port opens once the state is recovered and everything that serving needs is in place.
2. A failure of the log stops the server, as does whatever else it cannot go on without: `stopped` resolves, `failure`
   says why, and nothing more is answered.
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Final

from zkeeper.database.sessions import first_session_id
from zkeeper.errors import StorageError
from zkeeper.pipeline.service import Service
from zkeeper.server import audit
from zkeeper.server.client_port import ClientPort
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.descriptors import Descriptors
from zkeeper.server.durable_log import DurableLog
from zkeeper.server.node import Node, tell_failure
from zkeeper.server.port_failure import PortError
from zkeeper.server.reaper import reap_for_ever
from zkeeper.server.session_clock import expire_for_ever
from zkeeper.server.words import ProcessFacts
from zkeeper.storage.disk import Disk
from zkeeper.storage.folders import epoch_file
from zkeeper.storage.recovery import Start, discard_initialize

STANDALONE_SERVER_ID: Final = 1
"""The top byte of the session ids that a standalone server gives out."""

logger = logging.getLogger("zkeeper.server")


class StandaloneServer:
    """The arguments are those of `Node`."""

    def __init__(
        self, config: ServerConfig, disk: Disk, wall_ms: Callable[[], int], random: Random,
        process: ProcessFacts | None = None, *, clock_s: Callable[[], float] | None = None,
        descriptors: Descriptors | None = None,
    ) -> None:  # fmt: skip
        self.config = config
        self._node = Node(
            config, disk, wall_ms, random, self._fail, process, clock_s=clock_s, descriptors=descriptors
        )  # fmt: skip
        self._service: Service | None = None
        self._log: DurableLog | None = None
        self._port: ClientPort | None = None
        self.failure: Exception | None = None
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
            self._node.audit_server(audit.SERVER_START, audit.FAILURE)
            raise
        self._node.audit_server(audit.SERVER_START, audit.SUCCESS)

    async def _start(self) -> None:
        node = self._node
        recovered = node.recover()
        database = recovered.database
        database.demand_agreement()
        self._warn_former_member()
        first_id = first_session_id(STANDALONE_SERVER_ID, node.wall_ms(), int(database.last_zxid))
        self._service = node.make_service(database, first_id)
        self._log = node.make_log(database, self._service.committed)
        self._service.connect_log(self._log.batch, self._log.wake)
        if recovered.start is Start.EMPTY:
            await self._log.snapshot_now()
            discard_initialize(node.disk, node.storage)
        self._port = node.make_port(self._service)
        self._service.start()
        await node.listen(self._port)
        node.answer_words(self._service, self._port)
        self._start_tasks()
        if recovered.txns:
            self._log.snapshot_soon()

    def _warn_former_member(self) -> None:
        path = epoch_file(self._node.disk, self._node.storage)
        if path is not None:
            logger.warning(
                "%s says that these are the data of an ensemble's member; this server stands alone, and what it writes "
                "the other members never see: do not bring the data back among them", path,
            )  # fmt: skip

    def _start_tasks(self) -> None:
        node = self._node
        node.start_tasks()
        node.start_task(expire_for_ever(self.service, self.config.sessions.tick_time_ms / 1000))
        node.start_task(reap_for_ever(self.service, self.config.nodes, node.wall_ms))

    def _fail(self, error: Exception) -> None:
        tell_failure(error)
        self.failure = self.failure or error
        self.service.stop()
        self._stopped.set()

    async def stopped(self) -> None:
        """Returns when the server cannot go on; `failure` then says why."""
        await self._stopped.wait()

    async def stop(self) -> None:
        """Closes the port and every connection, and finishes what the disk is doing."""
        self._node.audit_server(audit.SERVER_STOP, audit.INVOKED)
        await self._node.stop_tasks()
        if self._port is not None:
            await self._port.close()
        if self._log is not None:
            await self._log.close()
        if self._service is not None:
            self._service.stop()
        self._node.summarize_quiet_logs()
        logger.info("stopped")
