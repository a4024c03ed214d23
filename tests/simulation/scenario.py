"""A small world for scenarios: one server that serves, and clients that are told what to do step by step."""

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from zkeeper.server.config.model import ServerConfig
from zkeeper.server.standalone import StandaloneServer
from zkeeper.testing.simulation import Machine, Simulation

from .node import ServerNode, make_config
from .raw_client import NO_SESSION, RawClient, Reply, Sent, Session, connect, open_connection
from .requests import Create, Request

T = TypeVar("T")

ANSWER_S = 60.0


class Scenario:
    """A context manager. Clients are told by the machine they are on; each keeps to it."""

    def __init__(self, config: ServerConfig | None = None, seed: int = 1) -> None:
        self.sim = Simulation(seed)
        self.node = ServerNode(self.sim, config or make_config())
        self._machines: dict[RawClient, Machine] = {}

    def __enter__(self) -> "Scenario":
        self.sim.__enter__()
        self.node.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.sim.__exit__(kind, error, traceback)

    @property
    def server(self) -> StandaloneServer:
        assert self.node.server is not None, "the server does not serve"
        return self.node.server

    @property
    def now_s(self) -> float:
        return self.sim.time()

    # Clients.

    def connect(self, machine: str = "client", timeout_ms: int = 10_000, session: Session = NO_SESSION) -> RawClient:
        host = self.sim.machine(machine)
        client = self.sim.run(connect(self.node.name, timeout_ms, session), host)
        self._machines[client] = host
        return client

    def open(self, machine: str = "client") -> RawClient:
        """A connection without a session."""
        host = self.sim.machine(machine)
        client = self.sim.run(open_connection(self.node.name), host)
        self._machines[client] = host
        return client

    def adopt(self, clients: list[RawClient], machine: str) -> None:
        """Clients that the test has connected itself, on that machine."""
        self._machines.update({client: self.sim.machine(machine) for client in clients})

    def on(self, client: RawClient, action: Callable[[], T]) -> T:
        """Runs `action` as the client's machine."""
        return self._machines[client].life.context.copy().run(action)

    def post(self, client: RawClient, *requests: Request) -> list[Sent]:
        return self.on(client, lambda: [client.post(request) for request in requests])

    def call(self, client: RawClient, request: Request) -> Reply:
        """The reply, once it is there."""
        sent = self.post(client, request)[0]
        self.sim.run_until(lambda: sent.reply is not None, ANSWER_S)
        assert sent.reply is not None
        return sent.reply

    def create(self, client: RawClient, path: str, data: bytes = b"", flags: int = 0) -> None:
        assert self.call(client, Create(path, data, flags)).code == 0

    # What the server knows.

    def exists(self, path: str) -> bool:
        return self.server.service.database.tree.lookup(path.encode()) is not None

    def wait_until(self, predicate: Callable[[], object], timeout_s: float = ANSWER_S) -> float:
        """Returns the time at which it came true."""
        self.sim.run_until(predicate, timeout_s)
        return self.now_s

    def restart(self) -> None:
        """The machine dies and comes back, and its server serves."""
        self.node.machine.kill()
        self.node.start()
