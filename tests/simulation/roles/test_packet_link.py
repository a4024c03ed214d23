"""One connection between a leader and a learner: silence, garbage, what is held back, and its bounds."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from zkeeper.cli.serve import is_compiled
from zkeeper.server.ensemble import packet_flow
from zkeeper.server.ensemble.packet_flow import MAX_HELD_BYTES
from zkeeper.server.ensemble.packet_link import LinkClosedError, PacketLink
from zkeeper.testing.simulation import Machine, Simulation

from .packets import ACK, COMMIT, PING, PROPOSAL, SIGNATURE, SNAP, Packet, i64
from .peers import Link

LIMIT_BYTES = 1000

LIMITS_ARE_FIXED = pytest.mark.skipif(is_compiled(), reason="limits of what is compiled cannot be replaced")


class Pair(Simulation):
    """`link` is ours, on machine "a"; `peer` is the raw other end."""

    def __init__(self) -> None:
        super().__init__("packet link")
        self.a: Machine = self.machine("a")
        self.b: Machine = self.machine("b")
        self.link: PacketLink

    def connect(self, max_held_bytes: int = MAX_HELD_BYTES) -> Link:
        async def listen() -> None:
            await asyncio.get_running_loop().create_server(partial(self._accept, max_held_bytes), None, 2888)

        self.run(listen(), self.a)

        async def dial() -> Link:
            return Link(self, self.b, *await asyncio.open_connection("a", 2888))

        self.peer = self.run(dial(), self.b)
        self.run_until(lambda: hasattr(self, "link"))
        return self.peer

    def _accept(self, max_held_bytes: int) -> PacketLink:
        link = PacketLink(LIMIT_BYTES, max_held_bytes)
        link.on_made = lambda: setattr(self, "link", link)
        return link

    def on_a(self, action: Callable[[], object]) -> None:
        self.a.life.context.copy().run(action)

    def receive(self) -> Packet:
        packet = self.run(self.link.receive(), self.a)
        return Packet(int(packet.packet_type), int(packet.zxid), packet.data)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with Pair() as made:
        made.connect()
        yield made


# In.


def test_packets_are_taken_one_by_one(pair: Pair) -> None:
    pair.peer.send_raw(Packet(ACK, 1).encode() + Packet(ACK, 2).encode())
    assert [pair.receive().zxid, pair.receive().zxid] == [1, 2]


def test_from_serve_on_packets_are_handed_over(pair: Pair) -> None:
    got: list[int] = []
    pair.peer.send(ACK, 1)
    pair.run_for(1)
    pair.on_a(lambda: pair.link.serve(lambda packets: got.extend(int(packet.zxid) for packet in packets)))
    assert got == [1], "also what had come before"
    pair.peer.send(ACK, 2)
    pair.run_for(1)
    assert got == [1, 2]


@pytest.mark.parametrize(
    "data", [b"\x7f" * 40, Packet(ACK, 1, b"x" * (LIMIT_BYTES + 1)).encode()], ids=["length", "limit"]
)
def test_what_makes_no_sense_ends_the_connection(pair: Pair, data: bytes) -> None:
    pair.peer.send_raw(Packet(ACK, 1).encode() + data)
    pair.peer.wait_over(1)
    assert "makes no sense" in pair.link.closed_reason


def test_waiting_for_a_packet_ends_with_the_connection(pair: Pair) -> None:
    pair.peer.close()
    with pytest.raises(LinkClosedError, match="the peer closed the connection"):
        pair.receive()


def test_the_raw_bytes_of_an_image_and_what_follows_them(pair: Pair) -> None:
    pair.peer.send_raw(Packet(SNAP, 5).encode() + b"image")
    assert pair.receive().kind == SNAP
    assert pair.run(pair.link.receive_raw(), pair.a) == b"image"
    pair.peer.send_raw(b"more" + SIGNATURE + Packet(COMMIT, 6).encode())
    data = pair.run(pair.link.receive_raw(), pair.a)
    end = data.index(SIGNATURE) + len(SIGNATURE)
    pair.on_a(lambda: pair.link.end_raw(data[end:]))
    assert pair.receive() == Packet(COMMIT, 6)


@LIMITS_ARE_FIXED
def test_what_comes_too_fast_is_not_read(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also packets without data take room."""
    monkeypatch.setattr(packet_flow, "MAX_WAITING_BYTES", 64 * 1000)
    for _ in range(20_000):
        pair.peer.send(ACK, 1)
    pair.run_for(5)
    assert 1000 <= len(pair.link._waiting) < 6000
    for _ in range(20_000):
        assert pair.receive().zxid == 1


# Silence.


def test_silence_ends_the_connection(pair: Pair) -> None:
    pair.on_a(lambda: pair.link.limit_silence(2.0))
    pair.run_for(1.9)
    pair.peer.send(PING)
    pair.run_for(1.9)
    assert not pair.peer.is_over
    pair.peer.wait_over(0.2)
    assert pair.link.closed_reason == "nothing was heard of it for 2 s"


