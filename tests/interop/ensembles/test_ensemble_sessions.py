"""Sessions, their ephemerals and watches in ensembles of both kinds: across leaders, from member to member, to the end.

What the servers know is read with `WireSession`, which is no client library.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, Queue
from typing import Any

import pytest
from kazoo.client import KazooClient

import zkeeper
from interop.clients.harness import wait_for
from interop.differential.connection import Closed
from interop.wire_session import Credentials, Refused, ServerError, WireSession

from .conftest import NewEnsemble
from .ensemble import Ensemble
from .kinds import with_kinds
from .member import Member

LONG_TIMEOUT_MS, SHORT_TIMEOUT_MS = 20_000, 2_000
EPHEMERAL = 1
SESSION_MOVED = -118
KINDS = with_kinds("ZJJ", "JJZ", others=("JJJ", "JZJ", "JZZ", "ZZZ"))
"""Member 3 leads at first."""


def open_session(member: Member, timeout_ms: int = LONG_TIMEOUT_MS, resumed: WireSession | None = None) -> WireSession:
    """A new session through a member, or one that goes on there."""
    return WireSession(member.server, timeout_ms, *([resumed.credentials] if resumed else []))


def owners(ensemble: Ensemble, path: str) -> set[int | None]:
    """The session that owns the ephemeral, as each running member has it; None where it is not there."""
    return {owner(member, path) for member in ensemble.running}


def owner(member: Member, path: str) -> int | None:
    session = open_session(member)
    try:
        return session.data(path)[1]["ephemeralOwner"]
    except ServerError:
        return None
    finally:
        session.close()


def await_gone(ensemble: Ensemble, path: str) -> None:
    wait_for(lambda: owners(ensemble, path) == {None}, f"{path} to go")


@contextmanager
def kazoo(address: str, timeout_ms: int = LONG_TIMEOUT_MS) -> Iterator[KazooClient]:
    client = KazooClient(address, timeout=timeout_ms / 1000)
    client.start(LONG_TIMEOUT_MS / 1000)
    try:
        yield client
    finally:
        client.stop()
        client.close()


@KINDS
def test_sessions_ephemerals_and_watches_outlive_their_leader(letters: str, new_ensemble: NewEnsemble) -> None:
    """One client of each library on each member; the leader dies, and comes back to follow."""
    ensemble = new_ensemble(letters)
    leader = ensemble.start_led_by(3)
    seen: Queue[tuple[str, bytes]] = Queue()
    with ExitStack() as stack:
        author = stack.enter_context(zkeeper.Client(ensemble.address(), LONG_TIMEOUT_MS))
        author.create("/watched", b"0")
        clients = [_settle_on(stack, ensemble, member, seen) for member in ensemble.running]
        everybody = {name for names in clients for name in names}
        sessions = {name: owners(ensemble, f"/{name}") for name in everybody}
        assert all(len(found) == 1 and found != {None} for found in sessions.values())
        assert _seen(seen, b"0", 3) == {name for name in everybody if "kazoo" in name}
        author.set("/watched", b"1")
        assert _seen(seen, b"1", 6) == everybody
        leader.kill()
        ensemble.await_service()
        ensemble.start(leader.sid)
        assert leader.mode == "follower"
        author.set("/watched", b"2")
        assert _seen(seen, b"2", 6) == everybody
        assert {name: owners(ensemble, f"/{name}") for name in everybody} == sessions
    for name in everybody:
        assert owners(ensemble, f"/{name}") == {None}, "closed sessions leave nothing"


def _settle_on(stack: ExitStack, ensemble: Ensemble, member: Member, seen: Queue[tuple[str, bytes]]) -> tuple[str, str]:
    """Two clients on a member, each with an ephemeral and a watch that tells `seen`."""
    own_name, kazoo_name = f"own-{member.sid}", f"kazoo-{member.sid}"
    own = stack.enter_context(zkeeper.Client(ensemble.address(member), LONG_TIMEOUT_MS))
    own.create(f"/{own_name}", ephemeral=True)
    own.sync()
    _watch(own, own_name, seen)
    other = stack.enter_context(kazoo(ensemble.address(member)))
    other.create(f"/{kazoo_name}", ephemeral=True)
    other.DataWatch("/watched", lambda data, stat: seen.put((kazoo_name, data)))
    return own_name, kazoo_name


def _watch(client: zkeeper.Client, name: str, seen: Queue[tuple[str, bytes]]) -> None:
    """A one-shot watch that is set anew when it fires: our client sets it again on each connection."""

    def fired(event: object) -> None:
        seen.put((name, client.get("/watched", watch=fired).data or b""))

    client.get("/watched", watch=fired)


def _seen(seen: Queue[tuple[str, bytes]], data: bytes, count: int) -> set[str]:
    """The next so many that saw `data`; whoever reconnects may see it again."""
    found: set[str] = set()
    while len(found) < count:
        try:
            name, value = seen.get(timeout=LONG_TIMEOUT_MS / 1000)
        except Empty:
            raise AssertionError(f"only {sorted(found)} saw {data!r}") from None
        if value == data:
            found.add(name)
    return found


@KINDS
def test_a_session_without_a_client_expires_everywhere_though_the_leader_changes(
    letters: str, new_ensemble: NewEnsemble
) -> None:
    ensemble = new_ensemble(letters)
    leader = ensemble.start_led_by(3)
    for member in ensemble.running:
        session = open_session(member, SHORT_TIMEOUT_MS)
        session.create(f"/lone-{member.sid}", b"", EPHEMERAL)
        session.drop()
    leader.kill()
    ensemble.await_service()
    for sid in (1, 2, 3):
        await_gone(ensemble, f"/lone-{sid}")
    ensemble.start(leader.sid)
    ensemble.await_equal()
    for sid in (1, 2, 3):
        assert owner(leader, f"/lone-{sid}") is None, "the one that joins has no ephemeral of a session that is over"


@KINDS
def test_pings_to_a_follower_keep_a_session_alive_at_the_leader(calm_ensemble: Ensemble) -> None:
    ensemble = calm_ensemble
    with ExitStack() as stack:
        kept = [
            stack.enter_context(zkeeper.Client(ensemble.address(member), SHORT_TIMEOUT_MS))
            for member in ensemble.running
        ]
        ids = [client.session_id for client in kept]
        for client in kept:
            client.create("/kept-", ephemeral=True, sequential=True)
        silent = open_session(ensemble[1], SHORT_TIMEOUT_MS)
        silent.create("/silent", b"", EPHEMERAL)
        silent.drop()
        for _ in range(2):  # Each of these waits takes longer than the timeout.
            await_gone(ensemble, "/silent")
            silent = open_session(ensemble[1], SHORT_TIMEOUT_MS)
            silent.create("/silent", b"", EPHEMERAL)
            silent.drop()
        assert [client.session_id for client in kept] == ids
        assert [len(client.ephemerals("/kept-")) for client in kept] == [1, 1, 1]


# From member to member.


@KINDS
def test_a_session_goes_on_at_any_member(calm_ensemble: Ensemble) -> None:
    ensemble = calm_ensemble
    session = open_session(ensemble[1])
    session.create("/e", b"", EPHEMERAL)
    for sid in (2, 3, 1, 3, 2, 1):
        session.drop()
        session = open_session(ensemble[sid], resumed=session)
        session.create(f"/of-{sid}-", b"", EPHEMERAL | 2)
        assert owners(ensemble, "/e") == {session.credentials.session_id}
    session.close()
    assert owners(ensemble, "/e") == {None}
    for sid in (1, 2, 3):
        with pytest.raises(Refused):
            open_session(ensemble[sid], resumed=session)


@KINDS
def test_a_session_is_not_given_to_who_has_not_its_password(calm_ensemble: Ensemble) -> None:
    ensemble = calm_ensemble
    session = open_session(ensemble[1])
    session.create("/e", b"", EPHEMERAL)
    for member in ensemble.running:
        with pytest.raises(Refused):
            WireSession(member.server, LONG_TIMEOUT_MS, Credentials(session.credentials.session_id, bytes(15) + b"x"))
    session.drop()  # Java closes its connection when somebody asks for the session, before it looks at the password.
    open_session(ensemble[2], resumed=session).close()


@KINDS
@pytest.mark.parametrize(("before", "after"), [(1, 2), (1, 3), (3, 1)])
def test_the_former_member_may_write_no_more_for_a_session_that_has_moved(
    before: int, after: int, calm_ensemble: Ensemble
) -> None:
    ensemble, root = calm_ensemble, f"/moved-{before}-{after}"
    old = open_session(ensemble[before])
    old.create(root)
    new = open_session(ensemble[after], resumed=old)
    new.create(f"{root}/by-new")
    assert _is_turned_away(lambda: old.create(f"{root}/too-late")), "the session has moved"
    assert not new.exists(f"{root}/too-late")
    new.create("/still-there", b"", EPHEMERAL)
    new.close()
    old.drop()


@KINDS
@pytest.mark.parametrize(("before", "after"), [(1, 2), (1, 3), (3, 1)])
def test_the_former_member_may_end_a_session_that_has_moved(before: int, after: int, calm_ensemble: Ensemble) -> None:
    ensemble, path = calm_ensemble, f"/ended-{before}-{after}"
    old = open_session(ensemble[before])
    new = open_session(ensemble[after], resumed=old)
    new.create(path, b"", EPHEMERAL)
    old.close()
    await_gone(ensemble, path)
    with pytest.raises(Closed):
        new.exists(path)
    with pytest.raises(Refused):
        open_session(ensemble[after], resumed=old)
    new.drop()


def _is_turned_away(write: Callable[[], Any]) -> bool:
    """Whether the server says that the session has moved, or closes the connection."""
    try:
        write()
    except Closed:
        return True
    except ServerError as error:
        return error.code == SESSION_MOVED
    return False


# Reads after a sync.


@KINDS
def test_a_read_after_a_sync_sees_what_was_written_elsewhere_before_it(calm_ensemble: Ensemble) -> None:
    ensemble, leader = calm_ensemble, calm_ensemble.leader
    with ExitStack() as stack:
        own = [stack.enter_context(zkeeper.Client(ensemble.address(each))) for each in ensemble.running]
        theirs = [stack.enter_context(kazoo(ensemble.address(each))) for each in ensemble.running]
        own[leader.sid - 1].create("/n", b"start")
        for number in range(200):
            author = number % 3
            value = b"%d" % number
            own[author].set("/n", value)
            for client in own:
                client.sync()
                assert client.get("/n").data == value
            for client in theirs:
                client.sync("/n")
                assert client.get("/n")[0] == value
