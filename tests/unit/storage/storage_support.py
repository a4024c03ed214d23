"""What the tests of the storage share: a folder on a simulated disk, transactions to log, and how to recover."""

import asyncio
import random
import struct
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar
from zlib import adler32

from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.storage.log_writer import TxnLog
from zkeeper.storage.recovery import Recovered, recover
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_writer import SnapshotWriter, WrittenSnapshot
from zkeeper.testing.simulation import SimulatedDisk, Simulation
from zkeeper.wire import protocol
from zkeeper.wire.acl import WORLD_ANYONE
from zkeeper.wire.txns import CreateBody, SetDataBody, Txn

T = TypeVar("T")

FOLDER = "/data/version-2"
HEADER = b"ZKLG" + struct.pack(">iq", 2, 0)
SETTINGS = StorageSettings(data_dir="/data", log_dir="/data", pre_alloc_bytes=65536)
OPTIONS = DatabaseOptions(extended_types=True)


def new_disk(seed: int = 1) -> SimulatedDisk:
    disk = SimulatedDisk(random.Random(seed))
    disk.make_folders(FOLDER)
    return disk


def run(main: Callable[[], Coroutine[Any, Any, T]], seed: int = 1) -> T:
    """Runs `main()` in virtual time."""
    with Simulation(seed) as simulation:
        return simulation.run(main())


def no_tell(_: str) -> None:
    """For those who need not be listened to."""


def create(zxid: int, path: bytes | None = None, data: bytes | None = b"x") -> Txn:
    path = path if path is not None else b"/n%x" % zxid
    cxid = zxid & 0xFFFF
    return Txn(7, cxid, zxid, 1000 + zxid, protocol.CREATE, CreateBody(1, path, data, (WORLD_ANYONE,), False, -1, 0))


def set_data(zxid: int, path: bytes, data: bytes, version: int) -> Txn:
    return Txn(7, zxid & 0xFFFF, zxid, 1000 + zxid, protocol.SET_DATA, SetDataBody(path, data, version))


def entry(txn: Txn) -> bytes:
    payload = txn.encode()
    return struct.pack(">qi", adler32(payload), len(payload)) + payload + b"B"


def log_of(*zxids: int) -> bytes:
    return HEADER + b"".join(entry(create(zxid)) for zxid in zxids)


def write_file(disk: SimulatedDisk, name: str, data: bytes, folder: str = FOLDER) -> None:
    disk.make_folders(folder)
    file = disk.open_writer(f"{folder}/{name}")
    file.write(data)
    file.sync()
    file.close()
    disk.sync_folder(folder)


def read_file(disk: SimulatedDisk, name: str, folder: str = FOLDER) -> bytes:
    file = disk.open_reader(f"{folder}/{name}")
    data = b""
    while piece := file.read(1 << 20):
        data += piece
    return data


def append(log: TxnLog, *txns: Txn) -> None:
    for txn in txns:
        log.append(int(txn.zxid), txn.encode())


def new_log(disk: SimulatedDisk, last_zxid: int = 0, told: list[str] | None = None, **changes: Any) -> TxnLog:
    tell = told.append if told is not None else no_tell
    return TxnLog(disk, replace(SETTINGS, **changes), last_zxid, tell)


def write_log(disk: SimulatedDisk, *batches: list[int], last_zxid: int = 0, **changes: Any) -> TxnLog:
    """Logs a create for each zxid, and syncs after each batch."""

    async def main() -> TxnLog:
        log = new_log(disk, last_zxid, **changes)
        for batch in batches:
            append(log, *[create(zxid) for zxid in batch])
            await log.sync()
        return log

    return run(main)


def database_after(*txns: Txn) -> Database:
    database = Database(OPTIONS)
    for txn in txns:
        database.apply(txn)
    return database


def write_snapshot(disk: SimulatedDisk, database: Database, **changes: Any) -> WrittenSnapshot:
    return run(lambda: SnapshotWriter(disk, replace(SETTINGS, **changes)).write(database))


def recovered(disk: SimulatedDisk, told: list[str] | None = None, **changes: Any) -> Recovered:
    tell = told.append if told is not None else no_tell
    settings = replace(SETTINGS, **changes)
    return recover(disk, settings, lambda: Database(OPTIONS, tell), tell=tell, clock_s=lambda: 0.0)


def last_zxid(disk: SimulatedDisk, **changes: Any) -> int:
    return int(recovered(disk, **changes).database.last_zxid)


async def settled(awaited: "asyncio.Future[Any]") -> BaseException | None:
    """The exception with which a future ends, or None."""
    await asyncio.wait([awaited])
    return awaited.exception()
