"""Where the mutated bytes go, and the outcomes that are allowed there. Anything else is a finding.

1. Client frames: replies, one for each whole frame and in frames themselves, or a close, or waiting for the rest.
   Many of them arrive behind a write that is on its way, so that they wait for it before they are answered.
2. Transactions: a `DecodeError`, or a transaction that is encoded and applied again without an exception.
3. Logs, snapshots, images and whole folders: what they hold, or a `DecodeError` or `StorageError`.
"""

import struct
from random import Random
from zlib import adler32

import fuzz_corpus as corpus
import raw_wire as raw
from fuzz_memory_disk import MemoryDisk
from fuzz_mutations import mutated
from pipeline_harness import Client, Server

from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.database.image import ImageReader, ImageWriter
from zkeeper.errors import DecodeError, StorageError
from zkeeper.storage.log_reader import LogReader
from zkeeper.storage.names import snapshots_in
from zkeeper.storage.recovery import recover
from zkeeper.storage.settings import StorageSettings
from zkeeper.storage.snapshot_reader import load_snapshot
from zkeeper.wire.txns import decode_txn

LIMIT_BYTES = 2 * 0xFFFFF
MAX_FRAME_BYTES = 0xFFFFF
OPTIONS = DatabaseOptions(extended_types=True)
FOLDER = "/data/version-2"
SETTINGS = StorageSettings(data_dir="/data", log_dir="/data", trust_empty=True)


def check_reason(error: Exception) -> None:
    assert str(error), "an error has to say what is wrong"


class Target:
    """`run` makes one input and judges what became of it; `renew` forgets what the inputs before left behind."""

    def renew(self) -> None: ...

    def run(self, random: Random) -> None:
        raise NotImplementedError


class ClientTarget(Target):
    def __init__(self) -> None:
        self.requests = corpus.request_payloads()
        self.connects = corpus.connect_payloads()
        self.writes = corpus.write_payloads()
        self.renew()

    def renew(self) -> None:
        self.server = Server(extended_types=True, enforce_quota=True)
        self.server.service.tell = _ignore
        self.client: Client | None = None

    def run(self, random: Random) -> None:
        if random.random() < 0.12:
            self._before_the_handshake(random)
        else:
            self._after_the_handshake(random)
        self.server.log.clear()
        assert self.server.database.digest_mismatches == 0

    def _before_the_handshake(self, random: Random) -> None:
        client = self.server.open()
        data = b"".join(self._piece(random, self.connects + self.requests[:5]) for _ in range(random.randint(1, 2)))
        self._feed(random, client, data)
        check_frames(client.outlet.take())
        if not client.is_closed:
            client.link.lost()

    def _after_the_handshake(self, random: Random) -> None:
        """On the connection of the input before, if that was left whole."""
        client = self.client
        if client is None or client.is_closed:
            client = self.server.connect()
        client.outlet.take()
        if random.random() < 0.4:
            data = self._behind_a_write(random, client)
        else:
            data = b"".join(self._piece(random, self.requests) for _ in range(random.randint(1, 4)))
            self._feed(random, client, data)
        is_whole = check_replies(client, data)
        self.client = client if is_whole else None
        if not is_whole and not client.is_closed:
            client.link.lost()

    def _behind_a_write(self, random: Random, client: Client) -> bytes:
        """Two requests, which have to wait until the write is durable."""
        write = raw.framed(random.choice(self.writes))
        data = write + self._piece(random, self.requests) + self._piece(random, self.requests)
        for piece in _cut(random, data, 2):
            client.send(piece)
        self.server.commit()
        return data

    def _piece(self, random: Random, payloads: list[bytes]) -> bytes:
        payload = random.choice(payloads) if random.random() < 0.8 else _odd_list(random)
        dice = random.random()
        if dice < 0.25:
            return raw.framed(payload)
        changed = mutated(random, payload, random.choice(payloads))
        if dice < 0.9:
            return raw.framed(changed)
        return mutated(random, raw.framed(payload), changed)

    def _feed(self, random: Random, client: Client, data: bytes) -> None:
        for piece in _cut(random, data, 3):
            client.send(piece)
            if random.random() < 0.3:
                self.server.commit(1)
        self.server.commit()


def _odd_list(random: Random) -> bytes:
    """A multi or multiRead whose frame is in order; what is mutated, if anything, are operations in it."""
    ops = []
    for op, body in random.choices(corpus.LIST_OPS, k=random.randint(1, 4)):
        if random.random() < 0.4:
            body = mutated(random, body, random.choice(corpus.LIST_OPS)[1])
        ops.append((op, body))
    return struct.pack(">ii", 1, random.choice((raw.MULTI, raw.MULTI_READ))) + raw.multi(*ops)


def check_frames(data: bytes) -> list[bytes]:
    """Everything that is sent is in whole frames."""
    return raw.split(data)


def check_replies(client: Client, sent: bytes) -> bool:
    """Whether nothing of `sent` waits for more."""
    replies = [raw.reply(payload) for payload in check_frames(client.outlet.take())]
    count = sum(1 for reply in replies if not _is_event(reply))
    frames, rest, is_broken = _whole_frames(sent)
    if client.is_closed:
        assert count <= frames
    else:
        assert not is_broken, "a length that cannot be was let through"
        assert count == frames, f"{frames} requests, {count} replies"
    return rest == 0


