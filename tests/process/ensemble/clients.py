"""Clients that keep an ensemble busy and write down what they ask and are told, for `zkeeper.testing.history`.

1. A session goes on, at whichever member answers, until the servers say that it is over; then there is a new one.
2. Requests are pipelined. What has no reply when a connection ends has an unknown outcome.
3. An operation is invoked before its request is sent, and completed when its reply is read, in their order.
"""

import asyncio
import random
from typing import Any

from interop.servers import HOST
from simulation.codec import connect_request
from simulation.raw_client import NO_SESSION, Event, RawClient, Reply, SessionExpiredError, open_connection
from simulation.requests import (
    EPHEMERAL,
    CloseSession,
    Create,
    Delete,
    GetData,
    Multi,
    Request,
    SetData,
    Sync,
)
from zkeeper.testing.history import History, Operation, Seen, Step, create, delete, read, set_data

PATIENCE_S = 4.0
"""A connection that does not answer for so long is given up, as a client does whose server is cut off."""
CONNECT_AGAIN_S = 0.02
BURST = (1, 1, 2, 3, 5)
PAUSE_S = 0.02
TIMEOUTS_MS = (1_000, 3_000, 20_000)
COUNTER_MASK = (1 << 32) - 1
OF_THE_SESSION = frozenset({-112, -118})
"""Errors that say nothing of the tree: the session is over, or has moved."""
MULTI, ERROR, OF_ANOTHER_STEP = 14, -1, -2


class Client:
    """`run` ends some time after `leave`. Its sessions are named `NAME.1`, `NAME.2`, ... in the history."""

    def __init__(
        self, name: str, rng: random.Random, history: History, ports: list[int], root: str, is_sync_strong: bool
    ) -> None:
        self.name = name
        self.acknowledged = 0
        self.random = rng
        self.history = history
        self._ports = ports
        self._is_sync_strong = is_sync_strong
        self._paths = [f"{root}/{number}" for number in range(6)]
        self._ephemeral = f"{root}/e-{name}"
        self._timeout_ms = rng.choice(TIMEOUTS_MS)
        self._session = NO_SESSION
        self._count_sessions = 0
        self._last_zxid = 0
        self._next_xid = 1
        self._written = 0
        self._leaving = asyncio.Event()

    @property
    def session_name(self) -> str:
        return f"{self.name}.{self._count_sessions}"

    def leave(self) -> None:
        self._leaving.set()

    async def run(self) -> None:
        """Goes on through all faults, and closes its session in the end."""
        while not self._leaving.is_set():
            if link := await self._connect():
                while not self._leaving.is_set() and await link.round():
                    await asyncio.sleep(self.random.uniform(0, 2 * PAUSE_S))
                link.end()
        await self._close()

    async def _close(self) -> None:
        """Until a member has answered: so nothing of this session can happen after the judgement."""
        while self._session.session_id:
            if link := await self._connect():
                await link.close()
                link.end()

    async def _connect(self) -> "Link | None":
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._open()
        except SessionExpiredError:
            self.over()
        except (OSError, TimeoutError):
            await asyncio.sleep(CONNECT_AGAIN_S)
        return None

    async def _open(self) -> "Link":
        client = await open_connection(HOST, self._next_xid, self.random.choice(self._ports))
        before = self._session
        try:
            request = connect_request(self._timeout_ms, before.session_id, before.password, self._last_zxid)
            client.transport.write(request)
            self._session = await asyncio.shield(client.opened)
        except BaseException:
            client.abort()
            raise
        self._count_sessions += before is NO_SESSION
        return Link(self, client)

    def over(self) -> None:
        """A server says that the session is over. For the history its end stays open: a leader that is about to fail
        says so before the others have agreed, and then the session lives on until the next leader ends it."""
        self._session, self._last_zxid, self._next_xid = NO_SESSION, 0, 1

    def closed(self) -> None:
        self._session = NO_SESSION

    def note(self, client: RawClient) -> None:
        """What a connection leaves for the next one."""
        self._last_zxid = max(self._last_zxid, client.last_zxid)
        self._next_xid = client.next_xid

    # What it asks for.

    def draw(self) -> tuple[list[Step], list[Request], dict[str, bool]]:
        """Steps for the history, the requests that are sent for them, and how they are invoked."""
        path, luck = self.random.choice(self._paths), self.random.random()
        if luck < 0.25:
            return [read(path)], [Sync(path), GetData(path)], {"is_synced": self._is_sync_strong}
        if luck < 0.40:
            return [read(path)], [GetData(path, True)], {"is_watching": True}
        if luck < 0.48:
            return self._write_both(path, self.random.choice(self._paths))
        step, request = self._write(path, luck)
        return [step], [request], {}

    def _write(self, path: str, luck: float) -> tuple[Step, Request]:
        data = self._data()
        if luck < 0.78:
            version = self.random.choice((-1, -1, -1, self.random.randrange(5)))
            return set_data(path, data, version), SetData(path, data, version)
        if luck < 0.88:
            return create(path, data), Create(path, data)
        if luck < 0.94:
            return delete(path), Delete(path)
        return create(self._ephemeral, data, is_ephemeral=True), Create(self._ephemeral, data, EPHEMERAL)

    def _write_both(self, one: str, other: str) -> tuple[list[Step], list[Request], dict[str, bool]]:
        """A multi on two znodes; both are changed, or neither."""
        data = self._data()
        return [set_data(one, data), set_data(other, data)], [Multi((SetData(one, data), SetData(other, data)))], {}

    def _data(self) -> bytes:
        """No two writes have the same."""
        self._written += 1
        return f"{self.name}:{self._written}".encode()


