"""A session's time: keeps it alive by pings, leaves a server that is silent, and notices when it is over.

1. The session is over `timeout_ms` after the sending of the last request that was answered, on this machine's clock,
   and so no later than for a server.
2. A server that was silent for two thirds of the timeout is left, so that there is time to resume the session
   elsewhere.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from zkeeper.client.connection import Connection
from zkeeper.wire import protocol
from zkeeper.wire.client_exchange import Exchange

MAX_PING_INTERVAL_S: Final = 10.0


class Vigil:
    """`lose` is called with the reason when the session is over."""

    def __init__(self, exchange: Exchange, lose: Callable[[str], object]) -> None:
        self._exchange = exchange
        self._lose = lose
        self._timeout_ms = 0
        self._loop: asyncio.AbstractEventLoop
        self._connection: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ping_sent_s: float | None = None

    def connected(self, connection: Connection, timeout_ms: int) -> None:
        """The session is there, or was resumed, by what this connection sent first."""
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._timeout_ms = timeout_ms
        self._exchange.touched_s = connection.began_s
        self._ping_sent_s = None
        self._look()

    def disconnected(self) -> None:
        """The session may live on."""
        self._connection = None

    def end(self) -> None:
        """There is no session to watch over."""
        self._connection = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pong(self) -> None:
        """A ping was answered."""
        if self._ping_sent_s is not None:
            self._exchange.touched_s = max(self._exchange.touched_s, self._ping_sent_s)
            self._ping_sent_s = None

    def _look(self) -> None:
        """Does what is due, and comes again when something else will be."""
        if self._timer is not None:
            self._timer.cancel()
        now_s, timeout_s = self._loop.time(), self._timeout_ms / 1000
        due_s = self._exchange.touched_s + timeout_s
        if now_s >= due_s:
            self.end()
            self._lose(f"nothing was answered for {self._timeout_ms} ms")
            return
        if self._connection is not None:
            due_s = min(due_s, self._care_for(self._connection, now_s, timeout_s))
        self._timer = self._loop.call_at(due_s, self._look)

    def _care_for(self, connection: Connection, now_s: float, timeout_s: float) -> float:
        """Returns when it is to be looked at again."""
        silent_at_s = connection.heard_s + timeout_s * 2 / 3
        if now_s >= silent_at_s:
            connection.abort(f"the server was silent for {self._timeout_ms * 2 // 3} ms")
            return now_s + timeout_s
        interval_s = min(timeout_s / 3, MAX_PING_INTERVAL_S)
        if now_s >= connection.sent_s + interval_s:
            connection.send_special(protocol.PING_XID, protocol.PING)
            self._ping_sent_s = connection.sent_s if self._ping_sent_s is None else self._ping_sent_s
        return min(silent_at_s, connection.sent_s + interval_s)
