"""Kill the server under load, round after round: `python -m process.kill --rounds 100` (PYTHONPATH: src and tests).

A round is a life: start, walk through the whole tree, load, SIGKILL at a random moment, judgement. Every tenth round
the server is stopped and continued (SIGSTOP, SIGCONT) under load, every tenth it is killed while it recovers, too.
What is drawn follows from the seed; the moments at which signals arrive are the machine's.
"""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

from simulation.history import Violation
from simulation.model import OK
from simulation.raw_client import RawClient, Reply, SessionExpiredError
from simulation.requests import Create, GetChildren, GetData, Request

from .load import LONG_TIMEOUT_MS, LoadClient, connect
from .victim import Victim, draw_settings
from .witness import Witness
from .workload import PARENTS, Workload

CLIENTS = 5
START_DEADLINE_S = 60.0
POLL_S = 0.01
LOAD_S = (0.03, 0.7)
PAUSE_S = (0.05, 1.0)
USUAL_START_S = 0.5
TOLD = {
    "recovered to zxid": "recoveries",
    "ends with a torn write": "torn tails",
    "before anything was written": "logs without a header",
    "snapshot 0x": "snapshots written",
}


class KillRun:
    """`run` raises `Violation`, or whatever else went wrong."""

    def __init__(self, seed: int, home: Path) -> None:
        self._random = random.Random(seed)
        self._victim = Victim(home)
        self.witness = Witness(self._victim.logs)
        self.rounds_done = 0
        self._gate = asyncio.Event()
        self._made: deque[str] = deque()
        self._mishaps: list[BaseException | str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._start_s = USUAL_START_S
        self._walker: RawClient | None = None

    async def run(self, rounds: int) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self._note_mishap(context))
        clients = [self._client() for _ in range(CLIENTS)]
        self._tasks = [asyncio.create_task(client.run()) for client in clients]
        try:
            for number in range(rounds):
                await self._round(number)
                self.rounds_done += 1
            await self._last_life(clients)
        finally:
            await _cancel(self._tasks)
            self._victim.kill()
        for phrase, name in TOLD.items():
            self.witness.counts[name] = self._victim.said(phrase)
        self.witness.counts["sessions expired"] = len(self.witness.replay.expired)

    def last_words(self) -> str:
        return self._victim.last_words()

    def _client(self) -> LoadClient:
        rng = random.Random(self._random.randbytes(8))
        return LoadClient(rng, self._victim.port, self.witness, Workload(rng, self._made), self._gate)

    def _note_mishap(self, context: dict[str, Any]) -> None:
        self._mishaps.append(context.get("exception") or context["message"])

    # A life.

    async def _round(self, number: int) -> None:
        if number % 10 == 5:
            await self._kill_while_recovering()
        await self._start_and_walk()
        self._gate.set()
        await asyncio.sleep(self._random.uniform(*LOAD_S))
        if number % 10 == 9:
            await self._stop_and_continue()
        self._victim.kill()
        self._gate.clear()
        await self._judge()

    async def _kill_while_recovering(self) -> None:
        for _ in range(self._random.randint(1, 4)):
            self._victim.start(draw_settings(self._random))
            await asyncio.sleep(self._random.uniform(0.3, 1.1) * self._start_s)
            self._victim.kill()
            self.witness.counts["kills in recovery"] += 1

    async def _stop_and_continue(self) -> None:
        self._victim.pause()
        await asyncio.sleep(self._random.uniform(*PAUSE_S))
        self._victim.resume()
        self.witness.counts["stops and continuations"] += 1
        await asyncio.sleep(self._random.uniform(*LOAD_S))

    async def _start_and_walk(self) -> None:
        started_s = time.monotonic()
        self._victim.start(draw_settings(self._random))
        walker = self._walker = await self._first_client()
        self._start_s = time.monotonic() - started_s
        async with asyncio.timeout(START_DEADLINE_S):
            if self.witness.last_zxid == 0:
                await asyncio.gather(*self._ask(walker, [Create(path) for path in PARENTS]))
            await self._walk(walker)

    async def _first_client(self) -> RawClient:
        """The walker's session outlives every kill."""
        async with asyncio.timeout(START_DEADLINE_S):
            while self._victim.is_alive:
                try:
                    return await connect(self._victim.port, self.witness, LONG_TIMEOUT_MS, self._walker)
                except OSError:
                    await asyncio.sleep(POLL_S)
                except SessionExpiredError:
                    raise Violation("the session that reads the tree was said to be over, and lives") from None
        raise Violation("the server did not start")

    async def _walk(self, walker: RawClient) -> None:
        """Reads every znode; the witness compares them later. Clients may delete the sequential ones."""
        self._made.clear()
        level = ["/"]
        while level:
            self.witness.counts["znodes read after recovery"] += len(level)
            data = self._ask(walker, [GetData(path) for path in level])
            lists = await asyncio.gather(*self._ask(walker, [GetChildren(path) for path in level]))
            await asyncio.gather(*data)
            level = [name for pair in zip(level, lists, strict=True) for name in _children(*pair)]
            self._made.extend(path for path in level if "/s-" in path)

    def _ask(self, walker: RawClient, requests: list[Request]) -> list[asyncio.Future[Reply]]:
        futures = []
        for request in requests:
            futures.append(walker.request(request))
            sent = walker.pending[-1]
            self.witness.sent[sent.session_id, sent.xid] = sent
        return futures

    async def _last_life(self, clients: list[LoadClient]) -> None:
        """Everybody is answered and leaves; the server is asked to end."""
        await self._start_and_walk()
        self._gate.set()
        for client in clients:
            client.leave()
        await asyncio.wait_for(asyncio.gather(*self._tasks), START_DEADLINE_S)
        self._victim.close()
        await self._judge()

    async def _judge(self) -> None:
        await asyncio.gather(*(client.lost for client in self.witness.clients))
        for task in self._tasks:
            if task.done():
                task.result()
        if self._mishaps:
            raise Violation(f"a client broke off: {self._mishaps[0]!r}")
        self.witness.judge()


def _children(path: str, reply: Reply) -> list[str]:
    return [f"{path.rstrip('/')}/{name}" for name in reply.value[0]] if reply.code == OK else []


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m process.kill")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="by default another one each time")
    options = parser.parse_args(arguments)
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    home = Path(tempfile.mkdtemp(prefix="zkeeper-kill-"))
    return asyncio.run(run(seed, options.rounds, home))


async def run(seed: int, rounds: int, home: Path) -> int:
    """Runs and tells; what failed stays on the disk."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # That connections to the dead break is no news.
    started_s = time.monotonic()
    kill_run = KillRun(seed, home)
    try:
        await kill_run.run(rounds)
    except Exception as error:
        print(f"{kill_run.last_words()}\nseed {seed}, round {kill_run.rounds_done}: {type(error).__name__}: {error}")
        print(f"its files are in {home}; the same again: make kill KILL_SEED={seed} ROUNDS={rounds}")
        return 1
    print(f"seed {seed}: {rounds} rounds of kill -9 in {time.monotonic() - started_s:.1f} s, nothing lost")
    for name, count in sorted(kill_run.witness.counts.items()):
        print(f"  {name:28} {count}")
    shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
