"""A follower of ours as an observer master, between a scripted leader and a scripted observer (quorum, section 14)."""

import asyncio
from collections.abc import Iterator

import pytest
from raw_jute import buffer, i32

from zkeeper.server.config.ensemble import LearnersConfig
from zkeeper.server.ensemble.observer_master import ObserverMaster

from ..requests import Sync  # noqa: TID252  the package has one name in pytest and another as a program
from .learner_world import LearnerWorld, made
from .packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    DIFF,
    FOLLOWER_INFO,
    INFORM,
    LEADER_INFO,
    NEW_LEADER,
    OBSERVER_INFO,
    PING,
    PROPOSAL,
    REQUEST,
    REVALIDATE,
    SNAP,
    SYNC,
    TRUNC,
    Packet,
    create_txn,
    epoch,
    request,
    revalidate,
    revalidated,
    touched,
)
from .peers import Link, follow_to_service, introduce

PORT = 2191
OBSERVER = 4
E1 = epoch(1)
CREATE_SESSION, CREATE, SYNC_OP = -10, 1, 9
SESSION = 0x0400000000000001


class MasterWorld(LearnerWorld):
    """Server 1 is ours, 3 leads it, 4 observes."""

    def __init__(self, **learners: int) -> None:
        super().__init__(observers=(OBSERVER,), learners=LearnersConfig(observer_master_port=PORT, **learners))

    def lead(self, count: int = 0) -> Link:
        """The leader's connection, with our server in service."""
        link = self.begin()
        self.serve(link, 1, count)
        return link

    @property
    def master(self) -> ObserverMaster:
        following = self.node.member._following
        assert following is not None
        assert following.observer_master is not None
        return following.observer_master

    def dial(self) -> Link:
        return self.peers[OBSERVER].connect("s1", PORT)

    def observe(self, zxid: int = 0) -> Link:
        """An observer's connection, in service."""
        link = self.dial()
        follow_to_service(link, OBSERVER, zxid, kind=OBSERVER_INFO)
        return link


@pytest.fixture
def world() -> Iterator[MasterWorld]:
    with MasterWorld() as made_world:
        yield made_world


# Bringing an observer into line.


def test_the_epoch_and_the_history_are_the_followers_own(world: MasterWorld) -> None:
    world.lead(3)
    link = world.dial()
    led = introduce(link, OBSERVER, kind=OBSERVER_INFO)
    assert (led.kind, led.zxid) == (LEADER_INFO, E1)
    link.send(ACK_EPOCH, E1 + 1, i32(0))
    link.expect(DIFF, E1 + 3)
    for zxid in (E1 + 2, E1 + 3):
        assert link.expect(PROPOSAL, zxid).data == made(zxid)
        link.expect(COMMIT, zxid)
    assert link.expect(NEW_LEADER, E1).data == world.text.encode()


def test_who_would_follow_is_refused(world: MasterWorld) -> None:
    world.lead()
    link = world.dial()
    link.send(FOLLOWER_INFO, 0)
    link.wait_over(1)
    assert link.got == []


def test_what_is_proposed_is_told_when_it_is_committed(world: MasterWorld) -> None:
    leader = world.lead(1)
    observer = world.observe(E1 + 1)
    leader.propose(E1 + 2, made(E1 + 2))
    leader.propose(E1 + 3, made(E1 + 3))
    leader.wait_for(ACK, E1 + 3)
    assert observer.left() == []
    late = world.dial()
    follow_to_service(late, OBSERVER, E1 + 1, kind=OBSERVER_INFO)
    leader.send(COMMIT, E1 + 2)
    leader.send(COMMIT, E1 + 3)
    for link in (observer, late):
        assert [link.next() for _ in range(2)] == [Packet(INFORM, zxid, made(zxid)) for zxid in (E1 + 2, E1 + 3)]


def test_what_is_committed_while_an_observer_is_brought_into_line_comes_once(world: MasterWorld) -> None:
    leader = world.lead(2)
    link = world.dial()
    introduce(link, OBSERVER, kind=OBSERVER_INFO)
    leader.propose(E1 + 3, made(E1 + 3))
    leader.wait_for(ACK, E1 + 3)
    link.send(ACK_EPOCH, E1 + 1, i32(0))
    link.take(NEW_LEADER)
    leader.send(COMMIT, E1 + 3)
    leader.propose(E1 + 4, made(E1 + 4), commit=True)
    link.send(ACK, E1)
    link.wait_for(INFORM, E1 + 4)
    told = [packet.zxid for packet in link.got if packet.kind in (PROPOSAL, INFORM)]
    assert told == [E1 + 2, E1 + 3, E1 + 4]


def test_an_observer_that_is_ahead_waits_until_this_server_has_as_much(world: MasterWorld) -> None:
    """Nothing is taken back that another server has told it to be committed."""
    leader = world.lead(1)
    link = world.dial()
    introduce(link, OBSERVER, kind=OBSERVER_INFO)
    link.send(ACK_EPOCH, E1 + 3, i32(1))
    world.run_for(1)
    assert link.left() == []
    leader.propose(E1 + 2, made(E1 + 2), commit=True)
    leader.propose(E1 + 3, made(E1 + 3), commit=True)
    link.expect(DIFF, E1 + 3)
    link.expect(NEW_LEADER)


