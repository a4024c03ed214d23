"""The services of a leader and of its learners, joined by hand: what is proposed reaches all, what is asked the leader.

The leader's log is durable, and its commits reach a learner, when the test says so.
"""

import pytest
import raw_wire as raw
from pipeline_harness import FIRST_SESSION, Client, Server

from zkeeper.database.acls import Identity
from zkeeper.database.sessions import NO_OWNER, session_password
from zkeeper.pipeline.learners import claim_session, propose_for_learner, revalidate, touch_for_learner
from zkeeper.wire.txns import decode_txn

LIMIT_BYTES = 1 << 21
MOVED, EXPIRED, UNIMPLEMENTED, MARSHALLING, NO_NODE = -118, -112, -6, -5, -101


class Learner(Server):
    """Its own number as an owner of sessions is `number`; `asked` waits for the leader, `heard` for the learner."""

    def __init__(self, leader: Server, number: int) -> None:
        super().__init__(first_session=FIRST_SESSION + (number << 48))
        self.leader = leader
        self.number = number
        self.asked: list[tuple[int, int, int, bytes, list[Identity] | None]] = []
        self.questions: list[int] = []
        self.taken = 0
        self.service.forward_to(self)

    # The connection to the leader.

    def request(self, session_id: int, cxid: int, op: int, body: bytes, credentials: list[Identity] | None) -> None:
        self.asked.append((session_id, cxid, op, body, credentials))

    def revalidate(self, session_id: int, timeout_ms: int) -> None:
        self.questions.append(session_id)

    def pass_on(self) -> None:
        """What was asked reaches the leader, which answers questions at once."""
        for session_id, cxid, op, body, credentials in self.asked:
            if op != raw.SYNC:
                propose_for_learner(self.leader.service, self.number, session_id, cxid, op, body, credentials or [])
        self.asked.clear()
        for session_id in self.questions:
            is_valid = revalidate(self.leader.service, self.number, session_id)
            self.service.handshake.revalidated(session_id, is_valid)
        self.questions.clear()

    def hear(self) -> None:
        """What the leader has proposed and committed reaches this learner."""
        for zxid, payload in self.leader.log[self.taken :]:
            self.service.proposed(decode_txn(payload, LIMIT_BYTES, True), payload)
            self.taken += 1
            assert zxid == self.last_logged
        self.service.committed(int(self.leader.database.last_zxid))

    # What the harness of clients does after it has sent something.

    def commit(self, count: int | None = None) -> None:
        self.pass_on()
        self.leader.commit(count)
        self.hear()


@pytest.fixture
def leader() -> Server:
    return Server()


@pytest.fixture
def one(leader: Server) -> Learner:
    return Learner(leader, 1)


@pytest.fixture
def two(leader: Server) -> Learner:
    return Learner(leader, 2)


def error_of(leader: Server) -> int | None:
    """The code of the last transaction, if it is an error."""
    payload = leader.log[-1][1]
    is_error = decode_txn(payload, LIMIT_BYTES, True).txn_type == raw.ERROR
    return int.from_bytes(payload[32:36], signed=True) if is_error else None


def resume(server: Server, client: Client) -> Client:
    """The client's session, on another connection."""
    again = server.open()
    again.handshake(raw.connect(10_000, client.session_id, session_password(client.session_id)))
    return again


# Writes and reads.


def test_a_client_of_a_learner_is_answered_as_the_leaders_are(leader: Server, one: Learner) -> None:
    client = one.connect()
    assert client.create(b"/a", b"1") == b"/a"
    assert client.get(b"/a")[0] == b"1"
    assert client.err(raw.DELETE, raw.versioned(b"/none")) == NO_NODE
    assert [
        result.err for result in client.multi((raw.CREATE, raw.create(b"/b")), (raw.CHECK, raw.versioned(b"/a")))
    ] == [0, 0]
    assert leader.database.tree.digest == one.database.tree.digest


def test_a_read_behind_a_write_waits_for_it(one: Learner) -> None:
    client = one.connect()
    client.post(raw.CREATE, raw.create(b"/a"))
    read = client.post(raw.EXISTS, raw.read(b"/a"))
    one.pass_on()
    one.leader.commit()
    assert client.take() == []
    one.hear()
    replies = client.take()
    assert [(reply.xid, reply.err) for reply in replies] == [(read - 1, 0), (read, 0)]


