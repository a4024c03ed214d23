"""The faults of a run: which one comes next, to whom, and how it is undone, all from the seed.

1. Disks lose only what was not synced, unless one lies. Then nothing else is done but to kill the liar, and that only
   when all other voters have what it has said that it has. For a lie is a failure, and no protocol survives it together
   with another one: a voter that lags, or has lost the connection to its leader, may with a liar that has forgotten all
   elect a leader that has less than was committed (seeds 810001094 and 820000822).
2. Whatever was done, `heal` undoes it: then all servers run, and everything reaches everything.
"""

import errno
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

from zkeeper.errors import StorageError
from zkeeper.testing.simulation import Machine, Simulation, Unsynced

from ..node import ServerNode  # noqa: TID252  the package has one name in pytest and another as a program
from .changes import Operator
from .faulty_disks import FAULTY_OPERATIONS, make_sound
from .ledger import Ledger
from .servers import Layout, look_at

LATENCIES_S = ((0.0001, 0.0005), (0.002, 0.02), (0.01, 0.1), (0.05, 0.3))
FAULT_WEIGHTS = (3, 6, 1, 1, 2, 1, 1)
FATES = {Unsynced.RANDOM: 4, Unsynced.REORDERED: 3, Unsynced.LOST: 2, Unsynced.KEPT: 1, Unsynced.CACHED: 3}
STOP_S = 60.0

Harm = Callable[[], None]


