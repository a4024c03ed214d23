"""A learner of ours is brought into line by a scripted leader: each row of tables 7.2-A and 7.2-B (quorum, section 7),
and what its disk has durably at each moment (storage, section 13; quorum, appendix F).
"""

import logging
from collections.abc import Iterator

import pytest
from raw_jute import i32

from .learner_world import LearnerWorld, made, paths
from .packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    DIFF,
    FOLLOWER_INFO,
    INFORM,
    LEADER_INFO,
    NEW_LEADER,
    PING,
    PROPOSAL,
    SIGNATURE,
    SNAP,
    TRUNC,
    UP_TO_DATE,
    create_txn,
    epoch,
    image,
    set_data_txn,
)
from .peers import send_image

E1, E2, E3 = epoch(1), epoch(2), epoch(3)


@pytest.fixture
def world() -> Iterator[LearnerWorld]:
    with LearnerWorld() as made_world:
        yield made_world


# Discovery.


def test_the_first_packet_tells_the_accepted_epoch_the_sid_and_the_configuration(world: LearnerWorld) -> None:
    packet = world.begin().expect(FOLLOWER_INFO, 0)
    assert packet.data == bytes.fromhex("0000000000000001 00010000 0000000000000000")


def test_an_epoch_is_promised_durably_before_the_leader_hears_of_it(world: LearnerWorld) -> None:
    link = world.begin()
    link.expect(FOLLOWER_INFO)
    assert (world.node.accepted_epoch(), world.node.current_epoch()) == (0, 0)
    told: list[tuple[int, int]] = []
    link.on_packet = lambda packet: told.append((world.node.accepted_epoch(), world.node.current_epoch()))
    link.send(LEADER_INFO, epoch(7), i32(0x10000))
    assert link.expect(ACK_EPOCH, 0).data == i32(0)
    assert told == [(7, 0)]


def test_the_same_epoch_again_is_answered_with_minus_one(world: LearnerWorld) -> None:
    link = world.begin()
    assert world.lead_in(link, 7).data == i32(0)
    assert world.lead_in(world.rejoin(link), 7).data == i32(-1)


def test_a_leader_of_an_earlier_epoch_is_left(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 7)
    link = world.rejoin(link)
    link.expect(FOLLOWER_INFO, epoch(7))
    link.send(LEADER_INFO, epoch(6), i32(0x10000))
    link.wait_over()
    assert world.node.accepted_epoch() == 7


@pytest.mark.parametrize("kind", [NEW_LEADER, DIFF, PING, UP_TO_DATE, 77])
def test_what_is_no_leader_info_ends_the_role(world: LearnerWorld, kind: int) -> None:
    link = world.begin()
    link.expect(FOLLOWER_INFO)
    link.send(kind, epoch(1))
    link.wait_over()
    assert world.leader.next_learner() is not link


# Table 7.2-A: the header.


