"""Clients that use an ensemble in bursts: whatever becomes of a connection, the session goes on with another server.

1. A client has one connection at a time. The next one begins when it has given the last one up.
2. Whatever servers do, it goes on until it is told that the run is over. Then it looks at everything once more, behind
   a sync; that a healthy ensemble lets it do so is judged.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from zkeeper.testing.simulation import Machine

from ..codec import connect_request  # noqa: TID252  the package has one name in pytest and another as a program
from ..raw_client import NO_SESSION, RawClient, Sent, Session, SessionExpiredError, open_connection  # noqa: TID252
from ..requests import CREATE_CONTAINER, CloseSession, Create, Exists, GetData, Request, Sync  # noqa: TID252
from ..workload import NAMES, Requests  # noqa: TID252

PATIENCE_S = 3.0
"""After so long a client gives a server up that does not answer."""
TIMEOUTS_MS = (300, 1000, 4000, 60_000)
LAST_LOOK = tuple(request for path in NAMES for request in (Sync(path), GetData(path)))
CONTAINERS = "/k"
"""Znodes that the servers remove are kept apart: no client knows when they go."""


@dataclass(frozen=True)
class Connection:
    client: RawClient
    server: str
    resumed: Session
    is_expired: bool
    at_s: float
    """When it was opened, or was not."""


@dataclass
class Record:
    """What all clients of a run did, in the order in which each of them did it."""

    connections: dict[str, list[Connection]] = field(default_factory=dict)
    sent: dict[tuple[int, int], Sent] = field(default_factory=dict)
    """Writes by session and xid."""

    def add(self, name: str, connection: Connection) -> None:
        self.connections.setdefault(name, []).append(connection)

    def sessions(self) -> set[int]:
        return {one.client.session.session_id for found in self.connections.values() for one in found}


class MixedRequests(Requests):
    """Those of the crash runs, without znodes that the server removes, but for empty containers below /k."""

    def first(self) -> list[Request]:
        return [*super().first(), Create(CONTAINERS)]

    def _create(self) -> Create:
        request = super()._create()
        if request.form == CREATE_CONTAINER:
            return Create(CONTAINERS + "/" + str(self.random.randrange(3)), request.data, 4, form=CREATE_CONTAINER)
        return Create(request.path, request.data, request.flags & 3, request.permissions) if request.ttl_ms else request

    def burst(self, count: int) -> list[Request]:
        """So many requests; before some of the reads comes a sync."""
        if not self.made:
            return self.first()
        drawn: list[Request] = []
        for request in (self.draw() for _ in range(count)):
            if isinstance(request, (GetData, Exists)) and self.random.random() < 0.5:
                drawn.append(Sync(request.path))
            drawn.append(request)
        return drawn


class EnsembleClient:
    """`pace_s` is about the time between two bursts."""

    def __init__(
        self, machine: Machine, hosts: list[str], record: Record, pace_s: float, say: Callable[[str], None]
    ) -> None:
        self.machine = machine
        self.is_over = False
        self._pace_s = pace_s
        self._hosts = hosts
        self._record = record
        self._say = say
        self._random: Random = machine.random
        self._requests = MixedRequests(machine.random)
        self._session = NO_SESSION
        self._next_xid = 1
        self._last_zxid = 0
        self._timeout_ms = machine.random.choice(TIMEOUTS_MS)

    async def run(self) -> None:
        has_looked = False
        while not has_looked:
            client = await self._connect()
            if client is None:
                continue
            while client.is_open and not self.is_over:
                await self._use(client)
            if self.is_over and client.is_open and self._session is not NO_SESSION:
                has_looked = await self._wait_for(client, [self._send(client, one) for one in LAST_LOOK][-1])
            self._leave(client)

    async def _use(self, client: RawClient) -> None:
        if await self._burst(client):
            await self._pause(client)
        else:
            self._say("gets no answer")
            client.abort()
            await asyncio.wait([client.lost])

    # Connections.

    async def _connect(self) -> RawClient | None:
        server = self._random.choice(self._hosts)
        try:
            async with asyncio.timeout(PATIENCE_S):
                client = await open_connection(server, self._next_xid)
        except OSError:
            await asyncio.sleep(self._random.uniform(0.01, 0.1))
            return None
        return await self._open_session(client, server)

    async def _open_session(self, client: RawClient, server: str) -> RawClient | None:
        session, is_expired = self._session, False
        client.transport.write(connect_request(self._timeout_ms, session.session_id, session.password, self._last_zxid))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.shield(client.opened)
        except SessionExpiredError:
            is_expired = True
        except OSError:
            client.abort()
        self._record.add(self.machine.name, Connection(client, server, session, is_expired, _now_s()))
        if is_expired:
            self._say(f"session {session.session_id:#x} is over")
            self._session, self._next_xid = NO_SESSION, 1
        return await self._opened(client, server)

    async def _opened(self, client: RawClient, server: str) -> RawClient | None:
        if client.session is NO_SESSION:
            client.abort()
            await asyncio.sleep(self._random.uniform(0.01, 0.1))
            return None
        if client.session.session_id != self._session.session_id:
            assert self._session is NO_SESSION, "a session that was to be resumed became another"
            self._next_xid = client.next_xid = 1
        self._say(f"connected to {server}, session {client.session.session_id:#x}, {client.session.timeout_ms} ms")
        self._session = client.session
        client.keep_alive()
        return client

    def _leave(self, client: RawClient) -> None:
        client.abort()
        self._next_xid = client.next_xid
        self._last_zxid = max(self._last_zxid, client.last_zxid)

    # Requests.

    async def _burst(self, client: RawClient) -> bool:
        """Whether there was an answer, or nobody waited for one."""
        requests = self._requests.burst(self._random.choice((1, 1, 2, 3, 5, 8)))
        last = [self._send(client, request) for request in requests][-1]
        if self._random.random() < 0.03:
            last = self._send(client, CloseSession())
            self._session = NO_SESSION
        elif self._random.random() < 0.3:
            return True
        return await self._wait_for(client, last)

    async def _wait_for(self, client: RawClient, last: Sent) -> bool:
        """Whether it is answered, or the connection ends, in time."""
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        note = last.on_reply or (lambda reply: None)
        last.on_reply = lambda reply: (note(reply), answered.done() or answered.set_result(None))
        done, _ = await asyncio.wait([answered, client.lost], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        return bool(done) and (last.reply is not None or not self.is_over)

    def _send(self, client: RawClient, request: Request) -> Sent:
        sent = client.post(request, self._requests.note_made)
        if request.is_write:
            self._record.sent[sent.session_id, sent.xid] = sent
        return sent

    async def _pause(self, client: RawClient) -> None:
        luck = self._random.random()
        if self._session is NO_SESSION:
            await asyncio.wait([client.lost], timeout=PATIENCE_S)
            client.abort()
            await asyncio.wait([client.lost])
        elif luck < 0.08:
            self._say("goes to another server")
            client.abort()
            await asyncio.wait([client.lost])
        else:
            await asyncio.sleep(self._random.expovariate(1 / self._pace_s))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
