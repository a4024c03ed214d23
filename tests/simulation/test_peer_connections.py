"""The rules of connections on the election port, between our server 2 and peers that a test plays byte by byte."""

import asyncio
from collections.abc import Iterator

import pytest

from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.server.ensemble.election_port import ElectionPortError
from zkeeper.server.ensemble.peer_connection import PeerConnection
from zkeeper.server.ensemble.peer_connections import MAX_UNKNOWN, PeerConnections, PeerSettings
from zkeeper.testing.simulation import Simulation

from .raw_peer import PORT, RawPeer, frame, introduction

TEXT = "server.1=s1:2888:3888\nserver.2=s2:2888:3888\nserver.3=s3:2888:3888\nversion=1"


class NoFiles:
    def write_next(self, membership: Membership) -> None: ...

    def activate(self, membership: Membership) -> None: ...

    def remove_next(self) -> None: ...


class World(Simulation):
    """Server 2 is ours, on the machine `s2`."""

    def __init__(self) -> None:
        super().__init__("connections")
        self.ours = self.machine("s2")
        self.got: list[tuple[int, bytes]] = []

    def start(self, text: str = TEXT, last_seen: str | None = None, **settings: object) -> PeerConnections:
        committed = Membership.parse(text)
        self.memberships = Memberships(
            committed, Membership.parse(last_seen) if last_seen else committed, True, NoFiles()
        )
        chosen = PeerSettings(**{"introduction_timeout_s": 10.0, **settings})  # type: ignore[arg-type]
        self.connections = PeerConnections(2, self.memberships, chosen, lambda *message: self.got.append(message))
        self.run(self.connections.start(), self.ours)
        return self.connections

    def send(self, sid: int, payload: bytes) -> None:
        async def send() -> None:
            self.connections.send(sid, payload)

        self.run(send(), self.ours)

    def peer(self, name: str) -> RawPeer:
        return RawPeer(self, name)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


# Opening.


def test_it_opens_the_connection_to_a_smaller_sid_and_keeps_it(world: World) -> None:
    one = world.peer("s1")
    one.listen()
    world.start()
    world.send(1, b"hello")
    world.run_until(lambda: one.accepted and one.accepted[0].frames == [b"hello"])
    assert one.accepted[0].introduction == introduction(2, "s2:3888")
    one.accepted[0].send(frame(b"answer") + frame(b"more"))
    world.run_until(lambda: len(world.got) == 2)
    assert world.got == [(1, b"answer"), (1, b"more")]


