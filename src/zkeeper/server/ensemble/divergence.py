"""What a member does when its state is seen to differ from its leader's: a transaction came with another digest.

By `digestMismatchPolicy`: `report` leaves it at the line in the log and the count, `stop` takes the server out,
`resync` takes everything from the leader anew. What differs while no leader is followed, as when a start reads its own
log, is only reported.

A leader of which everything was taken already, and whose digests differ still, is not asked again in its epoch: then
what computes the digests differs, and not the state.
"""

from collections.abc import Callable
from typing import Final

from zkeeper.errors import StorageError
from zkeeper.server.ensemble.context import EnsembleContext

REPORT: Final = "report"
STOP: Final = "stop"

DIFFERS: Final = (
    "the state of this server differs from its leader's, and digestMismatchPolicy is stop; keep a copy of its data for "
    "whoever looks for the cause, then remove what is in version-2 and start it again: it gets all from the leader"
)


class Divergence:
    """`stop` ends the server for a reason."""

    def __init__(self, policy: str, context: EnsembleContext, stop: Callable[[Exception], None]) -> None:
        self._policy = policy
        self._context = context
        self._stop = stop
        self._end_role: Callable[[str], None] | None = None
        self._resynced_epoch = -1

    def follow(self, end_role: Callable[[str], None]) -> None:
        """A leader is followed from now on; `end_role` looks for a leader again."""
        self._end_role = end_role

    def leave(self) -> None:
        """It is not followed any more."""
        self._end_role = None

    def seen(self) -> None:
        """The digest of the database is not the leader's."""
        if self._end_role is None or self._policy == REPORT:
            return
        if self._policy == STOP:
            self._stop(StorageError(DIFFERS))
        elif self._context.epochs.current != self._resynced_epoch:
            self._resynced_epoch = self._context.epochs.current
            self._context.needs_everything = True
            self._end_role("the digests differ, so everything is taken from the leader anew")
