"""Images: cut anywhere, taken while the tree changes, and mended by the log."""

import random

import pytest
from database_support import (
    CLOSED,
    LIMIT_BYTES,
    OPEN,
    READ_ONLY,
    check_consistent,
    create,
    image_of,
    image_parts,
    loaded,
    new_database,
    nodes,
    open_session,
    set_acl,
    shown,
)
from hypothesis import given
from hypothesis import strategies as st
from pipeline_harness import Server

from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database
from zkeeper.database.image import ImageReader, ImageWriter
from zkeeper.errors import CorruptionError, DecodeError, EndOfDataError
from zkeeper.pipeline.requests import (
    CreateRequest,
    DeleteRequest,
    MultiRequest,
    SessionRequest,
    SetAclRequest,
    SetDataRequest,
    WriteRequest,
)
from zkeeper.wire import protocol
from zkeeper.wire.acl import RawAcl
from zkeeper.wire.txns import Txn, decode_txn


def sample() -> Database:
    database = new_database()
    for one in (
        open_session(1, 77), create(2, b"/a", b"x"), create(3, b"/a/b", None, acl=CLOSED),
        create(4, b"/e", session=77), create(5, b"/c", txn_type=protocol.CREATE_CONTAINER),
        create(6, b"/t", txn_type=protocol.CREATE_TTL, ttl_ms=99), set_acl(7, b"/a", READ_ONLY, 1),
        create(8, b"/zookeeper/quota/a"), create(9, b"/zookeeper/quota/a/zookeeper_limits", b"count=5,bytes=-1"),
        create(10, b"/zookeeper/quota/a/zookeeper_stats"),
    ):  # fmt: skip
        database.apply(one)
    return database


@given(st.lists(st.integers(1, 90), max_size=60).map(tuple), st.integers(1, 9), st.integers(1, 500))
def test_an_image_comes_back_however_it_is_cut(sizes: tuple[int, ...], max_nodes: int, max_bytes: int) -> None:
    database = sample()
    again = loaded(image_of(database, max_nodes, max_bytes), sizes)
    check_consistent(again)
    assert shown(again) == shown(database)
    assert again.sessions == database.sessions
    assert again.tree.digest == database.tree.digest
    assert again.tree.quotas.quota_paths == {b"/a"}
    assert image_parts(image_of(again)) == image_parts(image_of(database))


def test_slices_hold_as_many_znodes_as_they_may() -> None:
    writer = ImageWriter(sample())
    slices = list(iter(lambda: writer.next_slice(3, LIMIT_BYTES), None))
    assert len(slices) == 4
    assert b"".join(slices) == image_of(sample())


def test_a_slice_ends_with_the_znode_that_fills_it() -> None:
    database, data_bytes = new_database(), 1000
    for zxid in range(1, 21):
        database.apply(create(zxid, b"/%d" % zxid, bytes(data_bytes)))
    writer = ImageWriter(database)
    slices = list(iter(lambda: writer.next_slice(1000, 3 * data_bytes), None))
    assert len(slices) == 7
    assert all(3 * data_bytes <= len(one) < 4 * data_bytes for one in slices[:-1])
    assert b"".join(slices) == image_of(database)


def test_what_follows_an_image_is_given_back() -> None:
    assert ImageReader(new_database(), 1000).feed(image_of(sample()) + b"tail") == b"tail"


def test_every_truncation_waits_for_more() -> None:
    image = image_of(sample())
    for size in range(len(image)):
        database = new_database()
        assert ImageReader(database, 1000).feed(image[:size]) is None
        assert shown(database) == shown(new_database())


def check_refusal(error: Exception) -> None:
    assert not isinstance(error, EndOfDataError)
    assert str(error)


