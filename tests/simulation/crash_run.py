"""One crash run: a server with random settings, random clients, faults and kills; all of it follows from the seed.

Whatever the faults were, the run ends with a server that serves, and with the judgement of all that was seen.
"""

import errno
from collections import Counter
from functools import partial
from typing import Any
from unittest import mock

from zkeeper.server.config.model import NodesConfig, RetentionConfig, ServerConfig, StorageConfig
from zkeeper.server.standalone import StandaloneServer
from zkeeper.storage import snapshot_writer
from zkeeper.testing.simulation import SimulatedDisk, Simulation, Unsynced

from .history import History, Violation
from .judge import Judge
from .node import DATA_DIR, ServerNode, make_config, take_photo
from .seeds import Outcome
from .teller import Teller, listening
from .workload import RandomClient

RECOVERY_S = 60.0
SETTLE_S = 100.0
USUAL_LATENCY_S = (0.0001, 0.0005)
PAUSE_S = (0.002, 0.05)
"""Between two servers: long enough that nothing of the first is under way when the second comes."""
FAULTY_OPERATIONS = ("write", "sync", "reserve", "create", "rename", "sync_folder", "remove")
FAULT_WEIGHTS = (3, 6, 1, 1, 1, 1, 1)
FATES = {Unsynced.RANDOM: 4, Unsynced.REORDERED: 3, Unsynced.LOST: 1, Unsynced.KEPT: 1, Unsynced.CACHED: 3}
COUNTED = {
    "recovered to zxid": "recoveries",
    "ends with a torn write": "torn tails",
    "before anything was written": "stillborn logs",
    "cannot be used": "snapshots rejected",
    "snapshot 0x": "snapshots written",
    "from a snapshot": "snapshots loaded",
    "no snapshot: ": "snapshots failed",
    "the server stops: ": "stops by disk errors",
    "purged": "purges",
    "digest mismatch": "digest mismatches",
}


class ObservedDisk:
    """The disk of a machine; the history learns what is in a log before it is removed."""

    def __init__(self, disk: SimulatedDisk, history: History) -> None:
        self._disk = disk
        self._history = history

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)

    def remove(self, path: str) -> None:
        self._history.note_removal(self._disk, path)
        self._disk.remove(path)


def crash_run(seed: int | str, story: list[str] | None = None) -> Outcome:
    """Raises `Violation` or whatever went wrong. `story` is filled with what happened."""
    with Simulation(seed) as sim:
        counts: Counter[str] = Counter()
        teller = Teller(sim, counts, COUNTED, story)
        slice_nodes = sim.random.choice((1, 4, 64))
        with listening(teller), mock.patch.object(snapshot_writer, "SLICE_NODES", slice_nodes):
            CrashRun(sim, teller, counts).run()
        return Outcome(counts, sim.trace_hash())