class Harms:
    def __init__(
        self, sim: Simulation, layout: Layout, nodes: list[ServerNode], clients: list[Machine], ledger: Ledger,
        operator: Operator | None,
    ) -> None:  # fmt: skip
        self.sim = sim
        self.random: Random = sim.random
        self.nodes = nodes
        self._operator = operator
        self.liar = self._draw_liar(layout)
        self._ledger = ledger
        self._layout = layout
        self._clients = clients
        self._down_until_s: dict[str, float] = {}
        for node in nodes:
            node.machine.disk.set_latency(*self.random.choice(LATENCIES_S[:3]))

    def _draw_liar(self, layout: Layout) -> ServerNode | None:
        if layout.participants < 3 or self._operator is not None or self.random.random() > 0.08:
            return None
        liar = self.nodes[self.random.randrange(layout.participants)]
        liar.machine.disk.is_lying = True
        return liar

    def next(self) -> Harm:
        if self.liar is not None:
            return self.random.choice((self._kill_liar, self._nothing))
        alone = (*(self._kill,) * 4, *(self._kill_at_step,) * 4, self._stop, self._fail_disk, self._fail_disk,
                 self._fill_disk, self._slow_disk, self._pause, self._skew_clock, self._reset, self._cut_client,
                 self._nothing, self.heal_network)  # fmt: skip
        if not self._layout.is_ensemble:
            return self.random.choice(alone)
        together = (*(self._halves,) * 4, *(self._bridge,) * 2, *(self._one_way,) * 3, *(self._isolate,) * 3,
                    self._holes, self._delay, self._delay, self._kill_several, self._kill_leader, self._kill_leader,
                    self._pause_leader, *(self._isolate_leader,) * 3, *(self._blackout,) * 2, self._slow_disks,
                    self.heal_network)  # fmt: skip
        if self._operator is not None and self.random.random() < 0.35:
            return self._change_members
        return self.random.choice((*alone, *together))

    # To servers.

    def _any(self) -> ServerNode:
        return self.random.choice(self.nodes)

    def _leader(self) -> ServerNode:
        """One that leads, or any where there is none."""
        for node in self.nodes:
            look = self._ledger.look(node) if node.is_serving else None
            if look is not None and look.role == "leading":
                return node
        return self._any()

    def _nothing(self) -> None:
        pass

    def _kill(self) -> None:
        self.kill(self._any())

    def _kill_several(self) -> None:
        for node in self.random.sample(self.nodes, self.random.randint(1, len(self.nodes))):
            self.kill(node)

    def _blackout(self) -> None:
        """The power fails for many at the same moment, while disks are slow: what they have not synced is lost."""
        if self.random.random() < 0.7:
            self._slow_disks()
            self.sim.run_for(self.random.choice((0.05, 0.3)) * self.random.random())
        count = self.random.randint(self._layout.participants // 2 + 1, len(self.nodes))
        for node in self.random.sample(self.nodes, count):
            self.kill(node, Unsynced.LOST)

    def _slow_disks(self) -> None:
        latency_s = self.random.choice(LATENCIES_S[1:])
        for node in self.nodes:
            node.machine.disk.set_latency(*latency_s)

    def _kill_leader(self) -> None:
        self.kill(self._leader())

    def _kill_liar(self) -> None:
        assert self.liar is not None
        if self._is_nobody_behind(self.liar):
            self.kill(self.liar, self.random.choice((Unsynced.LOST, Unsynced.RANDOM)))

    def _is_nobody_behind(self, node: ServerNode) -> bool:
        """Whether all voters have applied what is in the log of this one."""
        looks = [look_at(one) for one in self.nodes[: self._layout.participants]]
        server: Any = node.server
        if None in looks or server.service.outstanding():
            return False
        return len({look.zxid for look in looks if look is not None}) == 1

    def kill(self, node: ServerNode, fate: Unsynced | None = None) -> None:
        """What the logs have is known before, and who was killed comes back after a while."""
        if node.machine.is_alive:
            self._ledger.harvest(node)
            node.machine.kill(silent=self.random.random() < 0.3, unsynced=fate or self._draw_fate())
        self._comes_back(node)

    def _draw_fate(self) -> Unsynced:
        return self.random.choices(list(FATES), list(FATES.values()))[0]

    def _comes_back(self, node: ServerNode) -> None:
        self._down_until_s[node.name] = self.sim.time() + self.random.choice((0.01, 0.3, 3.0)) * self.random.random()

    def _kill_at_step(self) -> None:
        node, step = self._any(), self.random.randint(1, self.random.choice((3, 10, 40)))
        if node.machine.is_alive:
            node.machine.kill_at_disk_step(step, silent=self.random.random() < 0.2, unsynced=self._draw_fate())

    def _stop(self) -> None:
        node = self._any()
        if node.is_serving and not node.machine.life.is_paused:
            self._ledger.harvest(node)
            stopped = node.machine.start(node.stop)
            self.sim.run_until(lambda: stopped.done() or not node.machine.is_alive, STOP_S)
            node.machine.kill()
            self._comes_back(node)

    def _fail_disk(self) -> None:
        kind = self.random.choices(FAULTY_OPERATIONS, FAULT_WEIGHTS)[0]
        self._any().machine.disk.fail_next(kind, errno.EIO, self.random.choice((1, 1, 3)))

    def _fill_disk(self) -> None:
        disk = self._any().machine.disk
        disk.capacity_bytes = 0
        disk.capacity_bytes = self.random.randrange(6000) - disk.room_bytes()

    def _slow_disk(self) -> None:
        self._slow(self._any())

    def _slow(self, node: ServerNode) -> None:
        node.machine.disk.set_latency(*self.random.choice((*LATENCIES_S, (1.0, 3.0))))

    def _pause(self) -> None:
        self._any().machine.pause()

    def _pause_leader(self) -> None:
        self._leader().machine.pause()

    def _skew_clock(self) -> None:
        self._any().machine.skew_ms = self.random.choice((-3_600_000, -5000, -50, 50, 5000, 3_600_000))

    def _change_members(self) -> None:
        assert self._operator is not None
        self._operator.change()

    # To the network.

    def _machines(self) -> list[Machine]:
        return [*(node.machine for node in self.nodes), *self._clients]

    def _reset(self) -> None:
        self.sim.reset(self._any().machine, self._machines())

    def _cut_client(self) -> None:
        client = self.random.choice(self._clients)
        self.sim.partition(client, self._any().machine, one_way=self.random.random() < 0.3)

    def _halves(self) -> None:
        sides: tuple[list[Machine], list[Machine]] = ([], [])
        for machine in self._machines():
            self.random.choice(sides).append(machine)
        self.sim.partition(*sides)

    def _bridge(self) -> None:
        """Two sides that reach each other through one server only, which reaches everybody."""
        middle, sides = self._any().machine, ([], [])
        for machine in self._machines():
            if machine is not middle:
                self.random.choice(sides).append(machine)
        self.sim.partition(*sides)

    def _one_way(self) -> None:
        """A server hears and is not heard, or the other way round."""
        server = self._any().machine
        others = [node.machine for node in self.nodes if node.machine is not server]
        ends = self.random.sample((server, others), 2)
        self.sim.partition(*ends, one_way=True)

    def _isolate(self) -> None:
        self._cut_off(self._any())

    def _isolate_leader(self) -> None:
        self._cut_off(self._leader())

    def _cut_off(self, node: ServerNode) -> None:
        others = [other.machine for other in self.nodes if other is not node]
        self.sim.partition(node.machine, others if self.random.random() < 0.5 else [*others, *self._clients])

    def _holes(self) -> None:
        """Single ways are blocked, here and there."""
        machines = [node.machine for node in self.nodes]
        for source, target in product(machines, machines):
            if source is not target and self.random.random() < 0.3:
                self.sim.partition(source, target, one_way=True)

    def _delay(self) -> None:
        delay_ms, jitter_ms = self.random.choice(((5, 20), (50, 50), (0, 300), (300, 100)))
        ends = [self._any().machine] if self.random.random() < 0.5 else self._machines()
        self.sim.delay(ends, self._machines(), delay_ms, jitter_ms)

    # Undoing.

    def revive(self) -> None:
        """Starts servers whose time has come, and those that have ended by themselves."""
        for node in self.nodes:
            if not node.is_over or node.machine.life.is_paused:
                continue
            if node.name not in self._down_until_s:
                self._ledger.harvest(node)
                self._comes_back(node)
            if self.sim.time() >= self._down_until_s[node.name]:
                del self._down_until_s[node.name]
                self._start(node)

    def _start(self, node: ServerNode) -> None:
        """A server that ended by itself makes room for another process on the same machine."""
        failure = node.failure
        if node.machine.is_alive:
            node.machine.kill(unsynced=self._draw_fate())
        if isinstance(failure, StorageError) and node is self.liar and node.server is None:
            # What is left of a disk that lied may be nothing that a server can trust. Then it is emptied.
            self._empty_disk(node)
        node.begin()

    def _empty_disk(self, node: ServerNode) -> None:
        disk = node.machine.disk
        for path in [f"/data/version-2/{name}" for name in disk.names("/data/version-2")]:
            disk.remove(path)

    def heal_network(self) -> None:
        self.sim.heal()

    def heal(self) -> None:
        """Everything runs again; servers whose disk had refused are started anew."""
        self.heal_network()
        for node in self.nodes:
            make_sound(node.machine.disk)
            node.machine.disk.set_latency(*LATENCIES_S[0])
            node.machine.resume()
        self._down_until_s = dict.fromkeys(self._down_until_s, 0.0)
