"""What a leader sends a learner first, so that the learner's history becomes the leader's (quorum, section 8).

1. The plan is fixed in one step with the beginning of forwarding: transactions after `queued_zxid` reach the learner as
   they are proposed, whatever time it takes to send what the plan says.
2. What is sent joins without a hole: the disk's history up to the committed log, the committed log up to
   `queued_zxid`. Where that cannot be shown, the plan is a snapshot.
"""

from typing import Final, final

from mypy_extensions import i64

from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.wire.quorum_packets import DIFF, SNAP, TRUNC
from zkeeper.wire.zxids import counter_of, epoch_of

UNDECIDED: Final = 0
"""In place of a packet's type: it depends on what the disk's history holds."""

ROW_FORCED: Final = 1
ROW_SAME: Final = 2
ROW_AHEAD: Final = 3
ROW_COMMITTED_LOG: Final = 4
ROW_HISTORY: Final = 5
ROW_NOTHING_FITS: Final = 6


@final
class SyncPlan:
    """First the packet `packet_type` (DIFF, TRUNC or SNAP) with `header_zxid`; then, if `history_until` is not 0, each
    transaction of the disk's history with `peer_zxid < zxid < history_until`; then `proposals`; then what is forwarded.

    `row` is that of the table. The `header_zxid` of a SNAP is only the least that its image will hold.
    """

    def __init__(
        self, row: i64, packet_type: i64, peer_zxid: i64, header_zxid: i64, queued_zxid: i64,
        proposals: list[tuple[int, bytes]], history_until: i64 = 0,
    ) -> None:  # fmt: skip
        self.row: i64 = row
        self.packet_type: i64 = packet_type
        self.peer_zxid: i64 = peer_zxid
        self.header_zxid: i64 = header_zxid
        self.queued_zxid: i64 = queued_zxid
        self.proposals = proposals
        self.history_until: i64 = history_until

    def needs_history(self) -> bool:
        """Whether `with_history` or `without_history` has to say what the plan is."""
        return self.packet_type == UNDECIDED

    def with_history(self, before: i64, after: i64) -> "SyncPlan":
        """The plan, for a history of the disk that has no hole from `before`, its last zxid at or before the peer's, to
        `history_until`; `after` is its first behind the peer's, or `history_until` where there is none."""
        assert self.needs_history()
        assert before <= self.peer_zxid < after <= self.history_until
        return _joined(
            self.row, self.peer_zxid, before, after, self.header_zxid, self.queued_zxid, self.proposals,
            self.history_until,
        )  # fmt: skip

    def without_history(self) -> "SyncPlan":
        """The plan, for a history that is too large, or has holes, or does not reach back to the peer."""
        assert self.needs_history()
        return _snapshot(self.row, self.peer_zxid, self.queued_zxid)

    def renewed(self, last_zxid: i64) -> "SyncPlan":
        """The plan of a snapshot, made when `last_zxid` was applied."""
        assert self.packet_type == SNAP
        return _snapshot(self.row, self.peer_zxid, last_zxid)


def plan_sync(
    peer_zxid: i64, last_zxid: i64, log: CommittedLog, has_history: bool, force_snapshot: bool = False
) -> SyncPlan:
    """For a learner whose ACKEPOCH says `peer_zxid`. `last_zxid` is the last one applied here; `has_history` says that
    the disk's history may be used."""
    min_zxid = last_zxid if log.is_empty() else log.min_zxid
    max_zxid = last_zxid if log.is_empty() else log.max_zxid
    if force_snapshot:
        return _snapshot(ROW_FORCED, peer_zxid, last_zxid)
    if peer_zxid == last_zxid:
        return SyncPlan(ROW_SAME, DIFF, peer_zxid, last_zxid, last_zxid, [])
    if peer_zxid > max_zxid and counter_of(peer_zxid) != 0:
        return _cut_back(peer_zxid, max_zxid, last_zxid)
    if min_zxid <= peer_zxid <= max_zxid:
        return _plan_from_log(peer_zxid, last_zxid, log)
    if peer_zxid < min_zxid and has_history:
        until_zxid = last_zxid + 1 if log.is_empty() else min_zxid
        return SyncPlan(ROW_HISTORY, UNDECIDED, peer_zxid, max_zxid, max_zxid, log.txns(), until_zxid)
    return _snapshot(ROW_NOTHING_FITS, peer_zxid, last_zxid)


def _snapshot(row: i64, peer_zxid: i64, last_zxid: i64) -> SyncPlan:
    return SyncPlan(row, SNAP, peer_zxid, last_zxid, last_zxid, [])


def _cut_back(peer_zxid: i64, max_zxid: i64, last_zxid: i64) -> SyncPlan:
    if counter_of(max_zxid) == 0:
        # No log ends with the beginning of an epoch. Java's learner would keep the transaction behind it.
        return _snapshot(ROW_AHEAD, peer_zxid, last_zxid)
    return SyncPlan(ROW_AHEAD, TRUNC, peer_zxid, max_zxid, max_zxid, [])


def _plan_from_log(peer_zxid: i64, last_zxid: i64, log: CommittedLog) -> SyncPlan:
    before: i64 = log.min_zxid
    lacking: list[tuple[int, bytes]] = []
    for txn in log.txns():
        if txn[0] <= peer_zxid:
            before = txn[0]
        else:
            lacking.append(txn)
    if not lacking:
        return SyncPlan(ROW_COMMITTED_LOG, DIFF, peer_zxid, log.max_zxid, peer_zxid, lacking)
    plan = _joined(ROW_COMMITTED_LOG, peer_zxid, before, lacking[0][0], log.max_zxid, log.max_zxid, lacking, 0)
    if plan.packet_type == SNAP:
        plan.header_zxid = plan.queued_zxid = last_zxid
    return plan


def _joined(
    row: i64, peer_zxid: i64, before: i64, after: i64, max_zxid: i64, queued_zxid: i64,
    proposals: list[tuple[int, bytes]], history_until: i64,
) -> SyncPlan:  # fmt: skip
    """How a peer is joined to a sequence in which `before <= peer_zxid < after` are neighbours."""
    if before == peer_zxid or counter_of(peer_zxid) == 0:
        return SyncPlan(row, DIFF, peer_zxid, max_zxid, queued_zxid, proposals, history_until)
    if epoch_of(after) != epoch_of(peer_zxid):
        return _snapshot(row, peer_zxid, queued_zxid)  # A truncation would cross epochs.
    return SyncPlan(row, TRUNC, peer_zxid, before, queued_zxid, proposals, history_until)
