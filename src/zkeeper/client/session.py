"""A session: connects, keeps it alive, resumes it elsewhere, declares it lost, opens the next one.

1. The session is declared LOST no later than a server can expire it: `timeout_ms` after the sending of the last
   request that was answered, on this machine's clock; or when a server says so.
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

from zkeeper.client.connection import Connection, open_connection
from zkeeper.client.credentials import Credentials
from zkeeper.client.hosts import Host, HostList
from zkeeper.client.read_write_search import find_read_write
from zkeeper.client.states import CONNECTED, FINAL, StateTeller, report
from zkeeper.errors import (
    AuthFailedError,
    ClosedError,
    ConnectionLossError,
    DecodeError,
    MarshallingError,
    SessionExpiredError,
    UnimplementedError,
    ZooKeeperError,
)
from zkeeper.values import EventType, SessionState
from zkeeper.wire import protocol
from zkeeper.wire.client_exchange import AUTH_XID, RISKY, SET_WATCHES_XID, Exchange
from zkeeper.wire.client_replies import NOTHING, Welcome
from zkeeper.wire.client_requests import NO_PASSWORD, auth_body, connect_frame, set_watches_bodies
from zkeeper.wire.client_watches import PERSISTENT

if TYPE_CHECKING:
    from ssl import SSLContext

MAX_PING_INTERVAL_S: Final = 10.0
CLOSE_PATIENCE_S: Final = 3.0
"""How long `close` waits for the server to confirm."""
REFUSALS_OF_PERSISTENT_WATCHES: Final = (UnimplementedError.code, MarshallingError.code)
"""From servers before 3.6, and from those whose watch manager has one-shot watches only."""

logger = logging.getLogger("zkeeper.client")


class SessionOptions:
    """What a session is opened with; `connect` documents the fields."""

    def __init__(
        self, *, session_timeout_ms: int, read_only: bool, ssl: "SSLContext | None", connect_timeout_ms: int | None,
        session: tuple[int, bytes] | None, max_frame_bytes: int,
    ) -> None:  # fmt: skip
        self.session_timeout_ms = session_timeout_ms
        self.read_only = read_only
        self.ssl = ssl
        self.connect_timeout_ms = connect_timeout_ms
        self.session_id, self.password = session if session is not None else (0, NO_PASSWORD)
        self.max_frame_bytes = max_frame_bytes


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
        self.session_id = options.session_id
        self.password = options.password
        self.timeout_ms = options.session_timeout_ms
        self.server: Host | None = None
        self.last_failure = "no server was tried yet"
        self.lacks_persistent_watches = False
        """Whether a server has refused one. Then one-shot watches take their place, for the life of the client."""
        self._loop: asyncio.AbstractEventLoop
        self._connection: Connection | None = None
        self._attempting: Connection | None = None
        self._main: asyncio.Task[None] | None = None
        self._search: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ping_sent_s: float | None = None
        self._is_provisional = False
        """Whether the session is one of a read-only server, which no other server knows."""

    @property
    def state(self) -> SessionState:
        return self.states.state

    # Start and close.

    async def start(self, timeout_s: float | None) -> None:
        """Returns when there is a session. Raises `ConnectionLossError`, after which the session is closed."""
        if self._main is None:
            self._begin()
        try:
            state = await self.states.wait_for((*CONNECTED, *FINAL), timeout_s)
        except TimeoutError:
            await self.close()
            raise ConnectionLossError(f"no session within {timeout_s} s: {self.last_failure}") from None
        except asyncio.CancelledError:
            await self.close()
            raise
        if state in FINAL:
            raise self._refusal_of(state)

    def _begin(self) -> None:
        if self.state in FINAL:
            raise ClosedError("the client was closed; make a new one")
        self._loop = asyncio.get_running_loop()
        self.exchange.refusal = None
        self.exchange.is_asleep = False
        self._main = self._loop.create_task(self._run(), name="zkeeper session")
        self._main.add_done_callback(self._ended)

    def _ended(self, main: "asyncio.Task[None]") -> None:
        """Only a mistake of ours ends it by itself; then nobody is left waiting."""
        if not main.cancelled() and isinstance(error := main.exception(), Exception):
            report("the session's task failed", error)
            self._finish(SessionState.CLOSED)

    async def close(self) -> None:
        """Closes the session and returns when nothing of it is left. May be called often, from anywhere."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(), name="zkeeper close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self.state not in FINAL and self.state in CONNECTED:
            with contextlib.suppress(ZooKeeperError, TimeoutError):
                closed = self.exchange.request(protocol.CLOSE_SESSION, NOTHING, RISKY, 0, None, b"")
                self.exchange.refusal = ClosedError("the client is closing")
                async with asyncio.timeout(min(CLOSE_PATIENCE_S, self.timeout_ms / 1000)):
                    await closed
        self._finish(SessionState.CLOSED)
        for task in (self._main, self._search):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    def _finish(self, state: SessionState) -> None:
        """Invariant 4."""
        if self.state in FINAL:
            return
        refusal = self.exchange.refusal = self._refusal_of(state)
        if self._timer is not None:
            self._timer.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort(str(refusal))
        self.server = None
        self.states.change(state)
        self.exchange.connection_lost(str(refusal))
        self.exchange.fail_waiting(refusal)
        self.credentials.fail(refusal)
        self._tell_one_shots()
        if self._main is not None:
            self._main.cancel()

    def _refusal_of(self, state: SessionState) -> ZooKeeperError:
        if state is SessionState.AUTH_FAILED:
            return AuthFailedError("a server refused the credentials")
        return ClosedError("the client is closed")

    # Connecting.

    async def _run(self) -> None:
        while True:
            host, delay_ms = self.hosts.next(self.timeout_ms // 4)
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
            self.last_failure = f"{host}: {str(error) or 'no answer in time'}"
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
        self.timeout_ms = welcome.timeout_ms
        self._is_provisional = welcome.read_only and self.session_id == 0
        self.session_id, self.password = welcome.session_id, welcome.password
        self.server, self._connection = host, connection
        self.exchange.touched_s = connection.began_s
        self._ping_sent_s = None
        self.hosts.connected()
        connection.open()
        self._restore(connection)
        self._watch_time()
        logger.info("session 0x%x with %s, timeout %d ms", self.session_id, host, self.timeout_ms)
        if welcome.read_only:
            self._search = self._loop.create_task(self._leave_read_only(host), name="zkeeper search")
        self.states.change(SessionState.CONNECTED_READ_ONLY if welcome.read_only else SessionState.CONNECTED)
        connection.flush()

    def _restore(self, connection: Connection) -> None:
        """Invariant 3."""
        for scheme, credential in self.credentials.send_all():
            connection.send_special(AUTH_XID, protocol.AUTH, auth_body(scheme, credential))
        watched = self.exchange.watches.paths()
        if self.lacks_persistent_watches:
            watched = watched[:PERSISTENT]
        for op, body in set_watches_bodies(self.exchange.last_zxid, watched):
            connection.send_special(SET_WATCHES_XID, op, body)
        for path, watcher in () if self.lacks_persistent_watches else self.exchange.watches.persistent():
            self.exchange.tell(watcher, EventType.NONE, path)

    def _disconnected(self, reason: str) -> None:
        self._connection = None
        self.server = None
        self.exchange.is_asleep = False
        self.last_failure = reason
        if self._is_provisional:
            self.session_id, self.password = 0, NO_PASSWORD
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
        self.session_id, self.password = 0, NO_PASSWORD
        self.timeout_ms = self.options.session_timeout_ms
        if self._attempting is not None:  # It may be about to resume what is lost.
            self._attempting.abort(reason)
        if self._connection is not None:
            self._disconnected(reason)
        self.states.change(SessionState.LOST)
        error = SessionExpiredError(f"the session is lost: {reason}")
        error.is_repeatable = True
        self.exchange.fail_waiting(error)
        self._tell_one_shots()

    def _tell_one_shots(self) -> None:
        for path, watcher in self.exchange.watches.take_one_shots():
            self.exchange.tell(watcher, EventType.NONE, path)

    # Time.

    def _watch_time(self) -> None:
        """Pings, gives up a silent connection, and declares the session lost; comes again when one of these is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.session_id == 0:
            return
        now_s, timeout_s = self._loop.time(), self.timeout_ms / 1000
        lost_at_s = self.exchange.touched_s + timeout_s
        if now_s >= lost_at_s:
            self._lose(f"nothing was answered for {self.timeout_ms} ms")
            return
        due_s = lost_at_s
        connection = self._connection
        if connection is not None:
            due_s = min(due_s, self._care_for(connection, now_s, timeout_s))
        self._timer = self._loop.call_at(due_s, self._watch_time)

    def _care_for(self, connection: Connection, now_s: float, timeout_s: float) -> float:
        """Returns when it is to be looked at again."""
        silent_at_s = connection.heard_s + timeout_s * 2 / 3
        if now_s >= silent_at_s:
            connection.abort(f"the server was silent for {self.timeout_ms * 2 // 3} ms")
            return now_s + timeout_s
        interval_s = min(timeout_s / 3, MAX_PING_INTERVAL_S)
        if now_s >= connection.sent_s + interval_s:
            connection.send_special(protocol.PING_XID, protocol.PING)
            self._ping_sent_s = connection.sent_s if self._ping_sent_s is None else self._ping_sent_s
        return min(silent_at_s, connection.sent_s + interval_s)

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
        if xid == protocol.PING_XID and self._ping_sent_s is not None:
            self.exchange.touched_s = max(self.exchange.touched_s, self._ping_sent_s)
            self._ping_sent_s = None
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

    def add_auth(self, scheme: str, credential: bytes) -> "asyncio.Future[None]":
        if self.exchange.refusal is not None:
            raise self._refusal_of(self.state) if self.state in FINAL else self.exchange.refusal
        future: asyncio.Future[None] = self._loop.create_future()
        self.credentials.add(scheme, credential, self._connection is not None, future)
        if self._connection is not None:
            self._connection.send_special(AUTH_XID, protocol.AUTH, auth_body(scheme, credential))
        return future

    def update_hosts(self, hosts: list[Host]) -> None:
        if self.hosts.update(hosts, self.server) and self._connection is not None:
            self._connection.abort("its server is left for one of the new list")

    async def _leave_read_only(self, current: Host) -> None:
        """Moves to a server that can write as soon as there is one."""
        found = await find_read_write(self.hosts.hosts(), current, self.options.ssl)
        self.hosts.prefer(found)
        if self._connection is not None:
            self._connection.abort("a server that can write was found")