def test_diff_adds_to_what_is_there(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    assert world.lead_in(link, 2).zxid == E1 + 2
    link.send(DIFF, E1 + 3)
    link.propose(E1 + 3, made(E1 + 3), commit=True)
    world.new_leader(link, 2)
    assert world.node.logged() == [E1 + 1, E1 + 2, E1 + 3]
    assert world.node.snapshots() == [0]
    world.up_to_date(link, 2)
    assert world.paths() == paths(E1 + 1, E1 + 2, E1 + 3)


def test_snap_takes_the_place_of_what_is_there(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    send_image(link, E1 + 9, image({"/e9-9": b"new"}, E1 + 9))
    world.new_leader(link, 2)
    assert world.node.snapshots() == [0, E1 + 9]
    assert world.node.current_epoch() == 2
    world.up_to_date(link, 2)
    assert world.paths() == {"/e9-9"}


@pytest.mark.parametrize(
    ("zxid", "nodes", "reason"),
    [
        (E1 + 1, {"/e1-1": b""}, "which is earlier"),
        (E3 + 9, {"/other": b""}, ""),
        (E1 + 3, {"/e1-1": b""}, ""),
    ],
)
def test_a_snapshot_without_what_is_here_is_told_of(
    world: LearnerWorld, caplog: pytest.LogCaptureFixture, zxid: int, nodes: dict[str, bytes], reason: str
) -> None:
    """What was changed since cannot be told from what never was."""
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 4)
    send_image(link, zxid, image(nodes, zxid))
    world.new_leader(link, 4)
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [reason in text for text in warned] == ([True] if reason else [])
    if reason:
        assert "leader 3 replaces the history of this server, of epoch 1, up to zxid 0x100000002" in warned[0]
        assert f"by the leader's state at zxid 0x{zxid:x}, {reason}:" in warned[0]


def test_a_snapshot_of_another_history_is_told_of(world: LearnerWorld, caplog: pytest.LogCaptureFixture) -> None:
    """A znode with a zxid of this history, which did not create it, and nothing of what is here."""
    link = world.begin()
    world.serve(link, 2, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 3)
    send_image(link, E3 + 1, image({"/other": b""}, E1 + 1))
    world.new_leader(link, 3)
    assert "up to zxid 0x200000002, by the leader's state at zxid 0x300000001, which does not contain it" in caplog.text


def test_trunc_takes_back_what_was_not_committed(world: LearnerWorld, caplog: pytest.LogCaptureFixture) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    for zxid in (E1 + 3, E1 + 4):
        link.propose(zxid, made(zxid))
        link.expect(ACK, zxid)
    link = world.rejoin(link)
    assert world.lead_in(link, 2).zxid == E1 + 4, "what was logged counts, committed or not"
    link.send(TRUNC, E1 + 2)
    world.new_leader(link, 2)
    assert "replaces the history" not in caplog.text
    assert world.node.logged() == [E1 + 1, E1 + 2]
    assert world.node.current_epoch() == 2
    world.up_to_date(link, 2)
    assert world.paths() == paths(E1 + 1, E1 + 2)


def test_trunc_is_followed_by_other_transactions_of_the_same_numbers(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link.propose(E1 + 3, made(E1 + 3))
    link.expect(ACK, E1 + 3)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    link.send(TRUNC, E1 + 2)
    link.propose(E1 + 3, create_txn(E1 + 3, "/e-other"), commit=True)
    world.new_leader(link, 2)
    assert world.node.logged() == [E1 + 1, E1 + 2, E1 + 3]
    world.up_to_date(link, 2)
    assert world.paths() == paths(E1 + 1, E1 + 2) | {"/e-other"}
    world.node.machine.kill()
    world.node.start()
    assert world.paths() == paths(E1 + 1, E1 + 2) | {"/e-other"}


def test_trunc_to_what_the_log_does_not_hold_is_followed_by_everything(
    world: LearnerWorld, caplog: pytest.LogCaptureFixture
) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    link.send(TRUNC, 5)
    link.wait_over()
    assert world.node.logged() == [E1 + 1, E1 + 2], "nothing goes before something else is there"
    link = world.leader.next_learner()
    assert world.lead_in(link, 3).zxid == 0
    send_image(link, E2 + 1, image({"/e2-1": b""}, E2 + 1))
    world.new_leader(link, 3)
    assert "up to zxid 0x100000002, by the leader's state at zxid 0x200000001, which this server has" in caplog.text
    world.up_to_date(link, 3)
    assert world.paths() == {"/e2-1"}
    world.node.machine.kill()
    world.node.start()
    assert world.paths() == {"/e2-1"}


def test_diff_for_a_server_that_asked_for_everything_is_for_an_empty_state(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    link.send(TRUNC, 5)
    link.wait_over()
    link = world.leader.next_learner()
    world.lead_in(link, 3)
    link.send(DIFF, 1)
    link.propose(1, create_txn(1, "/e0-1"), commit=True)
    world.new_leader(link, 3)
    world.up_to_date(link, 3)
    assert world.paths() == {"/e0-1"}
    world.node.machine.kill()
    world.node.start()
    assert world.paths() == {"/e0-1"}


@pytest.mark.parametrize("kind", [PROPOSAL, NEW_LEADER, UP_TO_DATE, COMMIT, 0, 77])
def test_another_header_ends_the_role(world: LearnerWorld, kind: int) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(kind, E1)
    link.wait_over()
    assert world.node.current_epoch() == 0


def test_another_header_ends_the_role_of_a_server_that_asked_for_everything(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=1)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    link.send(TRUNC, 5)
    link.wait_over()
    link = world.leader.next_learner()
    world.lead_in(link, 3)
    link.send(UP_TO_DATE, -1)
    link.wait_over()
    link = world.leader.next_learner()
    assert world.lead_in(link, 4).zxid == 0


# A snapshot that does not come whole.


@pytest.mark.parametrize("part", [0, 1, 100, -1])
def test_the_connection_is_lost_within_the_image(world: LearnerWorld, part: int) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    whole = image({"/e2-1": b"x" * 100}, E2 + 1) + SIGNATURE
    link.send(SNAP, E2 + 1)
    link.send_raw(whole[:part])
    link = world.rejoin(link)
    assert world.paths() == paths(E1 + 1, E1 + 2)
    assert world.lead_in(link, 3).zxid == E1 + 2
    assert (world.node.snapshots(), world.node.current_epoch()) == ([0], 1)


def test_an_image_with_a_wrong_signature_is_not_used(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    send_image(link, E2 + 1, image({"/e2-1": b""}, E2 + 1), b"\0\0\0\x0aBenWasHexe")
    link.wait_over()
    assert world.lead_in(world.leader.next_learner(), 3).zxid == E1 + 2
    assert world.paths() == paths(E1 + 1, E1 + 2)
    assert (world.node.snapshots(), world.node.current_epoch()) == ([0], 1)


def test_the_connection_is_lost_between_the_image_and_new_leader(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    send_image(link, E2 + 1, image({"/e2-1": b""}, E2 + 1))
    link.propose(E2 + 2, made(E2 + 2), commit=True)
    world.run_for(0.5)
    link = world.rejoin(link)
    assert world.lead_in(link, 3).zxid == E1 + 2
    assert world.paths() == paths(E1 + 1, E1 + 2)


# Table 7.2-B: until NEWLEADER.


def test_what_came_before_new_leader_is_durable_when_it_is_acknowledged(world: LearnerWorld) -> None:
    """Appendix F, and ZOOKEEPER-3911, 4262: fsynced before that ACK."""
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, E1 + 2)
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    link.propose(E1 + 2, made(E1 + 2), commit=True)
    link.propose(E1 + 3, made(E1 + 3))
    world.run_for(0.5)
    seen: list[tuple[list[int], int]] = []
    link.on_packet = lambda packet: seen.append((world.node.logged(), world.node.current_epoch()))
    assert world.node.current_epoch() == 0
    world.new_leader(link, 1)
    assert seen == [([E1 + 1, E1 + 2], 1)]
    link.send(COMMIT, E1 + 3)
    world.run_for(0.5)
    assert world.node.logged() == [E1 + 1, E1 + 2], "an uncommitted one waits for UPTODATE"
    world.up_to_date(link, 1)
    link.expect(ACK, E1 + 3)
    assert seen[-1] == ([E1 + 1, E1 + 2, E1 + 3], 1)
    assert world.paths() == paths(E1 + 1, E1 + 2, E1 + 3)


def test_the_snapshot_is_named_by_what_was_applied_to_it(world: LearnerWorld) -> None:
    """Appendix F: SNAP(5), a proposal and a commit of 6: the snapshot is 6."""
    link = world.begin()
    world.lead_in(link, 1)
    send_image(link, E1 + 5, image({"/e1-5": b""}, E1 + 5))
    link.propose(E1 + 6, made(E1 + 6), commit=True)
    world.new_leader(link, 1)
    assert world.node.snapshots() == [0, E1 + 6]
    assert world.node.logged() == []
    assert world.node.current_epoch() == 1


def test_what_is_proposed_and_not_committed_before_new_leader_is_acknowledged_after_up_to_date(
    world: LearnerWorld,
) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    link.propose(E1 + 1, made(E1 + 1))
    world.new_leader(link, 1)
    assert world.node.logged() == []
    world.up_to_date(link, 1)
    link.expect(ACK, E1 + 1)
    assert world.node.logged() == [E1 + 1]
    assert world.paths() == set(), "it is not committed"
    link.send(COMMIT, E1 + 1)
    world.run_until(lambda: world.paths() == paths(E1 + 1))


def test_a_commit_between_new_leader_and_up_to_date(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    link.propose(E1 + 1, made(E1 + 1))
    world.new_leader(link, 1)
    link.send(COMMIT, E1 + 1)
    link.propose(E1 + 2, made(E1 + 2), commit=True)
    world.up_to_date(link, 1)
    assert world.paths() == paths(E1 + 1, E1 + 2)
    link.expect(ACK, E1 + 1)
    link.expect(ACK, E1 + 2)


def test_proposals_that_the_image_holds_already_come_again(world: LearnerWorld) -> None:
    """The zxid of a SNAP may be later than what is forwarded behind it (quorum, section 8)."""
    link = world.begin()
    world.lead_in(link, 1)
    send_image(link, E1 + 2, image({"/e1-1": b"", "/e1-2": b""}, E1 + 2))
    for zxid in (E1 + 1, E1 + 2, E1 + 3):
        link.propose(zxid, made(zxid), commit=True)
    world.new_leader(link, 1)
    world.up_to_date(link, 1)
    assert world.paths() == paths(E1 + 1, E1 + 2, E1 + 3)


def test_proposals_that_the_image_holds_already_are_committed_behind_new_leader(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    send_image(link, E1 + 2, image({"/e1-1": b"", "/e1-2": b""}, E1 + 2))
    for zxid in (E1 + 1, E1 + 2, E1 + 3):
        link.propose(zxid, made(zxid))
    world.new_leader(link, 1)
    for zxid in (E1 + 1, E1 + 2):
        link.send(COMMIT, zxid)
    world.up_to_date(link, 1)
    link.expect(ACK, E1 + 3)
    link.send(COMMIT, E1 + 3)
    world.run_until(lambda: world.paths() == paths(E1 + 1, E1 + 2, E1 + 3))
    assert not link.is_over


def test_an_image_with_parts_of_what_comes_behind_it_is_mended(world: LearnerWorld) -> None:
    """SNAP with concurrent writes: the image is of 1, and has a part of 2 and 3 already."""
    link = world.begin()
    world.lead_in(link, 1)
    send_image(link, E1 + 1, image({"/e1-1": b"third", "/e1-2": b""}, E1 + 3))
    link.propose(E1 + 2, made(E1 + 2), commit=True)
    link.propose(E1 + 3, set_data_txn(E1 + 3, "/e1-1", b"third", 1), commit=True)
    world.new_leader(link, 1)
    world.up_to_date(link, 1)
    node = world.node.photo().nodes["/e1-1"]
    assert (node.data, node.version, node.mzxid) == (b"third", 1, E1 + 3)
    world.node.machine.kill()
    world.node.start()
    assert world.node.photo().nodes["/e1-1"] == node


@pytest.mark.parametrize("counters", [(2, 4), (3,), (2, 3, 2), (2, 2), (1, 3), (2, 1)], ids=str)
def test_a_hole_between_proposals_ends_the_synchronisation(world: LearnerWorld, counters: tuple[int, ...]) -> None:
    """ZOOKEEPER-4925. The server stands at 1."""
    link = world.begin()
    world.serve(link, 1, count=1)
    link = world.rejoin(link)
    world.lead_in(link, 2)
    link.send(DIFF, E1 + 9)
    for counter in counters:
        link.propose(E1 + counter, made(E1 + counter), commit=True)
    link.send(NEW_LEADER, E2, world.text.encode())
    link.wait_over()
    assert world.node.current_epoch() == 1
    assert world.node.failure is None
    told = world.lead_in(world.leader.next_learner(), 3)
    assert world.node.logged() == list(range(E1 + 1, told.zxid + 1))


def test_a_larger_epoch_may_follow(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 3)
    link.send(DIFF, E2 + 1)
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    link.propose(E2 + 1, made(E2 + 1), commit=True)
    world.new_leader(link, 3)
    assert world.node.logged() == [E1 + 1, E2 + 1]


def test_a_commit_of_another_transaction_than_the_next_ends_the_synchronisation(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    link.propose(E1 + 1, made(E1 + 1))
    link.propose(E1 + 2, made(E1 + 2))
    link.send(COMMIT, E1 + 2)
    link.wait_over()
    assert world.node.failure is None


@pytest.mark.parametrize("payload", [None, b"", b"short", made(E1 + 2)], ids=["null", "empty", "short", "other"])
def test_a_proposal_that_is_none_ends_the_synchronisation(world: LearnerWorld, payload: bytes | None) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    link.send(PROPOSAL, E1 + 1, payload)
    link.wait_over()
    assert world.node.failure is None
    world.lead_in(world.leader.next_learner(), 2)


def test_pings_are_not_answered_and_prove_life(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    for _ in range(5):
        world.run_for(5)
        link.send(PING, 0)
    link.send(77, 0)
    world.new_leader(link, 1)
    assert [packet for packet in link.got if packet.kind == PING] == []


def test_a_leader_that_is_silent_for_init_limit_is_left(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    world.run_for(9.5)
    assert not link.is_over
    link.wait_over(1.0)


def test_a_leader_that_is_silent_for_sync_limit_after_new_leader_is_left(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    world.new_leader(link, 1)
    world.run_for(3.5)
    assert not link.is_over
    link.wait_over(1.0)


def test_up_to_date_without_new_leader_ends_the_role(world: LearnerWorld) -> None:
    """ZOOKEEPER-3642, 4225: what a snapshot brought is durable before anything builds on it."""
    link = world.begin()
    world.lead_in(link, 1)
    send_image(link, E1 + 5, image({"/e1-5": b""}, E1 + 5))
    link.send(UP_TO_DATE, -1)
    link.wait_over()
    assert not world.node.serves()
    assert world.lead_in(world.leader.next_learner(), 2).zxid == 0


@pytest.mark.parametrize("text", [b"\xff\xfe", b"server.1=nonsense", b"server.x=a:1:2"])
def test_a_configuration_that_is_none_ends_the_role(world: LearnerWorld, text: bytes) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, 0)
    link.send(NEW_LEADER, E1, text)
    link.wait_over()
    assert world.node.failure is None
    world.lead_in(world.leader.next_learner(), 2)


def test_new_leader_of_another_epoch_ends_the_role(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 2)
    link.send(DIFF, 0)
    link.send(NEW_LEADER, E1, world.text.encode())
    link.wait_over()
    assert world.node.current_epoch() == 0


# The connection is lost within a DIFF: memory and log agree all the same.


def test_what_was_taken_of_a_diff_is_in_the_log_when_the_connection_is_lost(world: LearnerWorld) -> None:
    """ZOOKEEPER-4882: memory is never ahead of the log when a role has ended."""
    link = world.begin()
    world.lead_in(link, 1)
    link.send(DIFF, E1 + 3)
    link.propose(E1 + 1, made(E1 + 1), commit=True)
    link.propose(E1 + 2, made(E1 + 2), commit=True)
    world.run_for(0.5)
    link = world.rejoin(link)
    announced = world.lead_in(link, 2).zxid
    assert world.node.logged() == list(range(E1 + 1, announced + 1))
    link.send(DIFF, E1 + 3)
    for zxid in range(announced + 1, E1 + 4):
        link.propose(zxid, made(zxid), commit=True)
    world.new_leader(link, 2)
    assert world.node.logged() == [E1 + 1, E1 + 2, E1 + 3]


def test_an_observer_takes_what_it_is_informed_of() -> None:
    """INFORM is a proposal and its commit."""
    with LearnerWorld(participants=(2, 3), observers=(1,)) as world:
        link = world.begin()
        world.lead_in(link, 1)
        link.send(DIFF, 0)
        link.send(INFORM, E1 + 1, made(E1 + 1))
        world.new_leader(link, 1)
        assert world.node.logged() == [E1 + 1]
        link.send(INFORM, E1 + 2, made(E1 + 2))
        world.up_to_date(link, 1)
        link.send(INFORM, E1 + 3, made(E1 + 3))
        world.run_until(lambda: world.paths() == paths(E1 + 1, E1 + 2, E1 + 3))
        assert link.left() == [], "an observer acknowledges nothing else"
