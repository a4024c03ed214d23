"""Brings a server's state back from its disk: the newest whole snapshot, then the logs after it.

1. `replay.py` says what is replayed and what is refused.
2. An empty state is begun only where nothing shows that there was another one.

All of this blocks; it runs before the server serves, or away from the loop.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from zkeeper.database.database import Database
from zkeeper.errors import CorruptionError, StorageError
from zkeeper.storage.disk import Disk
from zkeeper.storage.failures import failure
from zkeeper.storage.folders import prepare_folders
from zkeeper.storage.log_reader import ADVICE, is_stillborn
from zkeeper.storage.names import SnapshotFile, logs_in
from zkeeper.storage.replay import Each, Progress, Replay
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_reader import LoadedSnapshot, Rejected, load_newest

NO_ZXID: Final = -1


class Start(Enum):
    """What a recovered state is built on."""

    SNAPSHOT = "a snapshot"
    LOGS = "the logs alone"
    EMPTY = "nothing: an empty state"
    UNKNOWN = "nothing, though there may have been something"
    REFUSE = "logs without a snapshot, which are not trusted"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A database that stands at the last logged transaction.

    `snapshot_s` and `logs_s` are how long loading the snapshot and replaying the logs took.
    After `Start.EMPTY` a snapshot has to be written, and then `discard_initialize` called, before anything is logged.
    After `Start.UNKNOWN` the database stands at zxid -1 and its server must not help to elect a leader.
    A database that `awaits_agreement` may hold parts of transactions that only a leader can supply.
    """

    database: Database
    start: Start
    snapshot: SnapshotFile | None
    rejected: tuple[Rejected, ...]
    txns: int
    repeated: int
    snapshot_s: float
    logs_s: float

    @property
    def duration_s(self) -> float:
        return self.snapshot_s + self.logs_s


def decide_start(*, has_snapshot: bool, has_logs: bool, trust_empty: bool, may_begin_empty: bool) -> Start:
    """Rule 2. `trust_empty` is the setting for logs of ZooKeeper 3.4, which wrote no first snapshot;
    `may_begin_empty` says that an `initialize` file is there, or that none is needed."""
    if has_snapshot:
        return Start.SNAPSHOT
    if has_logs:
        return Start.LOGS if trust_empty else Start.REFUSE
    return Start.EMPTY if may_begin_empty else Start.UNKNOWN


def recover(
    disk: Disk, settings: StorageSettings, make_database: Callable[[], Database], *,
    tell: Callable[[str], None], clock_s: Callable[[], float],
    progress: Progress | None = None, each: Each | None = None,
) -> Recovered:  # fmt: skip
    """Recovers the state of a server that starts. `tell` takes sentences for the server's log; `progress` is told how
    many bytes of how many the logs have been replayed; `each` takes zxid and payload of what was. Raises
    `StorageError`, and `CorruptionError` for damaged files."""
    try:
        prepare_folders(disk, settings)
    except OSError as error:
        raise failure("reading", settings.data_dir, error) from error
    return load_state(disk, settings, make_database, tell=tell, clock_s=clock_s, progress=progress, each=each)


def load_state(
    disk: Disk, settings: StorageSettings, make_database: Callable[[], Database], *,
    tell: Callable[[str], None], clock_s: Callable[[], float],
    progress: Progress | None = None, each: Each | None = None,
) -> Recovered:  # fmt: skip
    """As `recover`, for a server that goes on: its folders were prepared, and nothing writes to them meanwhile."""
    try:
        replay = Replay(disk, settings, tell, each=each, progress=progress)
        return _Recovery(disk, settings, make_database, tell, replay).run(clock_s)
    except OSError as error:
        raise failure("reading", settings.data_dir, error) from error


def discard_initialize(disk: Disk, settings: StorageSettings) -> None:
    """Removes the marker that allowed an empty start; it allows one."""
    for path in settings.initialize_paths:
        try:
            if disk.exists(path):
                disk.remove(path)
                disk.sync_folder(os.path.dirname(path))
        except OSError as error:
            raise failure("removing", path, error) from error


class _Recovery:
    def __init__(
        self, disk: Disk, settings: StorageSettings, make_database: Callable[[], Database],
        tell: Callable[[str], None], replay: Replay,
    ) -> None:  # fmt: skip
        self._disk = disk
        self._settings = settings
        self._make_database = make_database
        self._tell = tell
        self._replay = replay

    def run(self, clock_s: Callable[[], float]) -> Recovered:
        started_s = clock_s()
        self._remove_stillborn_logs()
        has_logs = bool(logs_in(self._disk.names(self._settings.log_folder)))
        loaded, rejected = load_newest(self._disk, self._settings, self._make_database)
        # A process that was killed may have given a snapshot, or an epoch's file, its name and not made that durable.
        # What was found is built upon from now on, so it must not be lost any more.
        self._disk.sync_folder(self._settings.snapshot_folder)
        loaded_s = clock_s()
        self._tell_rejected(loaded, rejected, has_logs)
        start = self._decide(loaded, has_logs)
        database = loaded.database if loaded is not None else self._make_database()
        if start is Start.UNKNOWN:
            database.last_zxid = NO_ZXID
        if start in (Start.SNAPSHOT, Start.LOGS):
            self._replay.run(database, [one.file for one in rejected])
        if start is not Start.EMPTY:
            discard_initialize(self._disk, self._settings)
        file = loaded.file if loaded is not None else None
        replay, logs_s = self._replay, clock_s() - loaded_s
        return Recovered(
            database, start, file, tuple(rejected), replay.txns, replay.repeated, loaded_s - started_s, logs_s
        )

    def _remove_stillborn_logs(self) -> None:
        folder = self._settings.log_folder
        for log in reversed(logs_in(self._disk.names(folder))):
            path = os.path.join(folder, log.name)
            if not is_stillborn(self._disk, path):
                break
            self._disk.remove(path)
            self._disk.sync_folder(folder)
            self._tell(f"{path}, which a crash left behind before anything was written to it, was removed")

    def _tell_rejected(self, loaded: LoadedSnapshot | None, rejected: list[Rejected], has_logs: bool) -> None:
        for one in rejected:
            self._tell(f"{one.file.name} in {self._settings.snapshot_folder} cannot be used: {one.reason}")
        if loaded is not None or not rejected:
            return
        # A first start that ended in a crash leaves at most the snapshot of an empty tree, and nothing to lose.
        if has_logs or any(one.file.zxid > 0 for one in rejected):
            reasons = "; ".join(f"{one.file.name}: {one.reason}" for one in rejected)
            raise CorruptionError(f"no snapshot in {self._settings.snapshot_folder} is whole ({reasons}); {ADVICE}")

    def _decide(self, loaded: LoadedSnapshot | None, has_logs: bool) -> Start:
        settings = self._settings
        may_begin_empty = settings.db_autocreate or any(self._disk.exists(path) for path in settings.initialize_paths)
        start = decide_start(
            has_snapshot=loaded is not None,
            has_logs=has_logs,
            trust_empty=settings.trust_empty,
            may_begin_empty=may_begin_empty,
        )
        if start is Start.REFUSE:
            raise StorageError(
                f"{settings.log_folder} holds logs, but {settings.snapshot_folder} no snapshot that they build on; "
                "bring the snapshots back, or, if ZooKeeper 3.4 wrote the logs and they are complete, "
                "start once with snapshot.trust.empty=true"
            )
        return start
