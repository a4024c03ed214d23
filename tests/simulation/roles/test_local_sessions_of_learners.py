"""Local sessions of a learner of ours under a scripted leader (semantics, section 11; quorum, section 10.4)."""

import asyncio
from collections.abc import Iterator

import pytest
from raw_jute import i32

from zkeeper.server.config.ensemble import EnsembleConfig

from ..raw_client import RawClient, SessionExpiredError  # noqa: TID252  the package has one name in pytest and another as a program
from ..requests import CloseSession, Create, Exists, Multi, SetData  # noqa: TID252  as above
from .learner_world import LearnerWorld
from .packets import (
    INFORM,
    PING,
    REQUEST,
    REVALIDATE,
    Packet,
    create_session_txn,
    create_txn,
    epoch,
    error_txn,
    request,
    revalidated,
    touched,
)
from .peers import Link

E1 = epoch(1)
CREATE_SESSION, CREATE, EPHEMERAL = -10, 1, 1
SESSION_EXPIRED, EPHEMERAL_ON_LOCAL_SESSION = -112, -120
TIMEOUT_MS = 4000


def make_world(is_upgrading: bool = True, **settings: object) -> LearnerWorld:
    ensemble = EnsembleConfig(is_local_sessions_enabled=True, is_local_session_upgraded=is_upgrading)
    return LearnerWorld(ensemble=ensemble, **settings)


@pytest.fixture
def world() -> Iterator[LearnerWorld]:
    with make_world() as made_world:
        yield made_world


def asked(link: Link) -> list[Packet]:
    return [packet for packet in link.left() if packet.kind in (REQUEST, REVALIDATE)]


def pinged(world: LearnerWorld, link: Link) -> dict[int, int]:
    """The sessions that the answer to a PING tells of."""
    before = len(link.got)
    link.send(PING, E1)
    world.run_for(0.2)
    (body,) = [packet.body for packet in link.got[before:] if packet.kind == PING]
    return {int.from_bytes(body[at : at + 8], signed=True): int.from_bytes(body[at + 8 : at + 12])
            for at in range(0, len(body), 12)}  # fmt: skip


