"""Sessions that outlive a connection, and sessions that do not outlive their timeout."""

from kazoo.client import KazooState
from kazoo.exceptions import NoAuthError
from kazoo.security import make_digest_acl

from interop.clients.harness import expect, expect_raises, wait_for

from .bench import Bench, BenchCheck, Client

SHORT_SESSION_S = 1.0


def resume_after_cut(bench: Bench) -> None:
    client = bench.connect(through_proxy=True)
    session, carried = client.client_id, bench.addresses.connections_carried()
    states: list[str] = []
    client.add_listener(states.append)
    client.create(bench.path("e"), b"", ephemeral=True)
    bench.addresses.tell_proxy("cut")
    wait_for(lambda: states == [KazooState.SUSPENDED, KazooState.CONNECTED], "suspended, then connected")
    expect(client.retry(client.exists, bench.path("e")).ephemeralOwner, session[0], "owner after the cut")
    expect(client.client_id, session, "session id and password")
    expect(bench.addresses.connections_carried(), carried + 1, "connections through the proxy")


def auth_is_given_again_after_cut(bench: Bench) -> None:
    client = bench.connect(through_proxy=True, auth_data=[("digest", "anna:secret")])
    client.create(bench.path("private"), b"", acl=[make_digest_acl("anna", "secret", all=True)])
    states: list[str] = []
    client.add_listener(states.append)
    bench.addresses.tell_proxy("cut")
    wait_for(lambda: KazooState.CONNECTED in states, "reconnection")
    client.retry(client.set, bench.path("private"), b"still mine")
    expect_raises(NoAuthError, lambda: bench.client.get(bench.path("private")), "read by a stranger")
    client.delete(bench.path("private"))


def resume_with_id_and_password(bench: Bench) -> None:
    first = bench.connect(through_proxy=True)
    session = first.client_id
    first.create(bench.path("e"), b"", ephemeral=True)
    bench.addresses.tell_proxy("refuse")
    second = bench.connect(client_id=session)
    expect(second.client_id, session, "session of the second handle")
    expect(second.exists(bench.path("e")).ephemeralOwner, session[0], "owner")
    second.stop()
    expect(bench.client.exists(bench.path("e")), None, "ephemeral after the second handle closed the session")
    bench.addresses.tell_proxy("accept")


def wrong_password_gets_no_session(bench: Bench) -> None:
    owner = bench.connect()
    session = owner.client_id
    owner.create(bench.path("e"), b"", ephemeral=True)
    thief = bench.connect(client_id=(session[0], b"x" * 16))
    wait_for(lambda: thief.client_id and thief.client_id[0] != session[0], "a session of the thief's own")
    # A server may drop the owner's connection before it looks at the thief's password; the session lives on.
    wait_for(lambda: owner.client_id == session, "the owner's session")
    expect(bench.client.exists(bench.path("e")).ephemeralOwner, session[0], "owner")


def _cut_until_lost(bench: Bench, client: Client) -> list[str]:
    states: list[str] = []
    client.add_listener(states.append)
    bench.addresses.tell_proxy("refuse")
    wait_for(lambda: KazooState.SUSPENDED in states, "suspension")
    wait_for(lambda: bench.client.exists(bench.path("e")) is None, "expiry: the ephemeral's removal")
    bench.addresses.tell_proxy("accept")
    wait_for(lambda: states[-1] == KazooState.CONNECTED, "a connection with a new session")
    return states


def expiry(bench: Bench) -> None:
    client = bench.connect(through_proxy=True, session_timeout_s=SHORT_SESSION_S)
    session = client.client_id
    client.create(bench.path("e"), b"", ephemeral=True)
    states = _cut_until_lost(bench, client)
    expect(states, [KazooState.SUSPENDED, KazooState.LOST, KazooState.CONNECTED], "states")
    expect(client.client_id[0] == session[0], False, "the session is the old one")


def expiry_fires_watches(bench: Bench) -> None:
    client = bench.connect(through_proxy=True, session_timeout_s=SHORT_SESSION_S)
    client.create(bench.path("e"), b"", ephemeral=True)
    events: list[tuple[str, str]] = []
    bench.client.exists(bench.path("e"), watch=lambda event: events.append((event.type, event.path)))
    bench.client.get_children(bench.root, watch=lambda event: events.append((event.type, event.path)))
    _cut_until_lost(bench, client)
    wanted = [("DELETED", bench.path("e")), ("CHILD", bench.root)]
    wait_for(lambda: len(events) >= len(wanted), "events of the expiry")
    expect(events, wanted, "events of the expiry")


def idle_session_lives_by_pings(bench: Bench) -> None:
    idle = bench.connect(session_timeout_s=SHORT_SESSION_S)
    idle.create(bench.path("idle"), b"", ephemeral=True)
    mortal = bench.connect(through_proxy=True, session_timeout_s=2 * SHORT_SESSION_S)
    mortal.create(bench.path("e"), b"", ephemeral=True)
    _cut_until_lost(bench, mortal)
    expect(bench.client.exists(bench.path("idle")).ephemeralOwner, idle.client_id[0], "owner of the idle one's node")


CHECKS: dict[str, BenchCheck] = {
    check.__name__: check
    for check in (
        resume_after_cut,
        auth_is_given_again_after_cut,
        resume_with_id_and_password,
        wrong_password_gets_no_session,
        expiry,
        expiry_fires_watches,
        idle_session_lives_by_pings,
    )
}
