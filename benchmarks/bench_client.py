"""`python benchmarks/bench_client.py`: our client beside kazoo against one zkeeper server, as a Markdown table.

The two take turns, each measurement in a process of its own (A B A B); medians and their ratio are told. Every request
is answered without an error, or there is no figure. With `--worker` it is such a process and prints one number.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLIENTS = ("kazoo", "zkeeper")
FIGURES = {
    "gets": "pipelined gets, 100 bytes, 1000 in flight, per second",
    "blocking8": "blocking gets from 8 threads, 100 bytes, per second",
    "blocking1": "blocking gets from one thread, 100 bytes, per second",
    "watches": "10,000 watches registered and fired, seconds",
    "script": "a script that imports, connects and gets once: ms of processor time",
    "memory": "memory of the same script, MB",
}
ROUND_S = 3.0
IN_FLIGHT = 1000
WATCHES = 10_000
FIRST_ANSWER_S = 20.0


# Workers: kazoo.


@contextmanager
def kazoo_client(port: int) -> Iterator[Any]:
    from kazoo.client import KazooClient

    client = KazooClient(f"127.0.0.1:{port}")
    client.start()
    yield client
    client.stop()
    client.close()


def kazoo_gets(port: int) -> float:
    with kazoo_client(port) as client:
        client.ensure_path("/bench")
        client.set("/bench", b"x" * 100)
        count, began_s = 0, time.perf_counter()
        while (spent_s := time.perf_counter() - began_s) < ROUND_S:
            for result in [client.get_async("/bench") for _ in range(IN_FLIGHT)]:
                result.get()
            count += IN_FLIGHT
        return count / spent_s


def kazoo_watches(port: int) -> float:
    with kazoo_client(port) as client:
        paths = _watch_paths("kazoo")
        client.ensure_path("/bench-kazoo")
        for result in [client.create_async(path) for path in paths]:
            result.get()
        fired, done = [0], threading.Event()

        def note(event: object) -> None:
            fired[0] += 1
            if fired[0] == WATCHES:
                done.set()

        began_s = time.perf_counter()
        for result in [client.get_async(path, watch=note) for path in paths]:
            result.get()
        sets = [client.set_async(path, b"") for path in paths]
        assert done.wait(60.0)
        spent_s = time.perf_counter() - began_s
        for result in sets:
            result.get()
        client.delete("/bench-kazoo", recursive=True)
        return spent_s


def kazoo_blocking(port: int, threads: int) -> float:
    with kazoo_client(port) as client:
        client.ensure_path("/bench")
        client.set("/bench", b"x" * 100)
        return _calls_per_s(lambda: client.get("/bench"), threads)


# Workers: zkeeper.


def zkeeper_gets(port: int) -> float:
    return _run(_zkeeper_gets(port))


async def _zkeeper_gets(port: int) -> float:
    import zkeeper

    async with zkeeper.connect(f"127.0.0.1:{port}") as zk:
        await zk.ensure_path("/bench")
        await zk.set("/bench", b"x" * 100)
        count, began_s = 0, time.perf_counter()
        while (spent_s := time.perf_counter() - began_s) < ROUND_S:
            for result in [zk.get("/bench") for _ in range(IN_FLIGHT)]:
                await result
            count += IN_FLIGHT
        return count / spent_s


def zkeeper_watches(port: int) -> float:
    return _run(_zkeeper_watches(port))


async def _zkeeper_watches(port: int) -> float:
    import zkeeper

    async with zkeeper.connect(f"127.0.0.1:{port}") as zk:
        paths = _watch_paths("zkeeper")
        await zk.ensure_path("/bench-zkeeper")
        await asyncio.gather(*map(zk.create, paths))
        fired, done = [0], asyncio.Event()

        def note(event: object) -> None:
            fired[0] += 1
            if fired[0] == WATCHES:
                done.set()

        began_s = time.perf_counter()
        for result in [zk.get(path, watch=note) for path in paths]:
            await result
        sets = [zk.set(path, b"") for path in paths]
        await done.wait()
        spent_s = time.perf_counter() - began_s
        await asyncio.gather(*sets)
        await zk.delete_tree("/bench-zkeeper")
        return spent_s


def zkeeper_blocking(port: int, threads: int) -> float:
    import zkeeper

    with zkeeper.Client(f"127.0.0.1:{port}") as zk:
        zk.ensure_path("/bench")
        zk.set("/bench", b"x" * 100)
        return _calls_per_s(lambda: zk.get("/bench"), threads)


def _run(main: Any) -> float:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result: float = runner.run(main)
        return result


# Workers: both.


def _calls_per_s(call: Callable[[], object], threads: int) -> float:
    """All threads begin together and call until the time is over. A call that raises ends the measurement."""
    counts: list[int] = []
    ready = threading.Barrier(threads + 1)

    def work() -> None:
        ready.wait()
        count, end_s = 0, time.perf_counter() + ROUND_S
        while time.perf_counter() < end_s:
            call()
            count += 1
        counts.append(count)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    began_s = time.perf_counter()
    for worker in workers:
        worker.join()
    assert len(counts) == threads, "a thread has failed"
    return sum(counts) / (time.perf_counter() - began_s)


def _watch_paths(name: str) -> list[str]:
    return [f"/bench-{name}/{number:05d}" for number in range(WATCHES)]


SCRIPTS = {
    "kazoo": """
