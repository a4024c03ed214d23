"""One connection of a learner, with its leader or an observer master: packets both ways, and a snapshot's raw bytes.

1. Packets are kept until `serve`, for whoever takes them one by one (`PacketLink`); from then on they are handed over
   as they come.
2. A peer that is silent for longer than the read timeout, that sends what cannot be meant, or that leaves more than
   `MAX_UNSENT_BYTES` unread, costs this connection and nothing else.
3. What is held back while a history is on its way (`hold`) is sent behind it, in its order, as fast as the peer reads.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from librt.strings import BytesWriter
from mypy_extensions import mypyc_attr

from zkeeper.errors import DecodeError
from zkeeper.wire.quorum_packets import PacketInbox, QuorumPacket, write_packet

MAX_UNSENT_BYTES: Final = 1 << 28
"""What a peer may have to read yet."""
MAX_HELD_BYTES: Final = 1 << 28
"""What may wait behind a leader's history. All learners share the bytes that are for all of them."""
MAX_WAITING_BYTES: Final = 1 << 22
"""What may have come and wait to be taken, before the peer is not read from for a while."""
PACKET_BYTES: Final = 64
"""What a packet takes beside its data, at least."""

Packets = list[QuorumPacket]


@mypyc_attr(allow_interpreted_subclasses=True)
class PacketFlow(asyncio.Protocol):
    """`limit_bytes` is the longest field that is believed; more than `max_held_bytes` may not wait behind a history.
    `on_made` is called when the connection stands, `on_closed` when it is over."""

    def __init__(self, limit_bytes: int, max_held_bytes: int = MAX_HELD_BYTES) -> None:
        self.peer = "?"
        self.closed_reason = ""
        self.last_heard_s = 0.0
        self._inbox = PacketInbox(limit_bytes)
        self._waiting: deque[QuorumPacket] = deque()
        self._waiting_bytes = 0
        self._taker: asyncio.Future[None] | None = None
        self._on_packets: Callable[[Packets], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._drained: asyncio.Future[None] | None = None
        self._is_read_paused = False
        self._read_timeout_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._out = BytesWriter()
        self._is_flush_due = False
        self._held: deque[bytes] | None = None
        self._held_bytes = 0
        self._max_held_bytes = max_held_bytes
        self.on_made: Callable[[], None] | None = None
        self.on_closed: Callable[[], None] | None = None

    # The transport's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peername = transport.get_extra_info("peername")
        self.peer = f"{peername[0]}:{peername[1]}" if peername else "?"
        self.last_heard_s = self._loop.time()
        made, self.on_made = self.on_made, None
        if made is not None:
            made()

    def data_received(self, data: bytes) -> None:
        self.last_heard_s = self._loop.time()
        try:
            packets = self._inbox.feed(data)
        except DecodeError as error:
            self.close(f"what it sent makes no sense: {error}")
            return
        self._take(packets)

    def _take(self, packets: Packets) -> None:
        if self._on_packets is not None:
            if packets:
                self._on_packets(packets)
            return
        self._waiting.extend(packets)
        self._waiting_bytes += sum([size_bytes(one) for one in packets])
        if self._waiting_bytes + self._inbox.raw_bytes > MAX_WAITING_BYTES:
            self._pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection was lost ({exc})" if exc is not None else "the peer closed the connection")

    def pause_writing(self) -> None:
        if self._drained is None:
            self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # Packets in.

    def serve(self, on_packets: Callable[[Packets], None]) -> None:
        """From now on every packet is handed to `on_packets`, with those that came at the same time."""
        self._on_packets = on_packets
        self._resume_reading()
        waiting, self._waiting = list(self._waiting), deque()
        self._waiting_bytes = 0
        if waiting:
            on_packets(waiting)

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)

    def _pause_reading(self) -> None:
        if not self._is_read_paused and self._transport is not None and not self._transport.is_closing():
            self._is_read_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_read_paused and self._transport is not None and not self._transport.is_closing():
            self._is_read_paused = False
            self._transport.resume_reading()

    # Silence.

    def limit_silence(self, timeout_s: float) -> None:
        """Closes the connection when nothing has been heard for so long; counts from now."""
        self.last_heard_s = self._loop.time()
        self._read_timeout_s = timeout_s
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(timeout_s, self._check_silence)

    def _check_silence(self) -> None:
        left_s = self.last_heard_s + self._read_timeout_s - self._loop.time()
        if left_s > 0 or self._is_read_paused:
            wait_s = left_s if left_s > 0 else self._read_timeout_s / 4
            self._timer = self._loop.call_later(wait_s, self._check_silence)
        else:
            self.close(f"nothing was heard of it for {self._read_timeout_s:g} s")

    # Packets out.

    def send(
        self, packet_type: int, zxid: int, data: bytes | None = None,
        authinfo: list[tuple[bytes, bytes]] | None = None,
    ) -> None:  # fmt: skip
        """Sends a packet at the end of this turn of the loop, behind what was sent before."""
        write_packet(self.out(), packet_type, zxid, data, authinfo)

    def out(self) -> BytesWriter:
        """Where packets are written that leave at the end of this turn of the loop."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self.flush)
        return self._out

    def flush(self) -> None:
        """Sends what was written so far."""
        self._is_flush_due = False
        if len(self._out):
            data = self._out.getvalue()
            self._out = BytesWriter()
            self._write(data)

    def write(self, data: bytes) -> None:
        """Sends whole packets now."""
        if self._is_flush_due:
            self.flush()
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes > self._max_held_bytes:
                self.close(f"more than {self._max_held_bytes} bytes wait behind the history that it is sent")
        else:
            self.write_raw(data)

    def write_raw(self, data: bytes) -> None:
        """Sends bytes of a history, before what is held back."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.close(f"it left more than {MAX_UNSENT_BYTES} bytes unread")

    def hold(self) -> None:
        """From now on packets wait until `release`. What waited before is dropped."""
        self.flush()
        self._held = deque()
        self._held_bytes = 0

    # The end.

    def is_closed(self) -> bool:
        return bool(self.closed_reason)

    def close(self, reason: str) -> None:
        """Sends what was written, then closes."""
        if not self.is_closed():
            if self._transport is not None and self._held is None:
                self.flush()
            self._end(reason)

    def _end(self, reason: str) -> None:
        if self.is_closed():
            return
        self.closed_reason = reason
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size() > 0:
                self._loop.call_later(1.0, self._transport.abort)
        self._wake()
        self.resume_writing()
        if self.on_closed is not None:
            self.on_closed()


def size_bytes(packet: QuorumPacket) -> int:
    return PACKET_BYTES + (len(packet.data) if packet.data is not None else 0)
