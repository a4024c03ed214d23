"""Faults of the network, put between a server and the loop that it runs on.

The server is the production server and knows nothing of this: a `FaultyLoop` hands it faulty transports. What arrives
takes no detour, and what is sent takes one only while there is a delay.

1. The order of what a connection sends, with its end, is kept whatever happens to the delay.
2. A connection that is dropped is dropped at once: what was delayed is lost with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast
from weakref import WeakSet

from zkeeper.testing.place import listener


class Faults:
    """What happens to the connections of one server; its methods are called on the server's loop.

    `delay_ms` is how long everything that the server sends is kept back.
    """

    def __init__(self) -> None:
        self.delay_ms: float = 0
        self.transports: WeakSet[FaultyTransport] = WeakSet()
        self.listeners: list[asyncio.AbstractServer] = []

    def drop(self, protocol: object = None) -> int:
        """Breaks the connection of `protocol`, or all of them; how many that were."""
        live = [one for one in list(self.transports) if not one.real.is_closing()]
        chosen = [one for one in live if protocol is None or one.get_protocol() is protocol]
        for transport in chosen:
            transport.abort()
        return len(chosen)

    def stop_listening(self) -> None:
        for server in self.listeners:
            server.close()
        self.listeners.clear()


class FaultyTransport(asyncio.Transport):
    """The transport that a server sees; `real` is the loop's."""

    def __init__(self, real: asyncio.Transport, faults: Faults) -> None:
        super().__init__()
        self.real = real
        self._faults = faults
        self._late: deque[tuple[float, bytes | None]] = deque()
        self._late_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_ending = False
        faults.transports.add(self)

    # Sending.

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if self._late or self._faults.delay_ms > 0:
            self._send_later(bytes(data))
        else:
            self.real.write(data)

    def close(self) -> None:
        if self._late:
            self._is_ending = True
            self._send_later(None)
        else:
            self.real.close()

    def abort(self) -> None:
        self._forget()
        self.real.abort()

    def _send_later(self, data: bytes | None) -> None:
        """None stands for the end of the connection."""
        due_s = asyncio.get_running_loop().time() + self._faults.delay_ms / 1000
        self._late.append((due_s, data))
        self._late_bytes += len(data or b"")
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is None and self._late:
            self._timer = asyncio.get_running_loop().call_at(self._late[0][0], self._send_due)

    def _send_due(self) -> None:
        self._timer = None
        if self.real.is_closing():
            self._forget()
        now_s = asyncio.get_running_loop().time()
        while self._late and self._late[0][0] <= now_s:
            _, data = self._late.popleft()
            if data is None:
                self.real.close()
            else:
                self._late_bytes -= len(data)
                self.real.write(data)
        self._set_timer()

    def _forget(self) -> None:
        self._late.clear()
        self._late_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # All else is the real transport's.

    def is_closing(self) -> bool:
        return self._is_ending or self.real.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._late_bytes + self.real.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.real.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.real.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.real.set_protocol(protocol)

    def is_reading(self) -> bool:
        return self.real.is_reading()

    def pause_reading(self) -> None:
        self.real.pause_reading()

    def resume_reading(self) -> None:
        self.real.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.real.set_write_buffer_limits(high, low)


class _Introduction(asyncio.Protocol):
    """Shows the server's protocol a faulty transport, and steps aside."""

    def __init__(self, protocol: asyncio.BaseProtocol, faults: Faults) -> None:
        self._protocol = protocol
        self._faults = faults

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        real = cast(asyncio.Transport, transport)
        real.set_protocol(self._protocol)
        self._protocol.connection_made(FaultyTransport(real, self._faults))


class FaultyLoop(asyncio.AbstractEventLoop):
    """Mixed into a loop: the connections of its servers go through `faults`."""

    faults: Faults

    async def create_server(  # type: ignore[override]  # of its ways only those that servers go
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str | list[str], port: int, *,
        backlog: int = 100,
    ) -> asyncio.Server:  # fmt: skip
        def introduce() -> _Introduction:
            return _Introduction(protocol_factory(), self.faults)

        # The loop that this class is mixed into has the method; the abstract one is never reached.
        listening = listener(host if isinstance(host, str) else host[0], port, backlog)
        server = await super().create_server(introduce, sock=listening, backlog=backlog)
        self.faults.listeners.append(server)
        return server


def new_loop(faults: Faults) -> asyncio.AbstractEventLoop:
    """An event loop, uvloop's where that is installed, with `faults`."""
    loop = _loop_type()()
    loop.faults = faults
    return loop


def _loop_type() -> type[FaultyLoop]:
    base: type[asyncio.AbstractEventLoop]
    try:
        import uvloop
    except ImportError:
        base = asyncio.SelectorEventLoop
    else:
        base = uvloop.Loop
    return cast("type[FaultyLoop]", type(f"Faulty{base.__name__}", (FaultyLoop, base), {}))