def test_a_flipped_bit_is_an_image_or_an_error() -> None:
    image = image_of(sample())
    for at in range(0, len(image) * 8, 5):
        flipped = bytearray(image)
        flipped[at // 8] ^= 1 << at % 8
        try:
            ImageReader(new_database(), 1000).feed(bytes(flipped))
        except (DecodeError, CorruptionError) as error:
            check_refusal(error)


def test_an_image_without_the_reserved_znodes_is_refused() -> None:
    image = image_of(new_database())
    with pytest.raises(DecodeError, match="lacks"):
        loaded(image.replace(b"/zookeeper/quota", b"/zookeeper/qu0ta"))


def test_a_znode_before_its_parent_is_refused() -> None:
    with pytest.raises(DecodeError, match="parent"):
        loaded(image_of(sample()).replace(b"\0\0\0\2/a\0", b"\0\0\0\2/x\0"))


def test_lists_that_no_znode_names_are_dropped_and_indexes_are_not_reused() -> None:
    database = sample()
    image = image_of(database)
    names = dict(database.tree.acls.items())
    again = loaded(image.replace(b"a:b", b"c:d"))
    again.apply(create(20, b"/new", acl=((1, b"ip", b"1.2.3.4"),)))
    fresh = nodes(again)[b"/new"].acl.index
    assert fresh not in names
    check_consistent(again)


def test_a_list_that_came_after_the_table_is_supplied_by_the_log() -> None:
    """The table was written, then the znode with a new list; replay of its create names the list."""
    database = new_database()
    writer = ImageWriter(database)
    late = create(1, b"/late", b"x", acl=CLOSED)
    database.apply(late)
    image = (writer.next_slice(100, LIMIT_BYTES) or b"") + b""
    again = loaded(image)
    assert not nodes(again)[b"/late"].acl.known
    again.apply(late)
    check_consistent(again)
    assert nodes(again)[b"/late"].acl.entries == CLOSED


# An image taken while the tree changes, and the log replayed over it.

ACLS = [[RawAcl(31, b"world", b"anyone")], [RawAcl(31, b"ip", b"1.1.1.1")], [RawAcl(5, b"digest", b"a:b")]]


class World:
    """A database that changes at random, and the log of how."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Without the list of paths in closeSession no replay can tell an old ephemeral from what followed it.
        self.server = Server(extended_types=True, auth=AuthRules(skip_acl=True), list_ephemerals=True)
        self.database = self.server.database

    def path(self) -> bytes:
        return b"".join(b"/" + self.random.choice([b"a", b"b", b"c"]) for _ in range(self.random.randint(1, 3)))

    def request(self) -> WriteRequest:
        dice = self.random.random()
        if dice < 0.40:
            op, flags = self.random.choice([(1, 0), (1, 0), (1, 0), (1, 1), (15, 2), (19, 4), (21, 5)])
            ttl_ms = 1000 if op == protocol.CREATE_TTL else -1
            return CreateRequest(op, self.path(), self.random.randbytes(2), self.random.choice(ACLS), flags, ttl_ms)
        if dice < 0.72:
            return DeleteRequest(protocol.DELETE, self.path(), -1)
        if dice < 0.82:
            return SetDataRequest(self.path(), self.random.randbytes(3), -1)
        if dice < 0.92:
            return SetAclRequest(self.path(), self.random.choice(ACLS), -1)
        if dice < 0.96:
            return SessionRequest(self.random.choice([protocol.CREATE_SESSION, protocol.CLOSE_SESSION]), 5000)
        return MultiRequest([self.request_in_multi() for _ in range(3)])

    def request_in_multi(self) -> WriteRequest:
        while True:
            request = self.request()
            if isinstance(request, CreateRequest | DeleteRequest | SetDataRequest):
                return request

    def step(self) -> None:
        """Two requests, the second while the first is not durable yet."""
        for _ in range(2):
            self.server.wall_ms += 1
            self.server.service.propose(None, self.random.randint(1, 3), 0, self.request(), 0)
        self.server.commit()
        assert self.database.digest_mismatches == 0

    def steps(self, most: int) -> None:
        for _ in range(self.random.randint(0, most)):
            self.step()

    def fuzzy_image(self) -> bytes:
        writer, image = ImageWriter(self.database), b""
        while (piece := writer.next_slice(self.random.randint(1, 4), LIMIT_BYTES)) is not None:
            image += piece
            self.steps(8)
        return image


def decoded(payload: bytes) -> Txn:
    return decode_txn(payload, 1 << 20)


@pytest.mark.parametrize("seed", range(150))
def test_a_fuzzy_image_and_the_log_give_the_live_tree(seed: int) -> None:
    world = World(seed)
    world.steps(40)
    begun = len(world.server.log)
    image = world.fuzzy_image()
    ended = len(world.server.log)
    world.steps(20)
    again = loaded(image)
    again.last_zxid = begun
    for zxid, payload in world.server.log[begun:]:
        txn = decoded(payload)
        txn.has_digest = txn.has_digest and zxid > ended
        again.apply(txn)
    assert again.digest_mismatches == 0
    check_consistent(again)
    check_consistent(world.database)
    assert shown(again) == shown(world.database)
    assert again.sessions == world.database.sessions
    assert again.tree.digest == world.database.tree.digest


def test_every_index_names_one_list() -> None:
    database = new_database()
    for zxid in range(1, 50):
        database.apply(create(zxid, b"/%d" % zxid, acl=((zxid, b"world", b"anyone"),) if zxid % 2 else OPEN))
    check_consistent(database)
    assert len(database.tree.acls.items()) == 25
