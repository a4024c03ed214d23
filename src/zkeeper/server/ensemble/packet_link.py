"""One connection of a learner, with its leader or an observer master, as the two see it while they synchronise.

What they say to each other then is waited for, one packet after the other; see `PacketFlow` for the rest.
"""

import asyncio
from typing import Final

from zkeeper.errors import DecodeError
from zkeeper.server.ensemble.packet_flow import PacketFlow, size_bytes
from zkeeper.wire.quorum_packets import QuorumPacket

LOW_WATER_PACKETS: Final = 16


class LinkClosedError(Exception):
    """The connection is gone; the message says why."""


class PacketLink(PacketFlow):
    """As `PacketFlow`, for those who wait."""

    async def receive(self) -> QuorumPacket:
        """The next packet. Raises `LinkClosedError` when there will be none."""
        while not self._waiting:
            await self._wait()
        packet = self._waiting.popleft()
        self._waiting_bytes -= size_bytes(packet)
        if self._is_read_paused and len(self._waiting) < LOW_WATER_PACKETS:
            self._resume_reading()
        return packet

    async def receive_raw(self) -> bytes:
        """What has come of the raw bytes behind a SNAP packet; at least one."""
        while not self._inbox.raw_bytes:
            await self._wait()
        data = self._inbox.take_rest()
        self._resume_reading()
        return data

    def end_raw(self, rest: bytes) -> None:
        """`rest` and what follows are packets again. Raises `LinkClosedError` when they make no sense."""
        try:
            self._take(self._inbox.go_on(rest))
        except DecodeError as error:
            self.close(f"what it sent makes no sense: {error}")
            raise LinkClosedError(self.closed_reason) from error

    async def _wait(self) -> None:
        if self.is_closed():
            raise LinkClosedError(self.closed_reason)
        self._taker = self._loop.create_future()
        try:
            await self._taker
        finally:
            self._taker = None

    async def release(self) -> None:
        """Sends what was held back, and what comes meanwhile. Raises `LinkClosedError`."""
        self.flush()
        while self._held:
            data = self._held.popleft()
            self._held_bytes -= len(data)
            self.write_raw(data)
            await self.drain()
        self._held = None

    async def drain(self) -> None:
        """Returns when the peer has read enough to be sent more, which proves that it lives. Raises
        `LinkClosedError`."""
        if self._drained is not None:
            await asyncio.shield(self._drained)
        if self.is_closed():
            raise LinkClosedError(self.closed_reason)
        self.last_heard_s = self._loop.time()
