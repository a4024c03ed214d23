"""A leader of ours with scripted learners (quorum, sections 7.3, 8, 9, 10, 12 and 13)."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from raw_jute import buffer, i32, i64, text

from zkeeper.cli.serve import is_compiled
from zkeeper.quorum.votes import LEADING
from zkeeper.server.config.ensemble import EnsembleConfig, LearnersConfig
from zkeeper.server.config.model import LimitsConfig
from zkeeper.server.ensemble import broadcasting, leading
from zkeeper.storage.history import LANE
from zkeeper.testing.simulation import UnhandledError

from ..requests import CloseSession, Create, GetData, SetData, Sync  # noqa: TID252  the package has two names
from .leader_world import (
    IDS,
    SESSION,
    LeaderWorld,
    acknowledge,
    ask,
    catch_up,
    create_body,
    discover,
    hold_back,
    until_new_leader,
)
from .packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    DIFF,
    FOLLOWER_INFO,
    INFORM,
    LEADER_INFO,
    NEW_LEADER,
    OBSERVER_INFO,
    PING,
    PROPOSAL,
    REQUEST,
    REVALIDATE,
    SNAP,
    SYNC,
    TRUNC,
    UP_TO_DATE,
    Packet,
    epoch,
    learner_info,
    read_txn,
    request,
    revalidate,
    revalidated,
    touched,
)
from .peers import Link, follow_to_service, introduce

E1, E2 = epoch(1), epoch(2)
CREATE, CHECK, SET_DATA, DELETE_CONTAINER = 1, 13, 5, 20
CREATE_SESSION, CLOSE_SESSION, SYNC_OP, ERROR = -10, -11, 9, -1
UNIMPLEMENTED, MARSHALLING, SESSION_MOVED, SESSION_EXPIRED = -6, -5, -118, -112


@pytest.fixture
def world() -> Iterator[LeaderWorld]:
    with LeaderWorld() as made_world:
        yield made_world


# Discovery: FOLLOWERINFO (22.8).


def test_the_epoch_is_one_more_than_the_highest_that_was_accepted(world: LeaderWorld) -> None:
    world.start()
    assert introduce(world.learner(), 1, 6) == Packet(LEADER_INFO, epoch(7), i32(0x10000))
    assert world.node.accepted_epoch() == 7, "durable before anybody hears of it"
    assert world.node.current_epoch() == 0


def test_no_epoch_without_a_quorum(world: LeaderWorld) -> None:
    world.start()
    world.run_for(9)
    assert world.node.accepted_epoch() == 0
    world.run_until(world.node.is_looking, 3)


def test_an_observer_raises_the_epoch_and_does_not_count() -> None:
    with LeaderWorld(observers=(4,)) as world:
        world.start()
        observer = world.learner(4)
        observer.send(OBSERVER_INFO, epoch(8), learner_info(4))
        world.run_for(2)
        assert observer.got == []
        assert introduce(world.learner(), 1).zxid == epoch(9)
        observer.expect(LEADER_INFO, epoch(9))


def test_a_stranger_is_served_and_does_not_count(world: LeaderWorld) -> None:
    world.start()
    stranger = world.learner()
    stranger.send(FOLLOWER_INFO, epoch(8), learner_info(77))
    world.run_for(2)
    assert stranger.got == []
    assert introduce(world.learner(), 1).zxid == epoch(9)
    stranger.expect(LEADER_INFO, epoch(9))


def test_an_observer_with_the_id_of_a_participant_does_not_count(world: LeaderWorld) -> None:
    world.start()
    odd = world.learner()
    odd.send(OBSERVER_INFO, 0, learner_info(1))
    world.run_for(5)
    assert odd.got == []


def test_who_comes_later_gets_the_epoch_that_is_fixed(world: LeaderWorld) -> None:
    world.start()
    introduce(world.learner(1), 1, 3)
    late = introduce(world.learner(2), 2, 9)
    assert late.zxid == epoch(4)


@pytest.mark.parametrize(
    "info", [i64(1) + i32(0x10000), learner_info(1), learner_info(1) + b"more"], ids=["12", "20", "24"]
)
def test_forms_of_a_learners_info(world: LeaderWorld, info: bytes) -> None:
    world.start()
    assert introduce(world.learner(), 1, info=info).kind == LEADER_INFO


@pytest.mark.parametrize("info", [None, b"", b"1234567", i64(1), i64(1) + i32(1)], ids=["null", "0", "7", "8", "old"])
def test_a_learner_of_before_3_4_is_refused(world: LeaderWorld, info: bytes | None) -> None:
    world.start()
    link = world.learner()
    link.send(FOLLOWER_INFO, 0, info)
    link.wait_over(1)


def test_a_learner_with_the_number_of_the_leader_is_refused(world: LeaderWorld) -> None:
    """What it acknowledges would count as the leader's own log."""
    world.serve()
    link = world.learner(2)
    link.send(FOLLOWER_INFO, E1, learner_info(3))
    link.wait_over(1)
    assert link.left() == []


