"""Machines and the faults of the network: kill, restart, partition, delay, refusal."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from helpers_for_simulation import PORT, Client, serve

from zkeeper.testing.simulation import Killed, Machine, Simulation, Unsynced


@pytest.fixture
def sim() -> Iterator[Simulation]:
    with Simulation(seed=5) as simulation:
        yield simulation


@pytest.fixture
def client() -> Iterator[Client]:
    with Simulation(seed=5) as simulation:
        connected = Client(simulation)
        yield connected


def test_machines_have_names_addresses_clocks_and_randomness_of_their_own(sim: Simulation) -> None:
    a, b = sim.machine("a"), sim.machine("b")
    assert sim.machine("a") is a
    assert (a.address, b.address) == ("10.0.0.1", "10.0.0.2")
    assert a.random.random() != b.random.random()
    b.skew_ms = -5000
    before_ms = a.clock()
    sim.run_for(1.5)
    assert a.clock() - before_ms == 1500
    assert a.clock() - b.clock() == 5000
    assert a.clock() > 1_700_000_000_000


def test_randomness_does_not_depend_on_other_machines() -> None:
    with Simulation(5) as one, Simulation(5) as two:
        two.machine("b")
        assert one.machine("a").random.random() == two.machine("a").random.random()


def test_a_killed_machine_runs_nothing_more(sim: Simulation) -> None:
    beats: list[float] = []
    ends: list[str] = []

    async def beat() -> None:
        try:
            while True:
                beats.append(sim.time())
                await asyncio.sleep(1)
        finally:
            ends.append("finally")

    a = sim.machine("a")
    a.start(beat)
    sim.run_for(2.5)
    a.kill()
    gc.collect()
    sim.run_for(10)
    assert (len(beats), ends, a.is_alive) == (3, [], False)
    with pytest.raises(RuntimeError, match="dead"):
        a.start(beat)
    a.restart()
    a.start(beat)
    sim.run_for(0.5)
    assert (len(beats), ends) == (4, [])


def test_peers_of_a_killed_machine_see_an_end_or_a_reset() -> None:
    outcomes = set()
    for seed in range(20):
        with Simulation(seed) as sim:
            client = Client(sim)
            answer = client.send(b"hello")
            client.a.kill()
            sim.run_until(answer.done, timeout_s=1)
            outcomes.add(type(answer.exception()).__name__)
            with pytest.raises(ConnectionRefusedError):
                client.connect()
    assert outcomes == {"IncompleteReadError", "ConnectionResetError"}


def test_a_silent_death_is_not_noticed_until_the_machine_is_back(client: Client) -> None:
    sim = client.sim
    client.a.kill(silent=True)
    answer = client.send(b"hello")
    sim.run_for(100)
    assert not answer.done()
    client.a.restart()
    sim.run_until(answer.done, timeout_s=5)
    assert isinstance(answer.exception(), ConnectionResetError)


def test_connecting_to_a_silent_machine_times_out_or_waits_for_its_return(client: Client) -> None:
    sim = client.sim
    client.a.kill(silent=True)
    with pytest.raises(TimeoutError):
        client.connect()
    assert sim.time() > 120
    connecting = client.connecting()
    sim.run_for(10)
    assert not connecting.done()
    client.a.restart()
    client.a.start(serve)
    sim.run_until(connecting.done, timeout_s=5)
    assert connecting.exception() is None


def test_a_restarted_machine_serves_on_the_same_port(client: Client) -> None:
    sim = client.sim
    client.a.restart()
    client.a.start(serve)
    sim.run_for(0.1)
    client.reader, client.writer = client.connect()
    assert client.echo(b"again") == b"again"


def test_a_partition_stalls_and_healing_delivers(client: Client) -> None:
    sim = client.sim
    sim.partition(client.a, client.b)
    answer = client.send(b"hello")
    sim.run_for(60)
    assert not answer.done()
    sim.heal()
    sim.run_until(answer.done, timeout_s=5)
    assert answer.result() == b"hello"
    assert client.echo(b"more") == b"more"


@pytest.mark.parametrize("answers_are_lost", [False, True])
def test_a_one_way_partition(client: Client, answers_are_lost: bool) -> None:
    sim = client.sim
    ends = (client.a, client.b) if answers_are_lost else (client.b, client.a)
    sim.partition(*ends, one_way=True)
    answer = client.send(b"hello")
    sim.run_for(60)
    assert not answer.done()
    segments = [event for event in sim.trace.tail(1000) if "segment" in event]
    assert [event[1] for event in segments] == ([client.a.host.number] if answers_are_lost else [])
    sim.heal()
    sim.run_until(answer.done, timeout_s=5)


def test_a_partition_that_lasts_times_the_sender_out(client: Client) -> None:
    sim = client.sim
    sim.partition([client.a], [client.b, sim.machine("c")])
    answer = client.send(b"hello")
    sim.run_until(answer.done, timeout_s=1000)
    assert isinstance(answer.exception(), TimeoutError)


def test_connecting_through_a_partition_waits(client: Client) -> None:
    sim = client.sim
    sim.partition(client.a, client.b)
    connecting = client.connecting()
    sim.run_for(20)
    assert not connecting.done()
    sim.heal()
    sim.run_until(connecting.done, timeout_s=5)


def test_others_do_not_notice_a_partition(client: Client) -> None:
    sim = client.sim
    sim.partition(client.a, sim.machine("c"))
    assert client.echo(b"hello") == b"hello"


def test_a_delay_is_added_in_both_directions(client: Client) -> None:
    sim = client.sim
    sim.delay(client.a, client.b, 200)
    start_s = sim.time()
    client.echo(b"x")
    assert 0.4 < sim.time() - start_s < 0.9
    sim.heal()
    start_s = sim.time()
    client.echo(b"x")
    assert sim.time() - start_s < 0.01


def test_a_machine_can_refuse_connections(client: Client) -> None:
    client.a.refuse_connections()
    with pytest.raises(ConnectionRefusedError):
        client.connect()
    assert client.echo(b"old ones go on") == b"old ones go on"
    client.a.refuse_connections(False)
    assert client.connect()


def test_reset_breaks_connections_at_both_ends(sim: Simulation) -> None:
    lost: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1)
        except ConnectionResetError:
            lost.append("server")

    async def serve_noting() -> None:
        await asyncio.start_server(note, port=PORT)

    a, b = sim.machine("a"), sim.machine("b")
    a.start(serve_noting)
    sim.run_for(0.1)
    reader, _writer = sim.run(asyncio.open_connection("a", PORT), b)
    sim.reset(a, b)
    with pytest.raises(ConnectionResetError):
        sim.run(reader.read(1), b)
    sim.run_until(lambda: lost)


async def keep_writing(machine: Machine, done: list[int]) -> None:
    file = machine.disk.open_writer("/log")
    machine.disk.sync_folder("/")

    def append() -> None:
        file.write(b"x")
        file.sync()

    for number in range(10):
        await machine.disk.submit("log", append)
        done.append(number)


def test_a_kill_in_the_middle_of_a_job(sim: Simulation) -> None:
    done: list[int] = []
    a = sim.machine("a")
    a.kill_at_disk_step(2 + 2 * 3 + 2, unsynced=Unsynced.LOST)
    a.start(keep_writing, a, done)
    sim.run_until(lambda: not a.is_alive)
    sim.run_for(1)
    assert done == [0, 1, 2]
    assert a.disk.size_bytes("/log") == 3


def test_a_kill_in_a_call_that_blocks(sim: Simulation) -> None:
    survived: list[str] = []

    async def recover(machine: Machine) -> None:
        try:
            machine.disk.open_writer("/log")
        except Exception:
            survived.append("as an error")
        try:
            machine.disk.exists("/log")
        finally:
            survived.append("unwound")
            await asyncio.sleep(0)
            survived.append("ran on")

    a = sim.machine("a")
    a.kill_at_disk_step(1)
    a.start(recover, a)
    sim.run_for(1)
    assert not a.is_alive
    assert survived == []


def test_the_dead_cannot_touch_the_disk_and_the_test_can(sim: Simulation) -> None:
    attempts: list[str] = []

    async def try_after_death(machine: Machine) -> None:
        machine.kill()
        try:
            machine.disk.open_writer("/ghost")
        except Killed:
            attempts.append("refused")

    a = sim.machine("a")
    a.start(try_after_death, a)
    sim.run_for(1)
    assert attempts == ["refused"]
    assert a.disk.names("/") == []


def test_simulations_leave_nothing_behind() -> None:
    with Simulation(0) as sim:
        client = Client(sim)
        client.echo(b"warm up")
    del sim, client
    gc.collect()
    before = len(gc.get_objects())
    for seed in range(50):
        with Simulation(seed) as sim:
            client = Client(sim)
            client.echo(b"x")
            client.a.kill()
        del sim, client
    gc.collect()
    assert len(gc.get_objects()) - before < 200


async def ask_for_echo(payload: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("a", PORT)
    writer.write(payload)
    answer = await reader.readexactly(len(payload))
    writer.close()
    return answer


@pytest.mark.parametrize("seed", range(10))
def test_no_byte_is_lost_or_repeated_however_often_the_network_fails(seed: int) -> None:
    with Simulation(seed) as sim:
        a, b = sim.machine("a"), sim.machine("b")
        a.start(serve)
        sim.run_for(0.1)
        payload = sim.random.randbytes(300_000)
        asking = b.start(ask_for_echo, payload)
        while not asking.done():
            ends = sim.random.sample((a, b), 2)
            sim.partition(*ends, one_way=sim.random.random() < 0.7)
            sim.run_for(sim.random.uniform(0, 2))
            sim.heal()
            sim.run_for(sim.random.uniform(0, 1))
        assert asking.result() == payload
