"""Local sessions at a leader of ours: its own, and those of its learners (semantics, section 11; quorum, 10.4)."""

from collections.abc import Iterator

import pytest
from raw_jute import CLOSE_SESSION, CREATE, CREATE2, CREATE_SESSION, ERROR, i32

from zkeeper.server.config.ensemble import EnsembleConfig

from ..raw_client import Reply, Session, SessionExpiredError  # noqa: TID252  the package has one name in pytest and another as a program
from ..requests import EPHEMERAL, SEQUENTIAL, CloseSession, Create, Exists, GetEphemerals, Multi, Request  # noqa: TID252  as above
from .leader_world import LeaderWorld, ask, create_body, hold_back
from .packets import ACK, PROPOSAL, REQUEST, REVALIDATE, epoch, read_txn, request, revalidate, revalidated
from .peers import Link

E1 = epoch(1)
SESSION_EXPIRED, SESSION_MOVED, EPHEMERAL_ON_LOCAL_SESSION, NODE_EXISTS = -112, -118, -120, -110
TIMEOUT_MS = 4000
OWN_SID = 3


def make_world(is_upgrading: bool = True) -> LeaderWorld:
    return LeaderWorld(ensemble=EnsembleConfig(is_local_sessions_enabled=True, is_local_session_upgraded=is_upgrading))


@pytest.fixture
def world() -> Iterator[LeaderWorld]:
    with make_world() as made_world:
        yield made_world


def proposed(link: Link) -> list[tuple[int, int, int, int]]:
    """Zxid, session, cxid and type of what was proposed since it was looked at last."""
    heads = [read_txn(packet.data) for packet in link.left() if packet.kind == PROPOSAL]
    return [(head.zxid, head.session_id, head.cxid, head.kind) for head in heads]


# Sessions of the leader's own clients.


