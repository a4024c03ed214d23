"""A member that was away is brought up to date by DIFF, TRUNC or SNAP, whichever kind leads and whichever joins.

What the leader did is told by its metrics: `diff_count` counts DIFF and TRUNC, `snap_count` SNAP.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from interop.clients.harness import wait_for
from interop.differential import codec
from interop.wire_session import WireSession

from .agreement import check_digests, held_by
from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import with_kinds
from .member import Member

TIMEOUT_MS = 60_000
COMMITTED_LOG = 500
"""So many transactions a leader has in memory for a DIFF."""
KINDS = with_kinds("ZJJ", "JJZ", others=("JJJ", "ZJZ", "ZZZ"))
"""Member 1 joins, member 3 leads."""


def write(member: Member, count: int, name: str) -> None:
    """So many transactions through a member, and those of a session."""
    session = WireSession(member.server, TIMEOUT_MS)
    if not session.exists("/sync"):
        session.create("/sync")
    for number in range(count):
        session.send(codec.CREATE, codec_create(f"/sync/{name}-{number:05d}"))
    for _ in range(count):
        session.reply()
    session.close()


def codec_create(path: str) -> bytes:
    return codec.text(path) + codec.buffer(path.encode()) + codec.acl([(31, "world", "anyone")]) + codec.i32(0)


@contextmanager
def counted(leader: Member, diffs: int = 0, snaps: int = 0) -> Iterator[None]:
    """The leader must bring so many members up to date meanwhile, in these ways."""
    before = leader.metric("diff_count"), leader.metric("snap_count")
    yield
    after = leader.metric("diff_count"), leader.metric("snap_count")
    assert (after[0] - before[0], after[1] - before[1]) == (diffs, snaps)


def check_same(ensemble: Ensemble) -> None:
    ensemble.await_equal()
    first, *rest = ensemble.running
    held = held_by(first, "/sync")
    assert held
    for member in rest:
        assert held_by(member, "/sync") == held, f"{member} and {first} differ"
    check_digests(ensemble)


@KINDS
def test_diff_from_memory(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters)
    leader = ensemble.start_led_by(3)
    write(leader, 50, "before")
    ensemble[1].kill()
    write(leader, 100, "away")
    with counted(leader, diffs=1):
        ensemble.start(1)
    check_same(ensemble)


@KINDS
def test_diff_from_the_log_on_disk(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, snapshotSizeFactor="1000")
    leader = ensemble.start_led_by(3)
    write(leader, 50, "before")
    ensemble[1].kill()
    write(leader, 3 * COMMITTED_LOG, "away")
    with counted(leader, diffs=1):
        ensemble.start(1)
    check_same(ensemble)


@KINDS
@pytest.mark.parametrize("lost", [False, True])
def test_snap(letters: str, lost: bool, new_ensemble: NewEnsemble) -> None:
    """Too much was missed for the leader's memory, or everything is lost; the history on disk is not to be used."""
    ensemble = new_ensemble(letters, snapshotSizeFactor="-1")
    leader = ensemble.start_led_by(3)
    write(leader, 50, "before")
    ensemble[1].kill()
    if lost:
        ensemble[1].wipe()
    write(leader, 2 * COMMITTED_LOG, "away")
    with counted(leader, snaps=1):
        ensemble.start(1)
    check_same(ensemble)
    ensemble[1].kill()  # What came as a snapshot must be there after a crash, too.
    with counted(leader, diffs=1):
        ensemble.start(1)
    check_same(ensemble)


@KINDS
def test_snap_while_clients_write(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, forceSnapshotSync="true")
    leader = ensemble.start_led_by(3)
    write(leader, 200, "before")
    session = WireSession(leader.server, TIMEOUT_MS)
    for round_ in range(3):
        ensemble[1].kill()
        ensemble[1].start()
        sent = 0
        while not ensemble[1].mode:
            session.create(f"/sync/during-{round_}-{sent}")
            sent += 1
        assert sent > 10
    session.close()
    check_same(ensemble)


# An uncommitted tail: a leader has logged what no follower has.


@pytest.fixture
def forsaken(new_ensemble: NewEnsemble) -> Callable[[str], Ensemble]:
    """Member 2 led, and has logged writes that nobody else has; all are down. Members 1 and 3 have equal histories."""

    def make(letters: str) -> Ensemble:
        ensemble = new_ensemble(letters)
        leader = ensemble.start_led_by(2)
        write(leader, 50, "before")
        ensemble.await_equal()
        session = WireSession(leader.server, TIMEOUT_MS)
        followers = ensemble.others(leader)
        for follower in followers:
            follower.pause()
        logged = len(leader.logged())
        for number in range(10):
            session.send(codec.CREATE, codec_create(f"/sync/tail-{number}"))
        wait_for(lambda: len(leader.logged()) == logged + 10, "the leader to log what it was sent")
        for member in (leader, *followers):
            member.kill()  # The leader first: what waits in the followers' kernels is never read.
        session.drop()
        return ensemble

    return make


TAILS = with_kinds("JZJ", "JJZ", others=("JJJ", "JZZ", "ZZZ"))
"""Member 2 has the tail, member 3 leads then."""


@TAILS
def test_trunc(letters: str, forsaken: Callable[[str], Ensemble]) -> None:
    ensemble = forsaken(letters)
    old = ensemble[2]
    tail = old.logged()[-1].zxid
    ensemble.start(1, 3)
    with counted(ensemble.leader, diffs=1):
        ensemble.start(2)
    assert old.logged()[-1].zxid == tail - 10
    check_same(ensemble)
    assert not [path for path in held_by(old, "/sync") if "tail" in path]
    old.kill()
    ensemble.start(2)
    check_same(ensemble)


@TAILS
def test_a_tail_of_an_epoch_that_is_over_goes_when_the_next_one_has_writes(
    letters: str, forsaken: Callable[[str], Ensemble]
) -> None:
    ensemble = forsaken(letters)
    ensemble.start(1, 3)
    write(ensemble.leader, 20, "next")
    with counted(ensemble.leader, snaps=1):
        ensemble.start(2)
    check_same(ensemble)
    assert not [path for path in held_by(ensemble[2], "/sync") if "tail" in path]


@TAILS
def test_the_tail_lasts_when_its_member_leads_again(letters: str, forsaken: Callable[[str], Ensemble]) -> None:
    ensemble = forsaken(letters)
    ensemble.start(1, 2)
    assert ensemble.leader.sid == 2
    ensemble.start(3)
    check_same(ensemble)
    assert len([path for path in held_by(ensemble[3], "/sync") if "tail" in path]) == 10
