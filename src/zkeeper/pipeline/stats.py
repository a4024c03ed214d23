"""Counters of the request road: plain integers, read when somebody asks."""

from typing import Final, final

from mypy_extensions import i64

RESERVOIR: Final = 4096


@final
class Summary:
    """Count, sum, minimum and maximum of a value, and its last samples for percentiles."""

    def __init__(self) -> None:
        self.samples: list[int] = []
        self.reset()

    def reset(self) -> None:
        self.count: i64 = 0
        self.total: i64 = 0
        self.minimum: i64 = 0
        self.maximum: i64 = 0
        self._next: i64 = 0
        self.samples.clear()

    def add(self, value: i64, times: i64 = 1) -> None:
        """Counts `value` as often as `times` says, as one sample."""
        if self.count == 0 or value < self.minimum:
            self.minimum = value
        if value > self.maximum:
            self.maximum = value
        self.count += times
        self.total += value * times
        if self._next >= len(self.samples):
            self.samples.append(value)
        else:
            self.samples[self._next] = value
        self._next = (self._next + 1) % RESERVOIR

    def average(self) -> float:
        return float(self.total) / float(self.count) if self.count else 0.0

    def percentile(self, share: float) -> int:
        """The sample below which `share` (0 to 1) of the samples lie; 0 without samples."""
        if not self.samples:
            return 0
        ordered = sorted(self.samples)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@final
class ServiceStats:
    """Of the whole server; times in ms, sizes in bytes, -1 before the first response.

    Latencies are those of this server's clients. `propagation` is of all writes that were applied: from when this
    server took it, on a learner from when its leader made it, until it was applied here.
    """

    last_response_bytes: i64
    min_response_bytes: i64
    max_response_bytes: i64

    def __init__(self) -> None:
        self.latency = Summary()
        self.read_latency = Summary()
        self.update_latency = Summary()
        self.propagation = Summary()
        self.fsync_ms = Summary()
        self.snapshot_ms = Summary()
        self.batch_size = Summary()
        self.connection_token_deficit = Summary()
        self.connection_drop_probability = 0.0
        self.reset()

    def count_reads(self, latency_ms: i64, times: i64) -> None:
        self.latency.add(latency_ms, times)
        self.read_latency.add(latency_ms, times)

    def count_write(self, latency_ms: i64) -> None:
        self.latency.add(latency_ms)
        self.update_latency.add(latency_ms)

    def count_commit(self, propagated_ms: i64) -> None:
        self.propagation.add(propagated_ms)
        self.commits += 1

    def count_sent(self, size_bytes: i64) -> None:
        self.packets_sent += 1
        self.last_response_bytes = size_bytes
        if size_bytes > self.max_response_bytes:
            self.max_response_bytes = size_bytes
        if self.min_response_bytes < 0 or size_bytes < self.min_response_bytes:
            self.min_response_bytes = size_bytes

    def reset(self) -> None:
        """What the four-letter word srst sets to zero."""
        for summary in (
            self.latency, self.read_latency, self.update_latency, self.propagation, self.fsync_ms, self.snapshot_ms,
            self.batch_size, self.connection_token_deficit,
        ):  # fmt: skip
            summary.reset()
        self.packets_received: i64 = 0
        self.packets_sent: i64 = 0
        self.bytes_received: i64 = 0
        self.response_bytes: i64 = 0
        self.watch_bytes: i64 = 0
        self.last_response_bytes = -1
        self.min_response_bytes = -1
        self.max_response_bytes = -1
        self.connections_rejected: i64 = 0
        self.connection_requests: i64 = 0
        self.connections_dropped: i64 = 0
        self.sessions_expired: i64 = 0
        self.sessionless_expired: i64 = 0
        self.auth_failed: i64 = 0
        self.commits: i64 = 0
        self.proposals: i64 = 0
        self.revalidations: i64 = 0
        self.throttled_ops: i64 = 0
        self.request_throttle_waits: i64 = 0
        self.large_requests_rejected: i64 = 0
