"""One client connection to one server: bytes out, frames in, and the three ways in which frames stop coming."""

import socket
from collections.abc import Sequence

REPLY_TIMEOUT_S = 10.0
_RECEIVE_BYTES = 1 << 18
_MAX_FRAME_BYTES = 1 << 26


class Closed(Exception):
    """The server closed the connection (a FIN or a reset: which of the two is a matter of timing)."""


class Silent(Exception):
    """The server neither answered nor closed the connection in `REPLY_TIMEOUT_S`."""


class Connection:
    """A blocking socket with a buffer of frames not yet taken."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, REPLY_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()

    def send(self, data: bytes, cuts: Sequence[int] = ()) -> None:
        """Send bytes in pieces that end at `cuts`. What can not be sent shows itself when the replies are read."""
        start = 0
        try:
            for end in (*cuts, len(data)):
                self._socket.sendall(data[start:end])
                start = end
        except (ConnectionError, TimeoutError):
            return

    def frame(self) -> bytes:
        """The next frame's payload; raises `Closed` or `Silent`."""
        received = self._received
        while len(received) < 4:
            self._receive()
        end = 4 + int.from_bytes(received[:4], "big")
        if end > _MAX_FRAME_BYTES:
            raise Closed
        while len(received) < end:
            self._receive()
        payload = bytes(received[4:end])
        del received[:end]
        return payload

    def rest(self) -> bytes:
        """Every byte up to the close; raises `Silent`."""
        try:
            while True:
                self._receive()
        except Closed:
            return bytes(self._received)

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except TimeoutError:
            raise Silent from None
        except ConnectionError:
            raise Closed from None
        if not data:
            raise Closed
        self._received += data
