"""What one client can do to the server and to the others: nothing."""

from functools import partial

import pytest

from zkeeper.pipeline.intake import MAX_OUTSTANDING
from zkeeper.server.config.model import LimitsConfig
from zkeeper.server.unread import MAX_HIGH_WATER_BYTES

from .node import make_config
from .raw_client import RawClient
from .requests import EPHEMERAL, Exists, GetData, Ping, SetData
from .scenario import Scenario

PROMPT_S = 0.01
"""A few times the latency of network and disk."""
BIG_BYTES = 100_000


def took_s(world: Scenario, client: RawClient, *requests: Exists | GetData | SetData) -> float:
    """How long the client waits for the replies to these."""
    began_s = world.now_s
    sent = world.post(client, *requests)
    return world.wait_until(lambda: sent[-1].reply is not None) - began_s


def unsent_bytes(world: Scenario) -> int:
    """What the server holds for clients that do not read."""
    transports = world.node.machine.life.transports
    return sum(transport.get_write_buffer_size() for transport in transports)


def test_one_address_gets_no_more_connections_than_allowed() -> None:
    with Scenario(make_config(limits=LimitsConfig(max_client_cnxns=60))) as world:
        held = [world.connect("greedy") for _ in range(60)]
        with pytest.raises(ConnectionError):
            world.connect("greedy")
        assert world.connect("modest").is_open
        world.on(held[0], held[0].abort)
        world.sim.run_for(PROMPT_S)
        assert world.connect("greedy").is_open


def test_all_addresses_together_get_no_more_connections_than_allowed() -> None:
    with Scenario(make_config(limits=LimitsConfig(max_cnxns=3))) as world:
        for number in range(3):
            world.connect(f"client{number}")
        with pytest.raises(ConnectionError):
            world.connect("last")


def test_a_client_that_does_not_read_is_not_answered_for_ever_and_delays_nobody() -> None:
    with Scenario() as world:
        slow, other = world.connect("slow", 40_000), world.connect("other", 40_000)
        world.create(other, "/big", bytes(BIG_BYTES))
        world.on(slow, slow.transport.pause_reading)
        sent = world.post(slow, *[GetData("/big")] * 1000)
        for _ in range(20):
            assert took_s(world, other, Exists("/"), SetData("/", b"")) < PROMPT_S
            assert unsent_bytes(world) <= MAX_HIGH_WATER_BYTES + 2 * BIG_BYTES + (1 << 18)
            world.sim.run_for(0.1)
        assert unsent_bytes(world) >= MAX_HIGH_WATER_BYTES
        world.on(slow, slow.transport.resume_reading)
        world.wait_until(lambda: all(each.reply is not None for each in sent))
        assert unsent_bytes(world) == 0


def test_a_client_that_never_reads_loses_its_session_and_its_connection() -> None:
    with Scenario() as world:
        slow, other = world.connect("slow", 6000), world.connect("other", 40_000)
        world.create(slow, "/e", flags=EPHEMERAL)
        world.create(other, "/big", bytes(BIG_BYTES))
        world.on(slow, slow.transport.pause_reading)
        world.post(slow, *[GetData("/big")] * 500)
        world.wait_until(lambda: not world.exists("/e"), 20)
        world.wait_until(lambda: len(world.server.port.links()) == 1, 20)
        assert took_s(world, other, Exists("/e")) < PROMPT_S


def test_a_flood_of_writes_leaves_the_others_served() -> None:
    with Scenario() as world:
        flood, other = world.connect("flood", 40_000), world.connect("other", 40_000)
        world.create(flood, "/f")
        world.node.machine.disk.set_latency(0.01, 0.01, "log")
        sent = world.post(flood, *[SetData("/f", b"x")] * 20_000)
        waits_s = []
        while sent[-1].reply is None:
            waits_s.append(took_s(world, other, SetData("/", b"")))
            assert world.server.service.outstanding() <= MAX_OUTSTANDING
        assert len(waits_s) > 10
        assert max(waits_s) < 3 * 0.01 + PROMPT_S
        assert [each.reply.value.version for each in sent if each.reply is not None] == list(range(1, 20_001))


def test_a_flood_of_reads_behind_a_slow_write_is_bounded() -> None:
    with Scenario() as world:
        flood, other = world.connect("flood", 40_000), world.connect("other", 40_000)
        world.node.machine.disk.set_latency(2, 2, "log")
        sent = world.post(flood, SetData("/", b""), *[Exists("/")] * 10_000)
        world.sim.run_for(1)
        (link,) = [link for link in world.server.port.links() if link.outstanding()]
        assert link.outstanding() <= MAX_OUTSTANDING
        assert took_s(world, other, Exists("/")) < PROMPT_S
        world.wait_until(lambda: all(each.reply is not None for each in sent))


@pytest.mark.parametrize("seed", range(20))
def test_garbage_on_the_port_harms_nobody(seed: int) -> None:
    with Scenario(seed=seed) as world:
        other = world.connect("other", 40_000)
        for number in range(20):
            client = world.open(f"rubbish{number % 3}")
            garbage = world.sim.random.randbytes(world.sim.random.choice((1, 4, 50, 5000)))
            if world.sim.random.random() < 0.5:
                garbage = len(garbage).to_bytes(4) + garbage
            world.on(client, partial(client.transport.write, garbage))
        assert took_s(world, other, Exists("/"), SetData("/", b"")) < PROMPT_S
        world.on(other, other.keep_alive)
        world.sim.run_for(60)
        assert len(world.server.port.links()) == 1
        assert other.is_open


@pytest.mark.parametrize("seed", range(20))
def test_garbage_in_a_session_ends_at_most_that_session(seed: int) -> None:
    with Scenario(seed=seed) as world:
        other = world.connect("other", 40_000)
        for _ in range(20):
            client = world.connect("rubbish", 4000)
            garbage = world.sim.random.randbytes(world.sim.random.choice((1, 8, 40, 400)))
            opcode = world.sim.random.choice((1, 5, 14, 22, 100, 101, 105)).to_bytes(4)
            payload = world.sim.random.choice((b"", bytes(4) + opcode)) + garbage
            client.is_deaf = True
            world.on(client, partial(client.transport.write, len(payload).to_bytes(4) + payload))
        assert took_s(world, other, Exists("/"), SetData("/", b"")) < PROMPT_S
        world.on(other, other.keep_alive)
        world.sim.run_for(60)
        assert list(world.server.service.database.sessions) == [other.session.session_id]


def test_a_ping_is_answered_in_its_turn() -> None:
    with Scenario() as world:
        client = world.connect()
        world.node.machine.disk.set_latency(0.5, 0.5, "log")
        sent = world.post(client, SetData("/", b""), Ping())
        world.sim.run_for(0.4)
        assert sent[1].reply is None
        world.wait_until(lambda: sent[1].reply is not None)
        assert sent[0].reply is not None


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_stop_does_not_wait_for_a_client_that_does_not_read(is_silent: bool) -> None:
    with Scenario() as world:
        slow = world.connect("slow", 40_000)
        world.create(slow, "/big", bytes(BIG_BYTES))
        world.on(slow, slow.transport.pause_reading)
        world.post(slow, *[GetData("/big")] * 500)
        world.wait_until(lambda: unsent_bytes(world) >= MAX_HIGH_WATER_BYTES)
        if is_silent:
            world.sim.machine("slow").kill(silent=True)
        stopped = world.node.machine.start(world.node.stop)
        world.wait_until(stopped.done, 60)