def _is_event(reply: raw.Reply) -> bool:
    """A notification; a request may abuse its xid, but no reply has such a body."""
    if reply.xid != -1 or reply.err or len(reply.body) < 12:
        return False
    kind, state, length = struct.unpack_from(">iii", reply.body)
    return kind in (1, 2, 3, 4) and (state, len(reply.body)) == (3, 12 + length)


def _whole_frames(data: bytes) -> tuple[int, int, bool]:
    """How many whole frames there are, how many bytes follow them, and whether those begin with a bad length."""
    at = count = 0
    while at + 4 <= len(data):
        length = struct.unpack_from(">i", data, at)[0]
        if not 0 <= length <= MAX_FRAME_BYTES:
            return count, len(data) - at, True
        if at + 4 + length > len(data):
            break
        at += 4 + length
        count += 1
    return count, len(data) - at, False


def _cut(random: Random, data: bytes, most: int) -> list[bytes]:
    ends = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(most)))
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


class TxnTarget(Target):
    def __init__(self) -> None:
        self.payloads = corpus.log_payloads()
        self.renew()

    def renew(self) -> None:
        self.database = Database(OPTIONS)

    def run(self, random: Random) -> None:
        payload = mutated(random, random.choice(self.payloads), random.choice(self.payloads))
        try:
            txn = decode_txn(payload, LIMIT_BYTES)
        except DecodeError:
            return
        again = decode_txn(txn.encode(), LIMIT_BYTES)
        assert again.encode() == txn.encode()
        self.database.apply(txn, True)


class LogTarget(Target):
    def __init__(self) -> None:
        self.logs = corpus.logs()

    def run(self, random: Random) -> None:
        name, data = "log.1", self.log(random)
        disk = MemoryDisk({f"{FOLDER}/{name}": data})
        try:
            for _, payload in LogReader(disk, FOLDER, 0, LIMIT_BYTES).entries():
                decode_txn(payload, LIMIT_BYTES)
        except (DecodeError, StorageError) as error:
            check_reason(error)

    def log(self, random: Random) -> bytes:
        """A mutated log; at times the entries are mutated and have their checksums right."""
        data = random.choice(self.logs)
        if random.random() < 0.6:
            return mutated(random, data, random.choice(self.logs)) + bytes(random.choice((0, 0, 100, 5000)))
        out, at, victim = [data[:16]], 16, random.randrange(20)
        while at + 13 <= len(data):
            size = struct.unpack_from(">i", data, at + 8)[0]
            payload = data[at + 12 : at + 12 + size]
            if len(out) % 20 == victim:
                payload = mutated(random, payload, data)
            out.append(struct.pack(">qi", adler32(payload), len(payload)) + payload + b"B")
            at += 13 + size
        return b"".join(out)


class ImageTarget(Target):
    def __init__(self) -> None:
        plain = [data for name, data in corpus.snapshots() if name.count(".") == 1]
        self.images = [data[16:] for data in plain]

    def run(self, random: Random) -> None:
        image = mutated(random, random.choice(self.images), random.choice(self.images))
        database = Database(OPTIONS)
        reader = ImageReader(database, LIMIT_BYTES)
        try:
            for piece in _cut(random, image, 4):
                if reader.feed(piece) is not None:
                    break
            else:
                return
        except (DecodeError, StorageError) as error:
            check_reason(error)
            return
        writer = ImageWriter(database)
        while writer.next_slice(100, LIMIT_BYTES) is not None:
            pass


class SnapshotTarget(Target):
    def __init__(self) -> None:
        self.snapshots = corpus.snapshots()

    def run(self, random: Random) -> None:
        name, data = random.choice(self.snapshots)
        data = mutated(random, data, random.choice(self.snapshots)[1])
        disk = MemoryDisk({f"{FOLDER}/{name}": data})
        (snapshot,) = snapshots_in([name])
        try:
            load_snapshot(disk, FOLDER, snapshot, Database(OPTIONS), LIMIT_BYTES)
        except (DecodeError, StorageError) as error:
            check_reason(error)


class RecoveryTarget(Target):
    """A folder of two logs and a snapshot, in which one file is mutated."""

    def __init__(self) -> None:
        first, second = corpus.logs()[:2]
        self.files = {"log.1": first, "log.c": second, "snapshot.11": corpus.snapshots()[0][1]}
        self.logs = LogTarget()

    def run(self, random: Random) -> None:
        files = {f"{FOLDER}/{name}": data for name, data in self.files.items()}
        name = random.choice(sorted(files))
        files[name] = mutated(random, files[name], self.files["log.1"])
        if random.random() < 0.5:
            del files[f"{FOLDER}/snapshot.11"]
        if random.random() < 0.2:
            files[f"{FOLDER}/log.1"] = self.logs.log(random)
        try:
            recover(MemoryDisk(files), SETTINGS, lambda: Database(OPTIONS), tell=_ignore, clock_s=lambda: 0.0)
        except StorageError as error:
            check_reason(error)


def _ignore(_: str) -> None: ...
