"""One server that looks for a leader, and peers that a test plays byte by byte."""

import asyncio
from collections.abc import Iterator

import pytest

from zkeeper.errors import StorageError
from zkeeper.quorum.election import Decision
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.votes import FOLLOWING, LEADING, LOOKING, Vote
from zkeeper.server.ensemble.election import Election, ElectionSettings
from zkeeper.server.ensemble.peer_connections import PeerSettings
from zkeeper.testing.simulation import Simulation

from .raw_peer import RawConnection, RawPeer, frame, introduction
from .test_peer_connections import NoFiles

TEXT = "server.1=s1:2888:3888:participant\nserver.2=s2:2888:3888:participant\nserver.3=s3:2888:3888:participant"
OURS = f"{TEXT}\nversion=5".encode()
NEWER = f"{TEXT}\nserver.4=s4:2888:3888:observer\nversion=6"


def message(state: int, leader: int, round_: int = 1, epoch: int = 0, zxid: int = 0, text: bytes = OURS) -> bytes:
    """A frame, by the table of the specification (quorum, section 4.1)."""
    numbers = [(state, 4), (leader, 8), (zxid, 8), (round_, 8), (epoch, 8), (2, 4), (len(text), 4)]
    return frame(b"".join(number.to_bytes(size_bytes, "big", signed=True) for number, size_bytes in numbers) + text)


class World(Simulation):
    """Server 2 is ours; server 3 has called it."""

    def __init__(self) -> None:
        super().__init__("messages")
        self.ours = self.machine("s2")
        committed = Membership.parse(OURS.decode())
        self.memberships = Memberships(committed, committed, True, NoFiles())
        settings = ElectionSettings(peers=PeerSettings(introduction_timeout_s=10.0))
        self.election = Election(2, self.memberships, settings, Vote(2, 0, -1, 0))
        self.run(self.election.start(), self.ours)
        self.three = self.call(3)

    def call(self, sid: int) -> RawConnection:
        return RawPeer(self, f"s{sid}").connect("s2", introduction(sid, f"s{sid}:3888"))

    def look(self) -> asyncio.Task[Decision]:
        async def look() -> Decision:
            return await self.election.look_for_leader(0, 0)

        return self.loop.create_task(look(), context=self.ours.life.context.copy())

    def decide(self, looking: asyncio.Task[Decision]) -> Decision:
        self.run_until(looking.done)
        return looking.result()


@pytest.fixture
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


def test_its_messages_are_those_of_java(world: World) -> None:
    looking = world.look()
    world.run_until(lambda: world.three.frames)
    assert world.three.got == message(LOOKING, 2)
    world.three.send(message(LOOKING, 3))
    assert world.decide(looking).state == FOLLOWING
    assert world.three.got == message(LOOKING, 2) + message(LOOKING, 3)
    world.election.update_epoch(7)
    world.three.send(message(LOOKING, 3, round_=9))
    world.run_until(lambda: len(world.three.frames) == 3)
    assert world.three.got.endswith(message(FOLLOWING, 3, epoch=7))


def test_what_cannot_be_meant_costs_nothing_but_a_line(world: World, caplog: pytest.LogCaptureFixture) -> None:
    looking = world.look()
    world.three.send(frame(b"x" * 27) + frame(message(LOOKING, 2)[4:40]) + message(7, 3))
    world.run_for(1)
    assert "a message of server 3 is ignored: 27 bytes that are no notification" in caplog.text
    assert not looking.done()
    assert not world.three.is_over


@pytest.mark.parametrize("text", [b"\xff\xfe", b"nonsense=1\nversion=9", b"server.1=\nversion=9", b""])
def test_a_configuration_that_cannot_be_meant_leaves_the_vote(
    world: World, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    looking = world.look()
    world.three.send(message(LOOKING, 3, text=text))
    assert world.decide(looking).vote.leader == 3
    assert "the configuration that server 3 sent is ignored" in caplog.text


def test_a_newer_membership_is_taken_and_the_election_begins_anew(world: World) -> None:
    looking = world.look()
    world.run_until(lambda: world.three.frames)
    world.three.send(message(LOOKING, 3, text=NEWER.encode()))
    world.run_until(lambda: world.three.is_over)
    assert world.memberships.committed.version == 6
    three = world.call(3)
    world.run_until(lambda: three.frames)
    assert three.got == message(LOOKING, 2, round_=2, text=NEWER.encode())
    three.send(message(LOOKING, 3, round_=2, text=NEWER.encode()))
    assert world.decide(looking).vote.round_ == 2


def test_one_that_is_newer_by_its_version_alone_is_taken_with_the_vote(world: World) -> None:
    looking = world.look()
    world.three.send(message(LOOKING, 3, text=f"{TEXT}\nversion=6".encode()))
    assert world.decide(looking).vote == Vote(3, 0, 1, 0)
    assert world.memberships.committed.version == 6


def test_an_older_one_or_one_that_comes_in_a_role_is_not_taken(world: World) -> None:
    looking = world.look()
    world.three.send(message(LOOKING, 3, text=NEWER.replace("version=6", "version=4").encode()))
    assert world.decide(looking).vote.leader == 3
    world.three.send(message(LOOKING, 3, text=NEWER.encode()))
    world.run_for(1)
    assert world.memberships.committed.version == 5


def test_without_reconfig_none_is_taken(world: World) -> None:
    world.memberships.is_reconfig_enabled = False
    looking = world.look()
    world.three.send(message(LOOKING, 3, text=NEWER.encode()))
    assert world.decide(looking).vote.leader == 3
    assert world.memberships.committed.version == 5


def test_a_membership_that_cannot_be_kept_ends_the_election(world: World) -> None:
    def fail(membership: Membership) -> bool:
        raise StorageError("the disk is full")

    world.election.on_newer_membership = fail
    looking = world.look()
    world.three.send(message(LOOKING, 3, text=NEWER.encode()))
    world.run_until(looking.done)
    assert isinstance(looking.exception(), StorageError)


def test_one_that_is_cancelled_decides_nothing_and_sends_nothing(world: World) -> None:
    looking = world.look()
    world.run_until(lambda: world.three.frames)
    looking.cancel()
    world.run_until(looking.done)
    world.three.send(message(LOOKING, 3))
    world.run_for(600)
    assert world.election.state == LOOKING
    assert world.three.got == message(LOOKING, 2)
    # What came meanwhile is taken by the next election, in which server 3 is behind and is told so.
    world.look()
    world.run_for(0.1)
    assert world.three.got == message(LOOKING, 2) + 2 * message(LOOKING, 2, round_=2)


def test_whom_it_could_not_reach_it_tries_to_reach_again(world: World) -> None:
    world.run(world.election.stop(), world.ours)
    world.run(world.election.start(), world.ours)
    world.look()
    world.run_for(0.5)
    one = RawPeer(world, "s1")
    one.listen()
    world.run_until(lambda: one.accepted and one.accepted[0].frames, 1.0)
    assert one.accepted[0].got == introduction(2, "s2:3888") + message(LOOKING, 2)


def test_a_leader_hears_who_looks_for_one(world: World) -> None:
    seen: list[int] = []
    world.election.on_peer_looking = lambda sid, vote: seen.append(sid)
    world.election.set_role(LEADING, Vote(2, 0, 4, 1))
    world.three.send(message(LOOKING, 3) + message(FOLLOWING, 2, round_=4))
    world.run_until(lambda: world.three.frames)
    assert world.three.got == message(LEADING, 2, round_=4, epoch=1)
    world.run_for(1)
    assert seen == [3]
