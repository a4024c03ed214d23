"""Writes a snapshot while the server goes on serving.

1. The image is taken in slices of at most `SLICE_NODES` znodes, which end where `SLICE_BYTES` are reached; between two,
   other callbacks of the loop run. So it is fuzzy: it holds all up to the zxid in its name, and parts of what was
   applied until it was complete. The bounds are fixed, since a loop's clock may stand still within a callback.
2. At most `MAX_SLICES_IN_FLIGHT` slices wait for the disk.
3. A snapshot that fails leaves nothing behind; the log still holds everything that it would have held.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from zkeeper.database.database import Database
from zkeeper.database.image import ImageWriter
from zkeeper.errors import StorageError
from zkeeper.storage.compression import check_compression
from zkeeper.storage.disk import Disk
from zkeeper.storage.names import SnapshotFile
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_format import NO_DIGEST, SnapshotDigest, encode_last_zxid
from zkeeper.storage.snapshot_sink import SnapshotSink
from zkeeper.wire.txns import DIGEST_VERSION

LANE: Final = "snapshot"
MAX_SLICES_IN_FLIGHT: Final = 4
SLICE_NODES: Final = 1000
SLICE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class WrittenSnapshot:
    """A snapshot that is durable under its name."""

    zxid: int
    path: str
    size_bytes: int
    duration_s: float


class SnapshotWriter:
    """Writes the snapshots of one server, one at a time."""

    def __init__(self, disk: Disk, settings: StorageSettings) -> None:
        check_compression(settings.compression)
        self._disk = disk
        self._settings = settings
        self.running = False

    async def write(
        self, database: Database, before_visible: Callable[[], Awaitable[None]] | None = None
    ) -> WrittenSnapshot:
        """Writes `database` as it is now, or somewhat later; `StorageError` when the disk refuses.

        `before_visible` is awaited when the image is complete, before it gets its name; what it raises ends it.
        """
        assert not self.running, "snapshots are written one at a time"
        self.running = True
        started_s = asyncio.get_running_loop().time()
        snapshot = SnapshotFile(int(database.last_zxid), self._settings.compression)
        sink = SnapshotSink(self._disk, self._settings.snapshot_folder, snapshot)
        try:
            size_bytes = await self._write(database, sink, before_visible)
        except BaseException:
            await self._discard(sink)
            raise
        finally:
            self.running = False
        duration_s = asyncio.get_running_loop().time() - started_s
        return WrittenSnapshot(snapshot.zxid, sink.path, size_bytes, duration_s)

    async def _write(
        self, database: Database, sink: SnapshotSink, before_visible: Callable[[], Awaitable[None]] | None
    ) -> int:
        image = ImageWriter(database)
        in_flight = deque([self._disk.submit(LANE, sink.open)])
        try:
            await self._write_image(image, sink, in_flight)
            sections = self._sections(database)
            if before_visible is not None:
                await before_visible()
            return await self._disk.submit(LANE, partial(sink.finish, sections))
        finally:
            await asyncio.gather(*in_flight, return_exceptions=True)

    async def _write_image(
        self, image: ImageWriter, sink: SnapshotSink, in_flight: deque[asyncio.Future[None]]
    ) -> None:
        while (piece := image.next_slice(SLICE_NODES, SLICE_BYTES)) is not None:
            in_flight.append(self._disk.submit(LANE, partial(sink.write, piece)))
            await asyncio.sleep(0)
            while len(in_flight) >= MAX_SLICES_IN_FLIGHT or (in_flight and in_flight[0].done()):
                await in_flight.popleft()
        while in_flight:
            await in_flight.popleft()

    def _sections(self, database: Database) -> list[bytes]:
        """Taken when the image is complete: what the tree is like once replay has mended it."""
        zxid = int(database.last_zxid)
        sections: list[bytes] = []
        if self._settings.digest_enabled:
            # A tree to which nothing was ever applied has no digest for Java; its section is zero. So is that of one
            # that may still hold parts of transactions to come.
            has_digest = zxid > 0 and not database.awaits_agreement
            digest = SnapshotDigest(zxid, DIGEST_VERSION, int(database.tree.digest))
            sections.append((digest if has_digest else NO_DIGEST).encode())
        if self._settings.serialize_last_zxid:
            sections.append(encode_last_zxid(zxid))
        return sections

    async def _discard(self, sink: SnapshotSink) -> None:
        """Waits also when this task is being cancelled; what cannot be removed is removed at the next start."""
        discarded = self._disk.submit(LANE, sink.discard)
        try:
            await asyncio.shield(discarded)
        except StorageError:
            return
