"""Kinds of servers and sessions beside leader and follower, ours among Java's: observers without a log, and more."""

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .kinds import with_kinds
from .writers import kazoo_writer, own_writer


@with_kinds("JJJ+Z", "JJZ+J", others=("JJJ+J", "ZZZ+Z"))
def test_an_observer_without_a_log_has_everything_all_the_same(letters: str, new_ensemble: NewEnsemble) -> None:
    """It goes through the loss of a leader, and through a restart with nothing on its disk."""
    ensemble = new_ensemble(letters, syncEnabled="false")
    leader = ensemble.start_led_by(3)
    observer = ensemble[4]
    with own_writer(ensemble.address(observer)) as through_it, kazoo_writer(ensemble.address()) as through_all:
        through_it.await_progress(100)
        leader.kill()
        through_it.await_progress(100)
        ensemble.start(3)
        observer.kill()
        through_all.await_progress(100)
        ensemble.start(4)
        through_it.await_progress(100)
        assert observer.logged() == []
    check_nothing_is_lost(ensemble, through_it, through_all)
