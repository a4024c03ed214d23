"""A member that is cut off from its quorum serves reads, whatever the kind of member and client."""

import subprocess
import sys

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KeeperState

import zkeeper
from interop.clients.harness import wait_for
from interop.conftest import need_zkjava
from zkeeper import SessionState
from zkeeper.errors import NotReadOnlyError

from . import status
from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import with_kinds
from .member import Member

TIMEOUT_MS = 10_000
CLI_DEADLINE_S = 60.0
DEFINES = ("-Dreadonlymode.enabled=true",)
KINDS = with_kinds("ZJJ", "JZZ", others=("ZZZ", "ZZJ", "ZJZ", "JJJ"))
"""Member 1 is left alone."""


def cut_off(letters: str, new_ensemble: NewEnsemble) -> tuple[Ensemble, Member]:
    """An ensemble with /a, of which only member 1 is left, which serves reads."""
    ensemble = new_ensemble(letters, localSessionsEnabled="true", localSessionsUpgradingEnabled="true")
    for member in ensemble.members.values():
        member.defines = DEFINES
    ensemble.start()
    with zkeeper.Client(ensemble.address(), TIMEOUT_MS) as client:
        client.create("/a", b"1")
    ensemble.await_equal()
    for sid in (2, 3):
        ensemble[sid].kill()
    wait_for(lambda: isro(ensemble[1]) == "ro", "member 1 to serve reads")
    return ensemble, ensemble[1]


def isro(member: Member) -> str:
    return status.ask(member.address.client, "isro")


@KINDS
def test_our_client_reads_there_and_goes_on_where_it_may_write(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble, left = cut_off(letters, new_ensemble)
    states: list[SessionState] = []
    with zkeeper.Client(ensemble.address(), TIMEOUT_MS, read_only=True) as client:
        assert client.state is SessionState.CONNECTED_READ_ONLY
        assert client.get("/a").data == b"1"
        for write in (lambda: client.set("/a", b"2"), lambda: client.create("/b", ephemeral=True), client.sync):
            with pytest.raises(NotReadOnlyError):
                write()
        assert client.state is SessionState.CONNECTED_READ_ONLY
        client.on_state(states.append)
        ensemble.start(2)
        wait_for(lambda: client.state is SessionState.CONNECTED, "a server that writes")
        client.create("/b", ephemeral=True)
        client.set("/a", b"2")
    assert SessionState.LOST not in states
    assert [isro(member) for member in ensemble.running] == ["rw", "rw"]
    assert left.mode in ("follower", "leader")


@KINDS
def test_other_clients_read_there_and_those_that_have_to_write_are_turned_away(
    letters: str, new_ensemble: NewEnsemble
) -> None:
    ensemble, left = cut_off(letters, new_ensemble)
    _kazoo_is_turned_away(ensemble.address(left))
    _kazoo_reads(ensemble.address(left))
    _zkcli_reads(ensemble.address(left))


def _kazoo_is_turned_away(address: str) -> None:
    client = KazooClient(address, timeout=TIMEOUT_MS / 1000)
    with pytest.raises(KazooTimeoutError):
        client.start(2.0)
    client.stop()
    client.close()


def _kazoo_reads(address: str) -> None:
    client = KazooClient(address, timeout=TIMEOUT_MS / 1000, read_only=True)
    client.start(TIMEOUT_MS / 1000)
    try:
        assert client.client_state == KeeperState.CONNECTED_RO
        assert client.get("/a")[0] == b"1"
        with pytest.raises(KazooException):
            client.set("/a", b"2")
        assert client.get("/a")[0] == b"1"
    finally:
        client.stop()
        client.close()


def _zkcli_reads(address: str) -> None:
    done = subprocess.run(
        [sys.executable, str(need_zkjava()), "cli", "-server", address, "-r"],
        input="get /a\nset /a 2\nget /a\nquit\n", capture_output=True, text=True, timeout=CLI_DEADLINE_S, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines().count("1") == 2
    assert "Not a read-only call" in done.stdout + done.stderr
