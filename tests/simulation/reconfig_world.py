"""Whole ensembles of the production server in the simulator, whose members change.

Every server has its own disk with zoo.cfg, which it reads at each start, as the program does. What has to be true of
any run is in `check`: one leader for each epoch, equal trees, nothing lost that was acknowledged, and every server's
files, `/zookeeper/config` and memory agree about the members.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Self, TypeVar

import zkeeper
from zkeeper import AsyncClient
from zkeeper.errors import ConnectionLossError, SessionExpiredError
from zkeeper.pipeline.service import Service
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.votes import LEADING, LOOKING
from zkeeper.server.config.load import load
from zkeeper.server.ensemble.member import EnsembleServer
from zkeeper.testing.simulation import Machine, SimulatedDisk, Simulation

from .node import foreseen

T = TypeVar("T")

FOLDER = "/zk"
STATIC = f"{FOLDER}/zoo.cfg"
CONFIG = "/zookeeper/config"
BASE = "tickTime=1000\ninitLimit=5\nsyncLimit=3\ndataDir=/zk/data\npreAllocSize=64\nmaxClientCnxns=0\n"
WAIT_S = 120.0


def line(sid: int, role: str = "participant", *, host: str = "", quorum: int = 2888, client: int = 2181) -> str:
    return f"server.{sid}={host or f's{sid}'}:{quorum}:3888:{role};0.0.0.0:{client}"


class Server(EnsembleServer):
    """The production server; it tells the world of its leaderships."""

    world: "ReconfigWorld"

    def open_to_clients(self, service: Service, epoch: int) -> None:
        super().open_to_clients(service, epoch)
        if self.election.state == LEADING:
            self.world.leaders.setdefault(epoch, set()).add(self._sid)


class Member:
    """One server and its machine. `elections` counts those that it took part in, in all its lives."""

    def __init__(self, world: "ReconfigWorld", sid: int) -> None:
        self.world = world
        self.sid = sid
        self.machine: Machine = world.machine(f"s{sid}")
        self.server: Server | None = None
        self.failure: Exception | None = None
        self._earlier_elections = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def disk(self) -> SimulatedDisk:
        return self.machine.disk

    def configure(self, text: str) -> None:
        disk = self.disk
        disk.make_folders(f"{FOLDER}/data")
        for path, content in ((STATIC, text), (f"{FOLDER}/data/myid", f"{self.sid}\n")):
            file = disk.open_writer(path)
            file.write(content.encode())
            file.sync()
            file.close()
        disk.sync_folder(FOLDER)
        disk.sync_folder(f"{FOLDER}/data")

    def read(self, path: str) -> bytes:
        file = self.disk.open_reader(path)
        try:
            return b"".join(iter(lambda: file.read(1 << 16), b""))
        finally:
            file.close()

    def names(self) -> list[str]:
        return [name for name in self.disk.names(FOLDER) if name.startswith("zoo.cfg")]

    def start(self) -> None:
        if not self.machine.is_alive:
            self.machine.restart()
        self.server = self.failure = None
        self._task = self.machine.start(self._run)

    async def _run(self) -> None:
        config = load(STATIC, {}, {}, self.read).config
        server = Server(config, self.disk, self.machine.clock, self.machine.random)
        server.world = self.world
        await server.start()
        self.server = server
        await server.stopped()
        self.failure = foreseen(server.failure)
        await server.stop()

    def kill(self) -> None:
        self._earlier_elections = self.elections
        self.machine.kill()
        self.server = None

    def stop(self) -> None:
        assert self.server is not None
        self.world.run(self.server.stop(), self.machine)
        self.kill()

    @property
    def elections(self) -> int:
        now = self.server.context.measures.elections if self.server is not None else 0
        return self._earlier_elections + int(now)

    @property
    def is_alive(self) -> bool:
        return self.server is not None and self.machine.is_alive

    @property
    def is_serving(self) -> bool:
        return self.server is not None and self.is_alive and self.server.service.serves()

    @property
    def mode(self) -> str:
        if self.server is None or not self.is_serving:
            return "-"
        names = {LOOKING: "-", LEADING: "leader"}
        role = "observer" if self.server.context.is_observer else "follower"
        return names.get(self.server.election.state, role)

    @property
    def committed(self) -> Membership:
        assert self.server is not None
        return self.server.context.memberships.committed

    @property
    def last_seen(self) -> Membership:
        assert self.server is not None
        return self.server.context.memberships.last_seen

    def last_zxid(self) -> int:
        assert self.server is not None
        return int(self.server.service.database.last_zxid)

    def config_node(self) -> bytes:
        assert self.server is not None
        node = self.server.service.database.tree.lookup(CONFIG.encode())
        assert node is not None
        return node.data or b""


class Writer:
    """A client that writes on and on: /w-0, /w-1 and so on; `acknowledged` are the paths that are surely there."""

    def __init__(self, world: "ReconfigWorld", hosts: str) -> None:
        self.world = world
        self.acknowledged: list[str] = []
        self.longest_gap_s = 0.0
        self._hosts = hosts
        self._stops = False
        self._task = world.machine("writer").start(self._run)

    async def _run(self) -> None:
        machine, count, last_s = self.world.machine("writer"), 0, self.world.time()
        async with zkeeper.connect(self._hosts, 20_000, random=machine.random) as zk:
            while not self._stops:
                path = f"/w-{count}"
                count += 1
                try:
                    await zk.create(path, b"x" * 100)
                except ConnectionLossError:
                    continue
                self.acknowledged.append(path)
                self.longest_gap_s = max(self.longest_gap_s, self.world.time() - last_s)
                last_s = self.world.time()
                await asyncio.sleep(0.002)

    def await_progress(self, count: int = 20) -> None:
        until = len(self.acknowledged) + count
        self.world.run_until(lambda: len(self.acknowledged) >= until or self._task.done(), WAIT_S)
        assert not self._task.done(), "the writer goes on"

    def stop(self) -> None:
        self._stops = True
        self.world.run_until(self._task.done, WAIT_S)
        self._task.result()


class ReconfigWorld(Simulation):
    """`roles` has a letter for each server: p for one that votes, o for an observer."""

    def __init__(
        self, roles: str = "ppp", seed: object = 1, *, settings: Mapping[str, str] | None = None, members: str = ""
    ) -> None:  # fmt: skip
        super().__init__(f"reconfig {seed}")
        self.settings = {"reconfigEnabled": "true", "skipACL": "yes", **(settings or {})}
        self.members: dict[int, Member] = {}
        self.leaders: dict[int, set[int]] = {}
        names = {"p": "participant", "o": "observer"}
        self.lines = [line(sid, names[role]) for sid, role in enumerate(roles, 1)]
        for sid in range(1, len(roles) + 1):
            self.add(sid, self.lines)

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __getitem__(self, sid: int) -> Member:
        return self.members[sid]

    def add(self, sid: int, lines: Iterable[str]) -> Member:
        """A server that is not started, with these members in its zoo.cfg."""
        member = self.members[sid] = Member(self, sid)
        settings = "".join(f"{key}={value}\n" for key, value in self.settings.items())
        member.configure(BASE + settings + "\n".join(lines) + "\n")
        return member

    def join(self, sid: int, role: str = "participant", **places: Any) -> Member:
        """Starts a server that knows the first members and itself, and waits until it follows without a vote."""
        member = self.add(sid, [*self.lines, line(sid, role, **places)])
        member.start()
        self.run_until(lambda: member.is_serving, WAIT_S)
        return member

    @property
    def alive(self) -> list[Member]:
        return [member for member in self.members.values() if member.is_alive]

    @property
    def leader(self) -> Member:
        (leader,) = [member for member in self.alive if member.mode == "leader"]
        return leader

    @property
    def followers(self) -> list[Member]:
        return [member for member in self.alive if member.mode == "follower"]

    def start(self, *sids: int) -> None:
        for sid in sids or tuple(self.members):
            self.members[sid].start()
        self.await_service()

    def await_service(self) -> None:
        """All that live serve, under one leader."""

        def is_there() -> bool:
            modes = [member.mode for member in self.members.values() if member.machine.is_alive and member._task]
            return "-" not in modes and modes.count("leader") == 1

        self.run_until(is_there, WAIT_S)

    def await_membership(self, roles: Mapping[int, str], *sids: int) -> Membership:
        """Waits until those that live, or these of them, have a membership with these roles in force."""
        members = [self.members[sid] for sid in sids]

        def has_roles(member: Member) -> bool:
            committed = member.committed
            found = {sid: "p" if sid in committed.participants else "o" for sid in committed.members}
            return found == dict(roles) and not member.server.context.memberships.is_pending  # type: ignore[union-attr]

        self.run_until(lambda: all(has_roles(each) for each in members or self.alive), WAIT_S)
        return (members or self.alive)[0].committed

    # Clients.

    def hosts(self, *sids: int) -> str:
        return ",".join(f"s{sid}:2181" for sid in sids or self.members)

    def call(
        self, work: Callable[[AsyncClient], Awaitable[T]], *sids: int, timeout_ms: int = 20_000, **options: Any
    ) -> T:  # fmt: skip
        """What a client makes of these servers, or of all."""
        return self.run(self._with_client(work, self.hosts(*sids), timeout_ms, options), self.machine("admin"))

    def begin_call(self, work: Callable[[AsyncClient], Awaitable[T]], *sids: int, **options: Any) -> "asyncio.Task[T]":
        def main() -> Coroutine[Any, Any, T]:
            return self._with_client(work, self.hosts(*sids), 20_000, options)

        return self.machine("admin").start(main)

    async def _with_client(
        self, work: Callable[[AsyncClient], Awaitable[T]], hosts: str, timeout_ms: int, options: Mapping[str, Any]
    ) -> T:  # fmt: skip
        random = self.machine("admin").random
        async with zkeeper.connect(hosts, timeout_ms, random=random, **options) as zk:
            return await work(zk)

    def reconfig(self, *sids: int, **arguments: Any) -> bytes:
        """The text of the new membership."""

        async def work(zk: AsyncClient) -> bytes:
            return (await zk.reconfig(**arguments)).data or b""

        return self.call(work, *sids)

    def writer(self, *sids: int) -> Writer:
        return Writer(self, self.hosts(*sids))

    # What has to be true of any run.

    def check(self, writer: Writer | None = None) -> None:
        """Waits until all that live are in step, then judges."""
        if writer is not None:
            writer.stop()
        self.await_service()
        self.call(lambda zk: zk.create("/check-", sequential=True), *[member.sid for member in self.alive])
        self.run_until(lambda: len({member.last_zxid() for member in self.alive}) == 1, WAIT_S)
        for epoch, sids in self.leaders.items():
            assert len(sids) == 1, f"servers {sids} have led in epoch {epoch}"
        for member in self.members.values():
            assert member.failure is None
        for member in self.alive:
            self._check_member(member, writer)
        digests = {int(member.server.service.database.tree.digest) for member in self.alive if member.server}
        assert len(digests) == 1
        assert len({member.committed.text() for member in self.alive}) == 1

    def _check_member(self, member: Member, writer: Writer | None) -> None:
        assert member.server is not None
        database = member.server.service.database
        assert database.digest_mismatches == 0
        assert member.config_node() == member.committed.text().encode()
        for path in writer.acknowledged if writer is not None else ():
            assert database.tree.lookup(path.encode()) is not None, f"{path} was acknowledged and is lost"
        self._check_files(member)

    def _check_files(self, member: Member) -> None:
        """A restart now would begin with what is in force."""
        if self.settings["reconfigEnabled"] != "true" or member.sid not in member.committed.members:
            return
        config = load(STATIC, {}, {}, member.read).config
        assert config.quorum is not None
        assert config.quorum.committed == member.committed
        assert config.quorum.last_seen == member.last_seen
        assert "zoo.cfg.dynamic.next" not in member.names()


async def tried(work: Awaitable[T]) -> T | None:
    """None when the connection is lost before there is an answer."""
    try:
        return await work
    except (ConnectionLossError, SessionExpiredError):
        return None