class CrashRun:
    def __init__(self, sim: Simulation, teller: Teller, counts: Counter[str]) -> None:
        self.sim = sim
        self.random = sim.random
        self.history = History()
        self.counts = counts
        self._teller = teller
        config = self._draw_config()
        self.has_extended_types = config.nodes.is_extended_types_enabled
        self.node = ServerNode(sim, config)
        self.machine = self.node.machine
        self.disk = self.machine.disk
        self.node.disk = ObservedDisk(self.disk, self.history)
        self.node.on_started = self._started
        self.clients: list[RandomClient] = []

    def _draw_config(self) -> ServerConfig:
        choice = self.random.choice
        storage = StorageConfig(
            data_dir=DATA_DIR,
            snap_count=choice((2, 5, 10, 20, 50)),
            pre_alloc_size_kb=choice((0, 1, 4, 8, 64)),
            txn_log_size_limit_kb=choice((-1, -1, 1, 4)),
            snapshot_compression=choice(("plain", "plain", "gz")),
            is_last_processed_zxid_serialized=choice((True, True, False)),
            is_close_session_txn_enabled=choice((True, True, False)),
        )
        return make_config(
            tick_ms=choice((40, 100, 200)),
            storage=storage,
            retention=RetentionConfig(purge_interval_ms=choice((0, 0, 100, 400))),
            nodes=NodesConfig(
                is_extended_types_enabled=choice((True, False)),
                container_check_interval_ms=choice((60, 60_000)),
                container_max_never_used_interval_ms=choice((0, 50)),
            ),
        )

    def run(self) -> None:
        self._say(f"{self.node.config.storage} {self.node.config.sessions} {self.node.config.nodes}")
        tasks = self._start_clients()
        for _ in range(self.random.randint(2, 4)):
            self._recover(may_be_killed=True)
            self._live()
        self._clear_faults()
        self.machine.kill(unsynced=self._draw_fate())
        self._recover(may_be_killed=False)
        for client in self.clients:
            client.allowance = client.budget
        self.sim.run_until(lambda: all(task.done() for task in tasks), SETTLE_S)
        self._end()

    def _start_clients(self) -> list[Any]:
        count = self.random.randint(1, 4)
        budget = self.random.randint(30, 80) // count
        tasks = []
        for number in range(count):
            machine = self.sim.machine(f"client{number}")
            client = RandomClient(machine, self.node, self.history, budget, partial(self._say_as, machine.name))
            self.clients.append(client)
            tasks.append(machine.start(client.run))
        return tasks

    def _say(self, text: str) -> None:
        self._teller.say(text)

    def _say_as(self, who: str, text: str) -> None:
        self._say(f"{who}: {text}")

    def _started(self, server: StandaloneServer) -> None:
        self.history.recovered(self.disk, take_photo(server, self.sim.time()), self.node.instances)

    # A life of the server.

    def _recover(self, may_be_killed: bool) -> None:
        """Starts servers until one serves."""
        while not self.node.is_serving:
            if not self.machine.is_alive:
                self.machine.restart()
            if may_be_killed and self.random.random() < 0.3:
                self._kill_at_step(self.random.randint(1, 12))
            self.node.begin()
            self.sim.run_until(lambda: self.node.is_serving or self.node.is_over, RECOVERY_S)
            if self.node.failure is not None:
                raise self.node.failure
            if not self.machine.is_alive:
                self.counts["kills in recovery"] += 1
                self._say("killed in recovery")
                self.sim.run_for(self.random.uniform(*PAUSE_S))

    def _live(self) -> None:
        """Lets the server serve, until a fault or the time ends it."""
        self._draw_latency()
        plans = (self._plan_time, self._plan_full_disk, self._plan_stop)
        self.random.choice((*plans, *(self._plan_fault,) * 3, *(self._plan_step,) * 5))()
        if self.random.random() < 0.2:
            self.sim.reset(self.machine, self.sim.machine("client0"))
        if self.node.failure is not None:
            self.counts["stopped by the disk"] += 1
        self._clear_faults()
        if not self.node.is_over or self.random.random() < 0.5:
            self._kill()
        self.node.server = None
        self.sim.run_for(self.random.uniform(*PAUSE_S))

    def _draw_latency(self) -> None:
        low_s, high_s = self.random.choice((USUAL_LATENCY_S, USUAL_LATENCY_S, (0.002, 0.02), (0.0001, 0.2)))
        self.disk.set_latency(low_s, high_s)
        low_s, high_s = self.random.choice((USUAL_LATENCY_S, (0.001, 0.01), (0.01, 0.05)))
        self.disk.set_latency(low_s, high_s, "snapshot")

    def _plan_time(self) -> None:
        self._wait(self.random.choice((0.02, 0.1, 0.3)) * self.random.random())

    def _plan_step(self) -> None:
        self._wait(self.random.choice((0.005, 0.02, 0.1)))
        self._kill_at_step(self.random.choice((2, 6, 20)))
        self._wait(1.0)

    def _plan_fault(self) -> None:
        self._wait(self.random.choice((0.02, 0.1, 0.3)))
        kind = self.random.choices(FAULTY_OPERATIONS, FAULT_WEIGHTS)[0]
        self._say(f"the next {kind} fails")
        self.disk.fail_next(kind, errno.EIO, self.random.choice((1, 1, 3)))
        self._wait(self.random.choice((0.05, 0.3)))

    def _plan_full_disk(self) -> None:
        self._plan_time()
        self.disk.capacity_bytes = 0
        self.disk.capacity_bytes = self.random.randrange(6000) - self.disk.room_bytes()
        self._say("the disk is nearly full")
        self._wait(self.random.choice((0.05, 0.3)))

    def _plan_stop(self) -> None:
        self._plan_time()
        if self.node.is_serving:
            self._say("the server is asked to stop")
            self.counts["stops in order"] += 1
            stopped = self.machine.start(self.node.stop)
            self.sim.run_until(lambda: stopped.done() or not self.machine.is_alive)

    def _wait(self, seconds: float) -> None:
        """Lets clients send some of what they have, until the time is over or they have."""
        for client in self.clients:
            client.allowance = client.budget // 5 + 1
        deadline_s = self.sim.time() + seconds
        self.sim.run_until(lambda: self.node.is_over or self.sim.time() >= deadline_s or self._are_idle(), seconds + 1)

    def _are_idle(self) -> bool:
        return all(client.is_idle for client in self.clients)

    def _draw_fate(self) -> Unsynced:
        return self.random.choices(list(FATES), list(FATES.values()))[0]

    def _kill_at_step(self, limit: int) -> None:
        if not self.machine.is_alive:
            return
        step, fate, is_silent = self.random.randint(1, limit), self._draw_fate(), self.random.random() < 0.2
        self._say(f"to be killed at disk step {step}, what is not synced: {fate.value}")
        self.machine.kill_at_disk_step(step, silent=is_silent, unsynced=fate)

    def _kill(self) -> None:
        fate = self._draw_fate()
        self._say(f"killed, what is not synced: {fate.value}; alive before: {self.machine.is_alive}")
        self.counts["crashes"] += 1
        self.machine.kill(silent=self.random.random() < 0.2, unsynced=fate)

    def _clear_faults(self) -> None:
        self.disk.capacity_bytes = None
        self.disk.set_latency(*USUAL_LATENCY_S)
        self.disk.set_latency(*USUAL_LATENCY_S, "snapshot")
        for kind in FAULTY_OPERATIONS:
            self.disk.fail_next(kind, errno.EIO, 0)

    # The end.

    def _end(self) -> None:
        server = self.node.server
        assert server is not None
        self.sim.run_until(lambda: server.service.outstanding() == 0)
        self.history.ended(self.disk, self.node.photo())
        self.machine.kill(unsynced=self._draw_fate())
        self._recover(may_be_killed=False)
        judge = Judge(self.history, self.has_extended_types)
        if not self._is_told_apart():
            judge.verdict()
        self._count(judge)

    def _is_told_apart(self) -> bool:
        """A closeSession that does not list its znodes, replayed on a fuzzy snapshot in which they are gone already,
        leaves their parents' Stat behind: the format does not say whose it was. The server has to notice."""
        if not self.counts["digest mismatches"]:
            return False
        if self.node.config.storage.is_close_session_txn_enabled:
            raise Violation("the digests of a tree differ though its log says all that was done")
        return True

    def _count(self, judge: Judge) -> None:
        history, counts = self.history, self.counts
        frames = [frame for each in history.connections for frame in each.client.frames]
        unknown = history.count_unknown()
        counts["runs"] += 1
        counts["txns"] += len(history.entries)
        counts["connections"] += len(history.connections)
        counts["resumed"] += sum(1 for each in history.connections if each.resumed.session_id and not each.is_expired)
        counts["events"] += sum(1 for frame in frames if not hasattr(frame, "sent"))
        counts["writes acknowledged"] += len(history.sent) - unknown
        counts["writes unknown"] += unknown
        counts["writes unknown that lasted"] += judge.count_survived
        counts["sessions expired"] += judge.count_expired
        counts["reaped"] += judge.count_reaped
