"""One seeded run: clients use a server over connections that break anywhere, stall and are cut; all from the seed.

Whatever the faults were, the run ends with everything healed: then every request ends and every client comes back, what
happened last is read by all, and what the clients were told is judged by the server's logs.
"""

import logging
from collections import Counter
from random import Random
from typing import Any

import zkeeper
from zkeeper import SessionState

from ..log_files import read_logs  # noqa: TID252  the package has one name in pytest and another as a program
from ..node import ServerNode, make_config  # noqa: TID252
from ..recipes.recipe_world import RecipeWorld  # noqa: TID252
from ..seeds import Outcome  # noqa: TID252
from .front import Front
from .player import POOL, PROTECTED, ROOT, SEQUENTIAL, Common, Player
from .truth import Truth
from .verdict import judge_orphans, judge_player, judge_sessions
from .violation import Violation

TICK_MS = 200
SETTLE_S = 40.0
TIMEOUTS_MS = (1000, 2000, 4000)
ALL_OVER_S = (max(TIMEOUTS_MS) + 3 * TICK_MS) / 1000
"""After so long servers have ended every session that nobody keeps up."""


def client_fault_run(seed: int, story: list[str] | None = None) -> Outcome:
    """Raises `Violation` or whatever went wrong. `story` is filled with what happened."""
    level = logging.getLogger("zkeeper").level
    logging.getLogger("zkeeper").setLevel(logging.ERROR)
    try:
        with RecipeWorld(seed, tick_ms=TICK_MS) as world:
            run = FaultRun(world, story)
            run.run()
            return Outcome(run.tally, world.sim.trace_hash())
    finally:
        logging.getLogger("zkeeper").setLevel(level)


