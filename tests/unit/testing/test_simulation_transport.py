"""Transports and servers of the simulated network, as asyncio's protocols and streams see them."""

import asyncio
import hashlib
import random

import pytest
from helpers_for_simulation import PORT, Pair, Recorder

from zkeeper.testing.simulation import Simulation

SEEDS = range(20)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def serve_echo() -> None:
    async with await asyncio.start_server(echo, "a", PORT) as server:
        await server.serve_forever()


@pytest.mark.parametrize("seed", SEEDS)
def test_streams_echo_every_byte_in_order(seed: int) -> None:
    with Simulation(seed) as sim:
        sim.machine("a").start(serve_echo)
        payload = sim.random.randbytes(300_000)

        async def ask() -> bytes:
            reader, writer = await asyncio.open_connection("a", PORT)

            async def send() -> None:
                position = 0
                while position < len(payload):
                    size_bytes = sim.random.choice((1, 10, 1000, 50_000))
                    writer.write(payload[position : position + size_bytes])
                    position += size_bytes
                    await writer.drain()
                writer.write_eof()

            sending = asyncio.ensure_future(send())
            answer = await reader.read(-1)
            await sending
            writer.close()
            await writer.wait_closed()
            return answer

        answer = sim.run(ask(), sim.machine("b"))
        assert hashlib.sha256(answer).digest() == hashlib.sha256(payload).digest()


def test_segments_are_split_and_merged() -> None:
    segments: set[tuple[int, ...]] = set()
    for seed in range(60):
        with Simulation(seed) as sim:
            pair = Pair(sim)
            pair.client.transport.write(b"12345")
            pair.client.transport.write(b"67890")
            pair.run_until(lambda pair: len(pair.server.data) == 10)
            assert pair.server.data == b"1234567890"
            segments.add(tuple(pair.server.segments))
    assert {(5, 5), (10,)} < segments
    assert any(len(each) > 2 for each in segments)


def test_names_and_details_of_a_connection() -> None:
    with Simulation(1) as sim:
        pair = Pair(sim)
        client, server = pair.client.transport, pair.server.transport
        assert client.get_extra_info("peername") == ("10.0.0.1", PORT)
        assert server.get_extra_info("sockname") == ("10.0.0.1", PORT)
        assert server.get_extra_info("peername") == client.get_extra_info("sockname")
        assert client.get_extra_info("sockname")[0] == pair.b.address == "10.0.0.2"
        assert client.get_extra_info("socket") is None
        assert client.get_protocol() is pair.client


@pytest.mark.parametrize("seed", SEEDS)
def test_close_flushes_and_then_ends_the_stream(seed: int) -> None:
    with Simulation(seed) as sim:
        pair = Pair(sim)
        payload = bytes(500_000)
        pair.client.transport.write(payload)
        pair.client.transport.close()
        assert pair.client.transport.is_closing()
        assert "lost" not in pair.client.events
        sim.run_until(lambda: "lost" in pair.server.events)
        assert pair.server.data == payload
        assert pair.server.events == ["made", "eof", "lost"]
        assert (pair.server.error, pair.client.error) == (None, None)
        assert pair.client.events[-1] == "lost"


def test_abort_drops_what_is_buffered() -> None:
    with Simulation(1) as sim:
        pair = Pair(sim)
        pair.client.transport.write(bytes(500_000))
        pair.client.transport.abort()
        sim.run_until(lambda: "lost" in pair.server.events)
        assert len(pair.server.data) < 500_000
        assert pair.client.error is None


@pytest.mark.parametrize("seed", SEEDS)
def test_half_close_leaves_the_other_way_open(seed: int) -> None:
    with Simulation(seed) as sim:
        pair = Pair(sim, stays_open=True)
        pair.client.transport.write(b"question")
        pair.client.transport.write_eof()
        sim.run_until(lambda: "eof" in pair.server.events)
        pair.server.transport.write(b"answer")
        sim.run_until(lambda: pair.client.data == b"answer")
        assert pair.server.data == b"question"
        with pytest.raises(RuntimeError, match="write_eof"):
            pair.client.transport.write(b"more")
        pair.server.transport.close()
        sim.run_until(lambda: "eof" in pair.client.events)
        pair.client.transport.close()
        sim.run_until(lambda: "lost" in pair.client.events)
        assert (pair.client.error, pair.server.error) == (None, None)


