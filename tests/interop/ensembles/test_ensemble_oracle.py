"""Two members, one of each kind, of which a file says that one goes on without the other (quorum, section 2.5)."""

from pathlib import Path

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import with_kinds
from .member import Member
from .writers import own_writer


def consult(ensemble: Ensemble) -> None:
    """Gives each member, none of which runs yet, a file of its own."""
    for member in ensemble.members.values():
        say(member, "0")
        member.config.write_text(f"{member.config.read_text()}oraclePath={_oracle(member)}\n")


def say(member: Member, answer: str) -> None:
    _oracle(member).write_text(answer)


def _oracle(member: Member) -> Path:
    return member.home / "oracle"


@with_kinds("JZ", "ZJ", others=("ZZ", "JJ"))
def test_each_of_two_goes_on_without_the_other_one(letters: str, new_ensemble: NewEnsemble) -> None:
    """First the leader without its follower, then the follower without its leader."""
    ensemble = new_ensemble(letters)
    consult(ensemble)
    ensemble.start()
    follower, leader = ensemble[1], ensemble[2]
    assert ensemble.leader == leader
    with own_writer(ensemble.address()) as writer:
        writer.await_progress(50)
        say(leader, "1")
        follower.kill()
        writer.await_progress(50)
        assert leader.mode == "leader"
        ensemble.start(follower.sid)
        assert (follower.mode, leader.mode) == ("follower", "leader")
        writer.await_progress(50)
        say(leader, "0")
        leader.kill()
        say(follower, "1")
        writer.await_progress(50)
        ensemble.start(leader.sid)
        assert (follower.mode, leader.mode) == ("leader", "follower")
        writer.await_progress(50)
    check_nothing_is_lost(ensemble, writer)
