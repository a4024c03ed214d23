"""One run: servers, clients, faults; then everything is healed, and what was seen is judged.

1. The plan, the settings and the clients follow from the seed.
2. Faults come while clients are at work. In the end everything is healed, and a healthy ensemble has to get through
   what the clients still ask for.
"""

from collections import Counter
from functools import partial
from random import Random
from typing import Any
from unittest import mock

from zkeeper.quorum import marks
from zkeeper.server.config.model import ServerConfig
from zkeeper.storage import snapshot_writer
from zkeeper.testing.simulation import Simulation
from zkeeper.wire.zxids import counter_of

from ..history import Violation  # noqa: TID252  the package has one name in pytest and another as a program
from ..node import Photo, ServerNode, take_photo  # noqa: TID252
from ..seeds import Outcome  # noqa: TID252
from ..teller import Teller, listening  # noqa: TID252
from .changes import Operator, make_changing_nodes
from .clients import TIMEOUTS_MS, EnsembleClient, Record
from .harms import Harms
from .ledger import Ledger, ObservedDisk
from .lockers import Critical, Locker
from .servers import Layout, draw_config, look_at, make_nodes
from .verdict import EnsembleJudge

PACES_S = (0.01, 0.03, 0.1)
WATCH_S = 0.02
"""Between two looks at the servers."""
RECOVERY_S = 3.0
CHANGING_SHARE = 0.3
"""Of the ensembles of three voters or more: their members change."""
SETTLE_S = 120.0
COUNTED = {
    "recovered to zxid": "recoveries",
    "ends with a torn write": "torn tails",
    "from a snapshot": "snapshots loaded",
    "the server stops: ": "stops by disk errors",
    "leading in epoch": "epochs begun",
    "leading: serving": "epochs led",
    " sends DIFF": "learners sent DIFF",
    " sends TRUNC": "learners sent TRUNC",
    " sends SNAP": "learners sent SNAP",
}
LAYOUTS = (Layout(), *(Layout(3),) * 4, Layout(3, 1), *(Layout(5),) * 2, Layout(5, 2))
"""Which ensembles are drawn."""


def ensemble_run(seed: int | str, story: list[str] | None = None, layout: Layout | None = None) -> Outcome:
    """Raises `Violation` or whatever went wrong. `story` is filled with what happened."""
    sim, counts = Simulation(seed), Counter[str]()
    teller = Teller(sim, counts, COUNTED, story)
    slice_nodes = sim.random.choice((1, 4, 64))
    layout = layout or sim.random.choice(LAYOUTS)
    with listening(teller), mock.patch.object(snapshot_writer, "SLICE_NODES", slice_nodes), sim:
        marks.start_counting()
        try:
            EnsembleRun(sim, layout, teller, counts).run()
        finally:
            teller.fall_silent()
        reached = {f"mark {name}": count for name, count in marks.stop_counting().items()}
        return Outcome(counts + Counter(reached), sim.trace_hash())