def test_writing_pauses_and_resumes_by_the_buffer_limits() -> None:
    with Simulation(3) as sim:
        pair = Pair(sim)
        transport = pair.client.transport
        transport.set_write_buffer_limits(high=100_000, low=10_000)
        assert transport.get_write_buffer_limits() == (10_000, 100_000)
        pair.server.transport.pause_reading()
        transport.write(bytes(100_000))
        assert pair.client.events == ["made"]
        transport.write(bytes(100_000))
        assert pair.client.events == ["made", "pause"]
        sim.run_for(10)
        assert pair.server.data == b""
        assert transport.get_write_buffer_size() > 100_000
        pair.server.transport.resume_reading()
        sim.run_until(lambda: "resume" in pair.client.events)
        sim.run_until(lambda: len(pair.server.data) == 200_000)
        assert pair.client.events == ["made", "pause", "resume"]
        with pytest.raises(ValueError, match="high"):
            transport.set_write_buffer_limits(high=1, low=2)


def test_pausing_in_connection_made_holds_back_everything() -> None:
    with Simulation(3) as sim:
        pair = Pair(sim)
        pair.server.transport.pause_reading()
        assert not pair.server.transport.is_reading()
        pair.client.transport.write(b"x")
        pair.client.transport.close()
        sim.run_for(1)
        assert (pair.server.data, pair.server.events) == (b"", ["made"])
        pair.server.transport.resume_reading()
        sim.run_until(lambda: "eof" in pair.server.events)
        assert pair.server.data == b"x"


def test_writing_to_a_closed_peer_gets_a_reset() -> None:
    with Simulation(3) as sim:
        pair = Pair(sim, stays_open=True)
        pair.server.transport.close()
        sim.run_until(lambda: "eof" in pair.client.events)
        pair.client.transport.write(b"too late")
        sim.run_until(lambda: "lost" in pair.client.events)
        assert isinstance(pair.client.error, ConnectionResetError)


def test_closing_with_unread_data_resets_as_real_sockets_do() -> None:
    with Simulation(3) as sim:
        pair = Pair(sim)
        pair.server.transport.pause_reading()
        pair.client.transport.write(b"never read")
        sim.run_for(1)
        pair.server.transport.close()
        sim.run_until(lambda: "lost" in pair.client.events)
        assert isinstance(pair.client.error, ConnectionResetError)


def test_only_bytes_are_written() -> None:
    with Simulation(3) as sim:
        pair = Pair(sim)
        with pytest.raises(TypeError):
            pair.client.transport.write("text")  # type: ignore[arg-type]
        pair.client.transport.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
        sim.run_until(lambda: pair.server.data == b"abc")


def test_a_protocol_that_raises_loses_its_connection_and_fails_the_run() -> None:
    with Simulation(3) as sim:
        pair = Pair(sim)

        def fail(data: bytes) -> None:
            raise ValueError(f"cannot take {data!r}")

        pair.server.data_received = fail  # type: ignore[method-assign]
        pair.client.transport.write(b"x")
        with pytest.raises(Exception, match=r"machine a.*cannot take"):
            sim.run_for(1)
        sim.run_for(1)
        assert isinstance(pair.server.error, ValueError)


def test_buffered_protocols_are_filled() -> None:
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self.buffer = bytearray(3)
            self.data = b""

        def get_buffer(self, sizehint: int) -> bytearray:
            return self.buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.data += self.buffer[:nbytes]

    with Simulation(3) as sim:
        pair = Pair(sim)
        protocol = Buffered()
        pair.server.transport.set_protocol(protocol)
        pair.client.transport.write(b"0123456789")
        sim.run_until(lambda: protocol.data == b"0123456789")