from kazoo.client import KazooClient
client = KazooClient(address)
client.start()
client.get("/")
tell()
client.stop()
client.close()
""",
    "zkeeper": """
import asyncio
import zkeeper
async def main():
    async with zkeeper.connect(address) as zk:
        await zk.get("/")
        tell()
asyncio.run(main())
""",
}
"""What the plainest script does. Nothing else is loaded into its process, and asyncio's own loop runs it."""

TELL = """
import sys, time
address = sys.argv[1]
def tell():
    cpu_ms = time.process_time() * 1000
    pss = next(line for line in open("/proc/self/smaps_rollup") if line.startswith("Pss:"))
    print(cpu_ms, int(pss.split()[1]) / 1024)
"""


def script(client: str, column: int) -> Callable[[int], float]:
    """The processor time in ms, or the memory in MB, when the script has its answer: the median of five runs."""

    def run(port: int) -> float:
        command = [sys.executable, "-c", TELL + SCRIPTS[client], f"127.0.0.1:{port}"]
        runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(5)]
        return statistics.median(float(one.stdout.split()[column]) for one in runs)

    return run


WORKERS: dict[tuple[str, str], Callable[[int], float]] = {
    ("kazoo", "gets"): kazoo_gets,
    ("zkeeper", "gets"): zkeeper_gets,
    ("kazoo", "blocking8"): lambda port: kazoo_blocking(port, 8),
    ("zkeeper", "blocking8"): lambda port: zkeeper_blocking(port, 8),
    ("kazoo", "blocking1"): lambda port: kazoo_blocking(port, 1),
    ("zkeeper", "blocking1"): lambda port: zkeeper_blocking(port, 1),
    ("kazoo", "watches"): kazoo_watches,
    ("zkeeper", "watches"): zkeeper_watches,
    **{(client, "script"): script(client, 0) for client in CLIENTS},
    **{(client, "memory"): script(client, 1) for client in CLIENTS},
}


# The run.


@contextmanager
def server(folder: str) -> Iterator[int]:
    """A zkeeper server of its own; yields its port."""
    command = [sys.executable, "-m", "zkeeper", "serve", "--port", "0", "--data-dir", folder]
    with Path(folder, "server.log").open("w+") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield _port_in(Path(folder, "server.log"), process)
        finally:
            process.terminate()


def _port_in(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline_s = time.monotonic() + FIRST_ANSWER_S
    while "serving clients on" not in (text := log.read_text()):
        if process.poll() is not None or time.monotonic() > deadline_s:
            sys.exit(f"the server did not start:\n{text}")
        time.sleep(0.02)
    return int(text.split("serving clients on", 1)[1].split()[2])


def measure(client: str, figure: str, port: int) -> float:
    words = [sys.executable, __file__, "--worker", client, figure, str(port)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{client} {figure} failed:\n{done.stderr}")
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=3, metavar=("CLIENT", "FIGURE", "PORT"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(FIGURES))
    options = parser.parse_args()
    if options.worker:
        client, figure, port = options.worker
        print(WORKERS[client, figure](int(port)))
        return
    print("| figure | kazoo | zkeeper | zkeeper / kazoo |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, server(folder) as port:
        for figure in options.only.split(","):
            samples: dict[str, list[float]] = {client: [] for client in CLIENTS}
            for _ in range(options.rounds):
                for client in CLIENTS:
                    samples[client].append(measure(client, figure, int(port)))
            kazoo, ours = (statistics.median(samples[client]) for client in CLIENTS)
            print(f"| {FIGURES[figure]} | {kazoo:,.2f} | {ours:,.2f} | {ours / kazoo:.2f} |", flush=True)


if __name__ == "__main__":
    main()
