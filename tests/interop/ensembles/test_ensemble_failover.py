"""Leaders and followers of both kinds are killed, stopped and paused while clients write: nothing is lost."""

import pytest

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .kinds import with_kinds
from .member import Member
from .writers import kazoo_writer, own_writer

ROUNDS = 3


@with_kinds("JZJ", "JJZ", others=("JJJ", "ZJJ", "JZZ", "ZZZ"))
@pytest.mark.parametrize("end", [Member.kill, Member.stop])
def test_the_leader_ends_under_load(letters: str, end: object, new_ensemble: NewEnsemble) -> None:
    assert callable(end)
    ensemble = new_ensemble(letters)
    ensemble.start_led_by(3)
    with own_writer(ensemble.address()) as own, kazoo_writer(ensemble.address()) as kazoo:
        led = set()
        for _ in range(ROUNDS):
            leader = ensemble.leader
            led.add(leader.sid)
            end(leader)
            ensemble.await_service()
            own.await_progress()
            kazoo.await_progress()
            ensemble.start(leader.sid)
            own.await_progress()
            kazoo.await_progress()
    assert len(led) > 1
    check_nothing_is_lost(ensemble, own, kazoo)


@with_kinds("ZJJ", "JJZ", others=("JJJ", "JZZ", "ZZZ"))
def test_followers_are_killed_under_load(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters)
    leader = ensemble.start_led_by(3)
    with own_writer(ensemble.address()) as own, kazoo_writer(ensemble.address()) as kazoo:
        for follower in ensemble.others(leader) * 2:
            follower.kill()
            own.await_progress()
            kazoo.await_progress()
            ensemble.start(follower.sid)
    assert ensemble.leader is leader
    check_nothing_is_lost(ensemble, own, kazoo)


@with_kinds("JZJ", "JJZ", others=("JJJ", "ZZZ"))
def test_a_leader_that_stands_still_is_replaced_and_follows_when_it_goes_on(
    letters: str, new_ensemble: NewEnsemble
) -> None:
    ensemble = new_ensemble(letters)
    leader = ensemble.start_led_by(3)
    with own_writer(ensemble.address()) as own, kazoo_writer(ensemble.address()) as kazoo:
        leader.pause()
        ensemble.await_service()
        own.await_progress()
        kazoo.await_progress()
        leader.resume()
        ensemble.await_service()
        assert leader.mode == "follower"
        own.await_progress()
    check_nothing_is_lost(ensemble, own, kazoo)
