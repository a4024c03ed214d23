"""Our server as leader, follower and observer beside Java's, and what clients write through each of them."""

import pytest

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .kinds import with_kinds
from .writers import kazoo_writer, own_writer


@with_kinds("JZJ", others=("JJJ", "ZJJ", "JJZ", "JZZ", "ZZZ"))
@pytest.mark.parametrize("leader", [2, 3])
def test_writes_through_every_member_are_everywhere(letters: str, leader: int, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters)
    ensemble.start_led_by(leader)
    members = ensemble.running
    assert [member.mode for member in members] == ["leader" if each.sid == leader else "follower" for each in members]
    with (
        own_writer(ensemble.address(ensemble[1])) as first,
        own_writer(ensemble.address(ensemble[2]), "second") as second,
        kazoo_writer(ensemble.address(ensemble[3])) as third,
    ):
        writers = first, second, third
        for writer in writers:
            writer.await_progress(100)
    check_nothing_is_lost(ensemble, *writers)
    assert [writer.unknown for writer in writers] == [[], [], []]
    assert {(each.epoch("acceptedEpoch"), each.epoch("currentEpoch")) for each in members} == {(1, 1)}


@with_kinds("JJZ+J", "JJJ+Z", others=("JJJ+J", "ZZZ+Z"))
def test_an_observer_serves_reads_and_writes_and_has_no_vote(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters)
    leader = ensemble.start_led_by(3)
    observer = ensemble[4]
    assert observer.mode == "observer"
    assert (leader.metric("quorum_size"), leader.metric("synced_observers")) == (3, 1)
    with own_writer(ensemble.address(observer)) as through_it, kazoo_writer(ensemble.address(leader)) as through_leader:
        observer.kill()
        through_leader.await_progress(100)
        observer.start()
        ensemble.await_service()
        through_it.await_progress(100)
    check_nothing_is_lost(ensemble, through_it, through_leader)


@with_kinds("JJJ+Z", others=("JJJ+J", "ZZZ+Z"))
def test_an_observer_does_not_make_a_quorum(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters)
    ensemble.start_led_by(3)
    ensemble[2].kill()
    ensemble[3].kill()
    ensemble.await_(lambda: not ensemble[1].mode and not ensemble[4].mode, "the others to serve no more")
    ensemble.start(2)
    assert ensemble[4].mode == "observer"


@with_kinds("JJZ", others=("JJJ", "JZZ", "ZZZ"))
def test_all_are_killed_at_once_and_serve_again_what_they_had(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters)
    ensemble.start()
    with own_writer(ensemble.address()) as own, kazoo_writer(ensemble.address()) as kazoo:
        for _ in range(2):
            own.await_progress(100)
            ensemble.kill()
            ensemble.start()
            own.await_progress()
            kazoo.await_progress()
    check_nothing_is_lost(ensemble, own, kazoo)