def test_a_new_limit_counts_from_now(pair: Pair) -> None:
    pair.on_a(lambda: pair.link.limit_silence(2.0))
    pair.run_for(1.5)
    pair.on_a(lambda: pair.link.limit_silence(5.0))
    pair.run_for(4.9)
    assert not pair.peer.is_over
    pair.peer.wait_over(0.2)


@LIMITS_ARE_FIXED
def test_who_is_not_read_from_is_not_silent(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_flow, "MAX_WAITING_BYTES", 100)
    pair.on_a(lambda: pair.link.limit_silence(2.0))
    for _ in range(100):
        pair.peer.send(ACK, 1)
    pair.run_for(10)
    assert not pair.peer.is_over
    for _ in range(100):
        pair.receive()
    pair.peer.wait_over(3)


def test_taking_what_is_sent_is_a_sign_of_life(pair: Pair) -> None:
    pair.on_a(lambda: pair.link.limit_silence(2.0))
    pair.run_for(1.9)
    pair.run(pair.link.drain(), pair.a)
    pair.run_for(1.9)
    assert not pair.peer.is_over
    pair.peer.wait_over(0.2)


# Out.


def test_packets_leave_at_the_end_of_the_turn_in_their_order(pair: Pair) -> None:
    def send() -> None:
        pair.link.send(PROPOSAL, 1, b"a")
        pair.link.send(COMMIT, 1)
        pair.link.write(Packet(COMMIT, 2).encode())
        pair.link.send(COMMIT, 3)

    pair.on_a(send)
    pair.peer.wait_for(COMMIT, 3)
    assert pair.peer.left() == [Packet(PROPOSAL, 1, b"a"), Packet(COMMIT, 1), Packet(COMMIT, 2), Packet(COMMIT, 3)]


def test_what_is_held_back_comes_behind_the_history(pair: Pair) -> None:
    async def send() -> None:
        pair.link.send(ACK, 1)
        pair.link.hold()
        pair.link.send(COMMIT, 10)
        await asyncio.sleep(0.1)
        pair.link.write_raw(Packet(ACK, 2).encode())
        pair.link.write(Packet(COMMIT, 11).encode())
        await asyncio.sleep(0.1)
        pair.link.write_raw(Packet(ACK, 3).encode())
        await pair.link.release()
        pair.link.send(COMMIT, 12)

    pair.run(send(), pair.a)
    pair.peer.wait_for(COMMIT, 12)
    assert [packet.zxid for packet in pair.peer.left()] == [1, 2, 3, 10, 11, 12]


def test_what_comes_while_the_held_back_is_sent_waits_its_turn(pair: Pair) -> None:
    pair.delay(pair.a, pair.b, 50)

    async def send() -> None:
        pair.link.hold()
        for zxid in range(20):
            pair.link.write(Packet(COMMIT, zxid, b"x" * 50_000).encode())
        releasing = asyncio.get_running_loop().create_task(pair.link.release())
        await asyncio.sleep(0.1)
        assert not releasing.done()
        pair.link.write(Packet(COMMIT, 20).encode())
        await releasing

    pair.run(send(), pair.a)
    pair.peer.wait_for(COMMIT, 20)
    assert [packet.zxid for packet in pair.peer.left()] == list(range(21))


def test_too_much_behind_a_history_ends_the_connection() -> None:
    with Pair() as pair:
        pair.connect(max_held_bytes=1000)

        def send() -> None:
            pair.link.hold()
            for _ in range(20):
                pair.link.write(b"x" * 100)

        pair.on_a(send)
        assert "wait behind the history" in pair.link.closed_reason
        pair.peer.wait_over(1)
        assert pair.peer.got == [], "nothing of what was held back"


def test_held_back_bytes_are_shared(pair: Pair) -> None:
    """A broadcast that waits for several learners is there once."""
    data = i64(1) * 100

    def send() -> None:
        pair.link.hold()
        pair.link.write(data)

    pair.on_a(send)
    assert pair.link._held is not None
    assert pair.link._held[0] is data


@LIMITS_ARE_FIXED
def test_a_peer_that_does_not_read_is_left(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_flow, "MAX_UNSENT_BYTES", 1_000_000)
    pair.partition(pair.a, pair.b)
    for _ in range(20):
        pair.on_a(lambda: pair.link.write(b"x" * 100_000))
    assert "unread" in pair.link.closed_reason


def test_closing_sends_what_was_written(pair: Pair) -> None:
    def send() -> None:
        pair.link.send(COMMIT, 1)
        pair.link.close("it is over")
        pair.link.close("really")

    pair.on_a(send)
    pair.peer.wait_over(1)
    assert pair.peer.left() == [Packet(COMMIT, 1)]
    assert pair.link.closed_reason == "it is over"


def test_a_closed_connection_takes_no_more(pair: Pair) -> None:
    pair.on_a(lambda: pair.link.close("it is over"))
    pair.on_a(lambda: pair.link.write(b"x"))
    with pytest.raises(LinkClosedError, match="it is over"):
        pair.run(pair.link.drain(), pair.a)
