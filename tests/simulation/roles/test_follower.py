"""A follower of ours under a scripted leader, in broadcast (quorum, sections 9.3, 10 and 12)."""

from collections.abc import Iterator

import pytest
from raw_jute import buffer, i32

from zkeeper.server.config.model import StorageConfig

from ..node import DATA_DIR  # noqa: TID252  the package has one name in pytest and another as a program
from ..requests import CloseSession, Create, Exists, GetData, Multi, SetData, Sync  # noqa: TID252  as above
from .learner_world import LearnerWorld, made, paths
from .packets import (
    ACK,
    COMMIT,
    DIFF,
    INFORM,
    NEW_LEADER,
    PING,
    PROPOSAL,
    REQUEST,
    REVALIDATE,
    SYNC,
    close_session_txn,
    create_session_txn,
    create_txn,
    epoch,
    error_txn,
    revalidated,
    set_data_txn,
    touched,
    txn,
)

E1, E2 = epoch(1), epoch(2)
SESSION_MOVED, SESSION_EXPIRED = -118, -112
SMALL_SNAPSHOTS = StorageConfig(data_dir=DATA_DIR, pre_alloc_size_kb=64, snap_count=4)


@pytest.fixture
def world() -> Iterator[LearnerWorld]:
    with LearnerWorld() as made_world:
        yield made_world


# Proposals and commits.


