"""A client that keeps the server busy, with bursts of requests and with sessions that are resumed, closed and expire.

1. It goes on whatever the server does, until it is told to leave; while the gate is closed it connects to nobody.
2. Whatever it sends and hears, the witness has.
"""

import asyncio
import random
from typing import Any

from interop.servers import HOST
from simulation.codec import connect_request
from simulation.history import Violation
from simulation.raw_client import NO_SESSION, RawClient, Reply, Sent, SessionExpiredError, open_connection
from simulation.requests import SEQUENTIAL, CloseSession, Create, Request

from .witness import Witness
from .workload import Workload

CONNECT_AGAIN_S = 0.01
PATIENCE_S = 20.0
"""After so long a server that lives, but does not answer, is broken."""
BURSTS = (1, 2, 5, 10, 20, 40)
SHORT_TIMEOUT_MS, LONG_TIMEOUT_MS = 400, 60_000


async def connect(port: int, witness: Witness, timeout_ms: int, like: RawClient | None = None) -> RawClient:
    """A new session, or that of `like` resumed. `OSError` when nobody listens, `SessionExpiredError`."""
    client = await open_connection(HOST, port=port)
    witness.clients.append(client)
    session, last_zxid = (like.session, like.last_zxid) if like is not None else (NO_SESSION, 0)
    client.next_xid = like.next_xid if like is not None else 1
    client.transport.write(connect_request(timeout_ms, session.session_id, session.password, last_zxid))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.shield(client.opened)
    except TimeoutError:
        raise Violation(f"a connect request was not answered in {PATIENCE_S} s") from None
    return client


class LoadClient:
    """`run` ends some time after `leave`."""

    def __init__(
        self, rng: random.Random, port: int, witness: Witness, workload: Workload, gate: asyncio.Event
    ) -> None:
        self._random = rng
        self._port = port
        self._witness = witness
        self._workload = workload
        self._gate = gate
        self._timeout_ms = rng.choice((SHORT_TIMEOUT_MS, LONG_TIMEOUT_MS))
        self._last: RawClient | None = None
        """The connection before, as long as its session may live."""
        self._is_leaving = False

    def leave(self) -> None:
        self._is_leaving = True

    async def run(self) -> None:
        while not self._is_leaving:
            await self._gate.wait()
            client = await self._connect()
            if client is None:
                await asyncio.sleep(CONNECT_AGAIN_S)
                continue
            self._last = client
            await self._drive(client)

    async def _connect(self) -> RawClient | None:
        try:
            return await connect(self._port, self._witness, self._timeout_ms, self._last)
        except SessionExpiredError:
            assert self._last is not None, "a new session was refused"
            self._witness.refused.append((self._last.session.session_id, asyncio.get_running_loop().time()))
            self._last = None
        except OSError:
            pass
        return None

    async def _drive(self, client: RawClient) -> None:
        """Keeps two bursts under way, until the connection ends."""
        before: Sent | None = None
        while not client.transport.is_closing() and not self._is_leaving:
            sent = self._burst(client)
            await _answered(client, before or sent)
            before = sent
            await self._interlude(client)
        if before is not None:
            await _answered(client, before)

    def _burst(self, client: RawClient) -> Sent:
        sent = [self._send(client, self._workload.draw()) for _ in range(self._random.choice(BURSTS))]
        return sent[-1]

    def _send(self, client: RawClient, request: Request) -> Sent:
        sent = client.post(request, self._note_made if _is_sequential(request) else None)
        self._witness.sent[sent.session_id, sent.xid] = sent
        return sent

    def _note_made(self, reply: Reply) -> None:
        if reply.code == 0:
            self._workload.note_made(reply.value if isinstance(reply.value, str) else reply.value[0])

    async def _interlude(self, client: RawClient) -> None:
        """Now and then something else than requests."""
        luck = self._random.random()
        if client.transport.is_closing():
            await client.lost
        elif luck < 0.005:
            self._send(client, CloseSession())
            self._last = None
            await client.lost
        elif luck < 0.010:
            self._last = None
            client.abort()
        elif luck < 0.020:
            client.abort()
        elif luck < 0.04 and self._timeout_ms == SHORT_TIMEOUT_MS:
            self._witness.counts["silences"] += 1
            await asyncio.wait([client.lost], timeout=2 * SHORT_TIMEOUT_MS / 1000)


def _is_sequential(request: Request) -> bool:
    return isinstance(request, Create) and bool(request.flags & SEQUENTIAL)


async def _answered(client: RawClient, sent: Sent) -> None:
    """Waits for the reply, or for the end of the connection."""
    if sent.reply is not None or not client.is_open:
        return
    answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    also = sent.on_reply

    def on_reply(reply: Reply) -> None:
        if also is not None:
            also(reply)
        if not answered.done():
            answered.set_result(reply)

    sent.on_reply = on_reply
    ends: list[asyncio.Future[Any]] = [answered, client.lost]
    done, _ = await asyncio.wait(ends, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    if not done:
        raise Violation(f"{sent} was not answered in {PATIENCE_S} s")
