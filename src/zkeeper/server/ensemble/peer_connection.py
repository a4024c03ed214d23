"""One connection of the election port, from either side (quorum, section 3).

1. Whoever opened it sends an introduction first; then both sides send frames.
2. One who does not introduce itself in time, or sends what cannot be meant, is cut off.
3. What a peer does not read is not piled up: while the transport is full, `is_full`, nothing is sent.
"""

import asyncio
from typing import Final, Protocol, cast

from zkeeper.errors import DecodeError
from zkeeper.wire.notifications import Introduction, NotificationInbox, encode_frame

HIGH_WATER_BYTES: Final = 1 << 16


class Keeper(Protocol):
    """Who has the connections: `PeerConnections`."""

    def opened(self, connection: "PeerConnection") -> None:
        """Somebody has connected to this server."""

    def introduced(self, connection: "PeerConnection", introduction: Introduction) -> None:
        """Somebody has said who it is; the connection is kept or closed upon it."""

    def received(self, connection: "PeerConnection", payload: bytes) -> None:
        """A message has come on a connection that was kept."""

    def drained(self, connection: "PeerConnection") -> None:
        """The peer reads again."""

    def misbehaved(self, connection: "PeerConnection", reason: str) -> None:
        """It is about to be cut off for what it sent."""

    def lost(self, connection: "PeerConnection") -> None:
        """It is over."""


class PeerConnection(asyncio.Protocol):
    """`sid` is the server at the other end, once that is known; `is_kept` says that it is the one to talk on."""

    def __init__(self, keeper: Keeper, sid: int | None) -> None:
        self.sid = sid
        self.is_kept = False
        self.is_full = False
        self.peer = "an unknown address"
        self._keeper = keeper
        self._inbox = NotificationInbox()
        self._is_introduced = sid is not None
        self._transport: asyncio.Transport | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        name = transport.get_extra_info("peername")
        if name is not None:
            self.peer = f"{name[0]}:{name[1]}"
        if not self._is_introduced:
            self._keeper.opened(self)

    def expect_introduction(self, timeout_s: float) -> None:
        """Cuts the connection off unless its opener says in time who it is."""
        self._alarm = asyncio.get_running_loop().call_later(timeout_s, self._cut_off, "it did not say who it is")

    def data_received(self, data: bytes) -> None:
        self._inbox.feed(data)
        try:
            self._read()
        except DecodeError as error:
            self._cut_off(str(error))

    def _read(self) -> None:
        if not self._is_introduced:
            introduction = self._inbox.introduction()
            if introduction is None:
                return
            self._is_introduced = True
            self._disarm()
            self._keeper.introduced(self, introduction)
        while self.is_kept and (payload := self._inbox.take()) is not None:
            self._keeper.received(self, payload)

    def _cut_off(self, reason: str) -> None:
        self._keeper.misbehaved(self, reason)
        self.abort()

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._keeper.drained(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._keeper.lost(self)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def introduce(self, introduction: bytes) -> None:
        self._write(introduction)

    def send(self, payload: bytes) -> None:
        self._write(encode_frame(payload))

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        """Ends the connection when what was written is on its way."""
        self.is_kept = False
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        self.is_kept = False
        if self._transport is not None:
            self._transport.abort()