def test_it_begins_lives_and_ends_without_a_word_to_the_leader(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.stop_pings()
    client = world.connect()
    assert client.session.session_id >> 56 == 1
    assert world.call(client, Exists("/")).zxid == 0
    assert pinged(world, link) == {}
    reply = world.call(client, CloseSession())
    assert (reply.code, reply.zxid) == (0, 0)
    world.run_until(client.lost.done)
    assert asked(link) == []


def test_a_session_that_was_closed_is_known_to_nobody(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.connect()
    world.call(client, CloseSession())
    connecting = world.begin_connect(session=client.session)
    link.take(REVALIDATE)
    link.send(REVALIDATE, -1, revalidated(client.session.session_id, False))
    assert is_refused(world, connecting)


def is_refused(world: LearnerWorld, connecting: "asyncio.Task[RawClient]") -> bool:
    world.run_until(connecting.done)
    return isinstance(connecting.exception(), SessionExpiredError)


def test_the_end_is_answered_behind_the_writes_before_it(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.connect()
    write = world.post(client, Create("/a", form=1))
    end = world.post(client, CloseSession())
    late = world.post(client, Exists("/a"))
    assert link.take(REQUEST).body == request(client.session.session_id, 1, CREATE, Create("/a", form=1).body())
    world.run_for(0.5)
    assert (write.reply, end.reply) == (None, None)
    world.commit(link, E1 + 1, create_txn(E1 + 1, "/a", session_id=client.session.session_id, cxid=1))
    world.run_until(client.lost.done)
    assert [reply.sent for reply in client.replies] == [write, end]
    assert late.reply is None
    assert asked(link) == []


def test_it_expires_here(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.connect(timeout_ms=TIMEOUT_MS)
    began_s = world.time()
    world.run_until(client.lost.done)
    assert 4 <= world.time() - began_s <= 5.1, "its timeout, and up to a tick"
    assert asked(link) == []
    kept = world.connect("other", timeout_ms=TIMEOUT_MS)
    for _ in range(4):
        world.run_for(3)
        assert world.call(kept, Exists("/")).code == 0


def test_it_goes_on_at_the_same_server_and_ends_with_its_role(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    session = world.connect().session
    assert world.connect(session=session).session == session
    assert asked(link) == []
    link = world.rejoin(link)
    world.serve(link, 2)
    connecting = world.begin_connect(session=session)
    assert link.take(REVALIDATE).body == touched({session.session_id: session.timeout_ms})
    link.send(REVALIDATE, -1, revalidated(session.session_id, False))
    assert is_refused(world, connecting)


# Upgrades.


def test_an_ephemeral_makes_it_global_ahead_of_the_create(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    link.stop_pings()
    client = world.connect()
    session_id = client.session.session_id
    create = Create("/e", flags=EPHEMERAL, form=1)
    sent = world.post(client, create)
    upgrade, write = link.take(REQUEST), link.take(REQUEST)
    assert (upgrade.body, upgrade.authinfo) == (request(session_id, 0, CREATE_SESSION, i32(10_000)), None)
    assert write.body == request(session_id, 1, CREATE, create.body())
    world.commit(link, E1 + 1, create_session_txn(E1 + 1, session_id))
    world.run_for(0.2)
    assert sent.reply is None
    world.commit(link, E1 + 2, create_txn(E1 + 2, "/e", session_id=session_id, ephemeral=True, cxid=1))
    assert world.reply(sent).zxid == E1 + 2
    assert world.node.photo().sessions == {session_id: 10_000}
    assert pinged(world, link) == {session_id: 10_000}
    second = world.post(client, Create("/f", flags=EPHEMERAL, form=1))
    assert link.take(REQUEST).body[12:16] == i32(CREATE), "once is enough"
    world.commit(link, E1 + 3, create_txn(E1 + 3, "/f", session_id=session_id, ephemeral=True, cxid=2))
    world.reply(second)


@pytest.mark.parametrize("first", ["multi", "create2"])
def test_so_does_one_in_a_multi_and_by_create2(world: LearnerWorld, first: str) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.connect()
    world.post(client, Multi((Create("/p"), SetData("/p", b""))))
    assert link.take(REQUEST).body[12:16] == i32(14), "nothing in it is ephemeral"
    ephemeral = Create("/e", flags=EPHEMERAL)
    world.post(client, Multi((Create("/p"), ephemeral)) if first == "multi" else ephemeral)
    assert link.take(REQUEST).body[12:16] == i32(CREATE_SESSION)
    assert link.take(REQUEST).body[12:16] == i32(14 if first == "multi" else 15)


def test_the_upgrade_is_no_answer_to_a_write_with_xid_zero(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.connect()
    client.next_xid = 0
    session_id = client.session.session_id
    sent = world.post(client, Create("/e", flags=EPHEMERAL, form=1))
    link.take(REQUEST)
    world.commit(link, E1 + 1, create_session_txn(E1 + 1, session_id))
    world.run_for(0.2)
    assert sent.reply is None
    world.commit(link, E1 + 2, create_txn(E1 + 2, "/e", session_id=session_id, ephemeral=True, cxid=0))
    world.reply(sent)


def test_what_was_upgraded_does_not_expire_here_and_closes_by_a_transaction(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.connect(timeout_ms=TIMEOUT_MS)
    world.post(client, Create("/e", flags=EPHEMERAL))
    world.run_for(20)
    assert client.is_open, "that is the leader's to decide"
    assert [int.from_bytes(one.body[12:16], signed=True) for one in asked(link)] == [CREATE_SESSION, 15]
    world.post(client, CloseSession())
    assert link.take(REQUEST).body[12:16] == i32(-11)


def test_a_client_that_comes_back_during_an_upgrade_is_asked_for(world: LearnerWorld) -> None:
    link = world.begin()
    world.serve(link, 1)
    client = world.connect()
    world.post(client, Create("/e", flags=EPHEMERAL))
    link.take(REQUEST)
    link.take(REQUEST)
    connecting = world.begin_connect(session=client.session)
    link.take(REVALIDATE)
    link.send(REVALIDATE, -1, revalidated(client.session.session_id, True))
    world.run_until(connecting.done)
    assert connecting.result().session == client.session


# Without upgrades.


def test_without_upgrades_the_leader_refuses_and_the_client_is_told_why() -> None:
    with make_world(is_upgrading=False) as world:
        link = world.begin()
        world.serve(link, 1)
        client = world.connect()
        session_id = client.session.session_id
        sent = world.post(client, Create("/e", flags=EPHEMERAL))
        assert link.take(REQUEST).body[12:16] == i32(15)
        world.commit(link, E1 + 1, error_txn(E1 + 1, SESSION_EXPIRED, session_id))
        reply = world.reply(sent)
        assert (reply.code, reply.zxid) == (EPHEMERAL_ON_LOCAL_SESSION, E1 + 1)
        other = world.post(client, Create("/p", form=1))
        link.take(REQUEST)
        world.commit(link, E1 + 2, error_txn(E1 + 2, -110, session_id, cxid=2))
        assert world.reply(other).code == -110, "of other failures the leader knows the reason"


def test_an_observer_has_local_sessions_too() -> None:
    with make_world(participants=(2, 3), observers=(1,)) as world:
        link = world.begin()
        world.serve(link, 1)
        client = world.connect(timeout_ms=TIMEOUT_MS)
        sent = world.post(client, Create("/e", flags=EPHEMERAL, form=1))
        assert [int.from_bytes(link.take(REQUEST).body[12:16], signed=True) for _ in range(2)] == [CREATE_SESSION, 1]
        session_id = client.session.session_id
        link.send(INFORM, E1 + 1, create_session_txn(E1 + 1, session_id, TIMEOUT_MS))
        link.send(INFORM, E1 + 2, create_txn(E1 + 2, "/e", session_id=session_id, ephemeral=True, cxid=1))
        assert world.reply(sent).code == 0
