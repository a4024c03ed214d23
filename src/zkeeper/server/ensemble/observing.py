"""What only observers do (quorum, section 14): they keep out of each other's way, and may keep no log.

An observer with `syncEnabled=false` has its state in memory alone, beside the last snapshot that a leader sent it. It
never says that it has an epoch's history durably, since a voter that says so has to.
"""

import asyncio

from zkeeper.server.ensemble.context import EnsembleContext


class NoLog:
    """The sink of transactions that nobody keeps."""

    def append(self, zxid: int, payload: bytes) -> bool:
        """Nothing is to be waited for."""
        return False


def nothing() -> None:
    """What there is to wake where nothing is logged."""


async def wait_to_connect(context: EnsembleContext) -> None:
    """observer.reconnectDelayMs: many observers that lose a leader at once do not all come at once to the next."""
    await asyncio.sleep(context.random.random() * context.observer_reconnect_s)
