"""Members that change while everything else goes on: servers leave, come back, and change between voter and observer.

1. One change at a time is asked for, of any server; whether it came to anything is not waited for.
2. Each server has a zoo.cfg on its disk, which it reads at each start, as the program does. For one that is started
   while it is no member an operator writes the members of then and itself into it.
3. In the end all are members again, in the roles that they had.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import zkeeper
from zkeeper import AsyncClient, SessionState
from zkeeper.errors import ZooKeeperError
from zkeeper.quorum.membership import Membership
from zkeeper.server.config import ConfigError, load
from zkeeper.server.config.model import ServerConfig
from zkeeper.storage.whole_files import read_file, replace_file
from zkeeper.testing.simulation import Simulation

from ..node import DATA_DIR, ServerNode  # noqa: TID252  the package has one name in pytest and another as a program
from .faulty_disks import make_sound
from .servers import Layout, member_lines

STATIC = f"{DATA_DIR}/zoo.cfg"
FILE = f"tickTime=100\ninitLimit=10\nsyncLimit=5\ndataDir={DATA_DIR}\nreconfigEnabled=true\n"
SUPER = ("digest", b"super:test")
SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
TIMEOUT_MS = 4000
PATIENCE_S = 5.0


class ChangingNode(ServerNode):
    """A server whose members are what its zoo.cfg says; `others` are all of the run, which an operator can ask."""

    def __init__(self, sim: Simulation, common: ServerConfig, name: str, lines: list[str]) -> None:
        super().__init__(sim, common, name)
        self.others: list[ChangingNode] = []
        self._common = common
        self._sid = int(name.removeprefix("server"))
        self._line = lines[self._sid - 1]
        self.machine.disk.make_folders(DATA_DIR)
        self._write(f"{DATA_DIR}/myid", f"{self._sid}\n")
        self._write(STATIC, FILE + "\n".join(lines) + "\n")
        self.config = self._load()

    def begin(self) -> None:
        if not self.machine.is_alive:
            self.machine.restart()
        try:
            self.config = self._load()
        except ConfigError:
            self._join()
            self.config = self._load()
        super().begin()

    def _load(self) -> ServerConfig:
        common = self._common
        loaded = load(STATIC, {}, {}, lambda path: read_file(self.machine.disk, path)).config
        assert loaded.quorum is not None
        ensemble = replace(common.ensemble, dynamic_config_file=loaded.ensemble.dynamic_config_file)
        quorum = replace(
            loaded.quorum, tick_time_ms=common.sessions.tick_time_ms, ensemble=ensemble, election=common.election,
            learners=common.learners,
        )  # fmt: skip
        return replace(common, ensemble=ensemble, quorum=quorum)

    def _join(self) -> None:
        """Rule 2. What an earlier life has left beside the file goes. The operator waits until the disk is sound."""
        disk = self.machine.disk
        make_sound(disk)
        for name in disk.names(DATA_DIR):
            if name.startswith("zoo.cfg."):
                disk.remove(f"{DATA_DIR}/{name}")
        members = max((node.members() for node in self.others if node is not self), key=lambda one: int(one.version))
        lines = [line for line in members.lines() if not line.startswith(f"server.{self._sid}=")]
        self._write(STATIC, FILE + "\n".join([*lines, self._line]) + "\n")

    def members(self) -> Membership:
        """Those that were committed, as far as this server knows."""
        if self.server is not None:
            found: Membership = self.server.context.memberships.committed
            return found
        assert self.config.quorum is not None
        return self.config.quorum.committed

    def _write(self, path: str, text: str) -> None:
        replace_file(self.machine.disk, path, text.encode())


class Operator:
    """Asks for changes. `sessions` takes those of its clients."""

    def __init__(
        self, sim: Simulation, layout: Layout, sessions: set[int], tally: Counter[str], say: Callable[[str], None]
    ) -> None:  # fmt: skip
        self._machine = sim.machine("operator")
        self._random: Random = sim.random
        self._layout = layout
        self._lines = member_lines(layout)
        self._sessions = sessions
        self._tally = tally
        self._say = say
        self._asking: asyncio.Task[bool] | None = None

    @property
    def is_busy(self) -> bool:
        return self._asking is not None and not self._asking.done()

    def change(self) -> None:
        """Begins a change, unless one is under way."""
        if not self.is_busy:
            self._asking = self._machine.start(partial(self._ask, *self._wish()))

    def _wish(self) -> tuple[str, dict[str, Any]]:
        """A server leaves, comes in the role that it had, or comes in the other one."""
        sid = self._random.randint(1, self._layout.count)
        line = self._lines[sid - 1]
        luck = self._random.random()
        if luck < 0.4:
            return "one leaves", {"leaving": [sid]}
        if luck < 0.7:
            return "one comes", {"joining": [line]}
        names = ("participant", "observer")
        was, will = names if f":{names[0]}" in line else reversed(names)
        return "one changes its role", {"joining": [line.replace(f":{was}", f":{will}")]}

    async def _ask(self, name: str, wish: dict[str, Any]) -> bool:
        """Whether the answer was yes."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._client() as zk:
                await zk.reconfig(**wish)
        except (ZooKeeperError, TimeoutError) as error:
            self._note(f"members: {type(error).__name__}", wish)
            return False
        self._note(f"members: {name}", wish)
        return True

    def _client(self) -> AsyncClient:
        zk = zkeeper.connect(",".join(self._layout.names()), TIMEOUT_MS, auth=[SUPER], random=self._machine.random)
        zk.on_state(lambda state: self._note_session(zk, state))
        return zk

    def _note_session(self, zk: AsyncClient, state: SessionState) -> None:
        if state is SessionState.CONNECTED:
            self._sessions.add(zk.session_id)

    def _note(self, name: str, wish: dict[str, Any]) -> None:
        self._tally[name] += 1
        self._say(f"operator: {name}: {wish}")

    async def restore(self) -> None:
        """Rule 3; one after the other, since observers count for no quorum, and until the answer is yes."""
        for line in self._lines:
            while not await self._ask("one comes back", {"joining": [line]}):
                await asyncio.sleep(0.5)

    def begin_to_restore(self) -> "asyncio.Task[None]":
        return self._machine.start(self.restore)


def make_changing_nodes(sim: Simulation, common: ServerConfig, layout: Layout) -> list[ChangingNode]:
    auth = replace(common.auth, super_digest=SUPER_DIGEST)
    limits = replace(common.limits, is_reconfig_enabled=True)
    lines = member_lines(layout)
    nodes = [ChangingNode(sim, replace(common, auth=auth, limits=limits), name, lines) for name in layout.names()]
    for node in nodes:
        node.others = nodes
    return nodes
