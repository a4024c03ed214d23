"""What a member counts and times: elections, synchronisation, what its leader sends, and how long nobody was served.

All of it outlives the roles. Times are in ms; the names are those of the metrics (operations, sections 2.4 and 2.5).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from zkeeper.pipeline.stats import Summary
from zkeeper.wire.quorum_packets import SNAP


class Measures:
    """The integers and summaries are for their owners to change."""

    def __init__(self) -> None:
        self.election_ms = Summary()
        self.follower_sync_ms = Summary()
        self.observer_sync_ms = Summary()
        self.unavailable_ms = Summary()
        self.leader_unavailable_ms = Summary()
        self.snaps_in_flight = Summary()
        self.diffs_in_flight = Summary()
        self._in_flight = {True: 0, False: 0}
        self.reset()

    def reset(self) -> None:
        for summary in self.summaries().values():
            summary.reset()
        self.elections = 0
        self.diffs_sent = 0
        self.snaps_sent = 0
        self.proposals_received = 0
        self.commits_received = 0
        self.revalidations = 0

    @contextmanager
    def synchronizing(self, packet_type: int) -> Iterator[None]:
        """A learner is sent what it lacks, a snapshot or not, as long as the block runs."""
        is_snapshot = packet_type == SNAP
        if is_snapshot:
            self.snaps_sent += 1
        else:
            self.diffs_sent += 1
        self._change_in_flight(is_snapshot, 1)
        try:
            yield
        finally:
            self._change_in_flight(is_snapshot, -1)

    def _change_in_flight(self, is_snapshot: bool, by: int) -> None:
        self._in_flight[is_snapshot] += by
        summary = self.snaps_in_flight if is_snapshot else self.diffs_in_flight
        summary.add(self._in_flight[is_snapshot])

    def counters(self) -> dict[str, int]:
        return {
            "looking_count": self.elections,
            "diff_count": self.diffs_sent,
            "snap_count": self.snaps_sent,
            "learner_proposal_received_count": self.proposals_received,
            "learner_commit_received_count": self.commits_received,
            "revalidate_count": self.revalidations,
        }

    def summaries(self) -> Mapping[str, Summary]:
        return {
            "election_time": self.election_ms,
            "follower_sync_time": self.follower_sync_ms,
            "observer_sync_time": self.observer_sync_ms,
            "unavailable_time": self.unavailable_ms,
            "leader_unavailable_time": self.leader_unavailable_ms,
            "inflight_snap_count": self.snaps_in_flight,
            "inflight_diff_count": self.diffs_in_flight,
        }
