"""A world for one server of ours and its scripted peers, which are named as in a configuration: s1, s2, s3."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from zkeeper.errors import StorageError
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.votes import LOOKING
from zkeeper.server.config.ensemble import ElectionConfig, EnsembleConfig, LearnersConfig, QuorumConfig
from zkeeper.server.config.model import LimitsConfig, ServerConfig, StorageConfig
from zkeeper.server.ensemble.member import EnsembleServer
from zkeeper.testing.simulation import Machine, SimulatedDisk, Simulation

from ..log_files import Entry, parse  # noqa: TID252  the package has one name in pytest and another as a program
from ..node import FOLDER, STORAGE, Photo, foreseen, make_config, take_photo  # noqa: TID252  as above
from ..raw_client import NO_SESSION, RawClient, Reply, Sent, Session, connect  # noqa: TID252  the package has one name in pytest and another as a program
from ..requests import Request  # noqa: TID252  the package has one name in pytest and another as a program
from .peers import Peer

TICK_MS = 1000
INIT_TICKS, SYNC_TICKS = 10, 4


def config_text(participants: Iterable[int], observers: Iterable[int] = (), version: int = 0) -> str:
    roles = {**dict.fromkeys(participants, "participant"), **dict.fromkeys(observers, "observer")}
    lines = [f"server.{sid}=s{sid}:2888:3888:{role};0.0.0.0:2181" for sid, role in sorted(roles.items())]
    return "\n".join([*lines, f"version={version:x}"])


class RolesWorld(Simulation):
    """`node` is the server of ours; `peers` are the others of `participants` and `observers`, by sid."""

    def __init__(
        self, sid: int, participants: Iterable[int] = (1, 2, 3), observers: Iterable[int] = (), seed: object = 1, *,
        storage: StorageConfig = STORAGE, limits: LimitsConfig | None = None, learners: LearnersConfig | None = None,
        ensemble: EnsembleConfig | None = None, zxid: int = 0, peer_epoch: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(f"roles {seed}")
        self.text = config_text(participants, observers)
        membership = Membership.parse(self.text)
        ensemble = replace(ensemble or EnsembleConfig(), init_limit_ticks=INIT_TICKS, sync_limit_ticks=SYNC_TICKS,
                           connect_limit_ticks=INIT_TICKS)  # fmt: skip
        learners = learners or LearnersConfig()
        quorum = QuorumConfig(sid, membership, membership, "/zoo.cfg", TICK_MS, ensemble, ElectionConfig(), learners)
        config = make_config(tick_ms=TICK_MS, storage=storage, limits=limits)
        self.config = replace(config, quorum=quorum, ensemble=ensemble, learners=learners)
        self.node = Node(self, sid, self.config)
        self.peers = {
            other: Peer(self, other, membership, zxid, peer_epoch) for other in membership.members if other != sid
        }
        self._clients: dict[RawClient, Machine] = {}

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def start(self) -> None:
        """Starts all of them; returns when the peers have a leader."""
        self.node.start()
        for peer in self.peers.values():
            peer.start()
        self.run_until(lambda: all(peer.has_role() for peer in self.peers.values()))

    # Clients of the server.

    def connect(self, name: str = "client", timeout_ms: int = 10_000, session: Session = NO_SESSION) -> RawClient:
        machine = self.machine(name)
        client = self.run(connect(self.node.machine.name, timeout_ms, session), machine)
        self._clients[client] = machine
        return client

    def begin_connect(
        self, name: str = "client", timeout_ms: int = 10_000, session: Session = NO_SESSION
    ) -> "asyncio.Task[RawClient]":
        """As `connect`, for a test that has to do something meanwhile."""
        machine = self.machine(name)

        async def open_session() -> RawClient:
            client = await connect(self.node.machine.name, timeout_ms, session)
            self._clients[client] = machine
            return client

        context = machine.life.context.copy()
        connecting = self.loop.create_task(open_session(), context=context)
        # A failure that nobody waits for any more is no mistake of the test.
        connecting.add_done_callback(lambda done: done.cancelled() or done.exception())
        return connecting

    def try_connect(self) -> RawClient:
        """As `connect`; `ConnectionError` when the server dies meanwhile."""
        connecting = self.begin_connect()
        self.run_until(lambda: connecting.done() or not self.node.machine.is_alive)
        if not connecting.done():
            raise ConnectionError("the server has died")
        return connecting.result()

    def post(self, client: RawClient, request: Request) -> Sent:
        return self._clients[client].life.context.copy().run(client.post, request)

    def call(self, client: RawClient, request: Request) -> Reply:
        return self.reply(self.post(client, request))

    def reply(self, sent: Sent) -> Reply:
        """Waits for it."""
        self.run_until(lambda: sent.reply is not None)
        assert sent.reply is not None
        return sent.reply


class Node:
    """The server of ours on its machine."""

    def __init__(self, sim: RolesWorld, sid: int, config: ServerConfig) -> None:
        self.sim = sim
        self.machine = sim.machine(f"s{sid}")
        self.config = config
        self.server: EnsembleServer | None = None
        self.failure: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def disk(self) -> SimulatedDisk:
        return self.machine.disk

    @property
    def member(self) -> EnsembleServer:
        assert self.server is not None, "the server is not there"
        return self.server

    @property
    def is_over(self) -> bool:
        return not self.machine.is_alive or (self._task is not None and self._task.done())

    def start(self) -> None:
        if not self.machine.is_alive:
            self.machine.restart()
        self.server = self.failure = None
        self._task = self.machine.start(self._run)
        self.sim.run_until(lambda: self.server is not None or self.is_over)

    async def _run(self) -> None:
        server = EnsembleServer(self.config, self.disk, self.machine.clock, self.machine.random)
        try:
            await server.start()
        except StorageError as error:
            self.failure = error
            return
        self.server = server
        await server.stopped()
        self.failure = foreseen(server.failure)
        await server.stop()

    def stop(self) -> None:
        """A stop in order."""
        self.sim.run(self.member.stop(), self.machine)
        self.machine.kill()

    def is_looking(self) -> bool:
        return self.server is not None and self.server.election.state == LOOKING

    def serves(self) -> bool:
        return self.server is not None and self.server.service.serves()

    def photo(self) -> Photo:
        return take_photo(self.member, self.sim.time())

    # What its disk has durably.

    def durable(self, name: str) -> bytes | None:
        return self.disk.durable_files(FOLDER).get(name)

    def accepted_epoch(self) -> int:
        return int(self.durable("acceptedEpoch") or b"-1")

    def current_epoch(self) -> int:
        return int(self.durable("currentEpoch") or b"-1")

    def logged(self) -> list[int]:
        """The zxids in the logs, oldest first."""
        return [entry.zxid for entry in self.entries()]

    def entries(self) -> list[Entry]:
        files = self.disk.durable_files(FOLDER)
        logs = sorted((int(name[4:], 16), data) for name, data in files.items() if name.startswith("log."))
        return [entry for _, data in logs for entry in parse(data)]

    def snapshots(self) -> list[int]:
        """The zxids in the names of the snapshots."""
        names = self.disk.durable_files(FOLDER)
        return sorted(int(name[9:], 16) for name in names if name.startswith("snapshot.") and "." not in name[9:])
