"""A session: connects, resumes it elsewhere, declares it lost, opens the next one.

1. The session is declared LOST no later than a server can expire it (see `Vigil`), or when a server says so.
2. At most one connection is tried or open at a time. What was asked on one is never asked again on the next.
3. On a new connection auth comes first, then watches, then what waits.
4. After CLOSED or AUTH_FAILED nothing changes any more, no task runs, and every request is refused.
5. Listeners are told CONNECTED after the watches were sent, and LOST before what waits fails.
"""

import asyncio
import contextlib
import logging
from random import Random
from typing import TYPE_CHECKING, Any, Final

from zkeeper import arguments
from zkeeper.client.connection import Connection, open_connection
from zkeeper.client.credentials import Credentials
from zkeeper.client.forks import remember
from zkeeper.client.hosts import Host, HostList
from zkeeper.client.options import SessionOptions
from zkeeper.client.read_write_search import find_read_write
from zkeeper.client.restoring import restore
from zkeeper.client.states import CONNECTED, FINAL, StateTeller, report
from zkeeper.client.vigil import Vigil
from zkeeper.errors import (
    AuthFailedError,
    ClosedError,
    ConnectionLossError,
    DecodeError,
    ForkedError,
    MarshallingError,
    SessionExpiredError,
    UnimplementedError,
    ZooKeeperError,
)
from zkeeper.values import EventType, SessionState
from zkeeper.wire import protocol
from zkeeper.wire.client_exchange import AUTH_XID, SET_WATCHES_XID, Exchange
from zkeeper.wire.client_pending import RISKY
from zkeeper.wire.client_replies import NOTHING, Welcome
from zkeeper.wire.client_requests import NO_PASSWORD, auth_body, connect_frame

if TYPE_CHECKING:
    from collections.abc import Coroutine

CLOSE_PATIENCE_S: Final = 3.0
"""How long `close` waits for the server to confirm."""
PAUSES_IN_A_TIMEOUT: Final = 16
"""No pause before an attempt is longer than this part of the session timeout.

Else a session is lost for waiting: with a quarter, and a timeout of 2 s, one in 400 was after an election of 0.4 s."""
REFUSALS_OF_PERSISTENT_WATCHES: Final = (UnimplementedError.code, MarshallingError.code)
"""From servers before 3.6, and from those whose watch manager has one-shot watches only."""

FORKED: Final = "this client belongs to the parent process; make a new one after the fork"

logger = logging.getLogger("zkeeper.client")


