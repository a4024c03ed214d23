"""A run with a bit of everything, which prints its trace hash. Run as a program, to compare processes."""

import asyncio
import functools
import sys

from zkeeper.testing.simulation import Machine, Simulation

SERVERS = ("a", "b", "c")


async def serve(machine: Machine) -> None:
    machine.disk.make_folders("/data")
    log = machine.disk.open_writer(f"/data/log.{machine.disk.life_number}")

    def append(line: bytes) -> None:
        log.write(line)
        log.sync()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                await machine.disk.submit("log", functools.partial(append, line))
                writer.write(line)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, port=2181)
    await server.serve_forever()


async def talk(machine: Machine, answers: list[str]) -> None:
    for number in range(40):
        name = machine.random.choice(SERVERS)
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(name, 2181)
                writer.write(b"%d\n" % number)
                answers.append(f"{name} {await reader.readline()!r}")
                writer.close()
        except (OSError, TimeoutError) as error:
            answers.append(f"{name} {type(error).__name__}")
        # A set of strings: its order must not matter, only its size.
        await asyncio.sleep(len({name, "pause"}) * 0.01)


def run(seed: int) -> tuple[str, list[str]]:
    answers: list[str] = []
    with Simulation(seed) as sim:
        machines = [sim.machine(name) for name in SERVERS]
        for machine in machines:
            machine.start(serve, machine)
        clients = [sim.machine(f"client{number}") for number in range(3)]
        tasks = [client.start(talk, client, answers) for client in clients]
        sim.run_for(0.2)
        sim.partition(machines[0], clients[0], one_way=True)
        machines[1].kill_at_disk_step(3)
        sim.run_for(1)
        sim.heal()
        machines[1].restart()
        machines[1].start(serve, machines[1])
        machines[2].kill(silent=True)
        sim.run_until(lambda: all(task.done() for task in tasks), timeout_s=600)
        return sim.trace_hash(), answers


if __name__ == "__main__":
    print(run(int(sys.argv[1]))[0])
