"""Limits and times of the request road."""

from typing import Final

from mypy_extensions import i64

from zkeeper.pipeline.large_requests import NEVER_LARGE
from zkeeper.wire.jute import MAX_BUFFER_BYTES

NO_LOCAL_SESSIONS: Final = -1


class ServiceSettings:
    """Limits and times; `max_frame_bytes` is jute.maxbuffer, `max_field_bytes` that plus its extra size.

    Off are `large_request_threshold_bytes` -1, `throttled_op_wait_ms` 0, `max_requests` 0 and `max_watches` 0, which is
    for each connection. Clients have to authenticate by one of the `required_schemes`, if there are any. Where sessions
    are local ones, `local_session_server_id` is this server's number; `upgrades_sessions` makes those global that need
    to be.
    """

    def __init__(
        self, min_timeout_ms: i64, max_timeout_ms: i64, tick_ms: i64, max_frame_bytes: i64 = MAX_BUFFER_BYTES,
        max_field_bytes: i64 = 2 * MAX_BUFFER_BYTES, outstanding_limit: i64 = 1000,
        large_request_threshold_bytes: i64 = -1, large_request_max_bytes: i64 = 0, throttled_op_wait_ms: i64 = 0,
        max_requests: i64 = 0, max_watches: i64 = 0, required_schemes: frozenset[bytes] = frozenset(),
        local_session_server_id: i64 = NO_LOCAL_SESSIONS, upgrades_sessions: bool = False,
    ) -> None:  # fmt: skip
        self.min_timeout_ms: i64 = min_timeout_ms
        self.max_timeout_ms: i64 = max_timeout_ms
        self.tick_ms: i64 = tick_ms
        self.max_frame_bytes: i64 = max_frame_bytes
        self.max_field_bytes: i64 = max_field_bytes
        self.outstanding_limit: i64 = outstanding_limit
        is_limited = large_request_threshold_bytes >= 0
        self.large_request_threshold_bytes: i64 = large_request_threshold_bytes if is_limited else NEVER_LARGE
        self.large_request_max_bytes: i64 = large_request_max_bytes
        self.throttled_op_wait_ms: i64 = throttled_op_wait_ms
        self.max_requests: i64 = max_requests
        self.max_watches: i64 = max_watches
        self.required_schemes = required_schemes
        self.local_session_server_id: i64 = local_session_server_id
        self.upgrades_sessions = upgrades_sessions
