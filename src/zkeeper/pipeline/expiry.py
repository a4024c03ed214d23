"""The end of sessions that were not heard of in time.

1. What is due at a tick expires in slices, so that a storm of it does not keep others waiting. A session that is heard
   of before its slice stays.
2. A session does not expire while the server itself holds back what its client sent.
"""

from collections import deque
from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64

from zkeeper.database.sessions import Session, shown_session_id

if TYPE_CHECKING:
    from zkeeper.pipeline.service import Service

EXPIRY_SLICE_CHANGES: Final = 500
"""Sessions, and ephemerals of theirs, that expire before others have their turn."""


@final
class SessionExpiry:
    def __init__(self, service: "Service") -> None:
        self._service = service
        self._due: deque[Session] = deque()

    def run(self) -> None:
        """To be called once a tick; does nothing while the slices of an earlier one are going on."""
        if not self._due:
            self._due.extend(self._service.tracker.expired(self._service.now_ms()))
            self._expire_some()

    def _expire_some(self) -> None:
        service = self._service
        now_ms = service.now_ms()
        changes: i64 = 0
        while self._due and service.serves():
            if service.later is not None and changes >= EXPIRY_SLICE_CHANGES:
                service.later(self._expire_some)
                return
            session = self._due.popleft()
            if not session.closing and session.deadline_ms <= now_ms:
                changes += 1 + service.database.tree.owners.ephemeral_count(session.session_id)
                self._expire(session, now_ms)

    def _expire(self, session: Session, now_ms: i64) -> None:
        service = self._service
        if service.is_held_back(session.session_id):
            service.tracker.touch(session, now_ms)
            return
        service.stats.sessions_expired += 1
        shown_id = shown_session_id(session.session_id)
        service.tell_expired(f"session {shown_id} expired: not heard of for {session.timeout_ms} ms")
        if service.session_lines is not None:
            service.session_lines.expired(session, service.links.get(session.session_id))
        service.end_session(session, now_ms)
