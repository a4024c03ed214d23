"""Two logs and a snapshot that the Java server wrote, byte for byte."""

import re
from pathlib import Path
from zlib import adler32

import pytest

from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.database.image import ImageReader, ImageWriter
from zkeeper.storage.log_reader import LogReader
from zkeeper.storage.real_disk import RealDisk
from zkeeper.storage.recovery import recover
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_format import SNAPSHOT_HEADER, decode_tail
from zkeeper.storage.snapshot_reader import load_newest
from zkeeper.wire.txns import decode_txn

VECTORS = Path(__file__).parent / "vectors"
LIMIT_BYTES = 2 * 0xFFFFF
PADDED_BYTES = 65552
A1_DIGESTS = [
    1371985504, 2966604635, 2671185443, 3157636486, 5387577481, 5387577481, 5637862600, None, 7399150961, 6527178668,
    8208747627,
]  # fmt: skip
AC_DIGESTS = [8208747627, 10439260495, 10674775837, 12432584562, 12792326458, 13011146105]


def vector(name: str) -> bytes:
    lines = (VECTORS / f"{name}.hex").read_text().splitlines()
    return bytes.fromhex("".join(line.split(": ")[1] for line in lines))


def fresh() -> Database:
    return Database(DatabaseOptions(extended_types=True))


@pytest.fixture
def settings(tmp_path: Path) -> StorageSettings:
    """A folder with both logs, padded as Java pads them, and no snapshot."""
    folder = tmp_path / "version-2"
    folder.mkdir()
    for name in ("log.1", "log.c"):
        (folder / name).write_bytes(vector(name).ljust(PADDED_BYTES, b"\0"))
    return StorageSettings(data_dir=str(tmp_path), log_dir=str(tmp_path), trust_empty=True)


def test_every_transaction_decodes_and_encodes_to_the_same_bytes(settings: StorageSettings) -> None:
    entries = list(LogReader(RealDisk(), settings.log_folder, 0, LIMIT_BYTES).entries())
    assert [zxid for zxid, _ in entries] == list(range(1, 0x12))
    for _, payload in entries:
        assert decode_txn(payload, LIMIT_BYTES).encode() == payload


def test_the_tree_has_the_digest_that_each_transaction_carries(settings: StorageSettings) -> None:
    database = fresh()
    digests = A1_DIGESTS + AC_DIGESTS
    for (zxid, payload), digest in zip(
        LogReader(RealDisk(), settings.log_folder, 0, LIMIT_BYTES).entries(), digests, strict=True
    ):
        database.apply(decode_txn(payload, LIMIT_BYTES))
        assert digest in (None, database.tree.digest), f"after zxid {zxid:x}"
    assert database.digest_mismatches == 0


def test_the_snapshot_is_what_the_logs_replay_to(settings: StorageSettings, tmp_path: Path) -> None:
    replayed = recover(RealDisk(), settings, fresh, tell=lambda _: None, clock_s=lambda: 0.0).database
    (tmp_path / "version-2" / "snapshot.11").write_bytes(vector("snapshot.11"))
    loaded, rejected = load_newest(RealDisk(), settings, fresh)
    assert loaded is not None
    assert not rejected
    assert loaded.tail.last_zxid == 0x11
    assert loaded.tail.digest is not None
    assert loaded.tail.digest.digest == replayed.tree.digest == loaded.database.tree.digest
    assert loaded.database.sessions == replayed.sessions
    assert sorted(znodes(loaded.database)) == sorted(znodes(replayed))


def znodes(database: Database) -> list[bytes]:
    """The image, cut at each path, so that the order of siblings does not matter."""
    image = b""
    writer = ImageWriter(database)
    while (piece := writer.next_slice(1, LIMIT_BYTES)) is not None:
        image += piece
    return re.split(rb"(?=\0\0\0[\0-\x20]/)", image)


def test_the_snapshot_is_read_and_written_to_the_same_length_and_seals() -> None:
    raw = vector("snapshot.11")
    database = fresh()
    rest = ImageReader(database, LIMIT_BYTES).feed(raw[len(SNAPSHOT_HEADER) :])
    assert rest is not None
    assert len(rest) == len(raw) - 926
    assert decode_tail(rest, adler32(raw[:926])).last_zxid == 0x11
    image = ImageWriter(database).next_slice(100, LIMIT_BYTES)
    assert image is not None
    assert len(image) == 926 - len(SNAPSHOT_HEADER)
