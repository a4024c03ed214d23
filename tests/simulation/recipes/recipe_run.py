"""One seeded run: some clients play a game over connections that break; all of it follows from the seed.

Whatever the faults were, the run ends with everything healed, and then nobody may wait for ever, nothing may be left
behind while the sessions still live, and the game is judged.
"""

import asyncio
import logging
from collections import Counter as Tally
from collections.abc import Sequence
from random import Random

from zkeeper import AsyncClient, SessionState
from zkeeper.errors import ConnectionLossError, SessionExpiredError
from zkeeper.recipes import LockLostError, LockTimeoutError

from ..seeds import Outcome  # noqa: TID252  the package has one name in pytest and another as a program
from .game import Act, Game, Violation
from .games import GAMES, MakeGame
from .recipe_world import RecipeWorld

TICK_MS = 200
TIMEOUT_MS = 1000
ATTEMPTS = 6
SETTLE_S = 30.0
EXPECTED = (LockLostError, LockTimeoutError, ConnectionLossError, SessionExpiredError, TimeoutError)
"""What an attempt may end with."""


def recipe_run(seed: int, story: list[str] | None = None, games: Sequence[MakeGame] = GAMES) -> Outcome:
    """Raises `Violation` or whatever went wrong. `story` is filled with what happened, in one of `games`."""
    with RecipeWorld(seed, tick_ms=TICK_MS) as world:
        run = RecipeRun(world, story, games)
        level = logging.getLogger("zkeeper").level
        logging.getLogger("zkeeper").setLevel(logging.ERROR)
        try:
            run.run()
        finally:
            logging.getLogger("zkeeper").setLevel(level)
        return Outcome(run.tally, world.sim.trace_hash())


class Worker:
    """Tries again and again; each attempt is a task of its own, so that it can be cancelled alone."""

    def __init__(self, run: "RecipeRun", name: str, act: Act) -> None:
        self.name = name
        self.run = run
        self.act = act
        self.current: asyncio.Task[object] | None = None

    async def work(self) -> None:
        random = Random(self.run.random.random())
        for _ in range(ATTEMPTS):
            self.current = asyncio.ensure_future(self._attempt())
            await asyncio.wait([self.current])
            self._note(self.current)
            await asyncio.sleep(random.random() * 0.3)

    async def _attempt(self) -> object:
        return await self.act()

    def _note(self, task: "asyncio.Task[object]") -> None:
        self.run.tally["attempts"] += 1
        if task.cancelled():
            self.run.tally["cancelled"] += 1
            self.run.say(f"{self.name}: cancelled")
            return
        error = task.exception()
        self.run.say(f"{self.name}: {'done' if error is None else repr(error)}")
        if error is not None:
            self.run.tally[type(error).__name__] += 1
            if not isinstance(error, EXPECTED):
                raise error


class RecipeRun:
    def __init__(self, world: RecipeWorld, story: list[str] | None, games: Sequence[MakeGame]) -> None:
        self.world = world
        self.random = world.sim.random
        self.tally: Tally[str] = Tally()
        self.workers: list[Worker] = []
        self.clients: list[AsyncClient] = []
        self._story = story
        self._games = games

    def say(self, text: str) -> None:
        if self._story is not None:
            self._story.append(f"{self.world.sim.time():10.6f} {text}")

    def run(self) -> None:
        game = self.random.choice(self._games)(self.world, self.random, self.tally)
        self.tally[type(game).__name__] += 1
        self.say(f"{type(game).__name__}, layout {game.layout}")
        tasks = self._begin(game)
        for _ in range(self.random.randint(2, 7)):
            self.world.pass_time(self.random.choice((0.05, 0.3, 1.0)) * self.random.random())
            self._do_harm()
            if all(task.done() for task in tasks):
                break
        self._heal()
        self._finish(game, tasks)

    def _begin(self, game: Game) -> list["asyncio.Task[None]"]:
        tasks = []
        for number in range(self.random.randint(2, 4)):
            name = f"client{number}"
            zk = self.world.client(name, TIMEOUT_MS)
            self.clients.append(zk)
            zk.on_state(lambda state, name=name: self.say(f"{name}: {state.name}"))  # type: ignore[misc]  # a default
            worker = Worker(self, name, self.world.run(name, game.prepare(name, zk)))
            self.workers.append(worker)
            tasks.append(self.world.begin(name, worker.work))
        return tasks

    def _finish(self, game: Game, tasks: list["asyncio.Task[None]"]) -> None:
        for task in tasks:
            self._wait(task, "forgotten")
            task.result()
        self._wait(self.world.begin("client0", game.settle), "never settled").result()
        # Sessions that were lost may still live on the server for a while.
        self.world.pass_time((TIMEOUT_MS + 3 * TICK_MS) / 1000)
        game.judge()
        self.tally["runs"] += 1

    def _wait(self, task: "asyncio.Task[None]", what: str) -> "asyncio.Task[None]":
        try:
            self.world.until(task.done, SETTLE_S)
        except Exception as error:
            raise Violation(f"{what}: {task.get_coro()}") from error
        return task

    # Faults.

    def _do_harm(self) -> None:
        harms = (
            *(self._break,) * 3, *(self._cancel,) * 3, self._cut_off, self._slow_link, self._slow_disk, self._expire,
            self._heal, self._restart,
        )  # fmt: skip
        harm = self.random.choice(harms)
        self.tally[harm.__name__.strip("_")] += 1
        harm()

    def _any(self) -> str:
        return self.random.choice(self.workers).name

    def _break(self) -> None:
        name = self._any()
        self.say(f"the connection of {name} breaks")
        self.world.break_connection(name)

    def _cut_off(self) -> None:
        name = self._any()
        self.say(f"{name} is cut off")
        self.world.cut_off(name)

    def _slow_link(self) -> None:
        name = self._any()
        self.say(f"the link of {name} is slow")
        self.world.sim.delay(self.world.node.machine, self.world.machine(name), self.random.choice((20, 150)))

    def _slow_disk(self) -> None:
        self.say("the disk is slow")
        self.world.node.machine.disk.set_latency(0.01, self.random.choice((0.1, 0.5)))

    def _expire(self) -> None:
        zk = self.random.choice(self.clients)
        if zk.state is SessionState.CONNECTED and self.world.node.is_serving:
            self.say(f"session 0x{zk.session_id:x} is ended by the server")
            self.world.expire(zk)

    def _cancel(self) -> None:
        worker = self.random.choice(self.workers)
        if worker.current is not None and not worker.current.done():
            self.say(f"an attempt of {worker.name} is cancelled")
            self.world.on(worker.name, worker.current.cancel)

    def _restart(self) -> None:
        self.say("the server is killed, and comes back")
        self.world.node.machine.kill()
        self.world.pass_time(self.random.choice((0.01, 0.3, 2.0)))
        self.world.node.start()

    def _heal(self) -> None:
        self.say("all is well again")
        self.world.heal()
        self.world.node.machine.disk.set_latency(0.0001, 0.0005)