def test_a_connection_that_is_lost_as_soon_as_it_is_made_is_opened_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loss is told before whoever has opened it goes on."""
    one = world.peer("s1")
    one.listen()
    world.start()
    make = PeerConnection.connection_made

    def make_and_lose(connection: PeerConnection, transport: asyncio.BaseTransport) -> None:
        make(connection, transport)
        monkeypatch.undo()
        world.reset(world.ours, world.machine("s1"))

    monkeypatch.setattr(PeerConnection, "connection_made", make_and_lose)
    world.send(1, b"lost")
    world.run_until(lambda: one.accepted and one.accepted[0].is_over)
    world.run_for(1)
    world.send(1, b"hello")
    world.run_until(lambda: len(one.accepted) > 1 and one.accepted[1].frames == [b"hello"])


def test_to_a_greater_sid_it_says_who_it_is_and_hangs_up_then_is_called_back(world: World) -> None:
    three = world.peer("s3")
    three.listen()
    world.start()
    world.send(3, b"hello")
    world.run_until(lambda: three.accepted and three.accepted[0].is_over)
    assert three.accepted[0].got == introduction(2, "s2:3888")
    call = three.connect("s2", introduction(3, "s3:3888"))
    world.run_until(lambda: call.frames)
    assert call.frames == [b"hello"]
    call.send(frame(b"answer"))
    world.run_until(lambda: world.got)
    assert world.got == [(3, b"answer")]


def test_with_several_addresses_it_introduces_itself_with_all_and_takes_the_one_that_answers(world: World) -> None:
    world.network.names |= {"t1": world.machine("s1").address, "gone": "10.9.9.9", "t2": world.ours.address}
    one = world.peer("s1")
    one.listen(3999)
    text = "server.1=gone:2888:3888|t1:2888:3999\nserver.2=s2:2888:3888|t2:2889:3889\nversion=1"
    world.start(text, is_multi_address=True)
    world.send(1, b"hello")
    world.run_until(lambda: one.accepted and one.accepted[0].frames)
    assert one.accepted[0].introduction == introduction(2, "s2:3888|t2:3889", version=-65535)
    assert world.run(_can_connect("t2", 3889), world.machine("test2"))


async def _can_connect(host: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    return True


def test_of_several_addresses_that_answer_one_is_used(world: World) -> None:
    world.network.names |= {"t1": world.machine("s1").address}
    one = world.peer("s1")
    one.listen(3888)
    one.listen(3999)
    world.start("server.1=s1:2888:3888|t1:2888:3999\nserver.2=s2:2888:3888\nversion=1", is_multi_address=True)
    world.send(1, b"hello")
    world.run_until(lambda: len(one.accepted) == 2 and any(each.is_over for each in one.accepted))
    assert sorted(each.frames for each in one.accepted) == [[], [b"hello"]]


def test_an_attempt_ends_by_its_timeout(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    one = world.peer("s1")
    one.listen()
    world.start(connect_timeout_s=2.0)
    world.partition(world.ours, one.machine)
    world.send(1, b"lost")
    world.run_for(2.1)
    assert "server 1 cannot be reached: s1:3888 does not answer within 2 s" in caplog.text
    world.heal()
    world.send(1, b"hello")
    world.run_until(lambda: one.accepted and one.accepted[0].frames)
    assert one.accepted[0].frames == [b"hello"]


def test_names_are_resolved_at_each_attempt(world: World) -> None:
    world.start("server.1=moving:2888:3888\nserver.2=s2:2888:3888\nversion=1")
    world.send(1, b"hello")
    world.run_for(1)
    one = world.peer("elsewhere")
    one.listen()
    world.network.names["moving"] = one.machine.address
    world.run(_call(world.connections.connect_all), world.ours)
    world.run_until(lambda: one.accepted and one.accepted[0].frames)


async def _call(method: object) -> None:
    method()  # type: ignore[operator]


def test_where_a_newer_membership_has_a_server_elsewhere_it_is_looked_for_there_second(world: World) -> None:
    one = world.peer("elsewhere")
    one.listen()
    world.start(last_seen=TEXT.replace("s1:", "elsewhere:").replace("version=1", "version=2"))
    world.machine("s1")
    world.send(1, b"hello")
    world.run_until(lambda: one.accepted and one.accepted[0].frames)


def test_one_that_has_called_meanwhile_is_not_disturbed(world: World) -> None:
    slow = world.peer("slow")
    slow.listen()
    world.delay(world.ours, slow.machine, 500)
    world.start(TEXT.replace("s3:", "slow:"))
    world.send(3, b"hello")
    call = world.peer("s3").connect("s2", introduction(3, "s3:3888"))
    world.run_until(lambda: call.frames)
    world.run_until(lambda: slow.accepted and slow.accepted[0].is_over)
    assert slow.accepted[0].got == b""
    assert not call.is_over


# Accepting.


def test_a_smaller_sid_is_called_back_where_it_says(world: World) -> None:
    one = world.peer("other")
    one.listen(4000)
    world.start()
    call = one.connect("s2", introduction(1, "other:4000") + frame(b"too early"))
    world.run_until(lambda: call.is_over and one.accepted and one.accepted[0].introduction)
    assert one.accepted[0].introduction == introduction(2, "s2:3888")
    assert world.got == []


def test_a_smaller_sid_that_says_no_address_or_a_wildcard_is_called_back_where_it_is_known(world: World) -> None:
    one = world.peer("s1")
    one.listen()
    world.start()
    one.connect("s2", (1).to_bytes(8, "big"))
    world.run_until(lambda: len(one.accepted) == 1)
    one.accepted[0].close()
    world.run_for(1)
    one.connect("s2", introduction(1, "0.0.0.0:3888"))
    world.run_until(lambda: len(one.accepted) == 2)


def test_a_smaller_sid_that_calls_has_lost_the_connection_that_was_there(world: World) -> None:
    one = world.peer("s1")
    one.listen()
    world.start()
    world.send(1, b"hello")
    world.run_until(lambda: one.accepted and one.accepted[0].frames)
    one.connect("s2", introduction(1, "s1:3888"))
    world.run_until(lambda: len(one.accepted) == 2 and one.accepted[1].frames)
    assert one.accepted[0].is_over
    assert one.accepted[1].frames == [b"hello"]


def test_a_greater_sid_that_calls_again_replaces_its_connection(world: World) -> None:
    three = world.peer("s3")
    world.start()
    first = three.connect("s2", introduction(3, "s3:3888"))
    world.send(3, b"hello")
    world.run_until(lambda: first.frames)
    second = three.connect("s2", introduction(3, "s3:3888"))
    world.run_until(lambda: first.is_over and second.frames)
    assert second.frames == [b"hello"]
    first.send(frame(b"from the first"))
    second.send(frame(b"from the second"))
    world.run_until(lambda: world.got)
    assert world.got == [(3, b"from the second")]
    world.run_for(1)
    assert not second.is_over


def test_its_own_sid_is_refused(world: World) -> None:
    peer = world.peer("s1")
    world.start()
    call = peer.connect("s2", introduction(2, "s1:3888") + frame(b"x"))
    world.run_until(lambda: call.is_over)
    assert world.got == []
    assert not world.connections.has_delivered()


@pytest.mark.parametrize(
    "first",
    [
        introduction(3, "s3:3888", version=-65537),
        introduction(3, ""),
        introduction(3, "s" * 2044 + ":3888"),
        introduction(3, "s3"),
        introduction(3, "s3:3888") + b"\x00\x00\x00\x00",
        introduction(3, "s3:3888") + b"\xff\xff\xff\xff",
        introduction(3, "s3:3888") + b"\x00\x08\x00\x01",
    ],
)
def test_what_cannot_be_meant_costs_the_connection(
    world: World, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    world.start()
    call = world.peer("s3").connect("s2", first)
    world.run_until(lambda: call.is_over)
    assert "is closed: " in caplog.text
    assert world.got == []


def test_one_that_says_nothing_is_cut_off_in_time(world: World) -> None:
    world.start(introduction_timeout_s=3.0)
    calls = [world.peer("s3").connect("s2", first) for first in (b"", introduction(3, "s3:3888")[:-1])]
    world.run_for(2.9)
    assert not any(call.is_over for call in calls)
    world.run_for(0.2)
    assert all(call.is_over for call in calls)


def test_one_that_has_introduced_itself_may_be_silent(world: World) -> None:
    world.start(introduction_timeout_s=3.0)
    call = world.peer("s3").connect("s2", introduction(3, "s3:3888"))
    world.run_for(3600)
    assert not call.is_over


def test_those_that_say_nothing_are_bounded(world: World) -> None:
    world.start()
    peer = world.peer("s3")
    calls = [peer.connect("s2") for _ in range(MAX_UNKNOWN + 1)]
    world.run_until(lambda: calls[-1].is_over)
    assert not calls[0].is_over


def test_a_stranger_is_talked_to_while_it_is_connected(world: World) -> None:
    world.start()
    world.send(7, b"nobody")
    stranger = world.peer("s7").connect("s2", introduction(7, "s7:3888") + frame(b"who leads?"))
    world.run_until(lambda: world.got)
    assert stranger.frames == []
    world.send(7, b"the one")
    world.run_until(lambda: stranger.frames)
    stranger.close()
    world.run_for(1)
    again = world.peer("s7").connect("s2", introduction(7, "s7:3888"))
    world.run_for(1)
    assert again.frames == []


@pytest.mark.parametrize(
    ("sid", "reason"),
    [
        (0, "its number is 0, and servers have 1 to 255"),
        (-7, "its number is -7, and servers have 1 to 255"),
        (256, "its number is 256, and servers have 1 to 255"),
        (5185862305848180674, "its number is 5185862305848180674, and servers have 1 to 255"),
        ((1 << 63) - 1, "it is an observer without a number, which cannot be called back"),
        (
            11 << 32 | 4,
            "it greets a leader, and this is the election port: in its configuration the first port of this",
        ),
        (16 << 32, "it greets a leader, and this is the election port: in its configuration the first port of this"),
    ],
)
def test_numbers_that_no_server_has_are_refused(
    world: World, sid: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "zkeeper.election")
    world.start()
    peer = world.peer("s7")
    calls = [peer.connect("s2", introduction(sid, "s7:3888") + frame(b"x")) for _ in range(100)]
    world.run_until(lambda: all(call.is_over for call in calls))
    assert world.got == []
    assert f"is closed: {reason}" in caplog.messages[0]
    assert len(caplog.messages) < 15


def test_a_member_may_have_any_number(world: World) -> None:
    world.start(TEXT.replace("server.3=s3", "server.300=s3"))
    call = world.peer("s3").connect("s2", introduction(300, "s3:3888") + frame(b"x"))
    world.run_until(lambda: world.got)
    assert not call.is_over


def test_strangers_that_come_and_go_do_not_flood_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "zkeeper.election")
    world.start()
    peer = world.peer("s7")
    for sid in (7, 96) * 30:
        call = peer.connect("s2", introduction(sid, "s7:3888") + frame(b"x"))
        call.close()
        world.run_for(0.01)
    assert len(world.got) == 60
    assert "connected with server 7 at " in caplog.text
    assert "; it is no member" in caplog.text
    assert len(caplog.messages) < 15


# Messages.


def test_of_what_waits_the_last_is_sent(world: World) -> None:
    world.start()
    for payload in (b"a", b"b", b"c"):
        world.send(3, payload)
    assert not world.connections.has_delivered()
    call = world.peer("s3").connect("s2", introduction(3, "s3:3888"))
    world.run_until(lambda: call.frames)
    world.run_for(1)
    assert call.frames == [b"c"]
    assert world.connections.has_delivered()


def test_the_last_message_is_sent_again_on_a_new_connection(world: World) -> None:
    world.start()
    three = world.peer("s3")
    call = three.connect("s2", introduction(3, "s3:3888"))
    world.send(3, b"a")
    world.run_until(lambda: call.frames == [b"a"])
    world.send(3, b"b")
    world.run_until(lambda: call.frames == [b"a", b"b"])
    call.close()
    world.run_for(1)
    call = three.connect("s2", introduction(3, "s3:3888"))
    world.run_until(lambda: call.frames)
    world.run_for(1)
    assert call.frames == [b"b"]


def test_one_that_does_not_read_gets_the_last_message_when_it_does(world: World) -> None:
    world.start()
    three = world.peer("s3")
    call = three.connect("s2", introduction(3, "s3:3888"))
    world.send(3, b"first")
    world.run_until(lambda: call.frames)
    world.partition(world.ours, three.machine, one_way=True)
    count = 0
    while world.connections.has_delivered():
        world.send(3, b"%d" % count + bytes(100_000))
        count += 1
        assert count < 100
    world.send(3, b"the newest")
    world.heal()
    world.run_until(lambda: call.frames[-1:] == [b"the newest"])
    assert len(call.frames) == count + 1


def test_a_restart_forgets_all_and_moves_the_port(world: World) -> None:
    world.start()
    three = world.peer("s3")
    call = three.connect("s2", introduction(3, "s3:3888"))
    world.send(3, b"old")
    world.run_until(lambda: call.frames)
    moved = TEXT.replace("s2:2888:3888", "s2:2888:4888").replace("version=1", "version=2")
    world.memberships.set_committed(Membership.parse(moved))
    world.run(world.connections.restart(), world.ours)
    world.run_until(lambda: call.is_over)
    with pytest.raises(ConnectionRefusedError):
        three.connect("s2")
    call = three.connect("s2", introduction(3, "s3:3888"), port=4888)
    world.run_for(1)
    assert call.frames == []
    world.send(3, b"new")
    world.run_until(lambda: call.frames)
    assert call.frames == [b"new"]


def test_one_that_was_left_out_stays_where_it_is(world: World) -> None:
    world.start()
    world.memberships.set_committed(Membership.parse("server.1=s1:2888:3888\nserver.3=s3:2888:3888\nversion=2"))
    world.run(world.connections.restart(), world.ours)
    call = world.peer("s3").connect("s2", introduction(3, "s3:3888") + frame(b"x"))
    world.run_until(lambda: world.got)
    assert not call.is_over


def test_after_stop_nobody_gets_through(world: World) -> None:
    world.start()
    call = world.peer("s3").connect("s2", introduction(3, "s3:3888"))
    world.send(1, b"x")
    world.run(world.connections.stop(), world.ours)
    world.run_until(lambda: call.is_over)
    with pytest.raises(ConnectionRefusedError):
        world.peer("s3").connect("s2")


# The port.


def test_a_port_that_is_taken_for_a_while_is_waited_for(world: World) -> None:
    other = RawPeer(world, "s2")
    other.listen()

    async def leave() -> None:
        await asyncio.sleep(2.5)
        other.server.close()

    world.ours.start(leave)
    world.start()
    assert 3.0 <= world.time() < 3.1
    call = world.peer("s3").connect("s2", introduction(3, "s3:3888") + frame(b"x"))
    world.run_until(lambda: world.got)
    assert not call.is_over


def test_a_port_that_is_taken_for_good_is_an_error(world: World) -> None:
    RawPeer(world, "s2").listen()
    with pytest.raises(ElectionPortError, match=f"s2:{PORT}"):
        world.start()
    assert 3.0 <= world.time() < 3.1


def test_it_may_be_waited_for_without_end(world: World) -> None:
    other = RawPeer(world, "s2")
    other.listen()

    async def leave() -> None:
        await asyncio.sleep(100)
        other.server.close()

    world.ours.start(leave)
    world.start(bind_retries=0)
    assert 100.0 <= world.time() < 101.1


def test_one_of_two_addresses_is_enough(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.start("server.2=s2:2888:3888|nowhere:2889:3889\nserver.3=s3:2888:3888\nversion=1", is_multi_address=True)
    assert "open on other addresses only: nowhere:3889" in caplog.text
    call = world.peer("s3").connect("s2", introduction(3, "s3:3888") + frame(b"x"))
    world.run_until(lambda: world.got)
    assert not call.is_over


def test_it_may_listen_on_all_interfaces(world: World) -> None:
    world.start("server.2=s2:2888:3888\nserver.3=s3:2888:3888\nversion=1", listens_on_all=True)
    assert world.run(_can_connect("localhost", PORT), world.ours)
