"""What a session is opened with."""

from typing import TYPE_CHECKING

from zkeeper.wire.client_requests import NO_PASSWORD

if TYPE_CHECKING:
    from ssl import SSLContext


class SessionOptions:
    """`connect` documents the fields."""

    def __init__(
        self, *, session_timeout_ms: int, read_only: bool, ssl: "SSLContext | None", connect_timeout_ms: int | None,
        session: tuple[int, bytes] | None, max_frame_bytes: int,
    ) -> None:  # fmt: skip
        self.session_timeout_ms = session_timeout_ms
        self.read_only = read_only
        self.ssl = ssl
        self.connect_timeout_ms = connect_timeout_ms
        self.session_id, self.password = session if session is not None else (0, NO_PASSWORD)
        self.max_frame_bytes = max_frame_bytes