def test_an_observer_that_stays_ahead_is_sent_elsewhere(world: MasterWorld) -> None:
    world.lead(1)
    link = world.dial()
    introduce(link, OBSERVER, kind=OBSERVER_INFO)
    link.send(ACK_EPOCH, E1 + 3, i32(1))
    link.wait_over(5)
    assert not {TRUNC, SNAP, DIFF} & {packet.kind for packet in link.got}


def test_an_observer_that_is_too_slow_for_what_is_written_meanwhile_is_left() -> None:
    """By observerMaster.sizeLimit; a little is always kept."""
    with MasterWorld(observer_master_size_limit_bytes=1) as world:
        leader = world.lead(1)
        observer = world.observe(E1 + 1)
        (learner,) = world.master.learners()
        world.node.machine.life.context.copy().run(learner.link.hold)
        for zxid, is_too_much in ((E1 + 2, False), (E1 + 3, True)):
            leader.propose(zxid, create_txn(zxid, f"/{zxid}", bytes(600_000)), commit=True)
            world.run_for(0.5)
            assert observer.is_over == is_too_much
        assert "1048576 bytes wait behind the history" in learner.link.closed_reason
        assert world.node.serves()


# From then on.


def test_pings_carry_what_was_committed_and_bring_who_was_heard_of(world: MasterWorld) -> None:
    leader = world.lead(1)
    observer = world.observe(E1 + 1)
    leader.propose(E1 + 2, made(E1 + 2), commit=True)
    observer.wait_for(PING, E1 + 2)
    pings = sum(packet.kind == PING for packet in observer.got)
    world.run_for(5)
    assert sum(packet.kind == PING for packet in observer.got) - pings in (9, 10, 11), "twice a tick"
    observer.send(PING, E1 + 2, touched({SESSION: 7000}))
    leader.stop_pings()
    world.run_for(0.6)
    before = len(leader.got)
    observer.send(PING, E1 + 2, touched({SESSION + 1: 8000}))
    world.run_for(0.1)
    leader.send(PING, E1 + 2)
    world.run_for(0.1)
    (answer,) = [packet.data for packet in leader.got[before:] if packet.kind == PING]
    assert answer is not None
    assert touched({SESSION + 1: 8000}) in answer


def test_requests_go_to_the_leader_as_they_came(world: MasterWorld) -> None:
    leader = world.lead()
    observer = world.observe()
    sent = [
        Packet(REQUEST, -1, request(SESSION, 0, CREATE_SESSION, i32(7000))),
        Packet(REQUEST, -1, request(SESSION, 1, CREATE, b"whatever it is"), ((b"ip", b"10.0.0.1"),)),
    ]
    for packet in sent:
        observer.send(packet.kind, packet.zxid, packet.data, packet.authinfo)
    assert [leader.take(REQUEST) for _ in sent] == sent


def test_a_request_that_no_leader_would_understand_costs_the_connection(world: MasterWorld) -> None:
    leader = world.lead()
    observer = world.observe()
    observer.send(REQUEST, -1, b"short")
    observer.wait_over(1)
    assert world.node.serves()
    assert [packet for packet in leader.left() if packet.kind == REQUEST] == []


def test_syncs_are_answered_to_whom_they_belong_and_behind_their_commits(world: MasterWorld) -> None:
    leader = world.lead()
    observer = world.observe()
    client = world.open_session(leader, E1 + 1)
    observer.wait_for(INFORM, E1 + 1)
    observer.left()
    observer.send(REQUEST, -1, request(SESSION, 1, SYNC_OP, buffer(b"/")))
    leader.take(REQUEST)
    own = world.post(client, Sync("/"))
    leader.take(REQUEST)
    leader.propose(E1 + 2, made(E1 + 2), commit=True)
    leader.send(SYNC)
    assert [observer.next() for _ in range(2)] == [Packet(INFORM, E1 + 2, made(E1 + 2)), Packet(SYNC, 0)]
    assert own.reply is None
    leader.send(SYNC)
    world.reply(own)
    assert observer.left() == []


@pytest.mark.parametrize("is_valid", [True, False])
def test_sessions_are_answered_for_to_whom_has_asked(world: MasterWorld, is_valid: bool) -> None:
    """The one that is valid at the observer now leaves this server."""
    leader = world.lead()
    observer = world.observe()
    client = world.open_session(leader, E1 + 1)
    session_id = client.session.session_id
    observer.wait_for(INFORM, E1 + 1)
    observer.left()
    observer.send(REVALIDATE, -1, revalidate(session_id, 9000))
    assert leader.take(REVALIDATE).data == revalidate(session_id, 9000)
    leader.stop_pings()
    leader.send(REVALIDATE, -1, revalidated(session_id, is_valid))
    assert observer.next() == Packet(REVALIDATE, -1, revalidated(session_id, is_valid))
    if is_valid:
        world.run_until(client.lost.done, 1)
    before = len(leader.got)
    leader.send(PING, E1 + 1)
    world.run_for(0.1)
    (answer,) = [packet.data for packet in leader.got[before:] if packet.kind == PING]
    assert answer is not None
    assert (touched({session_id: 9000}) in answer) == is_valid
    assert client.lost.done() == is_valid


def test_observers_are_left_with_the_leader(world: MasterWorld) -> None:
    leader = world.lead()
    observer = world.observe()
    leader.close()
    observer.wait_over(1)


def test_a_port_that_is_taken_leaves_a_follower_all_the_same(world: MasterWorld) -> None:
    world.run(taken(), world.node.machine)
    world.lead()
    assert world.node.serves()


async def taken() -> None:
    await asyncio.get_running_loop().create_server(asyncio.Protocol, None, PORT)