def test_reads_of_others_do_not_wait(one: Learner) -> None:
    first, second = one.connect(), one.connect()
    first.post(raw.CREATE, raw.create(b"/a"))
    second.post(raw.EXISTS, raw.read(b"/"))
    assert [reply.err for reply in second.take()] == [0]


def test_writes_of_others_are_not_taken_for_ones_own(leader: Server, one: Learner, two: Learner) -> None:
    mine, other = one.connect(), two.connect()
    other.server.commit()
    mine.post(raw.CREATE, raw.create(b"/mine"))
    other.post(raw.CREATE, raw.create(b"/other"))
    two.commit()
    one.hear()
    assert mine.take() == []
    one.commit()
    assert [reply.err for reply in mine.take()] == [0]
    two.hear()
    assert one.database.tree.digest == two.database.tree.digest == leader.database.tree.digest


def test_an_answer_for_a_client_that_is_gone_is_taken_all_the_same(one: Learner) -> None:
    gone, stays = one.connect(), one.connect()
    gone.post(raw.CREATE, raw.create(b"/gone"))
    stays.post(raw.CREATE, raw.create(b"/stays"))
    gone.link.lost()
    one.commit()
    assert [reply.err for reply in stays.take()] == [0]
    assert one.service.forwarder is not None
    assert one.service.forwarder.waiting() == 0


def test_what_the_leader_does_with_a_session_by_itself_answers_no_request(leader: Server, one: Learner) -> None:
    """A client's xid may be 0, as the leader's cxid is."""
    client = one.connect()
    client.xid = -1
    client.post(raw.SET_DATA, raw.set_data(b"/none", b""))
    session = leader.service.tracker.sessions[client.session_id]
    leader.service.end_session(session, 0)
    leader.commit()
    one.hear()
    assert client.is_closed
    one.commit()
    assert one.service.forwarder is not None
    assert one.service.forwarder.waiting() == 0


def test_credentials_go_with_a_write(leader: Server, one: Learner) -> None:
    client = one.connect(address=b"10.1.2.3")
    client.log_in(b"user:secret")
    client.post(raw.CREATE, raw.create(b"/a", entries=[(31, b"auth", b"")]))
    credentials = one.asked[-1][4] or []
    assert credentials[0] == (b"ip", b"10.1.2.3")
    assert (credentials[1][0], credentials[1][1][:5]) == (b"digest", b"user:")
    one.commit()
    assert [reply.err for reply in client.take()] == [0]
    other = one.connect()
    assert other.err(raw.SET_DATA, raw.set_data(b"/a", b"x")) == -102


# Syncs.


def test_a_sync_is_answered_behind_what_was_committed_when_the_leader_said_so(one: Learner) -> None:
    client = one.connect()
    first = client.post(raw.CREATE, raw.create(b"/a"))
    sync = client.post(raw.SYNC, raw.text("/a"))
    last = client.post(raw.CREATE, raw.create(b"/b"))
    assert [op for _, _, op, _, _ in one.asked] == [raw.CREATE, raw.SYNC, raw.CREATE]
    one.pass_on()
    one.leader.commit(1)
    one.hear()
    one.service.syncs.answered()
    one.commit()
    assert [(reply.xid, reply.err) for reply in client.take()] == [(first, 0), (sync, 0), (last, 0)]


def test_a_read_behind_a_sync_waits_for_it(one: Learner) -> None:
    client = one.connect()
    client.post(raw.SYNC, raw.text("/"))
    client.post(raw.EXISTS, raw.read(b"/"))
    one.commit()
    assert client.take() == []
    one.service.syncs.answered()
    assert len(client.take()) == 2


def test_a_sync_that_nobody_waits_for_is_ignored(one: Learner) -> None:
    one.service.syncs.answered()
    assert one.connect().create(b"/a") == b"/a"


# Sessions.


def test_sessions_are_known_to_all_and_owned_by_one(leader: Server, one: Learner, two: Learner) -> None:
    client = one.connect()
    two.hear()
    assert leader.service.tracker.sessions[client.session_id].owner == 1
    assert two.database.sessions == one.database.sessions == leader.database.sessions == {client.session_id: 10_000}


