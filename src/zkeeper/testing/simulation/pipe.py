"""One direction of a connection: bytes on their way from one transport to the other.

Invariants:
1. Bytes arrive in the order they were sent, each once, or the connection ends with an error.
2. How they are cut into segments is up to the seed; a reader never sees more than what has arrived.
3. At most `WINDOW_BYTES` are on the way or unread; the rest waits in the sender's buffer.
4. What meets a blocked link or a host that is down waits there and goes on when it can; after `GIVE_UP_S` the sender
   is told that the connection timed out.
"""

import errno
import os
from collections import deque
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from .handle import SimulatedHandle
    from .network import Link, Network
    from .transport import SimulatedTransport

WINDOW_BYTES = 64 * 1024
GIVE_UP_S = 900.0
SPLIT_CHANCE = 0.15
# Half of the cuts fall into the first bytes, where frames have their length.
SPLIT_NEAR_BYTES = 8
LATE_READER_CHANCE = 0.25
RETRANSMIT_S = (0.01, 1.0)

# The end of the stream, among the segments.
END = b""


class Pipe:
    """From `source` to `target`. The two pipes of a connection are each other's `back`."""

    __slots__ = (
        "_alarm",
        "_is_awake",
        "_last_arrival_s",
        "_network",
        "_segments",
        "_unread_bytes",
        "back",
        "link",
        "source",
        "target",
    )

    back: "Pipe"

    def __init__(
        self, network: "Network", link: "Link", source: "SimulatedTransport", target: "SimulatedTransport"
    ) -> None:
        self.link = link
        self.source = source
        self.target = target
        self._network = network
        self._segments: deque[tuple[float, bytes]] = deque()
        self._unread_bytes = 0
        self._last_arrival_s = 0.0
        self._is_awake = False
        self._alarm: SimulatedHandle | None = None

    # What the source does.

    def room_bytes(self) -> int:
        return WINDOW_BYTES - self._unread_bytes

    def send(self, data: bytes) -> None:
        """Sends all of `data`, which is at most `room_bytes()`."""
        self._unread_bytes += len(data)
        chance = self._network.random.random()
        if chance < SPLIT_CHANCE and len(data) > 1:
            near = SPLIT_NEAR_BYTES if chance < SPLIT_CHANCE / 2 else len(data)
            cut = self._network.random.randrange(1, min(near, len(data) - 1) + 1)
            self._put(data[:cut])
            self._put(data[cut:])
        else:
            self._put(data)
        self.wake()

    def finish(self) -> None:
        """Sends the end of the stream."""
        self._put(END)
        self.wake()

    def reset(self) -> None:
        """Tells the target that the connection is no more; what it has not read by then is lost."""
        self._put(END)
        self._network.at(self._last_arrival_s, self._deliver_reset)

    def _put(self, data: bytes) -> None:
        arrival_s = self._network.loop.time() + self.link.latency_s(self._network.random)
        self._last_arrival_s = max(arrival_s, self._last_arrival_s)
        self._segments.append((self._last_arrival_s, data))

    # What the network and the target do.

    def open_at(self, time_s: float) -> None:
        """Nothing arrives before `time_s`, when the target learns of the connection."""
        self._last_arrival_s = time_s

    def has_unread(self) -> bool:
        """Whether data lies at the target that it has not read."""
        if not self._segments:
            return False
        arrival_s, data = self._segments[0]
        return data != END and arrival_s <= self._network.loop.time()

    def wake(self) -> None:
        """Sees to it that the next segment is delivered when it has arrived."""
        if self._is_awake or not self._segments:
            return
        self._is_awake = True
        when_s = self._segments[0][0]
        random = self._network.random
        if random.random() < LATE_READER_CHANCE:
            # A reader that comes late finds several segments at once.
            when_s += self.link.latency_s(random)
        self._network.at(when_s, self._deliver)

    def _deliver(self) -> None:
        self._is_awake = False
        if not self._segments or self._must_wait():
            return
        target = self.target
        if target.is_closed():
            self._bounce()
        elif target.can_receive():
            self._hand_over(target)
            self.wake()

    def _hand_over(self, target: "SimulatedTransport") -> None:
        data = self._take_arrived()
        now_s = self._network.loop.time()
        self._network.trace.recent.append((now_s, target.life.host.number, "segment", len(data), crc32(data)))
        if not data:
            target.receive_end()
            return
        self._unread_bytes -= len(data)
        target.receive(data)
        if self.source.get_write_buffer_size():
            self._acknowledge()

    def _take_arrived(self) -> bytes:
        segments = self._segments
        now_s = self._network.loop.time()
        taken = [segments.popleft()[1]]
        if taken[0] != END:
            while segments and segments[0][0] <= now_s and segments[0][1] != END:
                taken.append(segments.popleft()[1])
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _acknowledge(self) -> None:
        link = self.back.link
        if link.is_blocked:
            link.waiting.append(self._acknowledge)
        else:
            self._network.at(self._network.loop.time() + link.latency_s(self._network.random), self.source.flush)

    def _bounce(self) -> None:
        """Nobody is there to read: data is answered with a reset."""
        has_data = any(data != END for _, data in self._segments)
        self._segments.clear()
        if has_data:
            self.back.reset()

    def _deliver_reset(self) -> None:
        if self.link.is_blocked:
            self.link.waiting.append(self._deliver_reset)
            return
        self._segments.clear()
        self.target.lose(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))

    # Waiting for a way.

    def _must_wait(self) -> bool:
        if self.link.is_blocked:
            self.link.waiting.append(self._retransmit)
        elif not self.target.life.host.is_up:
            self.target.life.host.waiting.append(self._retransmit)
        else:
            return False
        self._is_awake = True
        if self._alarm is None:
            self._alarm = self._network.at(self._network.loop.time() + GIVE_UP_S, self._give_up)
        return True

    def _retransmit(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        delay_s = self._network.random.uniform(*RETRANSMIT_S)
        self._network.at(self._network.loop.time() + delay_s, self._deliver)

    def _give_up(self) -> None:
        self._segments.clear()
        self.source.lose(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))
