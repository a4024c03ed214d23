"""Counters of one connection: plain integers, read when somebody asks."""

from typing import final

from mypy_extensions import i64


@final
class LinkStats:
    """What the four-letter word cons shows; times in ms."""

    def __init__(self, established_ms: i64) -> None:
        self.established_ms: i64 = established_ms
        self.reset()

    def reset(self) -> None:
        self.received: i64 = 0
        self.sent: i64 = 0
        self.last_op: i64 = 0
        self.last_xid: i64 = -1
        self.last_zxid: i64 = -1
        self.last_response_ms: i64 = 0
        self.last_latency_ms: i64 = 0
        self.min_latency_ms: i64 = -1
        self.max_latency_ms: i64 = 0
        self.latency_count: i64 = 0
        self.latency_total_ms: i64 = 0

    def answered(self, latency_ms: i64, times: i64 = 1) -> None:
        self.last_latency_ms = latency_ms
        if self.min_latency_ms < 0 or latency_ms < self.min_latency_ms:
            self.min_latency_ms = latency_ms
        if latency_ms > self.max_latency_ms:
            self.max_latency_ms = latency_ms
        self.latency_count += times
        self.latency_total_ms += latency_ms * times