class EnsembleRun:
    def __init__(self, sim: Simulation, layout: Layout, teller: Teller, tally: Counter[str]) -> None:
        self.sim = sim
        self.random: Random = sim.random
        self.layout = layout
        self.tally = tally
        self.ledger = Ledger(layout.is_ensemble)
        self.record = Record()
        self.critical = Critical(tally)
        self.photos: list[Photo] = []
        self.say = teller.say
        self.operator: Operator | None = None
        self.nodes = self._make_nodes(draw_config(self.random, layout))
        for node in self.nodes:
            node.disk = ObservedDisk(node.machine.disk, self.ledger, node)
        self.clients = self._make_clients()
        self.lockers = [Locker(sim.machine(f"locker{number}"), layout.names(), self.critical, tally)
                        for number in range(self.random.choice((0, 0, 1, 2)))]  # fmt: skip
        machines = [each.machine for each in (*self.clients, *self.lockers)]
        self.harms = Harms(sim, layout, self.nodes, machines, self.ledger, self.operator)

    def _make_nodes(self, config: ServerConfig) -> list[ServerNode]:
        if self.layout.participants < 3 or self.random.random() > CHANGING_SHARE:
            return make_nodes(self.sim, config, self.layout)
        self.operator = Operator(self.sim, self.layout, self.critical.sessions, self.tally, self.say)
        return list(make_changing_nodes(self.sim, config, self.layout))

    def _make_clients(self) -> list[EnsembleClient]:
        count = self.random.randint(2, 4)
        pace_s = self.random.choice(PACES_S)
        machines = [self.sim.machine(f"client{number}") for number in range(count)]
        return [EnsembleClient(machine, self.layout.names(), self.record, pace_s, partial(self._say_as, machine.name))
                for machine in machines]  # fmt: skip

    def _say_as(self, who: str, text: str) -> None:
        self.say(f"{who}: {text}")

    def run(self) -> None:
        self.say(f"{self.layout} {self.nodes[0].config.storage}")
        for node in self.nodes:
            node.begin()
        self._pass_time(self.random.choice((0.0, 0.5, 2.0)))
        works = [each.machine.start(each.run) for each in (*self.clients, *self.lockers)]
        for _ in range(self.random.randint(3, 10)):
            if self.random.random() < 0.6:
                self._recover()
            for _ in range(self.random.choice((1, 1, 2))):
                self._do_harm()
            self._pass_time(self.random.choice((0.02, 0.3, 1.0, 3.0)) * self.random.random())
        self._end(works)
        self._judge()

    # Under faults.

    def _recover(self) -> None:
        """A broken ensemble shows little: now and then it comes to serve again before the next fault."""
        self.harms.heal()
        until_s = self.sim.time() + RECOVERY_S
        while self.sim.time() < until_s and not any(node.is_serving and look_at(node) for node in self.nodes):
            self._pass_time(0.1)
        self._pass_time(self.random.choice((0.1, 0.5, 1.0)) * self.random.random())

    def _do_harm(self) -> None:
        harm = self.harms.next()
        name = harm.__name__.strip("_")
        self.tally[f"harm: {name}"] += 1
        self.say(f"harm: {name}")
        harm()

    def _pass_time(self, seconds: float) -> None:
        until_s = self.sim.time() + seconds
        while self.sim.time() < until_s:
            self.sim.run_for(min(WATCH_S, until_s - self.sim.time() + 1e-6))
            self._look()

    def _look(self) -> None:
        self.harms.revive()
        for node in self.nodes:
            if node.is_serving:
                look = self.ledger.look(node)
                if look is not None and look.digest is not None and self.random.random() < 0.02:
                    self.photos.append(take_photo(node.server, self.sim.time()))

    # The end.

    def _end(self, works: list[Any]) -> None:
        self.say("everything is healed")
        self.harms.heal()
        if self.operator is not None:
            self._wait(self.operator.begin_to_restore().done, "a healthy ensemble does not take all its members back")
        for client in self.clients:
            client.is_over = True
        self._wait(lambda: all(work.done() for work in works), "clients of a healthy ensemble do not get on")
        self._wait(self._are_level, "the servers of a healthy ensemble do not come to the same state")
        # What nobody keeps is over then.
        self._pass_time(max(timeout for timeout in TIMEOUTS_MS if timeout < 10_000) / 1000 + 2)
        self._wait(self._are_level, "the servers of a healthy ensemble do not stay in the same state")

    def _wait(self, is_done: Any, otherwise: str) -> None:
        until_s = self.sim.time() + SETTLE_S
        while not is_done():
            if self.sim.time() > until_s:
                raise Violation(f"{otherwise} within {SETTLE_S} s: {[look_at(node) for node in self.nodes]}")
            self._pass_time(0.1)

    def _are_level(self) -> bool:
        looks = [self.ledger.look(node) if node.is_serving else None for node in self.nodes]
        if any(look is None or look.digest is None for look in looks):
            return False
        last_txns = {look.zxid for look in looks if counter_of(look.zxid)}
        is_same = len({look.digest for look in looks}) == 1 and len(last_txns) <= 1
        return is_same and all(node.server.service.outstanding() == 0 for node in self.nodes)

    def _judge(self) -> None:
        for node in self.nodes:
            self.ledger.harvest(node)
            self.photos.append(take_photo(node.server, self.sim.time()))
            self._check_closing(node)
        self._check_leftovers(self.photos[-1])
        judge = EnsembleJudge(self.ledger.truth(), self.record, self.critical.sessions, self.layout.is_ensemble)
        judge.verdict(self.photos, self.tally)
        self.tally["photographs"] += len(self.photos)
        self.tally["epochs"] += len(self.ledger.leaders)

    def _check_closing(self, node: ServerNode) -> None:
        """What is closing does not expire any more: the transaction that ends it has to be on its way."""
        closing = [hex(one.session_id) for one in node.server.service.tracker.sessions.values() if one.closing]
        if closing:
            raise Violation(f"{node.name} waits for ever for sessions to end: {closing}")

    def _check_leftovers(self, photo: Photo) -> None:
        """Sessions with short timeouts are over, and no ephemeral is without its session."""
        left = [hex(session) for session, timeout_ms in photo.sessions.items() if timeout_ms < 10_000]
        if left:
            raise Violation(f"sessions that nobody keeps are left: {left}")
        owners = {node.owner for node in photo.nodes.values() if node.owner > 0}
        if owners - set(photo.sessions):
            raise Violation(f"ephemerals outlived their sessions {owners - set(photo.sessions)}")