class Link:
    """A connection of a client."""

    def __init__(self, owner: Client, client: RawClient) -> None:
        self._owner = owner
        self._client = client
        self._history = owner.history
        self._frames_told = 0
        client.keep_alive()

    async def round(self) -> bool:
        """A burst, and the replies to all of it. False when the connection is over, or is given up."""
        for _ in range(self._owner.random.choice(BURST)):
            if not self._client.is_open:
                return False
            last = self._post(*self._owner.draw())
        return await self._await(last)

    def _post(self, steps: list[Step], requests: list[Request], how: dict[str, bool]) -> asyncio.Future[None]:
        operation = self._history.invoke(self._owner.session_name, *steps, **how)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for request in requests[:-1]:
            self._client.post(request)
        self._client.post(requests[-1], lambda reply: self._answered(operation, reply, answered))
        return answered

    async def _await(self, answered: asyncio.Future[None]) -> bool:
        ends: list[asyncio.Future[Any]] = [answered, self._client.lost]
        await asyncio.wait(ends, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        return answered.done() and self._client.is_open

    def _answered(self, operation: Operation, reply: Reply, answered: asyncio.Future[None]) -> None:
        self._tell_events()
        code, step = refusal(reply)
        if code == 0:
            self._owner.acknowledged += operation.is_write
            self._history.ok(operation, *shown(reply), zxid=txn_zxid(reply))
        elif code in OF_THE_SESSION:
            self._history.failed(operation)
        else:
            self._history.failed(operation, code, step=step, zxid=txn_zxid(reply))
        if not answered.done():
            answered.set_result(None)

    def _tell_events(self) -> None:
        frames = self._client.frames
        for frame in frames[self._frames_told :]:
            if isinstance(frame, Event):
                self._history.event(self._owner.session_name, frame.path)
        self._frames_told = len(frames)

    async def close(self) -> None:
        """Asks for the end of the session."""
        call = self._history.close(self._owner.session_name)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def note(reply: Reply) -> None:
            self._history.ok(call, zxid=txn_zxid(reply))
            self._owner.closed()
            answered.set_result(None)

        self._client.post(CloseSession(), note)
        await self._await(answered)

    def end(self) -> None:
        """The connection is over, whoever ended it."""
        self._tell_events()
        self._client.abort()
        self._owner.note(self._client)
        self._history.disconnected(self._owner.session_name)


def txn_zxid(reply: Reply) -> int | None:
    """The zxid of an answer, if it is that of a transaction.

    A new leader begins with one that is none (its counter is 0). Who follows it may still tell the last one before it;
    the state is the same.
    """
    return reply.zxid if reply.zxid & COUNTER_MASK else None


def shown(reply: Reply) -> list[Seen | None]:
    """What an answer shows of each znode."""
    request = reply.sent.request
    if isinstance(request, GetData):
        data, stat = reply.value
        return [Seen(stat.version, data, stat.mzxid)]
    if isinstance(request, SetData):
        return [Seen(reply.value.version)]
    if isinstance(request, Multi):
        return [Seen(stat.version) for _, _, stat in reply.value]
    return []


def refusal(reply: Reply) -> tuple[int, int]:
    """The error of an answer, and the step that has it; (0, 0) if there is none.

    A multi that failed has a header without an error, and its own error at the step that failed.
    """
    if reply.code or not isinstance(reply.sent.request, Multi):
        return reply.code, 0
    codes = [code for kind, code, _ in reply.value if kind == ERROR]
    found = [(code, step) for step, code in enumerate(codes) if code not in (0, OF_ANOTHER_STEP)]
    return found[0] if found else (0, 0)
