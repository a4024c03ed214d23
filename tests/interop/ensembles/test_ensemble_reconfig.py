"""Members of both kinds join, leave and change their roles while a client writes, whichever kind leads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

import zkeeper
from interop.rich_tree import SUPER, digest_id
from zkeeper.errors import (
    BadArgumentsError,
    BadVersionError,
    ConnectionLossError,
    NewConfigNoQuorumError,
    NoAuthError,
    ReconfigDisabledError,
)

from .agreement import check_nothing_is_lost
from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import kinds, with_kinds
from .member import Member
from .writers import own_writer

SUPER_SETTING = {"DigestAuthenticationProvider.superDigest": digest_id(SUPER)}
TIMEOUT_MS = 20_000
KINDS = with_kinds("JJZ", "ZZJ", others=("JJJ", "ZZZ"))
"""Member 3 leads."""
JOINING = with_kinds("JJZ+J", "JJJ+Z", others=("JJJ+J", "ZZZ+Z"))
"""The one behind the plus joins."""


@contextmanager
def admin(ensemble: Ensemble, *members: Member) -> Iterator[zkeeper.Client]:
    """A client that may reconfigure, on one of these members."""
    with zkeeper.Client(ensemble.address(*members), TIMEOUT_MS, auth=[("digest", SUPER)]) as client:
        yield client


def joiner_kind(letters: str) -> str:
    _, (kind,) = kinds(letters)
    return kind


def roles(text: bytes) -> dict[int, str]:
    """Who is what in the text of a configuration."""
    found = re.findall(r"^server\.(\d+)=.*?:(participant|observer)", text.decode(), re.MULTILINE)
    return {int(sid): role for sid, role in found}


def version(text: bytes) -> int:
    return int(text.rpartition(b"version=")[2], 16)


def await_roles(ensemble: Ensemble, wanted: str) -> bytes:
    """Waits until all that run have the same configuration with these roles, a letter for each id; returns it."""
    by_sid = {sid: {"p": "participant", "o": "observer"}[role] for sid, role in enumerate(wanted, 1) if role != "-"}

    def configs() -> set[bytes]:
        return {_config(ensemble, member) for member in ensemble.running}

    ensemble.await_service()
    ensemble.await_(lambda: [roles(text) for text in configs()] == [by_sid], f"the roles {by_sid}")
    (text,) = configs()
    return text


def _config(ensemble: Ensemble, member: Member) -> bytes:
    with zkeeper.Client(ensemble.address(member), TIMEOUT_MS) as client:
        return client.config().data or b""


@JOINING
def test_a_participant_joins_counts_and_leaves(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters.partition("+")[0], reconfig=True, **SUPER_SETTING)
    leader = ensemble.start_led_by(3)
    joiner = ensemble.add(joiner_kind(letters))
    with own_writer(ensemble.address()) as writer, admin(ensemble, ensemble[1]) as client:
        ensemble.start(joiner.sid)
        assert joiner.mode == "follower"
        assert leader.metric("synced_non_voting_followers") == 1
        told = client.reconfig(joining=[ensemble.line(4)])
        assert roles(told.data or b"") == dict.fromkeys([1, 2, 3, 4], "participant")
        assert await_roles(ensemble, "pppp") == told.data
        assert leader.metric("quorum_size") == 4
        ensemble[1].kill()  # Three of four are needed: the new one must be among them.
        writer.await_progress(50)
        ensemble.start(1)
        client.reconfig(leaving=[4])
        await_roles(ensemble, "ppp")
        joiner.stop()
        ensemble[1].kill()
        writer.await_progress(50)
        ensemble.start(1)
    assert ensemble.leader is leader
    check_nothing_is_lost(ensemble, writer)


@JOINING
def test_an_observer_joins_and_is_promoted_and_a_participant_becomes_an_observer(
    letters: str, new_ensemble: NewEnsemble
) -> None:
    ensemble = new_ensemble(letters.partition("+")[0], reconfig=True, **SUPER_SETTING)
    leader = ensemble.start_led_by(3)
    joiner = ensemble.add(joiner_kind(letters), is_observer=True)
    with own_writer(ensemble.address()) as writer, admin(ensemble, ensemble[2]) as client:
        joiner.start()
        client.reconfig(joining=[ensemble.line(4)])
        await_roles(ensemble, "pppo")
        assert (joiner.mode, leader.metric("quorum_size")) == ("observer", 3)
        writer.await_progress(50)
        client.reconfig(joining=[ensemble.line(4, "participant")])
        await_roles(ensemble, "pppp")
        ensemble.await_(lambda: joiner.mode == "follower", "the observer to follow")
        client.reconfig(joining=[ensemble.line(1, "observer")])
        await_roles(ensemble, "oppp")
        ensemble.await_(lambda: ensemble[1].mode == "observer", "the follower to observe")
        assert leader.metric("quorum_size") == 3
        writer.await_progress(50)
    check_nothing_is_lost(ensemble, writer)


@with_kinds("JJZ", "JZJ", others=("JJJ", "ZZJ", "ZZZ"))
def test_the_leader_is_removed_and_hands_over(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, reconfig=True, **SUPER_SETTING)
    old = ensemble.start_led_by(3)
    with own_writer(ensemble.address(ensemble[1], ensemble[2])) as writer, admin(ensemble, ensemble[1]) as client:
        writer.await_progress()
        with suppress(ConnectionLossError):  # It takes place, but its leader may be gone before it can tell.
            client.reconfig(leaving=[3])
        await_roles(ensemble, "pp")
        assert ensemble.leader.sid in (1, 2)
        ensemble.await_(lambda: old.mode == "follower", "the old leader to follow, without a vote")
        writer.await_progress(50)
        old.stop()
        writer.await_progress(50)
    check_nothing_is_lost(ensemble, writer)


@KINDS
def test_a_whole_new_configuration_outlives_a_restart(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, reconfig=True, **SUPER_SETTING)
    ensemble.start_led_by(3)
    # A server of Java whose role changes closes its clients' connections, maybe before it has answered the reconfig.
    with admin(ensemble, ensemble[2]) as client:
        first = client.config().data or b""
        assert version(first) == 1 << 32, "the first leader gives the configuration the version of its epoch"
        lines = [ensemble.line(1, "observer"), ensemble.line(2), ensemble.line(3)]
        told = client.reconfig(members=lines, version=version(first)).data or b""
        assert version(told) > version(first)
        assert await_roles(ensemble, "opp") == told
    ensemble.stop()
    for member in ensemble.members.values():
        _check_files(member, told)
    ensemble.start()
    assert await_roles(ensemble, "opp") == told
    assert ensemble[1].mode == "observer"


def _check_files(member: Member, text: bytes) -> None:
    """The static file names the dynamic one, which has the configuration without its version."""
    config = member.home / "zoo.cfg"
    dynamic = member.home / f"zoo.cfg.dynamic.{version(text):x}"
    assert f"dynamicConfigFile={dynamic}" in config.read_text().splitlines()
    assert not re.search("^(server|clientPort|peerType)", config.read_text(), re.MULTILINE)
    assert dynamic.read_bytes().strip().splitlines() == text.strip().splitlines()[:-1]
    assert not (member.home / "zoo.cfg.dynamic.next").exists()


@KINDS
def test_what_may_not_be_is_refused_and_changes_nothing(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, reconfig=True, **SUPER_SETTING)
    ensemble.start_led_by(3)
    absent = [ensemble.add("java"), ensemble.add("java")]
    joining = [ensemble.line(member.sid) for member in absent]
    for member in ensemble.running:
        with admin(ensemble, member) as client, zkeeper.Client(ensemble.address(member)) as anybody:
            before = client.config()
            with pytest.raises(NoAuthError):
                anybody.reconfig(leaving=[1])
            with pytest.raises(BadVersionError):
                client.reconfig(leaving=[1], version=version(before.data or b"") + 1)
            with pytest.raises(BadArgumentsError):
                client.reconfig(leaving=[1, 2])
            with pytest.raises(BadArgumentsError):
                client.reconfig(joining=["server.7=127.0.0.1:1:2"])
            with pytest.raises(NewConfigNoQuorumError):
                client.reconfig(joining=joining, leaving=[1])
            assert client.config() == before


@with_kinds("JJZ", others=("JJJ", "ZZZ"))
def test_an_ensemble_that_may_not_be_reconfigured(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, **SUPER_SETTING)
    ensemble.start_led_by(3)
    for member in ensemble.running:
        with admin(ensemble, member) as client, pytest.raises(ReconfigDisabledError):
            client.reconfig(leaving=[1])