async def listening(host: str | list[str] | None, port: int) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(Recorder, host, port)


def test_port_zero_gives_free_ports() -> None:
    async def main() -> set[tuple[str, int]]:
        servers = [await listening("127.0.0.1", 0) for _ in range(3)]
        return {server.sockets[0].getsockname() for server in servers}

    with Simulation(1) as sim:
        names = sim.run(main(), sim.machine("a"))
        assert len(names) == 3
        assert all(address == "127.0.0.1" and port > 0 for address, port in names)


def test_a_port_is_taken_once_and_free_after_close() -> None:
    async def main() -> None:
        server = await listening(None, PORT)
        assert server.is_serving()
        with pytest.raises(OSError, match="in use"):
            await listening("a", PORT)
        server.close()
        await server.wait_closed()
        assert not server.is_serving()
        assert server.sockets == ()
        await listening(["a", "127.0.0.1"], PORT)
        with pytest.raises(OSError, match="no address of a"):
            await listening("10.9.9.9", PORT)

    with Simulation(1) as sim:
        sim.run(main(), sim.machine("a"))


def test_wait_closed_waits_for_connections() -> None:
    with Simulation(1) as sim:
        pair = Pair(sim)
        pair.listening.close()
        closed = sim.loop.create_task(pair.listening.wait_closed())
        sim.run_for(10)
        assert not closed.done()
        pair.client.transport.close()
        sim.run_until(closed.done)


def test_who_connects_to_nothing_is_refused() -> None:
    async def connect(host: str, port: int) -> None:
        await asyncio.open_connection(host, port)

    with Simulation(1) as sim:
        sim.machine("a").start(serve_echo)
        b = sim.machine("b")
        sim.run_for(0.1)
        with pytest.raises(ConnectionRefusedError):
            sim.run(connect("a", PORT + 1), b)
        with pytest.raises(OSError, match="no machine is named 'nobody'"):
            sim.run(connect("nobody", PORT), b)
        with pytest.raises(OSError, match=r"10\.7\.7\.7"):
            sim.run(connect("10.7.7.7", PORT), b)
        with pytest.raises(ConnectionRefusedError):
            sim.run(connect("127.0.0.1", PORT), b)


def test_names_resolve_to_addresses() -> None:
    async def look_up(name: str) -> object:
        infos = await asyncio.get_running_loop().getaddrinfo(name, PORT)
        return infos[0][4]

    with Simulation(1) as sim:
        machine = sim.machine("a")
        sim.network.names["alias.example"] = machine.address
        assert sim.run(look_up("alias.example")) == sim.run(look_up("a")) == (machine.address, PORT)
        assert sim.run(look_up("localhost")) == ("127.0.0.1", PORT)


def test_a_connection_that_was_given_up_is_closed_at_the_server() -> None:
    for seed in SEEDS:
        with Simulation(seed) as sim:
            pair = Pair(sim)

            async def give_up(delay_s: float) -> None:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(asyncio.open_connection("a", PORT), delay_s)

            sim.delay(pair.a, pair.b, 100)
            sim.run(give_up(random.Random(seed).uniform(0.11, 0.19)), pair.b)
            pair.run_until(lambda pair: len(pair.ends) == 2 and "lost" in pair.server.events)


def test_options_that_the_network_lacks_are_refused() -> None:
    async def main() -> None:
        await asyncio.open_connection("a", PORT, ssl=True)

    with Simulation(1) as sim, pytest.raises(NotImplementedError, match="ssl"):
        sim.run(main())


@pytest.mark.parametrize("end", ["close", "abort"])
def test_ending_twice_tells_the_protocol_once(end: str) -> None:
    with Simulation(1) as sim:
        pair = Pair(sim)
        getattr(pair.client.transport, end)()
        getattr(pair.client.transport, end)()
        pair.client.transport.write(b"dropped")
        sim.run_for(1)
        assert pair.client.events == ["made", "lost"]
        assert pair.server.data == b""
