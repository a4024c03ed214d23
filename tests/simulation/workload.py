"""A client that does random things: bursts of requests, lost connections, resumed and closed sessions, silence.

It only gives up when its requests are used up; whatever the server does, it must be able to go on.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from zkeeper.testing.simulation import Machine

from .codec import connect_request
from .history import Connection, History, Violation
from .model import MAY_ADMIN, MAY_CREATE, MAY_DELETE, MAY_WRITE, NODE_EXISTS, OK
from .node import ServerNode
from .raw_client import NO_SESSION, RawClient, Reply, Sent, SessionExpiredError, open_connection
from .requests import (
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_TTL,
    EPHEMERAL,
    SEQUENTIAL,
    TTL,
    Check,
    CloseSession,
    Create,
    Delete,
    Exists,
    GetChildren,
    GetData,
    GetEphemerals,
    Multi,
    Ping,
    Request,
    SetAcl,
    SetData,
    Sync,
    Write,
)

IDLE_S = 0.005
PATIENCE_S = 5.0
"""After so long a client takes a server that lives, but does not answer, for broken."""
ROOTS = ("/a", "/b")
NAMES = (*ROOTS, "/a/x", "/a/y", "/b/x", "/b/y", "/a/x/p", "/a/x/q")
PERMISSIONS = (31, 31, 31, 31 - MAY_WRITE, 31 - MAY_CREATE, 31 - MAY_DELETE, 31 - MAY_ADMIN)
SIZES_BYTES = (0, 3, 10, 10, 40, 700, 3000)


class Requests:
    """Draws requests; many of them succeed, because they name znodes that were there."""

    def __init__(self, random: random.Random) -> None:
        self.random = random
        self.made: list[str] = []

    def first(self) -> list[Request]:
        """What gives later requests a chance."""
        return [Create(path) for path in ROOTS]

    def note_made(self, reply: Reply) -> None:
        """What was created, later requests name."""
        request = reply.sent.request
        if isinstance(request, Create) and reply.code in (OK, NODE_EXISTS):
            value = reply.value or request.path
            self.made.append(value if isinstance(value, str) else value[0])

    def draw(self) -> Request:
        luck = self.random.random()
        if luck < 0.62:
            return self._write()
        if luck < 0.70:
            return self._multi()
        return self._read()

    def _write(self) -> Write:
        luck = self.random.random()
        if luck < 0.06:
            return SetAcl(self._path(), self.random.choice(PERMISSIONS), self._version())
        return self._multi_write(luck)

    def _multi_write(self, luck: float) -> Write:
        if luck < 0.50:
            return self._create()
        if luck < 0.80:
            return SetData(self._path(), self._data(), self._version())
        return Delete(self._path(), self._version())

    def _multi(self) -> Multi:
        count = self.random.choice((0, 1, 2, 2, 3, 4))
        return Multi(tuple(self._operation() for _ in range(count)))

    def _operation(self) -> Write:
        if self.random.random() < 0.15:
            return Check(self._path(), self._version())
        return self._multi_write(self.random.random())

    def _create(self) -> Create:
        choice = self.random.choice
        path, data = self.random.choice(NAMES), self._data()
        permissions = choice(PERMISSIONS) if self.random.random() < 0.2 else 31
        if path in ROOTS:
            return Create(path, data)
        luck = self.random.random()
        if luck < 0.10:
            return Create(path, data, 4, permissions, form=CREATE_CONTAINER)
        if luck < 0.16:
            return Create(path, data, choice((TTL, TTL + 1)), permissions, choice((1, 50, 10_000)), CREATE_TTL)
        flags = choice((0, 0, 0, EPHEMERAL, EPHEMERAL, SEQUENTIAL, SEQUENTIAL | EPHEMERAL))
        return Create(path, data, flags, permissions, form=choice((CREATE, CREATE2)))

    def _read(self) -> Request:
        is_watching = self.random.random() < 0.7
        kind = self.random.choice((Exists, GetData, GetData, GetChildren, GetChildren, None))
        if kind is not None:
            return kind(self.random.choice(("/", self._path(), self._path())), is_watching)
        return self.random.choice((GetEphemerals(), Sync(), Ping()))

    def _path(self) -> str:
        if self.made and self.random.random() < 0.5:
            return self.random.choice(self.made[-8:])
        return self.random.choice(NAMES)

    def _data(self) -> bytes | None:
        size = self.random.choice(SIZES_BYTES)
        return self.random.randbytes(size) if size else self.random.choice((None, b""))

    def _version(self) -> int:
        return self.random.choice((-1, -1, -1, 0, 1))


class RandomClient:
    """`budget` is the number of requests it still has to send, `allowance` how many of them for the time being. `say`
    tells the story of the run."""

    def __init__(
        self, machine: Machine, node: ServerNode, history: History, budget: int, say: Callable[[str], None]
    ) -> None:
        self.machine = machine
        self.budget = budget
        self.allowance = 0
        self._node = node
        self._history = history
        self._say = say
        self._random = machine.random
        self._requests = Requests(machine.random)
        self._session = NO_SESSION
        self._next_xid = 1
        self._last_zxid = 0
        self._timeout_ms = machine.random.choice((1, 300, 1000, 60_000))
        self.client: RawClient | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it waits to be allowed more."""
        return min(self.budget, self.allowance) <= 0 and (self.client is None or not self.client.pending)

    async def run(self) -> None:
        while self.budget > 0:
            client = await self._connect()
            while client is not None and client.is_open and self.budget > 0:
                if self.allowance > 0:
                    await self._burst(client)
                    await self._pause(client)
                else:
                    await asyncio.sleep(IDLE_S)
            self._leave(client)

    # Connections.

    async def _connect(self) -> RawClient | None:
        try:
            client = await self._try_to_connect()
        except OSError:
            await asyncio.sleep(self._random.uniform(0.001, 0.02))
            return None
        self.client = client
        return client

    async def _try_to_connect(self) -> RawClient:
        """As `connect`, but what was sent and heard is on record in any case."""
        async with asyncio.timeout(PATIENCE_S):
            client = await open_connection(self._node.name, self._next_xid)
        instance = self._node.instances
        session, wanted_ms = self._session, self._timeout_ms
        is_expired = False
        client.transport.write(connect_request(wanted_ms, session.session_id, session.password, self._last_zxid))
        try:
            await self._answered(asyncio.shield(client.opened), instance, "the connect request")
        except SessionExpiredError:
            is_expired = True
        finally:
            self._history.connections.append(Connection(client, instance, wanted_ms, session, is_expired))
        self._note_session(client, is_expired)
        if is_expired:
            raise ConnectionError("the session is over")
        return client

    def _note_session(self, client: RawClient, is_expired: bool) -> None:
        if is_expired:
            self._say(f"session 0x{self._session.session_id:x} is over")
            self._session, self._next_xid = NO_SESSION, 1
            return
        if client.session.session_id != self._session.session_id:
            if self._session is not NO_SESSION:
                raise Violation("a session that was to be resumed became another")
            self._next_xid = client.next_xid = 1
        self._say(f"connected, session 0x{client.session.session_id:x}, {client.session.timeout_ms} ms")
        self._session = client.session

    def _leave(self, client: RawClient | None) -> None:
        if client is not None:
            self._next_xid = client.next_xid
            self._last_zxid = max(self._last_zxid, client.last_zxid)

    async def _answered(self, future: asyncio.Future[Any], instance: int, what: str) -> None:
        """Waits; that the server lives and does not answer is a violation."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await future
        except TimeoutError:
            if self._node.is_serving and self._node.instances == instance:
                raise Violation(f"{what} was not answered in {PATIENCE_S} s") from None
            raise

    # Requests.

    async def _burst(self, client: RawClient) -> None:
        instance = self._node.instances
        last: Sent | None = None
        for request in self._draw_requests():
            last = self._send(client, request)
        if self._random.random() < 0.04:
            last = self._send(client, CloseSession())
            self._session = NO_SESSION
        if last is None or self._random.random() < 0.3:
            return
        try:
            await self._answered(self._reply_or_loss(client, last), instance, f"{last}")
        except TimeoutError:
            client.abort()

    def _reply_or_loss(self, client: RawClient, last: Sent) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def finish(_: object) -> None:
            if not done.done():
                done.set_result(None)

        def answered(reply: Reply) -> None:
            self._requests.note_made(reply)
            finish(reply)

        last.on_reply = answered
        client.lost.add_done_callback(finish)
        return done

    def _draw_requests(self) -> list[Request]:
        if not self._requests.made:
            return self._requests.first()
        count = min(self.budget, self._random.choice((1, 1, 2, 3, 5, 8, 13)))
        return [self._requests.draw() for _ in range(count)]

    def _send(self, client: RawClient, request: Request) -> Sent:
        self.budget -= 1
        self.allowance -= 1
        sent = client.post(request, self._requests.note_made)
        if request.is_write:
            self._history.sent[sent.session_id, sent.xid] = sent
        return sent

    async def _pause(self, client: RawClient) -> None:
        luck = self._random.random()
        if self._session is NO_SESSION:
            await asyncio.wait([client.lost], timeout=PATIENCE_S)
            client.abort()
        elif luck < 0.05:
            self._say("breaks its connection")
            client.abort()
            await asyncio.sleep(self._random.choice((0.0, 0.001)))
        elif luck < 0.08:
            self._say("takes its session to another connection")
            self._leave(client)
            await self._connect()
            client.abort()
        elif luck < 0.11:
            self._say("is silent for a long time")
            await asyncio.sleep(client.session.timeout_ms / 1000 * self._random.choice((0.5, 2)))
        else:
            await asyncio.sleep(self._random.expovariate(1 / 0.004))
