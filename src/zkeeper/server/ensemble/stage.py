"""What the roles of a member need of the server around them."""

from collections.abc import Callable
from typing import Protocol

from zkeeper.database.database import Database
from zkeeper.pipeline.service import Service
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.membership import Membership
from zkeeper.server.durable_log import DurableLog
from zkeeper.storage.history import DiskHistory
from zkeeper.storage.log_writer import TxnLog


class Stage(Protocol):
    """Builds what serves clients, and looks after the disk."""

    @property
    def is_digest_enabled(self) -> bool: ...

    def make_service(self, database: Database) -> Service: ...

    def make_log(self, database: Database, on_durable: Callable[[int], None]) -> DurableLog: ...

    def show_membership(self, database: Database) -> None:
        """Has `/zookeeper/config` show the committed membership."""
        ...

    def activate(self, membership: Membership, designated: int | None, zxid: int) -> bool:
        """A membership is committed, and `designated` is to lead under it, from the transaction `zxid` on, if that was
        said. True when the role at hand has to end, since it or the leader is another one now."""
        ...

    async def memberships_settled(self) -> None:
        """Returns when what became of the memberships is durable. `StorageError` when the disk refuses."""
        ...

    def open_to_clients(self, service: Service, epoch: int) -> None:
        """From now on clients are served, in `epoch`."""
        ...

    async def close_to_clients(self) -> None:
        """Closes all connections of clients, and the log behind what was appended to it."""
        ...

    def empty_database(self) -> Database: ...

    def begin_log(self, database: Database) -> TxnLog:
        """A log that goes on where `database` is."""
        ...

    async def truncate(self, zxid: int, history: CommittedLog) -> Database | None:
        """Takes back what the disk has behind `zxid`; what is left, also in `history`, or None when that cannot be."""
        ...

    def disk_history(self, peer_zxid: int, until_zxid: int) -> DiskHistory: ...

    async def keep_received(self, database: Database) -> None:
        """Makes durable what came as a snapshot, and has the disk forget what is not part of it."""
        ...
