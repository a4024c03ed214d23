"""Machines and the faults of the network: kill, restart, partition, delay, refusal."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from helpers_for_simulation import PORT, Client, serve

from zkeeper.testing.simulation import Killed, Machine, Simulation, UnhandledError, Unsynced


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


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_future_complains_to_the_life_that_made_it(sim: Simulation, is_killed: bool) -> None:
    """It may be collected in another, and long after its own has ended."""
    left: list[asyncio.Future[None]] = []

    async def fail() -> None:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(OSError("nobody looks at this"))
        left.append(future)

    async def collect() -> None:
        left.clear()
        gc.collect()

    a = sim.machine("a")
    a.start(fail)
    sim.run_for(1)
    if is_killed:
        a.kill()
    sim.machine("b").start(collect)
    with nullcontext() if is_killed else pytest.raises(UnhandledError, match="on machine a: OwnedFuture exception"):
        sim.run_for(1)
    assert left == []


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


# Machines that stand still.


def test_a_paused_machine_does_nothing_until_it_goes_on(sim: Simulation) -> None:
    beats: list[tuple[str, float]] = []

    async def beat(name: str, interval_s: float) -> None:
        for _ in range(4):
            await asyncio.sleep(interval_s)
            beats.append((name, round(sim.time(), 3)))

    a, b = sim.machine("a"), sim.machine("b")
    a.start(beat, "a", 1.0)
    b.start(beat, "b", 1.0)
    sim.run_for(1.5)
    a.pause()
    clock_ms = a.clock()
    sim.run_for(5)
    assert [name for name, _ in beats] == ["a", "b", "b", "b", "b"]
    assert a.clock() - clock_ms == 5000
    a.resume()
    sim.run_for(2.5)
    assert [beat for beat in beats if beat[0] == "a"] == [("a", 1.0), ("a", 6.5), ("a", 7.5), ("a", 8.5)]


def test_what_was_due_in_a_pause_happens_in_its_order(sim: Simulation) -> None:
    done: list[int] = []
    a = sim.machine("a")

    async def plan() -> None:
        loop = asyncio.get_running_loop()
        for number in (3, 1, 2):
            loop.call_later(number, done.append, number)
        loop.call_later(4, done.append, 4).cancel()

    a.start(plan)
    sim.run_for(0.5)
    a.pause()
    sim.run_for(10)
    assert done == []
    a.resume()
    sim.run_for(0.1)
    assert done == [1, 2, 3]


def test_connections_of_a_paused_machine_stay_and_are_read_later(client: Client) -> None:
    sim = client.sim
    client.a.pause()
    task = client.send(b"hello")
    sim.run_for(30)
    assert not task.done()
    client.a.resume()
    sim.run_until(task.done)
    assert task.result() == b"hello"


def test_a_paused_machine_accepts_what_its_kernel_accepts_and_answers_later(sim: Simulation) -> None:
    a, b = sim.machine("a"), sim.machine("b")
    a.start(serve)
    sim.run_for(0.1)
    a.pause()

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("a", PORT)
        writer.write(b"hello")
        return await reader.readexactly(5)

    task = b.start(ask)
    sim.run_for(20)
    assert not task.done()
    a.resume()
    sim.run_until(task.done)
    assert task.result() == b"hello"


def test_a_machine_that_was_killed_in_a_pause_comes_back_running(sim: Simulation) -> None:
    beats: list[float] = []

    async def beat() -> None:
        while True:
            await asyncio.sleep(1)
            beats.append(sim.time())

    a = sim.machine("a")
    a.start(beat)
    a.pause()
    sim.run_for(3)
    a.restart()
    a.start(beat)
    sim.run_for(1.5)
    assert len(beats) == 1
    a.resume()
    sim.run_for(0.1)
    assert len(beats) == 1


# Links.


def test_one_pair_is_healed_and_another_is_not(client: Client) -> None:
    sim, c = client.sim, client.sim.machine("c")
    sim.partition(client.a, [client.b, c])
    sim.heal(client.a, c)
    assert sim.network.link(client.a.host, client.b.host).is_blocked
    assert not sim.network.link(c.host, client.a.host).is_blocked
    sim.heal(client.b, client.a)
    assert client.echo(b"hello") == b"hello"


def test_with_jitter_connections_overtake_each_other(sim: Simulation) -> None:
    a, b = sim.machine("a"), sim.machine("b")
    came: list[int] = []

    async def listen() -> None:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1):
                came.extend(data)

        server = await asyncio.start_server(take, port=PORT)
        await server.serve_forever()

    async def send() -> None:
        writers = [(await asyncio.open_connection("a", PORT))[1] for _ in range(2)]
        for number in range(40):
            writers[number % 2].write(bytes([number]))
            await asyncio.sleep(0.01)

    a.start(listen)
    sim.run_for(0.1)
    sim.delay(a, b, 1, jitter_ms=200)
    b.start(send)
    sim.run_for(5)
    assert len(came) == 40
    assert came != sorted(came)
    assert [[one for one in came if one % 2 == parity] for parity in (0, 1)] == [
        list(range(0, 40, 2)),
        list(range(1, 40, 2)),
    ]
