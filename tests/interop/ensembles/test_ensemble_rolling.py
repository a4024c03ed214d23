"""Every server of a Java ensemble is replaced on its data directory, one at a time, and then back, under load.

The steps are those of `docs/operating.md`, "Moving an ensemble from and to Java". A session with its ephemeral lives
through all of it. No step leaves a client longer without an answer than the stop of a Java server that leads Java
servers did before the move.
"""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

import zkeeper

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .ensemble import Ensemble
from .member import Member
from .writers import Writer, kazoo_writer, own_writer

CHANCE_S = 1.5
"""What two elections of the same servers may differ by, as a client feels them: who is asked first, a busy machine."""
TIMEOUT_MS = 20_000


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of `zkeeper`."""
    return subprocess.run([sys.executable, "-m", "zkeeper", *arguments], capture_output=True, text=True)


def is_well(ensemble: Ensemble, member: Member) -> bool:
    """Whether all serve, and this one follows."""
    return run("status", ensemble.address()).returncode == 0 and member.mode == "follower"


def check_configurations(ensemble: Ensemble) -> None:
    for member in ensemble.members.values():
        checked = run("serve", str(member.config), "--check")
        assert checked.returncode == 0, checked.stdout + checked.stderr


def followers_first(ensemble: Ensemble) -> list[Member]:
    leader = ensemble.leader
    return [*ensemble.others(leader), leader]


def replace(ensemble: Ensemble, member: Member, kind: str, writer: Writer) -> float:
    """One step; returns the longest time in seconds that the writer was without an answer."""
    began_s = time.monotonic()
    member.stop()
    ensemble.await_service()
    writer.await_progress()
    member.kind = kind
    ensemble.start(member.sid)
    ensemble.await_(lambda: is_well(ensemble, member), f"{member} to follow, and all to serve")
    writer.await_progress()
    return writer.longest_silence_s(began_s, time.monotonic())


def move(ensemble: Ensemble, kind: str, writer: Writer) -> Iterator[float]:
    """To another kind, step by step; the outages of the steps in seconds."""
    for member in followers_first(ensemble):
        yield replace(ensemble, member, kind, writer)


@pytest.mark.parametrize("reconfig", [False, True])
def test_a_java_ensemble_moves_server_by_server_and_back(reconfig: bool, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble("JJJ", reconfig=reconfig)
    check_configurations(ensemble)
    ensemble.start_led_by(3)
    with (
        zkeeper.Client(ensemble.address(), TIMEOUT_MS) as lasting,
        own_writer(ensemble.address()) as own,
        kazoo_writer(ensemble.address()) as kazoo,
    ):
        lasting.create("/lasting", b"mine", ephemeral=True)
        session_id = lasting.session_id
        own.await_progress()
        election_s = replace(ensemble, ensemble.leader, "java", own)
        there_s = list(move(ensemble, "zkeeper", own))
        assert {member.kind for member in ensemble.running} == {"zkeeper"}
        own.await_progress(100)
        back_s = list(move(ensemble, "java", own))
        kazoo.await_progress()
        stat = lasting.exists("/lasting")
        assert stat is not None
        assert (lasting.session_id, stat.ephemeral_owner) == (session_id, session_id)
    print(f"outages in s: {election_s:.2f} when Java's leader is stopped, then {there_s}, and back {back_s}")
    assert max(there_s + back_s) <= election_s + CHANCE_S, (election_s, there_s, back_s)
    check_nothing_is_lost(ensemble, own, kazoo)