def test_it_begins_lives_and_ends_without_a_transaction(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    assert client.session.session_id >> 56 == OWN_SID
    assert world.call(client, Exists("/")).zxid == E1
    reply = world.call(client, CloseSession())
    assert (reply.code, reply.zxid) == (0, E1)
    world.run_until(client.lost.done)
    assert proposed(link) == []
    assert is_refused(world, client.session)


def is_refused(world: LeaderWorld, session: Session) -> bool:
    connecting = world.begin_connect(session=session)
    world.run_until(connecting.done)
    return isinstance(connecting.exception(), SessionExpiredError)


def test_it_expires_here(world: LeaderWorld) -> None:
    link = world.serve()
    client, began_s = world.connect(timeout_ms=TIMEOUT_MS), world.time()
    world.run_until(client.lost.done)
    assert 4 <= world.time() - began_s <= 5.1, "its timeout, and up to a tick"
    assert proposed(link) == []


def test_it_goes_on_at_the_leader_and_ends_with_its_role(world: LeaderWorld) -> None:
    link = world.serve()
    session = world.connect().session
    assert world.connect(session=session).session == session
    link.close()
    world.run_until(lambda: not world.node.serves())
    world.lead_again()
    again = world.follow(1, E1, accepted=1, current=1)
    world.run_until(world.node.serves)
    assert is_refused(world, session)
    assert not again.is_over


@pytest.mark.parametrize("form", [CREATE, CREATE2])
@pytest.mark.parametrize("flags", [EPHEMERAL, EPHEMERAL | SEQUENTIAL])
def test_an_ephemeral_makes_it_global_ahead_of_the_create(world: LeaderWorld, form: int, flags: int) -> None:
    link = world.serve()
    client = world.connect(timeout_ms=TIMEOUT_MS)
    session_id = client.session.session_id
    reply = world.call(client, Create("/e", flags=flags, form=form))
    assert (reply.code, reply.zxid) == (0, E1 + 2)
    assert proposed(link) == [(E1 + 1, session_id, 0, CREATE_SESSION), (E1 + 2, session_id, 1, form)]
    photo = world.node.photo()
    assert photo.sessions == {session_id: TIMEOUT_MS}
    assert [node.owner for path, node in photo.nodes.items() if path.startswith("/e")] == [session_id]
    world.call(client, Create("/f", flags=flags, form=form))
    assert proposed(link) == [(E1 + 3, session_id, 2, form)], "once is enough"


def test_so_does_one_in_a_multi(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    world.call(client, Multi((Create("/p"),)))
    assert [kind for _, _, _, kind in proposed(link)] == [14], "nothing in it is ephemeral"
    world.call(client, Multi((Create("/q"), Create("/q/e", flags=EPHEMERAL))))
    assert [kind for _, _, _, kind in proposed(link)] == [CREATE_SESSION, 14]


def test_one_that_fails_has_made_it_global_all_the_same(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    assert world.call(client, Create("/", flags=EPHEMERAL)).code == NODE_EXISTS
    assert [kind for _, _, _, kind in proposed(link)] == [CREATE_SESSION, ERROR]
    assert world.node.photo().sessions == {client.session.session_id: 10_000}


def test_the_upgrade_is_no_answer_to_a_write_with_xid_zero(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    client.next_xid = 0
    hold_back(link)
    sent = world.post(client, Create("/e", flags=EPHEMERAL))
    link.send(ACK, link.take(PROPOSAL).zxid)
    world.run_for(0.5)
    assert sent.reply is None
    link.send(ACK, link.take(PROPOSAL).zxid)
    assert world.reply(sent).zxid == E1 + 2


def test_what_was_upgraded_expires_by_a_transaction_with_its_ephemerals(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect(timeout_ms=TIMEOUT_MS)
    world.call(client, Create("/e", flags=EPHEMERAL))
    proposed(link)
    world.run_until(client.lost.done)
    assert proposed(link) == [(E1 + 3, client.session.session_id, 0, CLOSE_SESSION)]
    assert "/e" not in world.node.photo().nodes


def test_what_was_upgraded_closes_by_a_transaction(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    hold_back(link)
    world.post(client, Create("/e", flags=EPHEMERAL))
    end = world.post(client, CloseSession())
    for _ in range(3):
        link.send(ACK, link.take(PROPOSAL).zxid)
    assert world.reply(end).zxid == E1 + 3
    assert "/e" not in world.node.photo().nodes
    assert world.node.photo().sessions == {}


def test_it_cannot_move_to_a_learner_before_it_was_upgraded(world: LeaderWorld) -> None:
    link = world.serve()
    client = world.connect()
    session_id = client.session.session_id
    link.send(REVALIDATE, -1, revalidate(session_id))
    assert link.take(REVALIDATE).data == revalidated(session_id, False)
    world.call(client, Create("/e", flags=EPHEMERAL))
    link.send(REVALIDATE, -1, revalidate(session_id))
    assert link.take(REVALIDATE).data == revalidated(session_id, True)
    assert world.call(client, Create("/late")).code == SESSION_MOVED
    assert ask(link, CREATE, create_body("/there"), session_id) == (CREATE, 0)


# Without upgrades.


@pytest.mark.parametrize(
    "asked", [Create("/e", flags=EPHEMERAL), Create("/e", flags=EPHEMERAL, form=CREATE)], ids=["create2", "create"]
)
def test_without_upgrades_ephemerals_are_refused_with_a_zxid(asked: Request) -> None:
    with make_world(is_upgrading=False) as world:
        link = world.serve()
        client = world.connect()
        reply = world.call(client, asked)
        assert (reply.code, reply.zxid) == (EPHEMERAL_ON_LOCAL_SESSION, E1 + 1)
        assert [kind for _, _, _, kind in proposed(link)] == [ERROR]
        assert world.call(client, Create("/p")).code == 0
        assert world.call(client, GetEphemerals()).value == []


def test_without_upgrades_a_multi_with_an_ephemeral_changes_nothing() -> None:
    with make_world(is_upgrading=False) as world:
        world.serve()
        client = world.connect()
        reply = world.call(client, Multi((Create("/p"), Create("/e", flags=EPHEMERAL))))
        assert codes(reply) == [0, EPHEMERAL_ON_LOCAL_SESSION]
        assert not {"/p", "/e"} & world.node.photo().nodes.keys()


def codes(reply: Reply) -> list[int]:
    return [code for _, code, _ in reply.value]


# Sessions of learners.


def test_writes_of_a_learners_local_session_are_taken_but_for_ephemerals(world: LeaderWorld) -> None:
    link = world.serve()
    assert ask(link, CREATE, create_body("/a"), session_id=0x0100000000000077) == (CREATE, 0)
    assert ask(link, CREATE, create_body("/a"), session_id=0x0200000000000077) == (ERROR, NODE_EXISTS)
    refused = ask(link, CREATE, create_body("/e", flags=EPHEMERAL), session_id=0x0100000000000077)
    assert refused == (ERROR, SESSION_EXPIRED), "nobody would ever delete it"
    assert ask(link, CREATE, create_body("/b"), session_id=(OWN_SID << 56) + 7) == (ERROR, SESSION_EXPIRED)


def test_a_learners_upgrade_makes_a_session_of_that_learner(world: LeaderWorld) -> None:
    link, session_id = world.serve(), 0x0100000000000077
    other = world.follow(2, E1)
    assert ask(link, CREATE, create_body("/a"), session_id) == (CREATE, 0)
    link.left()
    link.send(REQUEST, -1, request(session_id, 0, CREATE_SESSION, i32(TIMEOUT_MS)))
    link.take(PROPOSAL)
    assert ask(link, CREATE, create_body("/e", flags=EPHEMERAL), session_id) == (CREATE, 0)
    assert ask(other, CREATE, create_body("/f"), session_id) == (ERROR, SESSION_MOVED)
    assert world.node.photo().sessions == {session_id: TIMEOUT_MS}
    world.run_until(lambda: "/e" not in world.node.photo().nodes, 6)
