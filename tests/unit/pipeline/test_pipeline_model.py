"""Sessions that pipeline random requests while the disk answers late, judged by a small, obvious model.

1. Every client gets exactly the replies and notifications that the model says, in that order.
2. A replica that is given the logged bytes has the same tree, sessions and digest.
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import raw_wire as raw
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from model import PERSISTENT, RECURSIVE, STANDARD, Answer, Model, Op, parent_of
from pipeline_harness import LIMIT_BYTES, Client, Server
from raw_wire import Event, Reply

from zkeeper.database.database import Database
from zkeeper.wire.txns import decode_txn

PATHS = [b"/a", b"/b", b"/a/x", b"/a/y", b"/b/x", b"/a/x/z"]
WATCHED = [b"/", *PATHS]
CLIENTS = st.integers(0, 2)
PATH = st.sampled_from(PATHS)
DATA = st.none() | st.binary(max_size=3)
VERSION = st.sampled_from([-1, -1, -1, 0, 1, 5])
CREATES = st.builds(
    Op, st.sampled_from([raw.CREATE, raw.CREATE2]), PATH, DATA, st.sampled_from([0, 0, 1, 2, 3])
)  # fmt: skip
CHANGES = (
    CREATES
    | st.builds(lambda path, version: Op(raw.DELETE, path, version=version), PATH, VERSION)
    | st.builds(lambda path, data, version: Op(raw.SET_DATA, path, data, 0, version), PATH, DATA, VERSION)
)
CHECKS = st.builds(lambda path, version: Op(raw.CHECK, path, version=version), PATH, VERSION)
SET_ACLS = st.builds(lambda path, version: Op(raw.SET_ACL, path, version=version), PATH, VERSION)
MULTIS = st.lists(CHANGES | CHECKS, max_size=5).map(lambda ops: Op(raw.MULTI, ops=tuple(ops)))

Item = Event | tuple[int, Any]
Read = Callable[[], Any]


def taken_apart(reply: Reply, op: int) -> Any:
    """A reply's body, as the model speaks of it."""
    cursor = reply.cursor()
    if reply.err:
        assert not reply.body
        return reply.err
    if op in (raw.CREATE, raw.CREATE2):
        return cursor.buffer(), cursor.stat() if op == raw.CREATE2 else None
    if op in (raw.SET_DATA, raw.SET_ACL, raw.EXISTS):
        return cursor.stat()
    if op == raw.MULTI:
        return raw.results(reply.body)
    if op == raw.GET_DATA:
        return cursor.buffer(), cursor.stat()
    if op == raw.GET_CHILDREN2:
        return sorted(cursor.buffers()), cursor.stat()
    if op == raw.GET_EPHEMERALS:
        return sorted(cursor.buffers())
    return reply.body


def of_answer(answer: Answer, op: int) -> Any:
    if answer.err:
        return answer.err
    if op in (raw.CREATE, raw.CREATE2):
        return answer.path, answer.stat
    if op in (raw.SET_DATA, raw.SET_ACL):
        return answer.stat
    return answer.results if op == raw.MULTI else b""


class Barrier:
    """A sync: answered when the first `after` writes of all are applied."""

    def __init__(self, after: int, value: Any) -> None:
        self.after = after
        self.value = value


class Seat:
    """One client as the model sees it: what it sent, and what it has to be told."""

    def __init__(self, number: int, client: Client) -> None:
        self.number = number
        self.client = client
        self.ops: dict[int, int] = {}
        self.queue: deque[tuple[Op | Read | Barrier, int, int]] = deque()
        self.expected: list[Item] = []
        self.is_closing = False


