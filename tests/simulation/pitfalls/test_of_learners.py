"""Pitfalls of a server that follows: what a leader sends is on its disk before anything is said of it."""

from functools import partial

from zkeeper.testing.simulation import Unsynced

from ..requests import GetData  # noqa: TID252  the package has one name in pytest and another as a program
from ..roles.learner_world import LearnerWorld, made, paths  # noqa: TID252  as above
from ..roles.packets import (  # noqa: TID252  as above
    ACK,
    COMMIT,
    DIFF,
    NEW_LEADER,
    PROPOSAL,
    TRUNC,
    create_txn,
    digest,
    epoch,
    error_txn,
    image,
    set_data_txn,
)
from ..roles.peers import Link, send_image  # noqa: TID252  as above

E1, E2, E3 = epoch(1), epoch(2), epoch(3)
CHECK = 13
MAX_STEPS = 60
DATA_CHANGED = 3


def restart(world: LearnerWorld) -> None:
    """The power fails: what was not synced is lost."""
    world.node.machine.kill(unsynced=Unsynced.LOST)
    world.node.start()
    assert world.node.failure is None


def bring_into_line(world: LearnerWorld, link: Link, number: int, *zxids: int) -> Link:
    """The leader of that epoch sends these behind what the learner has, up to service."""
    world.lead_in(link, number)
    link.send(DIFF, zxids[-1])
    for zxid in zxids:
        link.propose(zxid, made(zxid), commit=True)
    world.new_leader(link, number)
    world.up_to_date(link, number)
    return link


def test_3642_4225_a_received_snapshot_is_on_the_disk_before_anything_builds_on_it() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=2)
        link = world.rejoin(link)
        world.lead_in(link, 2)
        send_image(link, E2 + 1, image({"/e2-1": b""}, E2 + 1))
        world.new_leader(link, 2)
        world.up_to_date(link, 2)
        bring_into_line(world, world.rejoin(link), 3, E2 + 2)
        restart(world)
        assert world.paths() == paths(E2 + 1, E2 + 2)


def test_3911_4262_what_comes_before_newleader_is_durable_when_it_is_acknowledged() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.lead_in(link, 1)
        link.send(DIFF, E1 + 2)
        for zxid in (E1 + 1, E1 + 2):
            link.propose(zxid, made(zxid), commit=True)
        world.new_leader(link, 1)
        restart(world)
        assert world.paths() == paths(E1 + 1, E1 + 2)
        assert world.node.current_epoch() == 1


def test_3023_4394_4643_4785_the_log_comes_before_the_epoch_and_both_before_the_acknowledgement() -> None:
    """The power fails at each step of the disk in turn."""
    for step in range(1, MAX_STEPS):
        with LearnerWorld(seed=step) as world:
            link = world.begin()
            world.lead_in(link, 1)
            world.node.machine.kill_at_disk_step(step, unsynced=Unsynced.LOST)
            link.send(DIFF, E1 + 2)
            for zxid in (E1 + 1, E1 + 2):
                link.propose(zxid, made(zxid), commit=True)
            link.send(NEW_LEADER, E1, world.text.encode())
            world.run_until(partial(_is_settled, link))
            if link.has(ACK, E1):
                assert world.node.current_epoch() == 1
            if world.node.current_epoch() == 1:
                assert world.node.logged() == [E1 + 1, E1 + 2]
            if world.node.machine.is_alive:
                assert step > 5, "the power failed at some of the steps that matter"
                return
    raise AssertionError("the synchronisation does not come to its end")


def _is_settled(link: Link) -> bool:
    return link.is_over or link.has(ACK, E1)


def test_4646_4685_a_proposal_is_acknowledged_by_what_the_disk_confirmed() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1)
        world.node.disk.set_latency(1.0, 1.0, "log")
        link.propose(E1 + 1, made(E1 + 1))
        link.wait_for(ACK, E1 + 1)
        restart(world)
        assert world.node.logged() == [E1 + 1]
        assert world.lead_in(world.leader.next_learner(), 2).zxid == E1 + 1


def test_4925_a_history_with_a_hole_is_not_taken_over() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        link = world.rejoin(link)
        world.lead_in(link, 2)
        link.send(DIFF, E1 + 4)
        for zxid in (E1 + 2, E1 + 4):
            link.propose(zxid, made(zxid), commit=True)
        link.send(NEW_LEADER, E2, world.text.encode())
        link.wait_over()
        check_no_hole(world, E1 + 2)


def test_4925_a_proposal_behind_a_hole_is_not_taken() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        link.propose(E1 + 3, made(E1 + 3), commit=True)
        link.wait_over()
        check_no_hole(world, E1 + 1)


