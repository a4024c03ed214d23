"""How many learners a leader brings into line at once: from the plan to the ACK of NEWLEADER (quorum, section 8).

Followers are let in always, since the ensemble needs them, but they count; observers beyond the limit try again later.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from zkeeper.server.ensemble.context import RoleEndedError


class SyncThrottle:
    """The limits are leader.maxConcurrentSnapSyncs and leader.maxConcurrentDiffSyncs."""

    def __init__(self, max_snapshots: int, max_diffs: int) -> None:
        self._limits = {True: max_snapshots, False: max_diffs}
        self._counts = {True: 0, False: 0}

    @contextmanager
    def admit(self, is_snapshot: bool, *, is_essential: bool) -> Iterator[None]:
        """Counts one for as long as the context lasts. Raises `RoleEndedError` when there are too many."""
        if not is_essential and self._counts[is_snapshot] >= self._limits[is_snapshot]:
            kind = "snapshots are" if is_snapshot else "differences are"
            raise RoleEndedError(f"{self._limits[is_snapshot]} {kind} being sent, and an observer can wait")
        self._counts[is_snapshot] += 1
        try:
            yield
        finally:
            self._counts[is_snapshot] -= 1