def test_a_session_that_moved_is_refused_where_it_was(leader: Server, one: Learner, two: Learner) -> None:
    client = one.connect()
    two.hear()
    moved = resume(two, client)
    assert moved.session_id == client.session_id
    assert client.err(raw.CREATE, raw.create(b"/a")) == MOVED
    assert client.is_closed
    two.hear()
    assert moved.create(b"/b") == b"/b"


def test_a_session_moves_to_the_leader_and_back(leader: Server, one: Learner) -> None:
    client = one.connect()
    on_leader = resume(leader, client)
    assert client.err(raw.CREATE, raw.create(b"/a")) == MOVED
    assert on_leader.create(b"/b") == b"/b"
    back = resume(one, client)
    assert back.session_id == client.session_id
    assert on_leader.err(raw.CREATE, raw.create(b"/c")) == MOVED
    one.hear()
    assert back.create(b"/d") == b"/d"


def test_a_session_moves_while_its_write_is_on_the_way(leader: Server, one: Learner, two: Learner) -> None:
    """22.17."""
    client = one.connect()
    two.hear()
    client.post(raw.CREATE, raw.create(b"/a"))
    moved = resume(two, client)
    assert moved.session_id == client.session_id
    one.commit()
    assert [reply.err for reply in client.take()] == [MOVED]
    assert leader.database.tree.lookup(b"/a") is None


def check_it_ends(leader: Server, client: Client, learner: Learner) -> None:
    """The session moves to a learner, and its client ends it where it was."""
    moved = resume(learner, client)
    client.ok(raw.CLOSE_SESSION)
    learner.hear()
    assert client.is_closed
    assert moved.is_closed
    assert leader.service.tracker.sessions == {}
    assert leader.database.sessions == learner.database.sessions == {}


def test_a_session_that_moved_is_ended_where_it_was(leader: Server, one: Learner, two: Learner) -> None:
    client = one.connect()
    two.hear()
    check_it_ends(leader, client, two)


def test_a_session_that_moved_from_the_leader_is_ended_there(leader: Server, one: Learner) -> None:
    client = leader.connect()
    one.hear()
    check_it_ends(leader, client, one)


def test_a_write_that_the_leader_has_taken_counts_though_the_session_moves(
    leader: Server, one: Learner, two: Learner
) -> None:
    client = one.connect()
    two.hear()
    client.post(raw.CREATE, raw.create(b"/a"))
    one.pass_on()
    resume(two, client)
    one.commit()
    assert [reply.err for reply in client.take()] == [0]


def test_who_speaks_first_for_a_session_without_an_owner_has_it(leader: Server) -> None:
    session = leader.service.tracker.add(0x77, 10_000, 0)
    session.owner = NO_OWNER
    assert claim_session(session, 2) == 0
    assert claim_session(session, 1) == MOVED
    session.closing = True
    assert claim_session(session, 2) == EXPIRED
    assert claim_session(None, 2) == EXPIRED


def test_an_expired_session_writes_no_more(leader: Server, one: Learner) -> None:
    client = one.connect()
    leader.now_ms += 60_000
    leader.service.expire_sessions()
    client.post(raw.CREATE, raw.create(b"/a"))
    one.commit()
    assert client.is_closed
    assert leader.database.tree.lookup(b"/a") is None
    assert leader.database.sessions == {}
    assert decode_txn(leader.log[-1][1], LIMIT_BYTES, True).txn_type == raw.ERROR


def test_a_learner_lets_no_session_expire(leader: Server, one: Learner) -> None:
    client = one.connect()
    one.now_ms += 60_000
    one.service.expire_sessions()
    one.commit()
    assert not client.is_closed


def test_touches_keep_a_session_alive(leader: Server, one: Learner) -> None:
    client = one.connect()
    one.service.tracker.take_touched()
    for _ in range(5):
        leader.now_ms += 9_000
        client.ok(raw.EXISTS, raw.read(b"/"))
        for session_id in one.service.tracker.take_touched():
            touch_for_learner(leader.service, session_id)
        leader.service.expire_sessions()
    assert client.session_id in leader.database.sessions
    touch_for_learner(leader.service, 0x99)


def test_a_session_is_told_to_the_leader_once_for_each_time_it_was_heard_of(one: Learner) -> None:
    client = one.connect()
    assert one.service.tracker.take_touched() == {client.session_id: 10_000}
    assert one.service.tracker.take_touched() == {}
    client.ok(raw.EXISTS, raw.read(b"/"))
    assert one.service.tracker.take_touched() == {client.session_id: 10_000}