def test_a_newer_configuration_than_the_leaders_is_refused(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    link.send(FOLLOWER_INFO, 0, learner_info(1, config_version=1))
    link.wait_over(1)


def test_an_epoch_after_which_there_is_none_is_refused(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    link.send(FOLLOWER_INFO, epoch(0x7FFFFFFF), learner_info(1))
    link.wait_over(1)
    assert introduce(world.learner(2), 2).zxid == E1
    assert world.node.failure is None


@pytest.mark.parametrize("kind", [ACK, LEADER_INFO, ACK_EPOCH, REQUEST, 77])
def test_another_first_packet_is_refused(world: LeaderWorld, kind: int) -> None:
    world.start()
    link = world.learner()
    link.send(kind, 0, learner_info(1))
    link.wait_over(1)


def test_garbage_costs_its_own_connection(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    link.send_raw(b"\x7f" * 64)
    link.wait_over(1)
    assert introduce(world.learner(2), 2).zxid == E1


def test_a_silent_connection_is_closed_after_init_limit(world: LeaderWorld) -> None:
    world.serve()
    silent = world.learner(2)
    world.run_for(9.5)
    assert not silent.is_over
    silent.wait_over(1)


# Discovery: ACKEPOCH (22.9).


def test_current_epoch_is_durable_when_a_quorum_has_accepted_the_epoch(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    introduce(link, 1)
    seen: list[int] = []
    link.on_packet = lambda packet: seen.append(world.node.current_epoch())
    assert world.node.current_epoch() == 0
    link.send(ACK_EPOCH, 0, i32(0))
    link.expect(DIFF, 0)
    world.run_until(lambda: world.node.current_epoch() == 1)


def test_minus_one_is_no_acceptance_of_the_epoch(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    introduce(link, 1)
    link.send(ACK_EPOCH, 0, i32(-1))
    world.run_for(5)
    assert world.node.current_epoch() == 0
    assert link.left() == []
    other = world.learner(2)
    introduce(other, 2)
    other.send(ACK_EPOCH, 0, i32(0))
    link.expect(DIFF)
    other.expect(DIFF)


@pytest.mark.parametrize("current", [0, 5])
def test_a_learner_with_more_than_the_leader_is_refused(world: LeaderWorld, current: int) -> None:
    world.start()
    link = world.learner()
    introduce(link, 1)
    link.send(ACK_EPOCH, 1, i32(current))
    link.wait_over(1)
    other = world.learner(2)
    introduce(other, 2)
    other.send(ACK_EPOCH, 0, i32(0))
    other.expect(DIFF)


def test_a_learner_with_more_is_cut_back_once_a_quorum_has_accepted(world: LeaderWorld) -> None:
    """After the collection the check is skipped."""
    world.serve()
    client = world.connect()
    last = world.write(client, "/a")[0]
    assert discover(world.learner(2), 2, last + 5, current=1) == Packet(TRUNC, last)


def test_the_second_packet_has_to_be_ackepoch(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    introduce(link, 1)
    link.send(ACK, 0)
    link.wait_over(1)


def test_the_wait_for_the_epoch_is_over_after_init_limit(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    introduce(link, 1)
    world.run_for(9)
    assert not world.node.is_looking()
    link.wait_over(2)
    world.run_until(world.node.is_looking, 1)


def test_who_waits_too_long_for_an_epoch_quits_when_a_voter_looks_again() -> None:
    """leader.maxTimeToWaitForEpoch."""
    with LeaderWorld(learners=LearnersConfig(max_wait_for_epoch_ms=2000)) as world:
        world.start()
        world.run_for(1)
        world.peers[2].look_again()
        world.run_for(0.5)
        assert not world.node.is_looking()
        world.run_for(1)
        for peer in world.peers.values():
            peer.look_again()
        world.run_until(world.node.is_looking, 2)


# NEWLEADER.


def test_newleader_has_the_configuration_and_is_waited_for(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    discover(link, 1)
    assert link.expect(NEW_LEADER, E1).body == world.text.encode()
    world.run_for(3)
    assert not world.node.serves()
    link.send(ACK, E1)
    link.expect(UP_TO_DATE, -1)
    world.run_until(world.node.serves)


@pytest.mark.parametrize(
    "packet", [Packet(ACK, E1 + 1), Packet(ACK, E2), Packet(PING, E1), Packet(REQUEST, -1)], ids=repr
)
def test_anything_else_than_the_ack_of_newleader_is_refused(world: LeaderWorld, packet: Packet) -> None:
    world.start()
    link = world.learner()
    discover(link, 1)
    link.expect(NEW_LEADER)
    link.send(packet.kind, packet.zxid)
    link.wait_over(1)


def test_the_wait_for_newleader_is_over_after_init_limit(world: LeaderWorld) -> None:
    world.start()
    link = world.learner()
    discover(link, 1)
    link.wait_over(11)
    world.run_until(world.node.is_looking, 1)


@pytest.mark.skipif(is_compiled(), reason="what is compiled cannot be replaced")
def test_a_commit_that_was_not_told_to_all_is_the_last(world: LeaderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who missed it must not hear of a later one; the leader stops."""
    link = world.serve()
    client = world.connect()
    hold_back(link)
    first, second = [world.propose(client, link, Create(path))[1].zxid for path in ("/a", "/b")]

    def fail(*_: int) -> None:
        monkeypatch.undo()
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(broadcasting.Broadcasting, "_tell_committed", fail)
    link.send(ACK, first)
    with pytest.raises(UnhandledError, match="nobody thought of this"):
        world.run_for(1)
    link.send(ACK, second)
    world.run_for(1)
    assert not link.has(COMMIT, first)
    assert not link.has(COMMIT, second)


def test_a_learner_that_waits_for_the_others_hears_of_the_leader() -> None:
    """Else its own time limit, syncLimit from its ACK on, would end it before a slow quorum has come."""
    with LeaderWorld(participants=(1, 2, 3, 4, 5)) as world:
        world.start()
        first, second = world.learner(1), world.learner(2)
        for link, sid in ((first, 1), (second, 2)):
            assert introduce(link, sid).kind == LEADER_INFO if sid == 2 else True
            if sid == 1:
                link.send(FOLLOWER_INFO, 0, learner_info(1))
        first.expect(LEADER_INFO)
        for link in (first, second):
            link.send(ACK_EPOCH, 0, i32(0))
        for link in (first, second):
            until_new_leader(link)
        first.send(ACK, E1)
        heard_s = [world.time()]
        first.on_packet = lambda packet: heard_s.append(world.time())
        world.run_for(8)
        assert max(after - before for before, after in pairwise(heard_s)) < 1.1
        second.send(ACK, E1)
        first.wait_for(UP_TO_DATE, -1, 1)


# The plan of a synchronisation, over the wire (22.10).


def grown(world: LeaderWorld, count: int = 4) -> list[int]:
    """Transactions of the leader; the first is the client's session."""
    client = world.connect()
    return [E1 + 1, *world.write(client, *[f"/n{number}" for number in range(count)])]


def test_a_learner_that_has_all_gets_an_empty_diff(world: LeaderWorld) -> None:
    world.serve()
    zxids = grown(world)
    link = world.learner(2)
    assert discover(link, 2, zxids[-1]) == Packet(DIFF, zxids[-1])
    link.expect(NEW_LEADER)


def test_a_learner_that_lags_gets_what_it_lacks(world: LeaderWorld) -> None:
    world.serve()
    zxids = grown(world)
    link = world.learner(2)
    assert discover(link, 2, zxids[1]) == Packet(DIFF, zxids[-1])
    got = until_new_leader(link)[:-1]
    assert [(packet.kind, packet.zxid) for packet in got] == [
        (kind, zxid) for zxid in zxids[2:] for kind in (PROPOSAL, COMMIT)
    ]
    assert read_txn(got[0].data).zxid == zxids[2]


def test_a_learner_that_only_knows_that_an_epoch_began(world: LeaderWorld) -> None:
    """It has no transaction of the epoch, and gets those from there on."""
    first = world.serve()
    grown(world, 2)
    second = lead_in_the_next_epoch(world, first, world.node.logged()[-1])
    zxids = world.write(world.connect(), "/second")
    assert discover(world.learner(2), 2, E2) == Packet(DIFF, zxids[-1])
    assert second.left()


def lead_in_the_next_epoch(world: LeaderWorld, link: Link, zxid: int) -> Link:
    """The follower leaves, and comes again with all that there is."""
    link.close()
    world.run_until(world.node.is_looking, 5)
    world.lead_again()
    link = world.learner(1)
    follow_to_service(link, 1, zxid, accepted=1, current=1)
    world.run_until(world.node.serves)
    acknowledge(link)
    return link


def test_a_learner_that_is_ahead_is_cut_back(world: LeaderWorld) -> None:
    world.serve()
    zxids = grown(world)
    for ahead in (zxids[-1] + 1, epoch(3) + 1):
        link = world.learner(2)
        assert discover(link, 2, ahead) == Packet(TRUNC, zxids[-1])
        link.close()


def test_a_learner_whose_history_is_not_known_gets_a_snapshot(world: LeaderWorld) -> None:
    world.serve()
    zxids = grown(world)
    link = world.learner(2)
    assert discover(link, 2, epoch(3)) == Packet(SNAP, zxids[-1])
    link.expect(NEW_LEADER)
    assert link.parser.image is not None
    assert b"/n3" in link.parser.image


def test_a_snapshot_is_sent_where_it_is_forced() -> None:
    with LeaderWorld(learners=LearnersConfig(is_snapshot_sync_forced=True)) as world:
        world.serve()
        zxids = grown(world)
        assert discover(world.learner(2), 2, zxids[-1]) == Packet(SNAP, zxids[-1])


def test_writes_while_a_snapshot_is_sent_come_behind_it(world: LeaderWorld) -> None:
    """22.11; and only those that are not in it."""
    world.serve()
    zxids = grown(world)
    client = world.connect()
    link = world.learner(2)
    introduce(link, 2)
    link.send(ACK_EPOCH, epoch(3), i32(0))
    sent = [world.post(client, Create(f"/m{number}")) for number in range(20)]
    first = link.next()
    assert first.kind == SNAP
    got = until_new_leader(link)
    catch_up(link, 1)
    world.reply(sent[-1])
    last = world.reply(sent[-1]).zxid
    link.wait_for(COMMIT, last)
    got += link.left()
    for kind in (PROPOSAL, COMMIT):
        found = [packet.zxid for packet in got if packet.kind == kind]
        assert found == list(range(found[0], last + 1)), "without a hole"
        assert found[0] == first.zxid + 1
    assert zxids[-1] < first.zxid


def test_what_is_committed_while_the_log_is_looked_through_is_in_the_snapshot(world: LeaderWorld) -> None:
    """And is not sent again: Java's learners would tell of digests that differ."""
    world.serve()
    grown(world)
    client = world.connect()
    world.machine("s3").disk.set_latency(1.0, 1.0, LANE)
    link = world.learner(2)
    introduce(link, 2)
    link.send(ACK_EPOCH, 0, i32(0))
    written = world.write(client, "/while", "/it", "/looks")
    assert link.next() == Packet(SNAP, written[-1])
    assert [packet.kind for packet in until_new_leader(link)] == [NEW_LEADER]
    catch_up(link, 1)
    link.wait_for(COMMIT, world.write(client, "/then")[-1])


def test_what_is_outstanding_comes_behind_the_plan(world: LeaderWorld) -> None:
    first = world.serve()
    zxids = grown(world)
    client = world.connect()
    hold_back(first)
    sent, proposal = world.propose(client, first, Create("/held"))
    link = world.learner(2)
    assert discover(link, 2, zxids[-1]).kind == DIFF
    assert [packet.kind for packet in until_new_leader(link)][-2:] == [PROPOSAL, NEW_LEADER]
    catch_up(link, 1)
    world.run_for(0.5)
    assert sent.reply is None
    link.send(ACK, proposal.zxid)
    assert world.reply(sent).zxid == proposal.zxid
    link.wait_for(COMMIT, proposal.zxid)


def test_an_observer_gets_no_proposals_that_are_not_committed() -> None:
    with LeaderWorld(observers=(4,)) as world:
        first = world.serve()
        zxids = grown(world)
        client = world.connect()
        hold_back(first)
        sent, proposal = world.propose(client, first, Create("/held"))
        observer = world.learner(4)
        observer.send(OBSERVER_INFO, 0, learner_info(4))
        observer.expect(LEADER_INFO)
        observer.send(ACK_EPOCH, zxids[-1], i32(1))
        observer.expect(DIFF)
        got = until_new_leader(observer)
        catch_up(observer, 1)
        world.run_for(0.5)
        assert not any(packet.zxid == proposal.zxid for packet in got + observer.left())
        acknowledge(first)
        world.reply(sent)
        informed = observer.take(INFORM)
        assert (informed.zxid, informed.data) == (proposal.zxid, proposal.data)


def test_a_learner_that_takes_a_snapshot_slowly_is_not_taken_for_dead() -> None:
    """Its silence counts from when it took the last piece."""
    with LeaderWorld() as world:
        world.serve()
        client = world.connect()
        for number in range(40):
            assert world.call(client, Create(f"/big{number}", b"x" * 100_000)).code == 0
        link = world.learner(2)
        world.delay(world.machine("s2"), world.machine("s3"), 200)
        introduce(link, 2)
        begun_s = world.time()
        link.send(ACK_EPOCH, epoch(3), i32(0))
        link.expect(SNAP)
        link.expect(NEW_LEADER)
        assert world.time() - begun_s > 11, "longer than initLimit, or this shows nothing"
        assert not link.is_over


def test_observers_beyond_the_limit_of_syncs_are_sent_away() -> None:
    """22.27; followers are let in always."""
    with LeaderWorld(observers=(4, 5), learners=LearnersConfig(max_snap_syncs=1)) as world:
        world.serve()
        grown(world)
        follower, observers = world.learner(2), [world.learner(4), world.learner(5)]
        assert discover(follower, 2, epoch(3)).kind == SNAP
        for link, sid in zip(observers, (4, 5), strict=True):
            link.send(OBSERVER_INFO, 0, learner_info(sid))
            link.expect(LEADER_INFO)
            link.send(ACK_EPOCH, epoch(3), i32(1))
            link.wait_over(1)
        until_new_leader(follower)
        catch_up(follower, 1)
        observer = world.learner(4)
        observer.send(OBSERVER_INFO, 0, learner_info(4))
        observer.expect(LEADER_INFO)
        observer.send(ACK_EPOCH, epoch(3), i32(1))
        observer.expect(SNAP)


# Broadcast.


def test_a_write_goes_through_a_quorum(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    hold_back(link)
    sent, proposal = world.propose(client, link, Create("/a", b"1"))
    world.run_for(1)
    assert sent.reply is None, "the leader's own log is no quorum"
    assert world.node.logged()[-1] == proposal.zxid
    link.send(ACK, proposal.zxid)
    assert world.reply(sent).zxid == proposal.zxid
    link.wait_for(COMMIT, proposal.zxid)
    assert read_txn(proposal.data)[:3] == (client.session.session_id, 1, proposal.zxid)


def test_followers_are_enough_while_the_leaders_own_disk_stands_still(world: LeaderWorld) -> None:
    """22.15."""
    world.serve(1)
    world.follow(2, E1)
    client = world.connect()
    world.node.disk.set_latency(5, 5, "log")
    sent = world.post(client, Create("/a"))
    world.run_for(0.5)
    assert sent.reply is not None
    assert sent.reply.zxid not in world.node.logged()


def test_two_connections_of_one_number_are_served_and_told_of(
    world: LeaderWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.serve()
    world.follow(2)
    world.run_for(1)
    assert "follows twice" not in caplog.text
    second = world.peers[2].connect(world.node.machine.name)
    follow_to_service(second, 1)
    world.run_until(lambda: "follows twice" in caplog.text)
    warned = [record.getMessage() for record in caplog.records if "follows twice" in record.getMessage()]
    (text,) = warned
    first_address, second_address = re.findall(r"from ([0-9.]+:[0-9]+)", text)
    assert text.startswith("leading: server 1 follows twice, from ")
    assert first_address != second_address
    assert "compare the files myid" in text
    gauges = world.node.member._facts(LEADING).gauges()
    assert (gauges["learners"], gauges["synced_followers"]) == (3, 2)
    assert not second.is_over


def test_who_has_lost_its_voice_joins_anew_when_the_other_one_leaves(world: LeaderWorld) -> None:
    first = world.serve()
    other = world.follow(2)
    second = world.learner(1)
    follow_to_service(second, 1)
    world.run_for(1)
    assert not first.is_over
    second.close()
    first.wait_over()
    assert not other.is_over
    hold_back(other)
    world.follow(1)
    assert world.write(world.connect(), "/a") == [E1 + 2], "with the leader's log alone nothing is committed"


def test_the_same_server_that_came_back_is_not_taken_for_two(
    world: LeaderWorld, caplog: pytest.LogCaptureFixture
) -> None:
    link = world.serve()
    world.follow(2)
    link.close()
    world.run_until(lambda: link.is_over)
    world.follow(1)
    world.run_for(1)
    assert "follows twice" not in caplog.text


def test_acks_are_counted_once_for_each_server(world: LeaderWorld) -> None:
    world.node.disk.set_latency(0.0001, 0.0005)
    link = world.serve()
    client = world.connect()
    world.node.disk.set_latency(60, 60, "log")
    hold_back(link)
    sent, proposal = world.propose(client, link, Create("/a"))
    for _ in range(3):
        link.send(ACK, proposal.zxid)
    world.run_for(1)
    assert sent.reply is None


def test_commits_come_in_the_order_of_the_proposals(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    hold_back(link)
    sent = [world.post(client, Create(f"/{number}")) for number in range(5)]
    proposals = [link.take(PROPOSAL) for _ in sent]
    link.send(ACK, proposals[-1].zxid)
    world.reply(sent[-1])
    commits = [packet.zxid for packet in link.left() if packet.kind == COMMIT]
    assert commits == [packet.zxid for packet in proposals], "an ACK stands for all before it"


@pytest.mark.parametrize("offset", [1, 1 << 32])
def test_an_ack_of_what_was_never_proposed_costs_the_connection(world: LeaderWorld, offset: int) -> None:
    world.serve()
    other = world.follow(2, E1)
    client = world.connect()
    last = world.write(client, "/a")[0]
    other.send(ACK, last + offset)
    other.wait_over(1)


def test_an_ack_of_what_is_committed_changes_nothing(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    last = world.write(client, "/a")[0]
    link.send(ACK, last)
    link.send(ACK, E1)
    assert world.write(client, "/b") == [last + 1]


def test_a_stranger_hears_of_proposals_and_its_acks_do_not_count(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    stranger = world.learner(2)
    follow_to_service(stranger, 77, E1 + 1)
    hold_back(link)
    sent, proposal = world.propose(client, link, Create("/a"))
    stranger.wait_for(PROPOSAL, proposal.zxid)
    stranger.send(ACK, proposal.zxid)
    world.run_for(1)
    assert sent.reply is None
    link.send(ACK, proposal.zxid)
    world.reply(sent)


# Requests of learners.


def open_session(world: LeaderWorld, link: Link, session_id: int = SESSION) -> None:
    link.send(REQUEST, -1, request(session_id, 0, CREATE_SESSION, i32(10_000)))
    link.take(COMMIT)


def test_requests_of_a_learner_are_checked_and_proposed(world: LeaderWorld) -> None:
    link = world.serve()
    open_session(world, link)
    assert ask(link, CREATE, create_body("/a")) == (CREATE, 0)
    assert ask(link, CREATE, create_body("/a")) == (ERROR, -110)
    assert ask(link, SET_DATA, text("/none") + buffer(b"") + i32(-1)) == (ERROR, -101)
    assert ask(link, CLOSE_SESSION, b"") == (CLOSE_SESSION, 0)


def test_a_bare_check_of_a_learner_is_refused(world: LeaderWorld) -> None:
    """ZOOKEEPER-2623, 4680: it corrupted the database; the leader accepts only known write types."""
    link = world.serve()
    open_session(world, link)
    assert ask(link, CHECK, text("/") + i32(-1)) == (ERROR, UNIMPLEMENTED)
    for op in (0, 2000, DELETE_CONTAINER, -1, 4):
        assert ask(link, op, text("/") + i32(-1)) == (ERROR, UNIMPLEMENTED)


@pytest.mark.parametrize("body", [b"", b"\0\0\0", create_body("/a")[:-1], i32(0x7FFFFFFF)], ids=repr)
def test_a_request_that_does_not_decode_is_answered(world: LeaderWorld, body: bytes) -> None:
    link = world.serve()
    open_session(world, link)
    assert ask(link, CREATE, body) == (ERROR, MARSHALLING)
    assert ask(link, CREATE, create_body("/a")) == (CREATE, 0)


def test_a_request_without_a_head_costs_the_connection(world: LeaderWorld) -> None:
    world.serve()
    other = world.follow(2, E1)
    other.send(REQUEST, -1, b"short")
    other.wait_over(1)


def test_a_write_of_an_unknown_session_is_refused(world: LeaderWorld) -> None:
    link = world.serve()
    assert ask(link, CREATE, create_body("/a"), session_id=0x99) == (ERROR, SESSION_EXPIRED)


def test_a_write_from_where_the_session_was_before_is_refused(world: LeaderWorld) -> None:
    """22.17: SessionMoved."""
    first = world.serve(1)
    second = world.follow(2, E1)
    open_session(world, first)
    second.send(REVALIDATE, -1, revalidate(SESSION))
    assert second.take(REVALIDATE).data == revalidated(SESSION, True)
    assert ask(first, CREATE, create_body("/a")) == (ERROR, SESSION_MOVED)
    assert ask(second, CREATE, create_body("/a")) == (CREATE, 0)


def test_a_session_that_moves_while_its_write_is_on_the_way(world: LeaderWorld) -> None:
    first = world.serve(1)
    second = world.follow(2, E1)
    open_session(world, first)
    second.send(REVALIDATE, -1, revalidate(SESSION))
    world.run_for(0.2)
    assert ask(first, SET_DATA, text("/") + buffer(b"x") + i32(-1)) == (ERROR, SESSION_MOVED)


def test_a_session_is_ended_from_where_it_was_before(world: LeaderWorld) -> None:
    first = world.serve(1)
    second = world.follow(2, E1)
    open_session(world, first)
    second.send(REVALIDATE, -1, revalidate(SESSION))
    assert second.take(REVALIDATE).data == revalidated(SESSION, True)
    assert ask(first, CLOSE_SESSION, b"") == (CLOSE_SESSION, 0)
    assert SESSION not in world.node.photo().sessions


def test_a_client_of_the_leader_ends_a_session_that_a_learner_asks_for_too_late(world: LeaderWorld) -> None:
    """The client has come to the leader meanwhile; what it asked the learner for was under way for longer."""
    link = world.serve()
    client = world.connect()
    session_id = client.session.session_id
    link.send(REVALIDATE, -1, revalidate(session_id))
    assert link.take(REVALIDATE).data == revalidated(session_id, True)
    assert world.call(client, CloseSession()).code == 0
    world.run_until(lambda: not client.is_open)
    assert session_id not in world.node.photo().sessions
    assert session_id not in world.node.member.service.tracker.sessions


def test_revalidation(world: LeaderWorld) -> None:
    """22.17: valid, unknown, closing."""
    link = world.serve()
    open_session(world, link)
    for session_id, is_valid in ((SESSION, True), (0x99, False)):
        link.send(REVALIDATE, -1, revalidate(session_id))
        assert link.take(REVALIDATE) == Packet(REVALIDATE, -1, revalidated(session_id, is_valid))
    hold_back(link)
    link.send(REQUEST, -1, request(SESSION, 1, CLOSE_SESSION), IDS)
    link.send(REVALIDATE, -1, revalidate(SESSION))
    assert link.take(REVALIDATE).data == revalidated(SESSION, False)


def test_a_session_lives_as_long_as_a_learner_has_heard_of_it(world: LeaderWorld) -> None:
    link = world.serve()
    open_session(world, link)
    link.answers_pings = False
    for _ in range(20):
        world.run_for(1)
        link.send(PING, E1, touched({SESSION: 10_000, 0x99: 5}))
    assert SESSION in world.node.photo().sessions
    link.answers_pings = True
    world.run_until(lambda: SESSION not in world.node.photo().sessions, 13)
    head = read_txn([packet for packet in link.got if packet.kind == PROPOSAL][-1].data)
    assert (head.session_id, head.cxid, head.kind) == (SESSION, 0, CLOSE_SESSION)


@pytest.mark.parametrize("data", [b"123", touched({SESSION: -5})], ids=["short", "negative"])
def test_touched_sessions_that_are_none_cost_the_connection(world: LeaderWorld, data: bytes) -> None:
    world.serve()
    other = world.follow(2, E1)
    other.send(PING, E1, data)
    other.wait_over(1)


# Sync (10.5, 22.18).


def test_a_sync_with_nothing_outstanding_is_answered_at_once(world: LeaderWorld) -> None:
    link = world.serve()
    open_session(world, link)
    link.send(REQUEST, -1, request(SESSION, 2, SYNC_OP, text("/")), IDS)
    assert link.take(SYNC) == Packet(SYNC, 0)


def test_a_sync_is_answered_behind_the_commit_of_what_was_proposed_before_it_and_before_any_other(
    world: LeaderWorld,
) -> None:
    """A learner's client that asked for write, sync and write gets its answers in that order (22.18)."""
    first = world.serve(1)
    second = world.follow(2, E1)
    open_session(world, first)
    for link in (first, second):
        hold_back(link)
    first.send(REQUEST, -1, request(SESSION, 1, CREATE, create_body("/a")), IDS)
    first.send(REQUEST, -1, request(SESSION, 2, SYNC_OP, text("/")), IDS)
    second.send(REQUEST, -1, request(SESSION, 9, SYNC_OP, text("/")), IDS)
    world.run_for(0.1)
    first.send(REQUEST, -1, request(SESSION, 3, CREATE, create_body("/b")), IDS)
    a, b = first.take(PROPOSAL), first.take(PROPOSAL)
    world.run_for(0.5)
    assert [packet for packet in first.left() if packet.kind == SYNC] == []
    first.send(ACK, b.zxid)
    first.wait_for(COMMIT, b.zxid)
    kinds = [(packet.kind, packet.zxid) for packet in first.left() if packet.kind in (COMMIT, SYNC)]
    assert kinds == [(COMMIT, a.zxid), (SYNC, 0), (COMMIT, b.zxid)]
    second.wait_for(COMMIT, b.zxid)
    kinds = [(packet.kind, packet.zxid) for packet in second.got if packet.kind in (COMMIT, SYNC)][-3:]
    assert kinds == [(COMMIT, a.zxid), (SYNC, 0), (COMMIT, b.zxid)]


def test_an_observers_sync_is_answered_behind_what_it_is_informed_of() -> None:
    with LeaderWorld(observers=(4,)) as world:
        link = world.serve()
        observer = world.learner(4)
        observer.send(OBSERVER_INFO, 0, learner_info(4))
        observer.expect(LEADER_INFO)
        observer.send(ACK_EPOCH, E1, i32(1))
        until_new_leader(observer)
        catch_up(observer, 1)
        observer.send(REQUEST, -1, request(SESSION, 0, CREATE_SESSION, i32(10_000)))
        observer.take(INFORM)
        hold_back(link)
        observer.send(REQUEST, -1, request(SESSION, 1, CREATE, create_body("/a")), IDS)
        observer.send(REQUEST, -1, request(SESSION, 2, SYNC_OP, text("/")), IDS)
        world.run_for(0.5)
        observer.left()
        acknowledge(link)
        assert [observer.next().kind, observer.next().kind] == [INFORM, SYNC]


def test_a_client_of_the_leader_syncs_with_itself(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    hold_back(link)
    write, sync = world.post(client, Create("/a")), world.post(client, Sync("/a"))
    read = world.post(client, GetData("/a"))
    world.run_for(0.5)
    assert (write.reply, sync.reply, read.reply) == (None, None, None)
    acknowledge(link)
    assert [world.reply(sent).code for sent in (write, sync, read)] == [0, 0, 0]


# Liveness (12, 22.15, 22.16).


def test_all_learners_are_pinged_twice_a_tick(world: LeaderWorld) -> None:
    link = world.serve()
    begun_s, count = world.time(), len(link.got)
    world.run_for(10)
    pings = [packet for packet in link.got[count:] if packet.kind == PING]
    assert 19 <= len(pings) <= 21
    assert world.time() - begun_s >= 10
    assert {packet.data for packet in pings} == {None}
    assert {packet.zxid for packet in pings} == {E1}


def test_a_learner_that_joined_an_idle_ensemble_stays(world: LeaderWorld) -> None:
    """It has acknowledged none of what it was sent as committed, and need not."""
    world.serve()
    client = world.connect()
    last = world.write(client, "/a", "/b")[-1]
    second = world.follow(2, last)
    third = world.follow(2, E1)
    world.run_for(30)
    assert not second.is_over
    assert not third.is_over


def test_a_follower_that_leaves_a_proposal_unacknowledged_for_sync_limit_is_left(world: LeaderWorld) -> None:
    """22.15."""
    world.serve(1)
    second = world.follow(2, E1)
    client = world.connect()
    hold_back(second)
    world.write(client, "/a")
    world.run_for(3.5)
    assert not second.is_over
    second.wait_over(1.6)
    assert world.write(client, "/b")


def test_a_follower_that_lags_and_goes_on_is_kept(world: LeaderWorld) -> None:
    """Each of its acknowledgements is late, none by more than syncLimit."""
    world.serve(1)
    second = world.follow(2, E1)
    client = world.connect()
    hold_back(second)
    for number in range(20):
        last = world.write(client, f"/{number}")[0]
        world.run_for(0.7)
        second.send(ACK, last - 1)
    assert not second.is_over


@pytest.mark.parametrize("is_own_client", [True, False])
def test_a_sync_is_answered_when_a_quorum_follows_still(world: LeaderWorld, is_own_client: bool) -> None:
    """ZOOKEEPER-1675: another leader may have committed what this one does not have. Each sync needs an answer of its
    own."""
    link = world.serve()
    open_session(world, link)
    client = world.connect()

    def count(kind: int) -> int:
        return sum(packet.kind == kind for packet in link.got)

    for number in range(3):
        pings, answers = count(PING), len(client.replies) if is_own_client else count(SYNC)
        link.answers_pings = False
        if is_own_client:
            world.post(client, Sync("/"))
        else:
            link.send(REQUEST, -1, request(SESSION, number, SYNC_OP, text("/")), IDS)
        world.run_until(lambda before=pings: count(PING) > before, 0.1)
        world.run_for(0.1)
        assert (len(client.replies) if is_own_client else count(SYNC)) == answers
        link.answers_pings = True
        for _ in range(count(PING) - pings):
            link.send(PING, E1, b"")
        world.run_until(lambda before=answers: (len(client.replies) if is_own_client else count(SYNC)) > before, 0.1)


def test_without_a_quorum_for_sync_limit_the_leader_gives_up(world: LeaderWorld) -> None:
    """22.16: more than syncLimit."""
    link = world.serve()
    client = world.connect()
    link.answers_pings = False
    hold_back(link)
    lost_s = world.time()
    world.run_until(client.lost.done, 10)
    assert 3.5 < world.time() - lost_s < 6.1
    world.run_until(world.node.is_looking, 1)


def test_a_quorum_that_is_back_within_sync_limit_is_one(world: LeaderWorld) -> None:
    """22.16: less than syncLimit; the session and its connection live on."""
    link = world.serve()
    client = world.connect()
    world.partition(world.machine("s1"), world.machine("s3"))
    world.run_for(3)
    world.heal()
    world.run_for(6)
    assert not link.is_over
    assert not client.lost.done()
    assert world.write(client, "/a")


def test_pings_are_lost_in_one_direction(world: LeaderWorld) -> None:
    """22.16: the leader hears nothing, though it is heard."""
    world.serve()
    world.partition(world.machine("s1"), world.machine("s3"), one_way=True)
    world.run_until(world.node.is_looking, 8)


def test_a_leader_with_strangers_only_gives_up(world: LeaderWorld) -> None:
    """22.28."""
    link = world.serve()
    stranger = world.learner(2)
    follow_to_service(stranger, 77, E1)
    link.close()
    world.run_until(world.node.is_looking, 8)


def test_a_leader_that_has_given_up_answers_nobody(world: LeaderWorld) -> None:
    link = world.serve()
    world.partition(world.machine("s1"), world.machine("s3"))
    world.run_until(world.node.is_looking, 8)
    world.heal()
    link.wait_over(5)


def test_leader_serves_no(world: LeaderWorld) -> None:
    """22.28: it leads, and leaves clients to the others."""
    with LeaderWorld(ensemble=EnsembleConfig(is_leader_serving=False)) as other:
        link = other.serve()
        connecting = other.begin_connect()
        other.run_until(connecting.done)
        assert isinstance(connecting.exception(), ConnectionError)
        open_session(other, link)
        assert ask(link, CREATE, create_body("/a")) == (CREATE, 0)


# The end of an epoch (13, 22.21).


def test_no_proposal_is_numbered_beyond_the_epochs_last(world: LeaderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """ZOOKEEPER-1277, 2789, 4883: a burst at the end of the counter; what was proposed is brought to its end."""
    assert leading.LAST_COUNTER == 0xFFFFFFFE
    monkeypatch.setattr(leading, "LAST_COUNTER", 7)
    link = world.serve()
    client = world.connect()
    hold_back(link)
    sent = [world.post(client, Create(f"/{number}")) for number in range(50)]
    world.run_for(0.1)
    zxids = [packet.zxid for packet in link.got if packet.kind == PROPOSAL]
    assert zxids == [E1 + counter for counter in range(1, 8)]
    link.send(ACK, zxids[-1])
    world.run_until(client.lost.done, 1)
    assert [one.reply.zxid for one in sent if one.reply is not None] == zxids[1:]
    assert world.node.is_looking()
    world.lead_again()
    follow_to_service(world.learner(1), 1, zxids[-1], accepted=1, current=1)
    world.run_until(world.node.serves)
    assert world.node.current_epoch() == 2


def test_what_cannot_be_brought_to_its_end_does_not_hold_up_the_next_epoch(
    world: LeaderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "LAST_COUNTER", 2)
    link = world.serve()
    client = world.connect()
    hold_back(link)
    for number in range(5):
        world.post(client, Create(f"/{number}"))
    world.run_until(world.node.is_looking, 1.1)
    assert world.node.logged() == [E1 + 1, E1 + 2]


# Limits.


def test_the_outstanding_limit_is_shared() -> None:
    """All but the leader share globalOutstandingLimit (quorum, section 20)."""
    assert limit_of((1, 2, 3, 4, 5)) == 2
    assert limit_of((1, 3)) == 10


def limit_of(participants: tuple[int, ...]) -> int:
    with LeaderWorld(participants, limits=LimitsConfig(global_outstanding_limit=10)) as world:
        world.start()

        async def make() -> int:
            member = world.node.member
            return int(member.make_service(member.service.database).settings.outstanding_limit)

        return world.run(make(), world.node.machine)


def test_reads_after_own_write_on_the_leader(world: LeaderWorld) -> None:
    """22.20."""
    world.serve()
    client = world.connect()
    world.write(client, "/a")
    write, read = world.post(client, SetData("/a", b"new")), world.post(client, GetData("/a"))
    assert world.reply(read).value[0] == b"new"
    assert write.reply is not None
