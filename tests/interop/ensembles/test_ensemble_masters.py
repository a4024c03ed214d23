"""Observers that followers serve in the leader's place, ours at Java's and Java's at ours (quorum, section 14)."""

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import with_kinds
from .layout import free_ports
from .member import Member
from .test_ensemble_reconfig import SUPER_SETTING, admin, await_roles
from .writers import kazoo_writer, own_writer

OBSERVER = 4


def master_of(ensemble: Ensemble) -> Member:
    """Who serves the observer; it has said so itself, and that follower, too."""
    master = ensemble[ensemble[OBSERVER].metric("observer_master_id")]
    assert master.mode == "follower"
    ensemble.await_(lambda: master.metric("synced_observers") == 1, f"{master} to count its observer")
    return master


@with_kinds("JJJ+Z", "ZZZ+J", others=("ZZZ+Z", "JZJ+Z", "JZJ+J", "JJJ+J"))
def test_an_observer_goes_from_master_to_master(letters: str, new_ensemble: NewEnsemble) -> None:
    """Through the loss of its master, of the leader, and of itself; clients write through it all the while."""
    ensemble = new_ensemble(letters, is_apart=True, observerMasterPort=str(next(free_ports(1))))
    leader = ensemble.start_led_by(3)
    assert leader.metric("synced_observers") == 0
    observer = ensemble[OBSERVER]
    with own_writer(ensemble.address(observer)) as through_it, kazoo_writer(ensemble.address()) as through_all:
        through_it.await_progress(100)
        first = master_of(ensemble)
        first.kill()
        through_it.await_progress(100)
        assert master_of(ensemble) != first
        ensemble.start(first.sid)
        leader.kill()
        through_it.await_progress(100)
        assert master_of(ensemble) not in (leader, ensemble.leader)
        ensemble.start(leader.sid)
        observer.kill()
        through_all.await_progress(100)
        ensemble.start(OBSERVER)
        through_it.await_progress(100)
        master_of(ensemble)
    check_nothing_is_lost(ensemble, through_it, through_all)


@with_kinds("JJJ+Z", "ZZZ+J", others=("ZZZ+Z", "JJJ+J"))
def test_an_observer_hears_of_a_change_of_the_membership_from_its_master(
    letters: str, new_ensemble: NewEnsemble
) -> None:
    """And stays where it is when the change is about others."""
    port = str(next(free_ports(1)))
    ensemble = new_ensemble(letters, reconfig=True, is_apart=True, observerMasterPort=port, **SUPER_SETTING)
    leader = ensemble.start_led_by(3)
    observer, master = ensemble[OBSERVER], master_of(ensemble)
    (other,) = ensemble.others(leader, observer, master)
    with own_writer(ensemble.address(observer)) as through_it, admin(ensemble, observer) as client:
        through_it.await_progress(50)
        told = client.reconfig(leaving=[other.sid])
        other.stop()
        assert await_roles(ensemble, "-ppo" if other.sid == 1 else "p-po") == told.data
        through_it.await_progress(50)
        assert master_of(ensemble) == master
    check_nothing_is_lost(ensemble, through_it)