def test_a_session_that_ended_is_not_revalidated(leader: Server, one: Learner, two: Learner) -> None:
    client = one.connect()
    two.hear()
    client.ok(raw.CLOSE_SESSION)
    two.hear()
    assert resume(two, client).session_id == 0


def test_a_session_that_is_closing_is_not_revalidated(leader: Server, one: Learner, two: Learner) -> None:
    client = one.connect()
    two.hear()
    client.post(raw.CLOSE_SESSION)
    one.pass_on()
    again = two.open()
    again.send(raw.connect(10_000, client.session_id, session_password(client.session_id)))
    two.pass_on()
    assert again.is_closed


def test_ephemerals_go_with_their_session_everywhere(leader: Server, one: Learner, two: Learner) -> None:
    """ZOOKEEPER-4837, 5010."""
    client = one.connect()
    client.create(b"/e", flags=1)
    client.ok(raw.CLOSE_SESSION)
    two.hear()
    for server in (leader, one, two):
        assert server.database.tree.lookup(b"/e") is None


# What is not to be believed.


def test_a_bare_check_is_refused(leader: Server, one: Learner) -> None:
    """ZOOKEEPER-2623, 4680."""
    client = one.connect()
    before = leader.database.tree.digest
    for cxid, op in enumerate((raw.CHECK, raw.DELETE_CONTAINER, raw.SYNC, raw.EXISTS, 4711, raw.ERROR)):
        propose_for_learner(leader.service, 1, client.session_id, 90 + cxid, op, raw.versioned(b"/"), [])
        leader.commit()
        assert error_of(leader) == UNIMPLEMENTED
    assert leader.database.tree.digest == before


@pytest.mark.parametrize("op", [raw.CREATE, raw.SET_DATA, raw.MULTI, raw.SET_ACL, raw.CREATE_SESSION])
@pytest.mark.parametrize("body", [b"", b"\0", b"\x7f\xff\xff\xff", raw.text("/a")], ids=repr)
def test_a_request_that_does_not_decode_has_a_zxid_and_an_answer(
    leader: Server, one: Learner, op: int, body: bytes
) -> None:
    client = one.connect()
    before = len(leader.log)
    propose_for_learner(leader.service, 1, client.session_id, 99, op, body, [])
    leader.commit()
    assert len(leader.log) == before + 1
    assert error_of(leader) == (None if op == raw.CREATE_SESSION and len(body) >= 4 else MARSHALLING)


# The end of the role.


def test_what_was_proposed_and_not_committed_is_applied_when_the_role_is_over(leader: Server, one: Learner) -> None:
    client = one.connect()
    client.post(raw.CREATE, raw.create(b"/a"))
    one.pass_on()
    for _, payload in leader.log[one.taken :]:
        one.service.proposed(decode_txn(payload, LIMIT_BYTES, True), payload)
    one.service.stop()
    one.service.apply_rest()
    assert one.database.tree.lookup(b"/a") is not None
    assert one.database.last_zxid == one.last_logged
    assert client.take() == []
    assert one.service.outstanding() == 0


def test_nothing_is_proposed_beyond_the_last_zxid(leader: Server) -> None:
    """ZOOKEEPER-1277, 2789, 4883."""
    client = leader.connect()
    calls: list[None] = []
    leader.service.limit_zxids(leader.last_logged + 2, lambda: calls.append(None))
    for number in range(5):
        client.post(raw.CREATE, raw.create(b"/%d" % number))
    assert len(calls) == 3
    leader.commit()
    assert len(client.take()) == 2


def test_whether_a_client_of_the_leader_waits_for_what_is_next(leader: Server, one: Learner) -> None:
    """Of others' writes the commit may leave before it is applied."""
    own, others = leader.connect(), one.connect()
    assert not leader.service.answers_next(), "nothing is under way"
    others.post(raw.CREATE, raw.create(b"/a"))
    one.pass_on()
    assert leader.service.outstanding() == 1
    assert not leader.service.answers_next()
    one.commit()
    own.post(raw.CREATE, raw.create(b"/b"))
    assert leader.service.outstanding() == 1
    assert leader.service.answers_next()
