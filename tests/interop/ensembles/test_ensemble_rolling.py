"""Every server of a Java ensemble is replaced on its data directory, one at a time, and then back, under load.

A session with its ephemeral lives through all of it. No silence of the servers is longer than the election that the
step has caused, and what a client needs to come back.
"""

import time

import pytest

import zkeeper

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import kinds, with_kinds
from .member import Member
from .writers import Writer, kazoo_writer, own_writer

COME_BACK_S = 1.5
"""What our client may need to find the next server and resume its session; others keep the machine busy meanwhile."""
TIMEOUT_MS = 20_000


def replace(ensemble: Ensemble, member: Member, kind: str, writer: Writer) -> None:
    """One step: stop it, start the other kind in its place, and look at what the writer felt."""
    began_s = time.monotonic()
    member.stop()
    ensemble.await_service()
    without_it_s = time.monotonic() - began_s
    writer.await_progress()
    member.kind = kind
    ensemble.start(member.sid)
    writer.await_progress()
    silence_s = writer.longest_silence_s(began_s, time.monotonic())
    assert silence_s <= without_it_s + COME_BACK_S, f"{silence_s:.1f} s of silence, {without_it_s:.1f} s of election"


@with_kinds("JJJ", "ZZZ")
@pytest.mark.parametrize("reconfig", [False, True])
def test_a_java_ensemble_moves_server_by_server_and_back(
    letters: str, reconfig: bool, new_ensemble: NewEnsemble
) -> None:
    ensemble = new_ensemble("JJJ", reconfig=reconfig)
    ensemble.start_led_by(3)
    with (
        zkeeper.Client(ensemble.address(), TIMEOUT_MS) as lasting,
        own_writer(ensemble.address()) as own,
        kazoo_writer(ensemble.address()) as kazoo,
    ):
        lasting.create("/lasting", b"mine", ephemeral=True)
        session_id = lasting.session_id
        for sid, kind in enumerate(kinds(letters)[0], 1):
            replace(ensemble, ensemble[sid], kind, own)
        own.await_progress(100)
        for sid in (1, 2, 3):
            replace(ensemble, ensemble[sid], "java", own)
        kazoo.await_progress()
        stat = lasting.exists("/lasting")
        assert stat is not None
        assert (lasting.session_id, stat.ephemeral_owner) == (session_id, session_id)
    check_nothing_is_lost(ensemble, own, kazoo)
