"""One accepted connection: the socket of a link.

What a client does not read is kept up to `MAX_UNREAD_BYTES`, then its connection is dropped; before that, from its
high-water mark on, its requests wait. What all clients leave unread has a limit as well (`UnreadReplies`).
"""

import asyncio
import socket
from typing import TYPE_CHECKING, Final, cast

from zkeeper.pipeline.link import ClientLink
from zkeeper.server.unread import high_water_bytes
from zkeeper.wire.addresses import canonical_address

if TYPE_CHECKING:
    from zkeeper.server.client_port import ClientPort

MAX_UNREAD_BYTES: Final = 1 << 26
CLOSE_PATIENCE_S: Final = 5.0


class ClientConnection(asyncio.Protocol):
    """One accepted connection; it is the `Outlet` of its link."""

    def __init__(self, port: "ClientPort") -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self.link: ClientLink | None = None
        self.host = ""
        self._is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peername = transport.get_extra_info("peername")
        if peername is None:  # It was gone before it was accepted.
            self._transport.abort()
            return
        self.host = str(peername[0])
        if not self._port.admit(self):
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high_water_bytes(self._port.open_count()))
        _keep_alive(self._transport, self._port.tcp_keep_alive)
        address = canonical_address(self.host)
        self.link = ClientLink(self._port.service, self, address, f"{address.decode()}:{peername[1]}")

    def data_received(self, data: bytes) -> None:
        if self.link is not None:
            self.link.receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        link = self.link
        if link is not None:
            self.link = None  # It knows this connection as its outlet: both are freed now.
            link.lost()
            self._port.forget(self)

    # Behind.

    def pause_writing(self) -> None:
        self._is_full = True
        self._port.unread.add(self)
        if self.link is not None:
            self.link.stalled()

    def resume_writing(self) -> None:
        self._is_full = False
        self._port.unread.discard(self)
        if self.link is not None:
            self.link.drained()

    def unread_bytes(self) -> int:
        transport = self._transport
        return 0 if transport is None or transport.is_closing() else transport.get_write_buffer_size()

    def drop(self, reason: str) -> None:
        if self._transport is not None:
            self._port.tell(f"connection from {self.host} dropped: {reason}")
            self._transport.abort()

    # Outlet.

    def send(self, data: bytes) -> bool:
        transport = self._transport
        assert transport is not None
        transport.write(data)
        if not self._is_full:
            return True
        self._port.unread.grew()
        if self.unread_bytes() > MAX_UNREAD_BYTES:
            self.drop(f"it left {MAX_UNREAD_BYTES} bytes unread")
        return False

    def pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """A client that does not read is waited for `CLOSE_PATIENCE_S`, and not at all when it is far behind."""
        transport = self._transport
        if transport is None:
            return
        if self._is_full:
            transport.abort()
            return
        transport.close()
        if transport.get_write_buffer_size() > 0:
            asyncio.get_running_loop().call_later(CLOSE_PATIENCE_S, transport.abort)


def _keep_alive(transport: asyncio.Transport, wanted: bool) -> None:
    connection = transport.get_extra_info("socket")
    if wanted and connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
