"""One benchmark run: the contenders, the scale, and what every figure needs of both."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import tools
from contenders import Contender
from figures import Figure, Samples
from servers import Ports, Server, Setup, running

from process import ForeignLoad, Memory


@dataclass(frozen=True)
class Scale:
    """How long and how large. `warm_s` covers the seconds of load that a JVM needs to compile its hot code.
    `judged` says whether figures of this scale may be held against the goals."""

    judged: bool
    warm_s: float
    measure_s: float
    keys: int
    nodes: int
    sessions: int
    probe_s: float
    probe_snap_count: int


FULL = Scale(
    judged=True,
    warm_s=10,
    measure_s=5,
    keys=1000,
    nodes=1_000_000,
    sessions=10_000,
    probe_s=20,
    probe_snap_count=20_000,
)
QUICK = Scale(
    judged=False, warm_s=0.5, measure_s=0.5, keys=50, nodes=10_000, sessions=200, probe_s=2, probe_snap_count=500
)


class Target(Protocol):
    """What a load is put on: a server or an ensemble."""

    @property
    def label(self) -> str:
        """The contender's name."""

    @property
    def address(self) -> str:
        """`host:port,...` for clients."""

    @property
    def pids(self) -> list[int]:
        """The ids of its processes."""


@dataclass(frozen=True)
class Tree:
    """The data directory of a server that was filled with the large tree, and its memory right after."""

    data_dir: Path
    memory: Memory


@dataclass
class Run:
    """State of one run. `details` collects every raw answer of a generator for the JSON file; `trees` keeps, by
    label, the large trees, which several figures share because filling one takes long; `foreign_shares` tells
    for each load how much of the machine others used."""

    contenders: list[Contender]
    programs: tools.Tools
    ports: Ports
    work_dir: Path
    scale: Scale
    rounds: int
    details: list[dict[str, Any]] = field(default_factory=list)
    trees: dict[str, Tree] = field(default_factory=dict)
    foreign_shares: list[float] = field(default_factory=list)
    _serial: Iterator[int] = field(default_factory=itertools.count)

    def new_home(self, label: str) -> Path:
        """A folder for a server that does not exist yet."""
        return self.work_dir / f"{next(self._serial):03d}-{label.replace(' ', '-')}"

    def server(self, contender: Contender, setup: Setup | None = None) -> contextlib.AbstractContextManager[Server]:
        """A running server of one contender."""
        return running(contender, self.new_home(contender.label), self.ports, setup or Setup())

    @contextlib.contextmanager
    def all_servers(self) -> Iterator[list[Server]]:
        """A fresh server of each contender, all running."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.server(contender)) for contender in self.contenders]

    def in_turn(self, measure: Callable[[Contender], float]) -> Samples:
        """Measures each contender once a round, A B A B, so that a drift of the machine meets both."""
        samples = Samples()
        for _ in range(self.rounds):
            for contender in self.contenders:
                samples.add(contender.label, measure(contender))
        return samples

    def load(self, server: Target, options: list[str], warm_s: float, measure_s: float) -> tools.LoadResult:
        """One run of zkload to its end."""
        foreign = ForeignLoad(server.pids)
        with self.start_load(server, options, warm_s, measure_s) as load:
            raw = load.result()
        self.foreign_shares.append(foreign.share())
        self.note(server, options, raw | {"foreign_cpu": round(self.foreign_shares[-1], 3)})
        return tools.load_result(raw)

    def start_load(self, server: Target, options: list[str], warm_s: float, measure_s: float) -> tools.Running:
        """Starts zkload; the caller waits for it."""
        times = ["-w", str(warm_s), "-t", str(measure_s)]
        return tools.start(self.programs.zkload, server.address, [*options, *times], warm_s + measure_s)

    def tree_tool(self, server: Server, options: list[str], duration_s: float) -> dict[str, Any]:
        """One run of zktree to its end."""
        with self.start_tree_tool(server, options, duration_s) as tool:
            result = tool.result()
        self.note(server, options, result)
        return result

    def start_tree_tool(self, server: Server, options: list[str], duration_s: float) -> tools.Running:
        """Starts zktree; the caller waits for it."""
        return tools.start(self.programs.zktree, server.address, options, duration_s)

    def note(self, server: Target, options: list[str], raw: dict[str, Any]) -> None:
        """Keeps a raw answer and shows it to whoever watches the run."""
        self.details.append({"server": server.label, "options": options, "result": raw})
        rate = f"{raw['ops_per_s']:,.0f} ops/s, p50 {raw['p50_us']} µs" if "ops_per_s" in raw else str(raw)
        print(f"    {server.label}: {' '.join(options)}: {rate}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Scenario:
    """Figures that come out of one measurement: `measure` returns samples by figure name."""

    name: str
    figures: list[Figure]
    measure: Callable[[Run], dict[str, Samples]]
