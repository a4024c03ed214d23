"""Local sessions in ensembles of both kinds, at every member: without transactions until an ephemeral is wanted.

Transactions are counted at the member that has answered: a leader of Java's applies after it has told its followers.
"""

import pytest

from interop.clients.harness import wait_for
from interop.differential import codec
from interop.wire_session import Credentials, Refused, ServerError, WireSession, create_body

from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import with_kinds
from .member import Member

LONG_TIMEOUT_MS, SHORT_TIMEOUT_MS = 20_000, 2_000
EPHEMERAL = 1
EPHEMERAL_ON_LOCAL_SESSION = -120
ON = "true"
KINDS = with_kinds("ZJJ+J", "JJZ+Z", "JJJ+Z", others=("JJJ+J", "JZJ+Z", "ZZJ+J", "ZZZ+J"))
"""Member 3 leads, member 4 observes."""


def open_session(member: Member, timeout_ms: int = LONG_TIMEOUT_MS, resumed: WireSession | None = None) -> WireSession:
    return WireSession(member.server, timeout_ms, *([resumed.credentials] if resumed else []))


def is_refused(member: Member, credentials: Credentials) -> bool:
    try:
        WireSession(member.server, LONG_TIMEOUT_MS, credentials).drop()
    except Refused:
        return True
    return False


def having(ensemble: Ensemble, path: str) -> list[int]:
    """The members that have a znode, as a new session of each sees it."""
    found: list[int] = []
    for sid, member in ensemble.members.items():
        session = open_session(member)
        if session.exists(path):
            found.append(sid)
        session.close()
    return found


@KINDS
def test_local_sessions_become_global_with_their_first_ephemeral(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, localSessionsEnabled=ON, localSessionsUpgradingEnabled=ON)
    ensemble.start_led_by(3)
    everywhere = sorted(ensemble.members)
    for sid, member in ensemble.members.items():
        _begin_and_end_without_a_transaction(member)
        session = open_session(member, SHORT_TIMEOUT_MS)
        other = ensemble[sid % 3 + 1]
        assert is_refused(other, session.credentials), "nobody else knows it"
        session.create(f"/plain-{sid}")
        before = member.zxid
        if sid % 2:
            session.create(f"/lone-{sid}", b"", EPHEMERAL)
        else:
            session.multi((codec.CREATE, create_body(f"/lone-{sid}", b"", EPHEMERAL)))
        assert member.zxid == before + 2, "createSession, then the create"
        wait_for(lambda path=f"/lone-{sid}": having(ensemble, path) == everywhere, "all to have the ephemeral")
        session.drop()
        again = open_session(other, SHORT_TIMEOUT_MS, session)
        assert (again.credentials, again.timeout_ms) == (session.credentials, SHORT_TIMEOUT_MS)
        again.create(f"/more-{sid}", b"", EPHEMERAL)
        again.drop()
        for path in (f"/lone-{sid}", f"/more-{sid}"):
            wait_for(lambda path=path: having(ensemble, path) == [], "the ephemeral to go with its session")
        assert is_refused(member, session.credentials)


def _begin_and_end_without_a_transaction(member: Member) -> None:
    before = member.zxid
    session = open_session(member)
    assert session.exists("/")
    session.close()
    assert member.zxid == before
    assert is_refused(member, session.credentials)


@KINDS
def test_without_upgrades_a_local_session_has_no_ephemerals(letters: str, new_ensemble: NewEnsemble) -> None:
    ensemble = new_ensemble(letters, localSessionsEnabled=ON)
    ensemble.start_led_by(3)
    for sid, member in ensemble.members.items():
        session = open_session(member)
        session.create(f"/plain-{sid}")
        before = member.zxid
        with pytest.raises(ServerError) as refused:
            session.create(f"/lone-{sid}", b"", EPHEMERAL)
        assert refused.value.code == EPHEMERAL_ON_LOCAL_SESSION
        assert member.zxid == before + 1
        session.create(f"/more-{sid}")
        session.close()
        assert member.zxid == before + 2
        assert having(ensemble, f"/lone-{sid}") == []
