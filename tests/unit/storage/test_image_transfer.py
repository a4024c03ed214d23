"""Images on the wire: as Java's leader sends them, taken while the tree changes, and believed only when whole."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from storage_support import (
    OPTIONS,
    create,
    database_after,
    new_disk,
    read_file,
    recovered,
    run,
    set_data,
    write_file,
    write_snapshot,
)

from zkeeper.database.database import Database
from zkeeper.errors import DecodeError
from zkeeper.storage.image_transfer import PIECE_BYTES, SIGNATURE, receive_image, send_image
from zkeeper.storage.names import SnapshotFile
from zkeeper.storage.snapshot_reader import load_snapshot
from zkeeper.wire import protocol
from zkeeper.wire.txns import CreateSessionBody, DeleteBody, Txn

LIMIT_BYTES = 1 << 20
E1 = 1 << 32
# As a leader of 3.9.5 sent it to a server that joined.
FRESH_HEAD = (
    "00000000 00000001 0000000000000001 00000001 00000001 00000005 776f726c64 00000006 616e796f6e65"
    "00000000 00000000 ffffffffffffffff"
)
FRESH_END = "00000001 2f 0000000a 42656e57617348657265"
SECOND_PATH = "0000000a 2f7a6f6f6b6565706572"


def new_database() -> Database:
    return Database(OPTIONS)


def sample() -> Database:
    session = Txn(7, 0, 1, 1001, protocol.CREATE_SESSION, CreateSessionBody(30_000))
    nodes = [create(zxid, data=bytes(zxid)) for zxid in range(2, 300)]
    return database_after(session, *nodes, create(300, b"/large", bytes(3 * PIECE_BYTES)))


def sent(database: Database) -> bytes:
    chunks: list[bytes] = []

    async def write_chunk(chunk: bytes) -> None:
        chunks.append(chunk)

    size_bytes = run(partial(send_image, database, write_chunk))
    assert size_bytes == sum(map(len, chunks))
    return b"".join(chunks)


def in_chunks(data: bytes, sizes: Callable[[], int]) -> Callable[[], Awaitable[bytes]]:
    position = 0

    async def next_chunk() -> bytes:
        nonlocal position
        start, position = position, position + sizes()
        return data[start:position]

    return next_chunk


def received(data: bytes, sizes: Callable[[], int] = lambda: 1 << 30, zxid: int = 300) -> tuple[Database, bytes]:
    return run(partial(receive_image, new_database, zxid, in_chunks(data, sizes), LIMIT_BYTES))


def state(database: Database) -> tuple[int, int, dict[int, int], int]:
    tree = database.tree
    return int(tree.digest), int(tree.node_count), database.sessions, int(database.last_zxid)


def test_a_fresh_database_is_sent_as_java_sends_it() -> None:
    data = sent(Database())
    head, second, end = bytes.fromhex(FRESH_HEAD), bytes.fromhex(SECOND_PATH), bytes.fromhex(FRESH_END)
    assert data.startswith(head + bytes(60) + second)
    assert data.endswith(end)
    assert bytes.fromhex(FRESH_END)[5:] == SIGNATURE


@pytest.mark.parametrize("most_bytes", [1, 100, PIECE_BYTES, 10 * PIECE_BYTES])
def test_what_was_sent_is_received_however_it_is_cut(most_bytes: int) -> None:
    chance = random.Random(most_bytes)
    database, rest = received(sent(sample()) + b"packets", lambda: chance.randint(1, most_bytes))
    assert state(database) == state(sample())
    assert b"packets".startswith(rest)
    packets = chance.randbytes(3 * PIECE_BYTES)
    assert received(sent(sample()) + packets)[1] == packets


def test_nothing_is_received_before_the_signature_is_there() -> None:
    data = sent(sample())
    chance = random.Random(1)
    for end in [*(chance.randrange(len(data)) for _ in range(100)), *range(len(data) - 20, len(data))]:
        with pytest.raises(DecodeError, match="ended within"):
            received(data[:end])


def test_another_signature_is_refused() -> None:
    data = sent(sample())
    for at in range(len(SIGNATURE)):
        wrong = bytearray(data)
        wrong[-1 - at] ^= 0x20
        with pytest.raises(DecodeError, match="signature"):
            received(bytes(wrong))


def test_a_flipped_bit_is_an_error_or_another_image() -> None:
    data = sent(database_after(create(1), create(2), create(3, b"/n1/x")))
    for at in range(len(data) * 8):
        wrong = bytearray(data)
        wrong[at // 8] ^= 1 << at % 8
        try:
            received(bytes(wrong))
        except DecodeError as error:
            check_reason(error)


def check_reason(error: Exception) -> None:
    assert str(error)


class Turns:
    """Counts the turns of the loop, by which others get theirs."""

    def __init__(self) -> None:
        self.count = 0
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)

    def stop(self) -> None:
        self._task.cancel()


def test_others_have_their_turn_while_an_image_is_received() -> None:
    data = sent(sample())

    async def main() -> None:
        turns = Turns()
        await receive_image(new_database, 300, in_chunks(data, lambda: len(data)), LIMIT_BYTES)
        assert turns.count >= len(data) // PIECE_BYTES
        turns.stop()

    run(main)


def test_others_have_their_turn_while_an_image_is_sent() -> None:
    database = database_after(*[create(zxid) for zxid in range(1, 5000)])

    async def main() -> None:
        turns, most_bytes = Turns(), 0

        async def write_chunk(chunk: bytes) -> None:
            nonlocal most_bytes
            most_bytes = max(most_bytes, len(chunk))

        await send_image(database, write_chunk)
        assert turns.count >= 5
        assert most_bytes < 100_000
        turns.stop()

    run(main)


# An image that is sent while transactions are applied, and the proposals that follow it.


def with_digest(leader: Database, txn: Txn) -> Txn:
    """As the leader proposes it; it is applied there, too."""
    leader.apply(txn)
    return Txn(txn.session_id, txn.cxid, txn.zxid, txn.time_ms, txn.txn_type, txn.body, True, leader.tree.digest)


def change(chance: random.Random, zxid: int) -> Txn:
    path = b"/n%x" % chance.randint(2, 3000)
    dice = chance.random()
    if dice < 0.3:
        return Txn(7, 1, zxid, 1000, protocol.DELETE, DeleteBody(path))
    if dice < 0.6:
        return create(zxid, path)
    return set_data(zxid, path, b"%x" % zxid, zxid)


def fuzzy_transfer(seed: int) -> tuple[Database, Database, list[Txn]]:
    """Leader, learner before the proposals, and these; some of them after the image was complete."""
    chance = random.Random(seed)
    leader = database_after(*[create(zxid) for zxid in range(1, 2000)])
    at_zxid, chunks, proposals = int(leader.last_zxid), list[bytes](), list[Txn]()

    def propose() -> None:
        txn = change(chance, int(leader.last_zxid) + 1)
        proposals.append(with_digest(leader, txn))

    async def write_chunk(chunk: bytes) -> None:
        chunks.append(chunk)
        for _ in range(30):
            propose()

    run(partial(send_image, leader, write_chunk))
    learner, _ = received(b"".join(chunks), zxid=at_zxid)
    for _ in range(10):
        propose()
    return leader, learner, proposals


@pytest.mark.parametrize("seed", range(5))
def test_proposals_mend_an_image_and_no_difference_is_told_before(seed: int) -> None:
    leader, learner, proposals = fuzzy_transfer(seed)
    assert learner.awaits_agreement
    for txn in proposals:
        learner.apply(txn)
    assert state(learner) == state(leader)
    assert (learner.awaits_agreement, learner.digest_mismatches) == (False, 0)


def test_a_learner_that_differs_is_told_once_agreement_is_demanded() -> None:
    _, learner, proposals = fuzzy_transfer(1)
    learner.apply(create(learner.last_zxid + 1, b"/of-its-own"))
    for txn in proposals[:-5]:
        learner.apply(txn)
    assert (learner.awaits_agreement, learner.digest_mismatches) == (True, 0)
    learner.demand_agreement()
    for txn in proposals[-5:]:
        learner.apply(txn)
    assert learner.digest_mismatches == 5


def test_after_agreement_a_difference_is_one() -> None:
    _, learner, proposals = fuzzy_transfer(2)
    for txn in proposals[:-1]:
        learner.apply(txn)
    assert not learner.awaits_agreement
    txn = proposals[-1]
    learner.apply(Txn(txn.session_id, txn.cxid, txn.zxid, txn.time_ms, txn.txn_type, txn.body, True, txn.digest + 1))
    assert learner.digest_mismatches == 1


def test_a_received_image_that_was_saved_still_awaits_agreement_after_a_restart() -> None:
    """What is saved of it has no digest, in the form that Java's servers read."""
    leader, learner, proposals = fuzzy_transfer(3)
    disk = new_disk()
    write_snapshot(disk, learner)
    name = f"snapshot.{int(learner.last_zxid):x}"
    loaded = load_snapshot(disk, "/data/version-2", SnapshotFile(int(learner.last_zxid)), new_database(), LIMIT_BYTES)
    assert loaded.tail.digest is not None
    assert (loaded.tail.digest.zxid, loaded.tail.digest.version, loaded.tail.digest.digest) == (0, 2, 0)
    for txn in proposals:
        loaded.database.apply(txn)
    assert state(loaded.database) == state(leader)
    assert loaded.database.digest_mismatches == 0
    assert disk.names("/data/version-2") == [name]


def test_a_snapshot_whose_digest_lies_behind_the_log_awaits_agreement() -> None:
    """A follower applies what others made durable; its own log may end before, in a crash."""
    database = database_after(create(1), create(2))
    disk = new_disk()
    write_snapshot(disk, database)
    assert not recovered(disk).database.awaits_agreement
    write_file(disk, "snapshot.1", read_file(disk, "snapshot.2"))
    disk.remove("/data/version-2/snapshot.2")
    found = recovered(disk).database
    assert (found.last_zxid, found.awaits_agreement, found.digest_mismatches) == (1, True, 0)
