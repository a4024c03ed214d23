"""What a member of an ensemble does to what its disk has, when a leader tells it to, or when its state is not to be
believed (storage, section 8).

1. All of it runs away from the loop, on the log's lane, so after a `TxnLog.close` that came before. Nothing else may
   use the log, `each` or what it fills, or write a snapshot, until it is done.
2. Nothing that was acknowledged leaves the disk before what replaces it is there: `forget_behind` comes after the
   received snapshot is durable, and before `currentEpoch` is written and NEWLEADER acknowledged.
3. `each` takes zxid and payload of all that is replayed, for a committed log.
"""

from collections.abc import Callable
from functools import partial

from zkeeper.database.database import Database
from zkeeper.errors import StorageError
from zkeeper.storage.disk import Disk
from zkeeper.storage.failures import failure
from zkeeper.storage.log_truncation import forget_after, truncate_history
from zkeeper.storage.log_writer import LANE
from zkeeper.storage.recovery import Recovered, load_state
from zkeeper.storage.replay import Each
from zkeeper.storage.settings import StorageSettings


class Resync:
    """The state of one member on its disk. `make_database` makes an empty one, `tell` takes sentences for the server's
    log, `clock_s` may be any clock. Everything raises `StorageError` when the disk refuses or is damaged."""

    def __init__(
        self, disk: Disk, settings: StorageSettings, make_database: Callable[[], Database],
        tell: Callable[[str], None], clock_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self._disk = disk
        self._settings = settings
        self._make_database = make_database
        self._tell = tell
        self._clock_s = clock_s

    async def reload(self, each: Each | None = None) -> Database:
        """The state of the disk, in place of a database that is not to be believed."""
        return (await self._disk.submit(LANE, partial(self._load, each))).database

    async def truncate(self, zxid: int, each: Each | None = None) -> Database | None:
        """What TRUNC asks for: makes `zxid` the last transaction, in the logs, the snapshots and the new database.

        None, and nothing is changed, when the logs do not allow that. The member then begins with an empty database,
        announces zxid 0, and treats whatever it is sent as it treats a snapshot.
        """
        return await self._disk.submit(LANE, partial(self._truncate, zxid, each))

    async def forget_behind(self, zxid: int) -> None:
        """When a received snapshot, standing at `zxid`, is durable: removes what the disk holds of a history behind it,
        which is not the leader's."""
        await self._disk.submit(LANE, partial(self._forget_behind, zxid))

    # Jobs of the lane.

    def _load(self, each: Each | None) -> Recovered:
        return load_state(
            self._disk, self._settings, self._make_database, tell=self._tell, clock_s=self._clock_s, each=each
        )

    def _truncate(self, zxid: int, each: Each | None) -> Database | None:
        try:
            if not truncate_history(self._disk, self._settings, zxid):
                return None
        except OSError as error:
            raise self._failure("truncating", error) from error
        database = self._load(each).database
        assert database.last_zxid == zxid, f"truncated to 0x{zxid:x}, the state stands at 0x{database.last_zxid:x}"
        return database

    def _forget_behind(self, zxid: int) -> None:
        try:
            forget_after(self._disk, self._settings, zxid, self._tell)
        except OSError as error:
            raise self._failure("truncating", error) from error

    def _failure(self, doing: str, error: OSError) -> StorageError:
        return failure(doing, self._settings.log_folder, error)