class Session:
    """`start` opens it; `close` ends it, always."""

    def __init__(self, hosts: HostList, options: SessionOptions, credentials: Credentials, random: Random) -> None:
        self.hosts = hosts
        self.options = options
        self.random = random
        self.credentials = credentials
        self.states = StateTeller()
        self.exchange = Exchange(
            self._new_future, self._wake, self._watch_callback_failed, self._special, options.max_frame_bytes
        )
        self.outbox = self.exchange.outbox
        self.session_id = options.session_id
        self.password = options.password
        self.timeout_ms = options.session_timeout_ms
        self.server: Host | None = None
        self.last_failure = "no server was tried yet"
        self._last_error: Exception | None = None
        self.lacks_persistent_watches = False
        """Whether a server has refused one. Then one-shot watches take their place, for the life of the client."""
        self._loop: asyncio.AbstractEventLoop
        self._connection: Connection | None = None
        self._attempting: Connection | None = None
        self._main: asyncio.Task[None] | None = None
        self._search: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._vigil = Vigil(self.exchange, self._lose)
        self._is_provisional = False
        """Whether the session is one of a read-only server, which no other server knows."""

    @property
    def state(self) -> SessionState:
        return self.states.state

    # After a fork.

    def is_foreign(self) -> bool:
        """Whether it belongs to the process that this one was forked from."""
        return isinstance(self.outbox.refusal, ForkedError)

    def note_fork(self) -> None:
        """In the child: nothing of it happens here any more, and nobody is told."""
        self.outbox.refusal = ForkedError(FORKED)
        self.states.state = SessionState.CLOSED

    # Start and close.

    async def start(self, timeout_s: float | None) -> None:
        """Returns when there is a session. Raises `ConnectionLossError`, after which the session is closed."""
        if timeout_s is not None:
            arguments.checked_limit(timeout_s)
        if self.is_foreign():
            raise self._refusal_of(self.state)
        if self._main is None:
            self._begin()
        try:
            state = await self.states.wait_for((*CONNECTED, *FINAL), timeout_s)
        except TimeoutError:
            await self.close()
            raise ConnectionLossError(f"no session within {timeout_s} s: {self.last_failure}") from self._last_error
        except asyncio.CancelledError:
            await self.close()
            raise
        if state in FINAL:
            raise self._refusal_of(state)

    def _begin(self) -> None:
        if self.state in FINAL:
            raise ClosedError("the client was closed; make a new one")
        self._loop = asyncio.get_running_loop()
        remember(self)
        self.outbox.refusal = None
        self.outbox.is_asleep = False
        self._main = self._loop.create_task(self._run(), name="zkeeper session")
        self._main.add_done_callback(self._ended)

    def _ended(self, main: "asyncio.Task[None]") -> None:
        """Only a mistake of ours ends it by itself; then nobody is left waiting."""
        if not main.cancelled() and isinstance(error := main.exception(), Exception):
            report("the session's task failed", error)
            self._finish(SessionState.CLOSED)

    async def close(self) -> None:
        """Closes the session and returns when nothing of it is left. May be called often, from anywhere."""
        if self.is_foreign():
            return
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(), name="zkeeper close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self.state not in FINAL and self.state in CONNECTED:
            with contextlib.suppress(ZooKeeperError, TimeoutError):
                closed = self.outbox.request(protocol.CLOSE_SESSION, NOTHING, RISKY, 0, None, b"")
                self.outbox.refusal = ClosedError("the client is closing")
                async with asyncio.timeout(min(CLOSE_PATIENCE_S, self.timeout_ms / 1000)):
                    await closed
        self._finish(SessionState.CLOSED)
        for task in (self._main, self._search, *self._errands):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    def _finish(self, state: SessionState) -> None:
        """Invariant 4."""
        if self.state in FINAL:
            return
        refusal = self.outbox.refusal = self._refusal_of(state)
        self._vigil.end()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort(str(refusal))
        self.server = None
        self.states.change(state)
        self.exchange.connection_lost(str(refusal))
        self.outbox.fail_waiting(refusal)
        self.credentials.fail(refusal)
        self._tell_one_shots()
        if self._main is not None:
            self._main.cancel()

    def _refusal_of(self, state: SessionState) -> ZooKeeperError:
        if self.is_foreign():
            return ForkedError(FORKED)
        if state is SessionState.AUTH_FAILED:
            return AuthFailedError("a server refused the credentials")
        return ClosedError("the client is closed")

    # Connecting.

    async def _run(self) -> None:
        while True:
            host, delay_ms = self.hosts.next(self.timeout_ms // PAUSES_IN_A_TIMEOUT)
            if delay_ms:
                await asyncio.sleep(delay_ms / 1000)
            await self._attempt(host)

    async def _attempt(self, host: Host) -> None:
        """One connection, from its beginning to its end."""
        options = self.options
        request = connect_frame(
            self.exchange.last_zxid, options.session_timeout_ms, self.session_id, self.password, options.read_only
        )
        connection = self._attempting = Connection(self.exchange, request)
        try:
            async with asyncio.timeout(self._connect_timeout_s()):
                await open_connection(host, connection, self.random, options.ssl)
                welcome = await connection.welcome
            self._welcomed(host, connection, welcome)
            reason = await connection.ended
            if self._connection is connection:
                self._disconnected(reason)
        except (OSError, TimeoutError, UnicodeError, DecodeError) as error:
            where = host if options.ssl is None else f"{host} with TLS"
            self.last_failure, self._last_error = f"{where}: {str(error) or 'no answer in time'}", error
            logger.debug("no session with %s", self.last_failure)
        finally:
            self._attempting = None
            connection.abort("the attempt is over")

    def _connect_timeout_s(self) -> float:
        timeout_ms = self.options.connect_timeout_ms
        return (self.timeout_ms / len(self.hosts) if timeout_ms is None else timeout_ms) / 1000

    def _welcomed(self, host: Host, connection: Connection, welcome: Welcome) -> None:
        if welcome.timeout_ms <= 0:
            if self.session_id == 0:
                raise ConnectionError("it refused a new session")
            self._lose("a server said so")
            raise ConnectionError("the session is over")
        if self._loop.time() >= connection.began_s + welcome.timeout_ms / 1000:
            if self.session_id != 0:
                self._lose(f"nothing was answered for {welcome.timeout_ms} ms")
            raise ConnectionError("its answer came so late that the session may be over")
        self.timeout_ms = welcome.timeout_ms
        self._is_provisional = welcome.read_only and self.session_id == 0
        self.session_id, self.password = welcome.session_id, welcome.password
        self.server, self._connection = host, connection
        self.hosts.connected()
        connection.open()
        restore(connection, self.exchange, self.credentials, self.lacks_persistent_watches)
        self._vigil.connected(connection, self.timeout_ms)
        logger.info("session 0x%x with %s, timeout %d ms", self.session_id, host, self.timeout_ms)
        if welcome.read_only:
            self._search = self._loop.create_task(self._leave_read_only(host), name="zkeeper search")
        self.states.change(SessionState.CONNECTED_READ_ONLY if welcome.read_only else SessionState.CONNECTED)
        connection.flush()

    def _disconnected(self, reason: str) -> None:
        self._connection = None
        self.server = None
        self._vigil.disconnected()
        self.outbox.is_asleep = False
        self.last_failure, self._last_error = reason, None
        if self._is_provisional:
            self._forget_session()
        if self._search is not None:
            self._search.cancel()
            self._search = None
        logger.info("session 0x%x: %s", self.session_id, reason)
        if self.state in CONNECTED:
            self.states.change(SessionState.SUSPENDED)
        self.exchange.connection_lost(reason)

    # Losing.

    def _lose(self, reason: str) -> None:
        """The session is over; the next connection asks for a new one."""
        logger.warning("session 0x%x is lost: %s", self.session_id, reason)
        self._forget_session()
        self.timeout_ms = self.options.session_timeout_ms
        if self._attempting is not None:  # It may be about to resume what is lost.
            self._attempting.abort(reason)
        if self._connection is not None:
            self._disconnected(reason)
        self.states.change(SessionState.LOST)
        error = SessionExpiredError(f"the session is lost: {reason}")
        error.is_repeatable = True
        self.outbox.fail_waiting(error)
        self._tell_one_shots()

    def _forget_session(self) -> None:
        self.session_id, self.password = 0, NO_PASSWORD
        self._vigil.end()

    def _tell_one_shots(self) -> None:
        for path, watcher in self.exchange.watches.take_one_shots():
            self.exchange.tell(watcher, EventType.NONE, path)

    # Called by the exchange.

    def _new_future(self) -> "asyncio.Future[Any]":
        return self._loop.create_future()

    def _wake(self) -> None:
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._connection is not None:
            self._connection.flush()

    def _watch_callback_failed(self, error: Exception) -> None:
        report("exception in a callback of a watch", error)

    def _special(self, xid: int, code: int) -> None:
        if xid == protocol.PING_XID:
            self._vigil.pong()
        elif xid == AUTH_XID:
            self._authenticated(code)
        elif xid == SET_WATCHES_XID and code and self._connection is not None:
            self.lacks_persistent_watches |= code in REFUSALS_OF_PERSISTENT_WATCHES
            self._connection.abort(f"the server did not set the watches again: error {code}")

    def _authenticated(self, code: int) -> None:
        if code:
            self._finish(SessionState.AUTH_FAILED)
        else:
            self.credentials.confirmed()

    # For the client.

    def check_not_over(self) -> None:
        """Raises what operations do once there will be no session any more, for what sends nothing yet."""
        if self.state in FINAL:
            raise self._refusal_of(self.state)

    def begin(self, errand: "Coroutine[Any, Any, None]") -> None:
        """Work that goes on without the one who began it, until it is done or the client is closed."""
        task = asyncio.get_running_loop().create_task(errand, name="zkeeper errand")
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def add_auth(self, scheme: str, credential: bytes | None) -> "asyncio.Future[None]":
        if self.outbox.refusal is not None:
            raise self._refusal_of(self.state) if self.state in FINAL else self.outbox.refusal
        future: asyncio.Future[None] = self._loop.create_future()
        self.credentials.add(scheme, credential, self._connection is not None, future)
        if self._connection is not None:
            self._connection.send_special(AUTH_XID, protocol.AUTH, auth_body(scheme, credential))
        return future

    def update_hosts(self, hosts: list[Host]) -> None:
        if self.is_foreign():
            raise self._refusal_of(self.state)
        if self.hosts.update(hosts, self.server) and self._connection is not None:
            self._connection.abort("its server is left for one of the new list")

    async def _leave_read_only(self, current: Host) -> None:
        """Moves to a server that can write as soon as there is one."""
        found = await find_read_write(self.hosts.hosts(), current, self.options.ssl)
        self.hosts.prefer(found)
        if self._connection is not None:
            self._connection.abort("a server that can write was found")
