"""What clients leave unread together: the bound of the server, and that those who read are left alone."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
import raw_wire as raw
from limits_machine import CONFIG, Connection, Server, lines, running

from zkeeper.server.client_connection import ClientConnection
from zkeeper.server.unread import (
    MAX_HIGH_WATER_BYTES,
    MIN_HIGH_WATER_BYTES,
    UNNOTICED_BYTES,
    UnreadReplies,
    high_water_bytes,
)

LIMIT_BYTES = 4_000_000
REPLY_BYTES = 1_000_000


@dataclass(eq=False)
class Slow:
    """A connection that is behind by `size_bytes`."""

    size_bytes: int
    asked: int = 0
    reasons: list[str] = field(default_factory=list)

    def unread_bytes(self) -> int:
        self.asked += 1
        return 0 if self.reasons else self.size_bytes

    def drop(self, reason: str) -> None:
        self.reasons.append(reason)


def dropped_of(limit_bytes: int, *sizes: int) -> list[int]:
    """The places of those among connections behind by `sizes` that are dropped."""
    slow = [Slow(size) for size in sizes]

    async def add_all() -> None:
        unread = UnreadReplies(limit_bytes)
        for one in slow:
            unread.add(one)
        await asyncio.sleep(0)

    asyncio.run(add_all())
    return [place for place, one in enumerate(slow) if one.reasons]


@pytest.mark.parametrize(
    ("limit_bytes", "sizes", "dropped"),
    [
        (100, (40, 30, 30), []),
        (99, (30, 40, 30), [0]),
        (50, (30, 40, 30, 10), [0, 1]),
        (60, (30, 30, 30), [0]),
        (50, (10, 10, 10, 40), [0, 1]),
        (10, (30, 30, 30), [0, 1, 2]),
        (0, (1 << 40, 1 << 40), []),
    ],
)
def test_those_behind_for_the_longest_are_dropped_until_the_rest_fits(
    limit_bytes: int, sizes: tuple[int, ...], dropped: list[int]
) -> None:
    assert dropped_of(limit_bytes, *sizes) == dropped


def test_it_is_looked_at_once_in_a_turn_and_only_while_somebody_is_behind() -> None:
    async def steps() -> None:
        unread, slow = UnreadReplies(100), Slow(60)
        unread.add(slow)
        for _ in range(10):
            unread.grew()
        await asyncio.sleep(0)
        assert slow.asked == 1
        await asyncio.sleep(0)
        assert slow.asked == 1
        other = Slow(50)
        unread.add(other)
        unread.discard(slow)
        await asyncio.sleep(0)
        assert (slow.asked, slow.reasons, other.reasons) == (1, [], [])
        unread.add(slow)
        await asyncio.sleep(0)
        assert not slow.reasons, "it had caught up, so the other one is behind for longer"
        assert other.reasons == [
            "clients leave 110 bytes unread together, maxUnreadReplyBytes allows 100; it is behind for the longest, "
            "with 50"
        ]
        unread.grew()
        await asyncio.sleep(0)
        assert (len(slow.reasons), len(other.reasons)) == (0, 1)

    asyncio.run(steps())


@pytest.mark.parametrize("connections", [0, 1, 60, 256, 257, 1000, 4096, 5000, 100_000])
def test_the_more_connections_there_are_the_less_each_may_leave_unnoticed(connections: int) -> None:
    mark = high_water_bytes(connections)
    assert MIN_HIGH_WATER_BYTES <= mark <= MAX_HIGH_WATER_BYTES
    assert mark == MIN_HIGH_WATER_BYTES or mark * connections <= UNNOTICED_BYTES
    assert mark >= high_water_bytes(connections + 1)


def leave_unread(server: Server, count: int) -> list[Connection]:
    """Clients that ask for a large znode and read nothing but their sessions."""
    clients = [server.connect(raw.connect(timeout_ms=40_000)) for _ in range(count)]
    server.sim.run_until(lambda: all(client.data for client in clients))
    for client in clients:
        assert client.transport is not None
        client.transport.pause_reading()
        client.transport.write(raw.request(1, raw.GET_DATA, raw.read(b"/large")))
    return clients


def test_clients_that_do_not_read_are_dropped_and_one_that_reads_is_not(caplog: pytest.LogCaptureFixture) -> None:
    limits = replace(CONFIG.limits, max_unread_reply_bytes=LIMIT_BYTES)
    with running(replace(CONFIG, limits=limits)) as server:
        create = raw.request(1, raw.CREATE, raw.create(b"/large", b"x" * REPLY_BYTES))
        reader = server.connect(raw.connect(timeout_ms=40_000), create)
        read_large_replies(server, reader, 1)
        leave_unread(server, 10)
        server.sim.run_for(5)
        assert LIMIT_BYTES - REPLY_BYTES < unread_bytes(server) <= LIMIT_BYTES
        read_large_replies(server, reader, 20)
        assert not reader.is_lost, "its replies are larger than what each of the others leaves"
    told = [line for line in lines(caplog, "zkeeper.clients") if "maxUnreadReplyBytes" in line]
    assert 9 <= len(told) <= 10


def read_large_replies(server: Server, reader: Connection, count: int) -> None:
    assert reader.transport is not None
    three = raw.multi(*[(raw.GET_DATA, raw.read(b"/large"))] * 3)
    reader.data.clear()
    for xid in range(2, 2 + count):
        reader.transport.write(raw.request(xid, raw.MULTI_READ, three))
    server.sim.run_until(lambda: len(reader.data) > count * 3 * REPLY_BYTES)


def unread_bytes(server: Server) -> int:
    outlets = [link.outlet for link in server.node.port.links()]
    return sum(outlet.unread_bytes() for outlet in outlets if isinstance(outlet, ClientConnection))


def test_without_a_limit_all_of_them_are_kept() -> None:
    limits = replace(CONFIG.limits, max_unread_reply_bytes=0)
    with running(replace(CONFIG, limits=limits)) as server:
        server.connect(raw.connect(), raw.request(1, raw.CREATE, raw.create(b"/large", b"x" * REPLY_BYTES)))
        leave_unread(server, 10)
        server.sim.run_for(5)
        assert len(server.node.port.links()) >= 10
