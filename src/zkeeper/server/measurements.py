"""What is measured outside the request road: the start, and how many watchers an event woke.

The names are those of the metrics, and times are in ms, as mntr publishes them.
"""

from collections.abc import Mapping
from typing import Final

from zkeeper.database.watches import WatchManager
from zkeeper.pipeline.stats import Summary
from zkeeper.storage.recovery import Recovered
from zkeeper.wire import protocol

WATCH_METRICS: Final[Mapping[int, str]] = {
    protocol.NODE_CREATED: "node_created_watch_count",
    protocol.NODE_DELETED: "node_deleted_watch_count",
    protocol.NODE_DATA_CHANGED: "node_changed_watch_count",
    protocol.NODE_CHILDREN_CHANGED: "node_children_watch_count",
}


def start_summaries(recovered: Recovered) -> dict[str, Summary]:
    """How long recovery took, as a whole and in its parts, and how many transactions it replayed."""
    measured = {
        "dbinittime": _ms(recovered.duration_s),
        "startup_snap_load_time": _ms(recovered.snapshot_s),
        "startup_txns_load_time": _ms(recovered.logs_s),
        "startup_txns_loaded": recovered.txns,
    }
    return {name: _once(value) for name, value in measured.items()}


def watch_summaries(watches: WatchManager) -> dict[str, Summary]:
    """Counts the watchers of every event from now on."""
    by_event = {event: Summary() for event in WATCH_METRICS}
    watches.on_fired = lambda event, watchers: by_event[event].add(watchers)
    return {name: by_event[event] for event, name in WATCH_METRICS.items()}


def _ms(duration_s: float) -> int:
    return int(duration_s * 1000)


def _once(value: int) -> Summary:
    summary = Summary()
    summary.add(value)
    return summary
