"""One end of a simulated connection, as asyncio's protocols know it.

Invariants:
1. `connection_made` comes first, `connection_lost` last and once, each from the loop and not from inside a call.
2. Protocol methods run in the context in which the connection was made, so as the machine that made it.
3. Nothing is delivered while reading is paused, after the end of the stream, or after `close`.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, cast

from .errors import Killed
from .life import Life
from .pipe import Pipe

if TYPE_CHECKING:
    from .network import Network
    from .server import SimulatedServer

HIGH_WATER_BYTES = 64 * 1024

Address = tuple[str, int]


class SimulatedTransport(asyncio.Transport):
    """Made without a protocol; `begin` gives it one and opens it for reading."""

    outgoing: Pipe
    incoming: Pipe

    def __init__(self, network: "Network", life: Life, context: Context, sockname: Address, peername: Address) -> None:
        super().__init__({"sockname": sockname, "peername": peername})
        self.life = life
        self._network = network
        self._loop = network.loop
        self._context = context
        self._protocol: asyncio.BaseProtocol | None = None
        self._server: SimulatedServer | None = None
        self._buffer = bytearray()
        self._high_bytes, self._low_bytes = HIGH_WATER_BYTES, HIGH_WATER_BYTES // 4
        self._is_begun = self._is_paused = self._is_end_received = self._is_end_sent = False
        self._is_protocol_paused = self._is_closing = self._is_lost = self._is_closed = False
        life.transports[self] = None

    def begin(self, protocol: asyncio.BaseProtocol, server: "SimulatedServer | None" = None) -> None:
        self._protocol = protocol
        self._server = server
        self._loop.call_soon(protocol.connection_made, self, context=self._context)
        self._loop.call_soon(self._begin_reading, context=self._context)

    def _begin_reading(self) -> None:
        self._is_begun = True
        self.incoming.wake()

    # Reading.

    def can_receive(self) -> bool:
        is_stopped = self._is_paused or self.life.is_paused
        return self._is_begun and not (is_stopped or self._is_closing or self._is_end_received)

    def is_reading(self) -> bool:
        return not self._is_closing and not self._is_paused

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        if self.can_receive():
            self.incoming.wake()

    def go_on(self) -> None:
        """The machine is not paused any more."""
        if self.can_receive():
            self.incoming.wake()
        self.flush()

    def receive(self, data: bytes) -> None:
        """Hands what has arrived to the protocol."""
        protocol = self._protocol
        if isinstance(protocol, asyncio.BufferedProtocol):
            self._call(_fill, protocol, data)
        else:
            self._call(cast(asyncio.Protocol, protocol).data_received, data)

    def receive_end(self) -> None:
        """The peer sends no more: the protocol says whether to stay open for writing."""
        self._is_end_received = True
        stays_open = self._call(cast(asyncio.Protocol, self._protocol).eof_received)
        if not stays_open:
            self.close()

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self._context.run(method, *arguments)
        except (Killed, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._fail(error)
            return None

    def _fail(self, error: BaseException) -> None:
        message = "exception in a protocol"
        details = {"message": message, "exception": error, "transport": self, "protocol": self._protocol}
        self._context.run(self._loop.call_exception_handler, details)
        self.lose(error if isinstance(error, Exception) else None)

    # Writing.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes-like, not {type(data).__name__}")
        if self._is_end_sent:
            raise RuntimeError("cannot write after write_eof")
        if not data or self._is_closing or not self.life.is_alive:
            return
        if not self._buffer and self.outgoing.room_bytes() >= len(data):
            self.outgoing.send(bytes(data))
            return
        self._buffer += data
        self._send_buffered()
        self._maybe_pause_protocol()

    def write_eof(self) -> None:
        if self._is_closing or self._is_end_sent or not self.life.is_alive:
            return
        self._is_end_sent = True
        if not self._buffer:
            self.outgoing.finish()

    def can_write_eof(self) -> bool:
        return True

    def flush(self) -> None:
        """The network took what was on its way: sends more of the buffer."""
        if not self._buffer or not self.life.is_alive or self.life.is_paused:
            return
        self._send_buffered()
        self._maybe_resume_protocol()
        if self._buffer:
            return
        if self._is_closing:
            self._schedule_lost(None)
        elif self._is_end_sent:
            self.outgoing.finish()

    def _send_buffered(self) -> None:
        room_bytes = self.outgoing.room_bytes()
        if room_bytes > 0:
            self.outgoing.send(bytes(self._buffer[:room_bytes]))
            del self._buffer[:room_bytes]

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low_bytes, self._high_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = HIGH_WATER_BYTES if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be >= low ({low}) must be >= 0")
        self._high_bytes, self._low_bytes = high, low
        self._maybe_pause_protocol()

    def _maybe_pause_protocol(self) -> None:
        if len(self._buffer) > self._high_bytes and not self._is_protocol_paused and self._protocol is not None:
            self._is_protocol_paused = True
            self._protocol.pause_writing()

    def _maybe_resume_protocol(self) -> None:
        if len(self._buffer) <= self._low_bytes and self._is_protocol_paused and self._protocol is not None:
            self._is_protocol_paused = False
            self._call(self._protocol.resume_writing)

    # Ending.

    def is_closing(self) -> bool:
        return self._is_closing

    def is_closed(self) -> bool:
        """Whether nobody is at this end any more: then data that arrives is answered with a reset."""
        return self._is_closed

    def close(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        if not self._buffer:
            self._schedule_lost(None)

    def abort(self) -> None:
        self.lose(None)

    def lose(self, error: Exception | None) -> None:
        """Ends the connection now; what is buffered is dropped."""
        self._buffer.clear()
        self._is_closing = True
        self._schedule_lost(error)

    def vanish(self, is_silent: bool) -> None:
        """The machine died. Its peers see an end or a reset, or nothing at all."""
        self._is_closing = True
        if not is_silent:
            self._close_socket(is_reset=self._network.random.random() < 0.5)
        self._is_closed = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return cast(asyncio.BaseProtocol, self._protocol)

    def _schedule_lost(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._loop.call_soon(self._end, error, context=self._context)

    def _end(self, error: Exception | None) -> None:
        try:
            if self._protocol is not None:
                self._protocol.connection_lost(error)
        finally:
            self._protocol = None  # As asyncio does: a connection that is over keeps nothing alive.
            # As with real sockets, closing with unread data resets the connection.
            self._close_socket(is_reset=error is not None or self.incoming.has_unread())
            self.life.transports.pop(self, None)
            if self._server is not None:
                self._server.detach(self)

    def _close_socket(self, is_reset: bool) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if is_reset:
            self.outgoing.reset()
        else:
            self.outgoing.finish()


def _fill(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    view = memoryview(data)
    while view:
        buffer = memoryview(protocol.get_buffer(len(view)))
        if not buffer:
            raise RuntimeError("get_buffer() returned an empty buffer")
        size_bytes = min(len(buffer), len(view))
        buffer[:size_bytes] = view[:size_bytes]
        protocol.buffer_updated(size_bytes)
        view = view[size_bytes:]