class FaultRun:
    def __init__(self, world: RecipeWorld, story: list[str] | None) -> None:
        self.world = world
        self.random = world.sim.random
        self.tally: Counter[str] = Counter()
        self.players: list[Player] = []
        self.fronts: list[Front] = []
        self._story = story
        self._server_zxid = 0
        self._settled_zxid = 0
        self.common = Common(world.sim.time, self._zxid, self._tell)
        self._has_behind = False

    def say(self, text: str) -> None:
        if self._story is not None:
            self._story.append(f"{self.world.sim.time():10.6f} {text}")

    def _tell(self, name: str, what: Any) -> None:
        if self._story is not None:
            self.say(f"{name}: {what}")

    def _zxid(self) -> int:
        server = self.world.node.server
        if server is not None:
            self._server_zxid = int(server.service.database.last_zxid)
        return self._server_zxid

    def run(self) -> None:
        self._prepare()
        works = [self.world.begin(player.name, player.play) for player in self.players]
        for _ in range(self.random.randint(3, 9)):
            self.world.pass_time(self.random.choice((0.05, 0.3, 1.0)) * self.random.random())
            self._do_harm()
        self._heal()
        for work in works:
            self._wait(work.done, "a program never ended")
            work.result()
        self._settle()
        self._judge()

    # The beginning.

    def _prepare(self) -> None:
        zk = self.world.client("first", 4000)

        async def make() -> None:
            for path in (*POOL[:4], SEQUENTIAL, PROTECTED):
                await zk.ensure_path(ROOT + path)
            await zk.close()

        self.world.run("first", make())
        self.common.done_zxid = self._zxid() - 1  # The end of that client's session may not be told to all.
        self._has_behind = self.random.random() < 0.3
        if self._has_behind:
            # A server that knows nothing, and so is behind whatever a client has seen.
            ServerNode(self.world.sim, make_config(tick_ms=TICK_MS), "behind").start()
        for number in range(self.random.randint(1, 3)):
            self._add_player(number)

    def _add_player(self, number: int) -> None:
        world, name = self.world, f"client{number}"
        front = Front(world.node.name, self.random.choice((16, 64, 4096)))
        world.machine(f"front{number}").start(front.serve)
        self.fronts.append(front)
        timeout_ms = self.random.choice(TIMEOUTS_MS)
        root = self.random.choice(("", ROOT))
        seed = self.random.random()

        async def make() -> Player:
            zk = zkeeper.connect(f"front{number}{root}", timeout_ms, random=world.machine(name).random)
            player = Player(self.common, name, zk, Random(seed), self.tally)
            await zk.start()
            await zk.exists("/")
            if self._has_behind:
                zk.update_hosts(f"front{number},behind{root}")
            return player

        player = world.run(name, make())
        world.clients[name] = player.zk
        self.players.append(player)

    # Faults.

    def _do_harm(self) -> None:
        harms = (
            *(self._break_after,) * 4, *(self._break,) * 2, *(self._reset,) * 2, *(self._cancel,) * 4, self._cut_off,
            self._cut_one_way, self._stall, self._slow_link, self._slow_disk, self._expire, self._heal, self._restart,
            self._stop, self._close,
        )  # fmt: skip
        harm = self.random.choice(harms)
        self.tally[harm.__name__.strip("_")] += 1
        self.say(f"harm: {harm.__name__.strip('_')}")
        harm()

    def _any(self) -> int:
        return self.random.randrange(len(self.players))

    def _ends(self, number: int) -> tuple[Any, Any]:
        return self.world.machine(f"client{number}"), self.world.machine(f"front{number}")

    def _front(self) -> tuple[str, Front]:
        number = self._any()
        return f"front{number}", self.fronts[number]

    def _break_after(self) -> None:
        name, front = self._front()
        to_server = self.random.random() < 0.4
        count_bytes = int(self.random.choice((10, 100, 600)) * self.random.random())
        self.world.on(name, lambda: front.break_after(to_server, count_bytes))

    def _break(self) -> None:
        name, front = self._front()
        self.world.on(name, front.break_now)

    def _reset(self) -> None:
        self.world.sim.reset(*self._ends(self._any()))

    def _cut_off(self) -> None:
        self.world.sim.partition(*self._ends(self._any()))

    def _cut_one_way(self) -> None:
        ends = self._ends(self._any())
        self.world.sim.partition(*self.random.sample(ends, 2), one_way=True)

    def _stall(self) -> None:
        name, front = self._front()
        self.world.on(name, front.stall)

    def _slow_link(self) -> None:
        self.world.sim.delay(*self._ends(self._any()), self.random.choice((20, 150)))

    def _slow_disk(self) -> None:
        self.world.node.machine.disk.set_latency(0.01, self.random.choice((0.1, 0.5)))

    def _expire(self) -> None:
        zk = self.players[self._any()].zk
        if zk.state is SessionState.CONNECTED and self.world.node.is_serving:
            self.world.expire(zk)

    def _cancel(self) -> None:
        player = self.players[self._any()]
        self.world.on(player.name, player.cancel_one)

    def _restart(self) -> None:
        self._zxid()
        self.world.node.machine.kill(silent=self.random.random() < 0.5)
        self._come_back()

    def _stop(self) -> None:
        self._zxid()
        self.world.node.stop_now()
        self.world.node.machine.kill()
        self._come_back()

    def _come_back(self) -> None:
        self.world.pass_time(self.random.choice((0.01, 0.3, 3.0)))
        self.world.node.start()

    def _close(self) -> None:
        player = self.players[self._any()]
        if len(self.players) > 1 and not player.is_closing and player is not self.players[0]:
            player.was_closed_early = True
            closing = self.world.begin(player.name, player.close)
            self._wait(closing.done, "close never returned", 4.0)
            # What pauses before it tries again notices a little later.
            self._wait(player.is_settled, f"{player.name} is closed, and its requests never end", 0.5)

    def _heal(self) -> None:
        self.world.heal()
        for number, front in enumerate(self.fronts):
            self.world.on(f"front{number}", front.heal)
        self.world.node.machine.disk.set_latency(0.0001, 0.0005)

    # The end.

    def _settle(self) -> None:
        alive = [player for player in self.players if not player.is_closing]
        for player in self.players:
            self._wait(player.is_settled, f"requests of {player.name} never end")
        for player in alive:
            self._wait(lambda zk=player.zk: zk.state is SessionState.CONNECTED, f"{player.name} never comes back")  # type: ignore[misc]  # a default
        # What sessions that were lost have left goes with them; then everybody sees the last of it.
        self.world.pass_time(ALL_OVER_S)
        for ask in (Player.last_write, Player.last_read):
            for player in alive:
                self.world.on(player.name, lambda player=player, ask=ask: ask(player))  # type: ignore[misc]  # defaults
            for player in alive:
                self._wait(player.is_settled, f"the last request of {player.name} never ends")
        self.world.pass_time(0.5)
        self._settled_zxid = self._zxid()
        for player in alive:
            self._close_at_the_end(player)
        self.world.pass_time(ALL_OVER_S)
        self.tally["breaks"] += sum(front.breaks for front in self.fronts)

    def _close_at_the_end(self, player: Player) -> None:
        session_id, server = player.zk.session_id, self.world.node.server
        self.world.run(player.name, player.close())
        if server is None or session_id in server.service.tracker.sessions:
            raise Violation(f"{player.name} was closed, but its session is still there")

    def _judge(self) -> None:
        self.world.node.stop_now()
        truth = Truth(read_logs(self.world.node.machine.disk))
        for player in self.players:
            judge_player(player, truth, self.world.ended_sessions, self.tally)
        judge_sessions(truth, [player.notes for player in self.players])
        for player in self.players:
            judge_orphans(truth, player, self._settled_zxid)
        self.tally["runs"] += 1

    def _wait(self, predicate: Any, what: str, timeout_s: float = SETTLE_S) -> None:
        try:
            self.world.until(predicate, timeout_s)
        except Exception as error:
            raise Violation(what) from error