class Pipeline(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.server = Server()
        self.model = Model(lambda number, event: self.seats[number].expected.append(event))
        self.seats: dict[int, Seat] = {}
        self.order: deque[Seat] = deque()
        self.applied = 0
        for number in range(3):
            self.seats[number] = Seat(number, self.server.connect())
            self.model.zxid += 1

    def send(self, number: int, op: int, body: bytes, what: Op | Read | Barrier) -> None:
        seat = self.seats[number]
        if seat.is_closing:
            return
        self.server.wall_ms += 1
        xid = seat.client.post(op, body)
        seat.ops[xid] = op
        seat.queue.append((what, xid, self.server.wall_ms))
        if isinstance(what, Op):
            self.order.append(seat)
        self.answer_reads(seat)

    def answer_reads(self, seat: Seat) -> None:
        while seat.queue and not isinstance(seat.queue[0][0], Op):
            read, xid, _ = seat.queue[0]
            assert not isinstance(read, Op)
            if isinstance(read, Barrier) and self.applied < read.after:
                return
            seat.queue.popleft()
            zxid, value = self.model.zxid, read.value if isinstance(read, Barrier) else read()
            seat.expected.append((xid, (zxid, value)))

    # Writes.

    @rule(number=CLIENTS, ops=st.lists(CHANGES | CREATES | SET_ACLS | MULTIS, min_size=1, max_size=4))
    def write(self, number: int, ops: list[Op]) -> None:
        for op in ops:
            self.send(number, op.type, op.body(), op)

    @rule(number=CLIENTS, dice=st.integers(0, 4))
    def maybe_close_session(self, number: int, dice: int) -> None:
        if dice == 4:
            self.send(number, raw.CLOSE_SESSION, b"", Op(raw.CLOSE_SESSION))
            self.seats[number].is_closing = True

    @rule(count=st.integers(1, 6))
    def commit(self, count: int) -> None:
        for _ in range(min(count, len(self.order))):
            self.apply_next()
        self.server.commit(count)

    def apply_next(self) -> None:
        seat = self.order.popleft()
        op, xid, time = seat.queue.popleft()
        assert isinstance(op, Op)
        answer = self.model.write(seat.client.session_id, op, time)
        seat.expected.append((xid, (answer.zxid, of_answer(answer, op.type))))
        if op.type == raw.CLOSE_SESSION:
            self.model.forget(seat.number)
        self.applied += 1
        for each in self.seats.values():
            self.answer_reads(each)

    @rule(number=CLIENTS)
    def connect_again(self, number: int) -> None:
        """With its session, or with a new one when that is closed."""
        seat = self.seats[number]
        self.commit(len(self.order))
        self.check_told()
        if not seat.is_closing:
            seat.client.link.lost()
            self.model.forget(number)
        again = self.server.open()
        if seat.is_closing:
            again.handshake(raw.connect())
            self.model.zxid += 1
        else:
            again.handshake(raw.connect(10000, seat.client.session_id, seat.client.password))
            assert again.session_id == seat.client.session_id
        self.seats[number] = Seat(number, again)

    # Reads.

    @rule(number=CLIENTS, path=st.sampled_from(WATCHED), watch=st.booleans())
    def exists(self, number: int, path: bytes, watch: bool) -> None:
        def answer() -> Any:
            if watch:
                self.model.watch("data", number, path, STANDARD)
            return self.model.stat(path) if path in self.model.nodes else -101

        self.send(number, raw.EXISTS, raw.read(path, watch), answer)

    @rule(number=CLIENTS, path=st.sampled_from(WATCHED), watch=st.booleans())
    def get_data(self, number: int, path: bytes, watch: bool) -> None:
        def answer() -> Any:
            if path not in self.model.nodes:
                return -101
            if watch:
                self.model.watch("data", number, path, STANDARD)
            return self.model.nodes[path].data, self.model.stat(path)

        self.send(number, raw.GET_DATA, raw.read(path, watch), answer)

    @rule(number=CLIENTS, path=st.sampled_from(WATCHED), watch=st.booleans())
    def get_children(self, number: int, path: bytes, watch: bool) -> None:
        def answer() -> Any:
            if path not in self.model.nodes:
                return -101
            if watch:
                self.model.watch("child", number, path, STANDARD)
            return self.model.children(path), self.model.stat(path)

        self.send(number, raw.GET_CHILDREN2, raw.read(path, watch), answer)

    @rule(number=CLIENTS)
    def get_ephemerals(self, number: int) -> None:
        session = self.seats[number].client.session_id
        self.send(number, raw.GET_EPHEMERALS, raw.buffer(b"/"), lambda: self.model.owned(session))

    @rule(number=CLIENTS, path=st.sampled_from(WATCHED), recursive=st.booleans())
    def add_watch(self, number: int, path: bytes, recursive: bool) -> None:
        def answer() -> Any:
            self.model.watch("data", number, path, RECURSIVE if recursive else PERSISTENT)
            if not recursive:
                self.model.watch("child", number, path, PERSISTENT)
            return raw.i32(0)

        self.send(number, raw.ADD_WATCH, raw.versioned(path, int(recursive)), answer)

    @rule(number=CLIENTS, path=st.sampled_from(WATCHED))
    def remove_watches(self, number: int, path: bytes) -> None:
        def answer() -> Any:
            return b"" if self.model.unwatch(number, path) else -121

        self.send(number, raw.REMOVE_WATCHES, raw.versioned(path, 3), answer)

    @rule(number=CLIENTS, op=st.sampled_from([raw.CREATE, raw.GET_DATA, raw.SET_DATA, raw.SYNC]))
    def cut_off_body(self, number: int, op: int) -> None:
        self.send(number, op, b"\0\0", self.barrier(-5) if op == raw.SYNC else lambda: -5)

    @rule(number=CLIENTS)
    def sync(self, number: int) -> None:
        self.send(number, raw.SYNC, raw.buffer(b"/a"), self.barrier(raw.buffer(b"/a")))

    def barrier(self, value: Any) -> Barrier:
        return Barrier(self.applied + len(self.order), value)

    # Judgement.

    @invariant()
    def check_told(self) -> None:
        for seat in self.seats.values():
            told: list[Item] = []
            for reply in seat.client.take():
                if reply.xid == -1:
                    told.append(reply.event())
                else:
                    told.append((reply.xid, (reply.zxid, taken_apart(reply, seat.ops[reply.xid]))))
            assert told == seat.expected
            seat.expected.clear()

    @invariant()
    def check_digest(self) -> None:
        assert self.server.database.digest_mismatches == 0

    def teardown(self) -> None:
        if not hasattr(self, "server"):
            return
        self.commit(len(self.order))
        self.check_told()
        replica = Database(self.server.options)
        for _, payload in self.server.log:
            replica.apply(decode_txn(payload, LIMIT_BYTES))
        live = self.server.database
        assert replica.digest_mismatches == 0
        assert (replica.tree.digest, replica.tree.node_count) == (live.tree.digest, live.tree.node_count)
        assert (replica.sessions, replica.last_zxid) == (live.sessions, live.last_zxid)
        assert replica.tree.owners.ephemerals == live.tree.owners.ephemerals
        for path in self.model.nodes:
            node = replica.tree.lookup(path)
            assert node is not None
            assert node.data == self.model.nodes[path].data
        assert replica.tree.node_count == len(self.model.nodes)


Pipeline.TestCase.settings = settings(max_examples=50, stateful_step_count=50)
test_pipeline = Pipeline.TestCase


def random_op(random: Random, depth: int = 0) -> Op:
    path, version = random.choice(PATHS), random.choice([-1, -1, -1, -1, 0, 1])
    kind = random.choice([raw.CREATE] * 4 + [raw.DELETE] * 3 + [raw.SET_DATA] * 2 + [raw.SET_ACL, raw.MULTI])
    if kind == raw.CREATE:
        data = random.choice([None, b"", b"xyz"])
        return Op(random.choice([raw.CREATE, raw.CREATE2]), path, data, random.choice([0, 0, 0, 1, 2, 3]))
    if kind in (raw.SET_ACL, raw.MULTI) and depth:
        return Op(raw.CHECK, path, version=version)
    if kind == raw.MULTI:
        return Op(raw.MULTI, ops=tuple(random_op(random, 1) for _ in range(random.randint(0, 4))))
    return Op(kind, path, b"%d" % random.randrange(2000) if kind == raw.SET_DATA else None, version=version)


def play_one(play: Pipeline, random: Random) -> None:
    number, path, watch = random.randrange(3), random.choice(WATCHED), random.random() < 0.6
    dice = random.random()
    if dice < 0.45:
        play.write(number, [random_op(random)])
    elif dice < 0.60:
        play.commit(random.randint(1, 6))
    elif dice < 0.90:
        random.choice([play.exists, play.get_data, play.get_children])(number, path, watch)
    elif dice < 0.96:
        play.get_ephemerals(number)
        if dice < 0.93:
            play.add_watch(number, path, watch)
        else:
            play.remove_watches(number, path)
    elif dice < 0.97:
        play.maybe_close_session(number, 4)
    elif dice < 0.99:
        play.connect_again(number)
    else:
        play.cut_off_body(number, raw.CREATE)


@pytest.mark.parametrize("seed", range(25))
def test_a_long_random_play(seed: int) -> None:
    random, play = Random(seed), Pipeline()
    play.begin()
    for _ in range(300):
        play_one(play, random)
        play.check_told()
        play.check_digest()
    play.teardown()


def test_the_model_knows_paths() -> None:
    assert [parent_of(path) for path in (b"/a", b"/a/b")] == [b"/", b"/a"]
