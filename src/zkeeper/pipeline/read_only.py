"""Clients of a server that has no quorum and serves reads only (wire, section 3.2; quorum, section 15).

1. It serves who is content with reads, in sessions that nobody else has to know: local ones.
2. Whose session may live on elsewhere is turned away without an answer, as an answer would say that it is over.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

if TYPE_CHECKING:
    from zkeeper.pipeline.service import Service


def reason_to_turn_away(service: "Service", wants_read_only: bool, session_id: i64) -> str:
    """Why a client that wants `session_id`, 0 for a new one, is not served now; empty if it is."""
    if not wants_read_only:
        return "this server has no quorum and serves reads only, with which the client is not content"
    if session_id == 0:
        if service.local_sessions is not None:
            return ""
        return "this server has no quorum, without which it can begin local sessions only (localSessionsEnabled)"
    if session_id not in service.tracker.sessions and _may_live_on(service, session_id):
        return "this server has no quorum, and its session may live on where there is one"
    return ""


def _may_live_on(service: "Service", session_id: i64) -> bool:
    local_sessions = service.local_sessions
    return (
        local_sessions is None or session_id in service.database.sessions or local_sessions.may_be_elsewhere(session_id)
    )