def test_a_proposal_is_acknowledged_when_it_is_durable(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    seen: list[tuple[int, list[int]]] = []
    link.on_packet = lambda packet: seen.append((packet.zxid, world.node.logged()))
    link.stop_pings()
    for counter in range(1, 6):
        link.propose(E1 + counter, made(E1 + counter))
    link.wait_for(ACK, E1 + 5)
    assert [zxid for zxid, _ in seen] == [E1 + counter for counter in range(1, 6)]
    for zxid, logged in seen:
        assert logged[: zxid - E1] == [E1 + counter for counter in range(1, zxid - E1 + 1)]
    assert world.paths() == set()


def test_nothing_is_acknowledged_while_the_disk_stands_still(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    world.node.disk.set_latency(3.0, 3.0, "log")
    link.propose(E1 + 1, made(E1 + 1))
    world.run_for(2.9)
    assert not link.has(ACK, E1 + 1)
    link.wait_for(ACK, E1 + 1, 0.2)


def test_a_commit_is_applied_though_the_own_disk_stands_still(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    world.node.disk.set_latency(3.0, 3.0, "log")
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    world.run_for(0.1)
    assert world.paths() == paths(E1 + 1)
    assert world.node.logged() == []


def test_an_error_transaction_has_its_place(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.propose(E1 + 1, error_txn(E1 + 1, -101), commit=True)
    link.propose(E1 + 2, made(E1 + 2), commit=True)
    link.wait_for(ACK, E1 + 2)
    assert world.paths() == paths(E1 + 2)
    assert world.node.logged() == [E1 + 1, E1 + 2]


def test_a_proposal_without_a_digest_is_taken(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    world.run_until(lambda: world.paths() == paths(E1 + 1))
    assert world.node.photo().digest_mismatches == 0


@pytest.mark.parametrize("zxid", [E1 + 2, E2, E1 - 1 + (1 << 63) - (1 << 62)], ids=hex)
def test_a_hole_between_proposals_ends_the_role(world: LearnerWorld, zxid: int) -> None:
    """ZOOKEEPER-2418, 4925: what does not follow never gets into a log."""
    link = world.begin()
    world.serve(link, 1, count=1)
    link.propose(zxid + 1, made(zxid + 1))
    if zxid >> 32 == 1:
        link.wait_over()
        assert world.node.logged() == [E1 + 1]
        assert world.lead_in(world.leader.next_learner(), 2).zxid == E1 + 1
    else:
        link.wait_for(ACK, zxid + 1)


def test_what_is_proposed_again_is_left_out(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=1)
    link.propose(E1 + 1, made(E1 + 1))
    link.propose(E1 + 2, made(E1 + 2), commit=True)
    link.wait_for(ACK, E1 + 2)
    assert world.paths() == paths(E1 + 1, E1 + 2)
    assert world.node.logged() == [E1 + 1, E1 + 2]


def test_a_commit_for_another_one_than_the_next_ends_the_role(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    for counter in (1, 2):
        link.propose(E1 + counter, made(E1 + counter))
    link.send(COMMIT, E1 + 2)
    link.wait_over()
    assert world.node.failure is None, "Java's server exits here; ours is brought into line"
    assert world.lead_in(world.leader.next_learner(), 2).zxid == E1 + 2
    assert world.node.logged() == [E1 + 1, E1 + 2]


def test_a_commit_of_what_was_never_proposed_ends_the_role(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.send(COMMIT, E1 + 1)
    link.wait_over()
    world.lead_in(world.leader.next_learner(), 2)


def test_a_commit_of_what_is_committed_changes_nothing(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=1)
    link.propose(E1 + 2, made(E1 + 2), commit=True)
    link.send(COMMIT, E1 + 2)
    link.send(COMMIT, E1 + 1)
    link.propose(E1 + 3, made(E1 + 3), commit=True)
    world.run_until(lambda: world.paths() == paths(E1 + 1, E1 + 2, E1 + 3))


@pytest.mark.parametrize("payload", [None, b"", b"\0" * 40, made(E1 + 2)], ids=["null", "empty", "zeros", "other"])
def test_a_proposal_that_is_none_ends_the_role(world: LearnerWorld, payload: bytes | None) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.send(PROPOSAL, E1 + 1, payload)
    link.wait_over()
    assert world.node.failure is None
    assert world.lead_in(world.leader.next_learner(), 2).zxid == 0


@pytest.mark.parametrize("kind", [NEW_LEADER, DIFF, REQUEST, ACK, 77])
def test_other_packets_are_ignored(world: LearnerWorld, kind: int) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.send(kind, 5, b"what")
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    world.run_until(lambda: world.paths() == paths(E1 + 1))


def test_garbage_ends_the_role_and_not_the_server(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=1)
    link.send_raw(b"\x7f" * 100)
    link.wait_over()
    assert world.lead_in(world.leader.next_learner(), 2).zxid == E1 + 1


# The end of the role.


def test_what_was_proposed_is_logged_and_counts_when_the_leader_is_lost(world: LearnerWorld) -> None:
    """Appendix F: with 8, 9 logged and not committed the next ACKEPOCH announces 9."""
    link = world.begin()
    world.serve(link, 1, count=1)
    for counter in (2, 3):
        link.propose(E1 + counter, made(E1 + counter))
    link.wait_for(ACK, E1 + 3)
    link = world.rejoin(link)
    assert world.lead_in(link, 2).zxid == E1 + 3
    assert world.paths() == paths(E1 + 1, E1 + 2, E1 + 3)


def test_memory_is_not_ahead_of_the_log_when_the_leader_is_lost(world: LearnerWorld) -> None:
    """ZOOKEEPER-4882, 4646: what was applied by COMMIT while the own disk stood still."""
    link = world.begin()
    world.serve(link, 1, count=1)
    world.node.disk.set_latency(1.0, 1.0, "log")
    for counter in range(2, 6):
        link.propose(E1 + counter, made(E1 + counter), commit=True)
        world.run_for(0.1)
    assert world.node.logged() == [E1 + 1]
    link = world.rejoin(link)
    announced = world.lead_in(link, 2).zxid
    assert announced == E1 + 5
    assert world.node.logged() == [E1 + counter for counter in range(1, 6)]
    before = world.node.photo()
    link.send(DIFF, announced)
    world.new_leader(link, 2)
    world.up_to_date(link, 2)
    link.propose(E2 + 1, made(E2 + 1), commit=True)
    link.wait_for(ACK, E2 + 1)
    world.node.machine.kill()
    world.node.start()
    after = world.node.photo()
    assert after.nodes.keys() == before.nodes.keys() | paths(E2 + 1)
    assert world.node.logged() == [*(E1 + counter for counter in range(1, 6)), E2 + 1]


def test_a_disk_error_while_a_role_ends_stops_the_server(world: LearnerWorld) -> None:
    """ZOOKEEPER-4882: memory is ahead of the log for good, so this memory must not be used."""
    link = world.begin()
    world.serve(link, 1, count=1)
    world.node.disk.set_latency(1.0, 1.0, "log")
    for counter in (2, 3):
        link.propose(E1 + counter, made(E1 + counter), commit=True)
        world.run_for(0.1)
    world.node.disk.fail_next("sync")
    link.close()
    world.run_until(lambda: world.node.failure is not None)
    world.run_until(lambda: world.node.is_over)


def test_a_disk_error_stops_the_server_and_nothing_is_acknowledged_any_more(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=1)
    world.node.disk.fail_next("sync")
    for counter in (2, 3):
        link.propose(E1 + counter, made(E1 + counter))
    world.run_until(lambda: world.node.is_over)
    assert world.node.failure is not None
    assert not link.has(ACK, E1 + 2)
    world.node.machine.kill()
    world.node.start()
    assert world.node.failure is None
    link = world.leader.next_learner()
    assert world.lead_in(link, 2).zxid == world.node.logged()[-1]


def test_no_snapshot_is_ahead_of_the_log(world: LearnerWorld) -> None:
    """What was applied by COMMIT and is not in the own log yet must not be the base of a restart: the log would go on
    behind a hole that an older snapshot does not cover."""
    with LearnerWorld(storage=SMALL_SNAPSHOTS) as small:
        link = small.begin()
        small.serve(link, 1)
        small.node.disk.set_latency(0.5, 1.5, "log")
        for counter in range(1, 60):
            link.propose(E1 + counter, made(E1 + counter), commit=True)
            small.run_for(0.05)
            assert small.node.snapshots()[-1] <= (small.node.logged() or [0])[-1]
        link.wait_for(ACK, E1 + 59)
        small.run_for(10)
        assert len(small.node.snapshots()) > 2
        assert small.node.snapshots()[-1] <= small.node.logged()[-1]


def test_a_leader_that_is_silent_for_sync_limit_is_left(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    world.run_for(20)
    assert not link.is_over
    link.stop_pings()
    world.run_for(3.4)
    assert not link.is_over
    link.wait_over(1.1)


def test_clients_are_closed_and_their_sessions_live_on(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    link = world.rejoin(link)
    world.run_until(client.lost.done)
    world.lead_in(link, 2)
    assert world.node.photo().sessions == {client.session.session_id: 10_000}


# What clients ask for.


def test_writes_are_forwarded_as_captured(world: LearnerWorld) -> None:
    """Appendix C, but for the session's id."""
    link = world.begin()
    world.serve(link, 1)
    connecting = world.begin_connect()
    asked = link.take(REQUEST)
    session = asked.body[:8]
    assert (asked.body[8:], asked.authinfo) == (bytes.fromhex("00000000 fffffff6 00002710"), None)
    assert session[0] == 1, "the server's id is the session's first byte"
    link.propose(E1 + 1, create_session_txn(E1 + 1, int.from_bytes(session, signed=True)), commit=True)
    link.wait_for(ACK, E1 + 1)
    world.run_until(connecting.done)
    client = connecting.result()
    world.post(client, Create("/x", b"v1", form=1))
    asked = link.take(REQUEST)
    assert asked.body[8:] == bytes.fromhex(
        "00000001 00000001 00000002 2f78 00000002 7631 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65"
        "00000000"
    )
    assert asked.authinfo == ((b"ip", b"10.0.0.4"),)
    world.post(client, Sync("/x"))
    asked = link.take(REQUEST)
    assert asked.body[8:] == bytes.fromhex("00000002 00000009 00000002 2f78")
    world.post(client, CloseSession())
    asked = link.take(REQUEST)
    assert (asked.body[:8], asked.body[8:]) == (session, bytes.fromhex("00000003 fffffff5"))
    assert asked.authinfo == ((b"ip", b"10.0.0.4"),)


def test_a_client_reads_its_own_write(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    write, read = world.post(client, Create("/x", b"v1", form=1)), world.post(client, GetData("/x"))
    link.take(REQUEST)
    world.run_for(1)
    assert read.reply is None, "it waits for the write before it"
    world.commit(link, E1 + 2, create_txn(E1 + 2, "/x", b"v1", client.session.session_id, cxid=1))
    assert (world.reply(write).code, world.reply(write).zxid, world.reply(write).value) == (0, E1 + 2, "/x")
    assert world.reply(read).value[0] == b"v1"


def test_a_write_of_another_server_is_not_taken_for_ones_own(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    write = world.post(client, Create("/x", form=1))
    link.take(REQUEST)
    world.commit(link, E1 + 2, create_txn(E1 + 2, "/y", session_id=0x77, cxid=1))
    world.run_for(1)
    assert write.reply is None
    world.commit(link, E1 + 3, create_txn(E1 + 3, "/x", session_id=client.session.session_id, cxid=1))
    assert world.reply(write).zxid == E1 + 3


def test_errors_of_the_leader_are_answered(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    session = client.session.session_id
    sent = world.post(client, SetData("/none", b""))
    link.take(REQUEST)
    world.commit(link, E1 + 2, error_txn(E1 + 2, -101, session, cxid=1))
    assert (world.reply(sent).code, world.reply(sent).zxid) == (-101, E1 + 2)


def test_a_session_that_has_moved_is_told_and_its_connection_closed(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    sent = world.post(client, Create("/x"))
    link.take(REQUEST)
    world.commit(link, E1 + 2, error_txn(E1 + 2, SESSION_MOVED, client.session.session_id, cxid=1))
    world.run_until(client.lost.done)
    assert world.reply(sent).code == SESSION_MOVED


def test_a_session_that_expires_at_the_leader_loses_its_connection(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    session = client.session.session_id
    world.commit(link, E1 + 2, create_txn(E1 + 2, "/eph", session_id=session, ephemeral=True, cxid=9))
    world.commit(link, E1 + 3, close_session_txn(E1 + 3, session, ["/eph"]))
    world.run_until(client.lost.done)
    assert "/eph" not in world.node.photo().nodes
    assert world.node.photo().sessions == {}


def test_the_end_of_a_session_by_the_leader_is_no_answer_to_a_write_with_xid_zero(world: LearnerWorld) -> None:
    """Both have the session's id and cxid 0; a write is answered by a transaction of its own kind, or by an error."""
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    client.next_xid = 0
    world.post(client, SetData("/x", b""))
    link.take(REQUEST)
    world.commit(link, E1 + 2, close_session_txn(E1 + 2, client.session.session_id))
    world.run_until(client.lost.done)
    assert not link.is_over
    world.commit(link, E1 + 3, error_txn(E1 + 3, SESSION_EXPIRED, client.session.session_id, cxid=0))
    assert world.node.serves()


def test_sync_and_writes_are_answered_in_their_order(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    session = client.session.session_id
    first = world.post(client, Create("/a", form=1))
    sync = world.post(client, Sync("/a"))
    last = world.post(client, Create("/b", form=1))
    for _ in range(3):
        link.take(REQUEST)
    for counter, path in ((2, "/a"), (3, "/b")):
        link.propose(E1 + counter, create_txn(E1 + counter, path, session_id=session, cxid=2 * counter - 3))
    link.wait_for(ACK, E1 + 3)
    link.send(COMMIT, E1 + 2)
    link.send(SYNC)
    link.send(COMMIT, E1 + 3)
    world.reply(last)
    assert [reply.sent for reply in client.replies] == [first, sync, last]
    assert [reply.code for reply in client.replies] == [0, 0, 0]


def test_a_sync_that_nobody_waits_for_is_ignored(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.send(SYNC)
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    world.run_until(lambda: world.paths() == paths(E1 + 1))


def test_a_multi_that_failed_is_answered_part_by_part(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    sent = world.post(client, Multi((Create("/m"), SetData("/none", b""))))
    asked = link.take(REQUEST)
    assert asked.body[12:16] == bytes.fromhex("0000000e")
    create = create_txn(0, "/m")[32:]
    body = i32(2) + i32(1) + buffer(create) + bytes.fromhex("ffffffff 00000004 ffffff9b")
    world.commit(link, E1 + 2, txn(E1 + 2, 14, body, client.session.session_id, 1))
    assert [code for _, code, _ in world.reply(sent).value] == [0, -101]


def test_reads_do_not_go_to_the_leader(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=1)
    client = world.open_session(link, E1 + 2)
    link.left()
    assert world.call(client, Exists("/e1-1")).value.czxid == E1 + 1
    assert [packet for packet in link.left() if packet.kind == REQUEST] == []


# Sessions.


def test_a_ping_is_answered_with_who_was_heard_of(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    link.stop_pings()
    world.run_for(1)
    before = len(link.got)

    def pinged() -> list[bytes | None]:
        link.send(PING, E1 + 1)
        world.run_for(0.5)
        return [packet.data for packet in link.got[before:] if packet.kind == PING]

    pinged()
    assert pinged()[-1] == b"", "empty, not null"
    world.call(client, Exists("/"))
    assert pinged()[-1] == touched({client.session.session_id: 10_000})
    assert pinged()[-1] == b""


def test_every_follower_tells_of_a_new_session_once(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.stop_pings()
    world.commit(link, E1 + 1, create_session_txn(E1 + 1, 0x0300000000000001, 7000))
    before = len(link.got)
    for _ in range(2):
        link.send(PING, E1 + 1)
        world.run_for(0.5)
    pings = [packet.data for packet in link.got[before:] if packet.kind == PING]
    assert pings == [touched({0x0300000000000001: 7000}), b""]


@pytest.mark.parametrize("is_valid", [True, False])
def test_a_session_that_a_client_brings_is_asked_for(world: LearnerWorld, is_valid: bool) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.open_session(link, E1 + 1)
    session = client.session
    client.abort()
    world.run_for(1)
    connecting = world.begin_connect(session=session)
    asked = link.take(REVALIDATE)
    assert asked.body == touched({session.session_id: 10_000})
    link.send(REVALIDATE, -1, revalidated(session.session_id, is_valid))
    world.run_until(connecting.done)
    if is_valid:
        assert connecting.result().session == session
    else:
        assert connecting.exception() is not None


def test_a_wrong_password_is_refused_without_the_leader(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    session = world.open_session(link, E1 + 1).session
    link.left()
    connecting = world.begin_connect(session=session._replace(password=bytes(16)))
    world.run_until(connecting.done)
    assert connecting.exception() is not None
    assert [packet for packet in link.left() if packet.kind == REVALIDATE] == []


def test_an_answer_for_a_session_that_nobody_asked_for_is_ignored(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.send(REVALIDATE, -1, revalidated(0x55, True))
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    world.run_until(lambda: world.paths() == paths(E1 + 1))


# Observers.


def test_an_observer_applies_what_it_is_informed_of_and_takes_no_proposals() -> None:
    with LearnerWorld(participants=(2, 3), observers=(1,)) as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        link.propose(E1 + 2, made(E1 + 2), commit=True)
        link.send(INFORM, E1 + 2, made(E1 + 2))
        client = world.open_session(link, E1 + 3)
        sent = world.post(client, Create("/x", form=1))
        link.take(REQUEST)
        link.send(INFORM, E1 + 4, create_txn(E1 + 4, "/x", session_id=client.session.session_id, cxid=1))
        world.run_until(lambda: sent.reply is not None)
        assert world.paths() == paths(E1 + 1, E1 + 2)
        assert [packet for packet in link.left() if packet.kind == ACK] == []
        world.run_until(lambda: world.node.logged() == [E1 + counter for counter in range(1, 5)])


def test_a_hole_between_informs_ends_the_role() -> None:
    with LearnerWorld(participants=(2, 3), observers=(1,)) as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        link.send(INFORM, E1 + 3, made(E1 + 3))
        link.wait_over()
        assert world.lead_in(world.leader.next_learner(), 2).zxid == E1 + 1


def test_a_change_of_data_is_watched_on_the_follower(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=1)
    client = world.open_session(link, E1 + 2)
    assert world.call(client, GetData("/e1-1", is_watching=True)).code == 0
    world.commit(link, E1 + 3, set_data_txn(E1 + 3, "/e1-1", b"new", 1))
    world.run_until(lambda: len(client.events) == 1)
    assert (client.events[0].kind, client.events[0].path) == (3, "/e1-1")