def check_no_hole(world: LearnerWorld, last_zxid: int) -> None:
    """The server goes on, and neither its log nor what it would hand to others has one."""
    assert world.node.failure is None
    assert world.lead_in(world.leader.next_learner(), 3).zxid == last_zxid
    expected = list(range(E1 + 1, last_zxid + 1))
    assert world.node.logged() == expected
    assert [zxid for zxid, _ in world.node.member._history.txns()] == expected


def test_4925_a_commit_of_another_transaction_than_the_next_is_not_taken() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.lead_in(link, 1)
        link.send(DIFF, E1 + 2)
        for zxid in (E1 + 1, E1 + 2):
            link.propose(zxid, made(zxid))
        link.send(COMMIT, E1 + 2)
        link.send(NEW_LEADER, E1, world.text.encode())
        link.wait_over()
        assert world.node.failure is None
        assert world.lead_in(world.leader.next_learner(), 2).zxid == 0
        assert world.node.logged() == []


def test_4882_after_a_passing_disk_error_the_server_begins_anew_from_its_disk() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        world.node.disk.set_latency(1.0, 1.0, "log")
        link.propose(E1 + 2, made(E1 + 2), commit=True)
        world.run_until(lambda: world.paths() == paths(E1 + 1, E1 + 2))
        assert world.node.logged() == [E1 + 1], "memory is ahead of the disk"
        world.node.disk.fail_next("sync")
        world.run_until(lambda: world.node.is_over)
        assert world.node.failure is not None
        assert not link.has(ACK, E1 + 2)
        restart(world)
        link = world.leader.next_learner()
        assert world.lead_in(link, 2).zxid == E1 + 1
        link.close()
        bring_into_line(world, world.leader.next_learner(), 3, E1 + 2, E1 + 3)
        assert world.node.logged() == [E1 + 1, E1 + 2, E1 + 3]


def test_4712_4541_the_writer_of_a_role_that_is_over_writes_nothing_more() -> None:
    """One transaction is being synced and another waits for its turn when the leader goes; the next leader takes the
    second back and proposes another under the same zxid."""
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        world.node.disk.set_latency(1.0, 1.0, "log")
        for zxid in (E1 + 2, E1 + 3):
            link.propose(zxid, made(zxid))
            world.run_for(0.1)
        link = world.rejoin(link)
        world.lead_in(link, 2)
        link.send(TRUNC, E1 + 2)
        link.propose(E1 + 3, create_txn(E1 + 3, "/e-other"), commit=True)
        world.new_leader(link, 2)
        world.up_to_date(link, 2)
        world.run_for(5)
        assert world.node.logged() == [E1 + 1, E1 + 2, E1 + 3]
        restart(world)
        assert world.paths() == paths(E1 + 1, E1 + 2) | {"/e-other"}


def test_2845_2846_a_database_that_diverged_is_seen_by_the_next_digest() -> None:
    """This server has another transaction under the zxid up to which it is in line with the leader."""
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        tree = world.node.member.service.database.tree
        before = int(tree.digest)
        world.commit(link, E1 + 2, error_txn(E1 + 2, -101) + digest(before))
        assert world.node.photo().digest_mismatches == 0
        link = world.rejoin(link)
        world.lead_in(link, 2)
        link.send(DIFF, E1 + 2)
        world.new_leader(link, 2)
        world.up_to_date(link, 2)
        world.commit(link, E2 + 1, error_txn(E2 + 1, -101) + digest(before + 1))
        world.run_until(lambda: world.node.photo().zxid == E2 + 1)
        assert world.node.photo().digest_mismatches == 1


def test_2623_4680_a_bare_check_that_a_leader_proposes_touches_nothing() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        check = made(E1 + 2)[:28] + CHECK.to_bytes(4) + b"\0\0\0\x05/e1-1\xff\xff\xff\xff"
        link.send(PROPOSAL, E1 + 2, check)
        link.wait_over()
        assert world.node.failure is None
        assert world.lead_in(world.leader.next_learner(), 2).zxid == E1 + 1
        assert world.node.logged() == [E1 + 1]


def test_4537_4409_reads_see_what_is_committed_and_nothing_of_what_is_logged() -> None:
    with LearnerWorld() as world:
        link = world.begin()
        world.serve(link, 1, count=1)
        client = world.open_session(link, E1 + 2)
        assert world.call(client, GetData("/e1-1", is_watching=True)).value[0] == b""
        link.propose(E1 + 3, set_data_txn(E1 + 3, "/e1-1", b"new", 1))
        link.wait_for(ACK, E1 + 3)
        world.run_for(0.1)
        assert world.call(client, GetData("/e1-1")).value[0] == b""
        assert client.events == []
        link.send(COMMIT, E1 + 3)
        while world.call(client, GetData("/e1-1")).value[0] == b"":
            assert client.events == [], "the change is told before it is shown"
        assert [(event.kind, event.path) for event in client.events] == [(DATA_CHANGED, "/e1-1")]
        assert [reply.zxid for reply in client.replies] == sorted(reply.zxid for reply in client.replies)
