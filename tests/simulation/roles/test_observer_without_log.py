"""An observer of ours that keeps no log (syncEnabled=false) under a scripted leader (quorum, section 14)."""

from collections.abc import Iterator

import pytest

from zkeeper.server.config.ensemble import LearnersConfig

from .learner_world import LearnerWorld, made, paths
from .packets import ACK, DIFF, INFORM, PROPOSAL, epoch, image
from .peers import send_image

E1, E2, E3 = epoch(1), epoch(2), epoch(3)


@pytest.fixture
def world() -> Iterator[LearnerWorld]:
    learners = LearnersConfig(is_observer_sync_enabled=False)
    with LearnerWorld(participants=(2, 3), observers=(1,), learners=learners) as made_world:
        yield made_world


def test_it_serves_what_it_is_informed_of_and_logs_nothing(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    world.node.disk.set_latency(3.0, 3.0, "log")
    link.send(INFORM, E1 + 3, made(E1 + 3))
    world.run_for(0.1)
    assert world.paths() == paths(E1 + 1, E1 + 2, E1 + 3)
    assert world.node.logged() == []
    assert [packet.zxid for packet in link.left() if packet.kind == ACK] == []


def test_it_goes_on_from_memory_with_the_next_leader(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1, count=2)
    link = world.rejoin(link)
    assert world.lead_in(link, 2).zxid == E1 + 2
    link.send(DIFF, E1 + 3)
    link.propose(E1 + 3, made(E1 + 3), commit=True)
    world.new_leader(link, 2)
    world.up_to_date(link, 2)
    assert world.paths() == paths(E1 + 1, E1 + 2, E1 + 3)


def test_an_epoch_whose_history_is_not_on_its_disk_is_promised_and_not_current(world: LearnerWorld) -> None:
    """As a voter it would win an election by the epoch alone, over servers that have what it lacks."""
    link = world.begin()
    world.serve(link, 1, count=2)
    assert (world.node.accepted_epoch(), world.node.current_epoch()) == (1, 0)


def test_a_snapshot_that_it_received_is_on_its_disk_with_its_epoch(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 3)
    send_image(link, E2 + 5, image({"/e2-5": b""}, E2 + 5))
    link.send(PROPOSAL, E2 + 6, made(E2 + 6))
    link.send(INFORM, E2 + 7, made(E2 + 7))
    link.wait_over()
    assert world.node.snapshots() == [0], "a hole: what came before is not believed either"
    link = world.leader.next_learner()
    world.lead_in(link, 4)
    send_image(link, E2 + 5, image({"/e2-5": b""}, E2 + 5))
    link.send(INFORM, E2 + 6, made(E2 + 6))
    world.new_leader(link, 4)
    assert (world.node.snapshots(), world.node.current_epoch()) == ([0, E2 + 6], 4)
    world.up_to_date(link, 4)


def test_after_a_restart_it_asks_from_where_its_disk_is(world: LearnerWorld) -> None:
    link = world.begin()
    world.lead_in(link, 1)
    send_image(link, E1 + 5, image({"/e1-5": b""}, E1 + 5))
    world.new_leader(link, 1)
    world.up_to_date(link, 1)
    link.send(INFORM, E1 + 6, made(E1 + 6))
    world.run_until(lambda: world.paths() == paths(E1 + 5, E1 + 6))
    world.node.machine.kill()
    world.node.start()
    link = world.leader.next_learner()
    assert world.lead_in(link, 2).zxid == E1 + 5
    link.send(DIFF, E1 + 6)
    link.propose(E1 + 6, made(E1 + 6), commit=True)
    world.new_leader(link, 2)
    world.up_to_date(link, 2)
    assert world.paths() == paths(E1 + 5, E1 + 6)
