"""Order and end of what a faulty transport sends, in virtual time, and the loop that hands such transports out."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from zkeeper.testing.faults import Faults, FaultyTransport, new_loop
from zkeeper.testing.simulation import Simulation


class RealTransport(asyncio.Transport):
    """Notes what reaches it, and when, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[int, bytes | str]] = []
        self.is_ended = False

    def _note(self, what: bytes | str) -> None:
        self.noted.append((round(asyncio.get_running_loop().time() * 1000), what))

    def write(self, data: Any) -> None:
        self._note(bytes(data))

    def close(self) -> None:
        self._note("closed")
        self.is_ended = True

    def abort(self) -> None:
        self._note("aborted")
        self.is_ended = True

    def is_closing(self) -> bool:
        return self.is_ended

    def get_write_buffer_size(self) -> int:
        return 0


class Wire:
    def __init__(self) -> None:
        self.faults = Faults()
        self.real = RealTransport()
        self.seen = FaultyTransport(self.real, self.faults)


def noted_by(play: Callable[[Wire], Coroutine[Any, Any, None]]) -> list[tuple[int, bytes | str]]:
    """What reached the real transport until a second after `play` has ended."""
    with Simulation(seed=1) as sim:
        wire = Wire()
        sim.run(play(wire))
        sim.run_for(1)
        return wire.real.noted


def test_nothing_is_in_the_way_without_a_delay() -> None:
    async def play(wire: Wire) -> None:
        wire.seen.write(b"a")
        assert wire.real.noted == [(0, b"a")]
        wire.seen.close()

    assert noted_by(play) == [(0, b"a"), (0, "closed")]


def test_everything_is_late_by_the_delay() -> None:
    async def play(wire: Wire) -> None:
        wire.faults.delay_ms = 100
        wire.seen.write(b"a")
        await asyncio.sleep(0.03)
        wire.seen.write(b"b")

    assert noted_by(play) == [(100, b"a"), (130, b"b")]


@pytest.mark.parametrize("later_ms", [0, 10])
def test_a_shorter_delay_overtakes_nothing(later_ms: int) -> None:
    async def play(wire: Wire) -> None:
        wire.faults.delay_ms = 100
        wire.seen.write(b"a")
        wire.faults.delay_ms = later_ms
        wire.seen.write(b"b")
        await asyncio.sleep(0.2)
        wire.seen.write(b"c")

    assert noted_by(play) == [(100, b"a"), (100, b"b"), (200 + later_ms, b"c")]


def test_the_end_comes_behind_what_was_sent() -> None:
    async def play(wire: Wire) -> None:
        wire.faults.delay_ms = 100
        wire.seen.write(b"abc")
        wire.seen.close()
        assert wire.seen.is_closing()
        assert wire.seen.get_write_buffer_size() == 3

    assert noted_by(play) == [(100, b"abc"), (100, "closed")]


def test_what_was_delayed_is_lost_when_the_connection_is() -> None:
    async def play(wire: Wire) -> None:
        wire.faults.delay_ms = 100
        wire.seen.write(b"a")
        assert wire.faults.drop() == 1
        assert wire.faults.drop() == 0
        assert wire.seen.get_write_buffer_size() == 0

    assert noted_by(play) == [(0, "aborted")]


def test_nothing_is_sent_to_a_client_that_has_left() -> None:
    async def play(wire: Wire) -> None:
        wire.faults.delay_ms = 100
        wire.seen.write(b"a")
        wire.real.is_ended = True

    assert noted_by(play) == []


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self.transport, FaultyTransport)
        self.transport.write(data)


@pytest.mark.parametrize("has_uvloop", [False, True])
def test_a_server_of_the_loop_has_faults(has_uvloop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_uvloop:
        monkeypatch.setitem(sys.modules, "uvloop", None)
    faults = Faults()

    async def play() -> None:
        server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=5)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for delay_ms in (0, 5):
            faults.delay_ms = delay_ms
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
        assert faults.drop() == 1
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        faults.stop_listening()
        assert not server.is_serving()

    with asyncio.Runner(loop_factory=lambda: new_loop(faults)) as runner:
        assert (type(runner.get_loop()).__name__ == "FaultyLoop") == has_uvloop
        runner.run(play())
