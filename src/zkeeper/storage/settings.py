"""What the storage of one server is told: where its files are and how they are written and believed."""

import os
from dataclasses import dataclass
from typing import Final, Literal

from zkeeper.wire.jute import MAX_BUFFER_BYTES

VERSION_FOLDER: Final = "version-2"
INITIALIZE_NAME: Final = "initialize"
MIN_RETAIN_COUNT: Final = 3
MIN_SNAP_COUNT: Final = 2
DEFAULT_SNAPSHOT_SIZE_FACTOR: Final = 0.33

Compression = Literal["", "gz", "snappy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageSettings:
    """Limits of 0 or below switch the limit off. `limit_bytes` is the longest field or log entry that is believed;
    `snapshot_size_factor` is how large the logs may be, beside a snapshot, that a learner is sent from the disk."""

    data_dir: str
    log_dir: str
    create_folders: bool = True
    pre_alloc_bytes: int = 64 * 1024 * 1024
    txn_log_size_limit_bytes: int = 0
    force_sync: bool = True
    sync_warning_ms: float = 1000.0
    low_space_bytes: int = 256 * 1024 * 1024
    snap_count: int = 100_000
    snap_size_limit_bytes: int = 4 * 1024 * 1024 * 1024
    compression: Compression = ""
    serialize_last_zxid: bool = True
    digest_enabled: bool = True
    trust_empty: bool = False
    db_autocreate: bool = True
    accept_gaps: bool = False
    retain_count: int = MIN_RETAIN_COUNT
    snapshot_size_factor: float = DEFAULT_SNAPSHOT_SIZE_FACTOR
    limit_bytes: int = 2 * MAX_BUFFER_BYTES

    @property
    def snapshot_folder(self) -> str:
        return os.path.join(self.data_dir, VERSION_FOLDER)

    @property
    def log_folder(self) -> str:
        return os.path.join(self.log_dir, VERSION_FOLDER)

    @property
    def initialize_paths(self) -> tuple[str, ...]:
        """Where the marker that allows an empty start may be: Java looks in the log's folder, its script writes it
        into the data folder."""
        return tuple(os.path.join(folder, INITIALIZE_NAME) for folder in dict.fromkeys((self.log_dir, self.data_dir)))
