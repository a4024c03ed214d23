"""The leader's side of what learners send for their clients (quorum, section 10).

1. Everything is checked as if the client had asked the leader itself; what does not decode, or is no write, fails with
   a zxid of its own, so that the learner's client is answered.
2. A write counts only if it comes from where its session is now; else it fails with SessionMoved. Of a session that
   may be local elsewhere nobody knows more than the learner.
3. The end of a session may come from anywhere: whoever asks for it has the session, and will not come back. As it is
   closing from then on and expires no more, it must not be refused.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from zkeeper.database.acls import Identity
from zkeeper.database.sessions import NO_OWNER, Session
from zkeeper.errors import (
    OK,
    DecodeError,
    MarshallingError,
    SessionExpiredError,
    SessionMovedError,
    UnimplementedError,
)
from zkeeper.pipeline.op_kinds import is_write
from zkeeper.pipeline.requests import RefusedRequest, SessionRequest, WriteRequest, decode_write
from zkeeper.wire import protocol
from zkeeper.wire.jute import Reader

if TYPE_CHECKING:
    from zkeeper.pipeline.service import Service


def propose_for_learner(
    service: "Service", owner: i64, session_id: i64, cxid: i64, op: i64, body: bytes, credentials: list[Identity]
) -> None:  # fmt: skip
    """Takes a request that came over the learner's connection `owner`."""
    now_ms = service.now_ms()
    if op == protocol.CREATE_SESSION:
        _create_session(service, owner, session_id, cxid, body, now_ms)
        return
    request = _decode(op, body, service.settings.max_field_bytes)
    session = service.tracker.sessions.get(session_id)
    if op == protocol.CLOSE_SESSION:
        service.propose(None, session_id, cxid, request, now_ms, credentials)
        if session is not None:
            service.tracker.close(session)
        return
    local_sessions = service.local_sessions
    if session is None and local_sessions is not None and local_sessions.may_be_elsewhere(session_id):
        # The session of an ephemeral has to be known here, or nobody would end it.
        service.preparer.refuse_ephemerals(SessionExpiredError.code)
        service.propose(None, session_id, cxid, request, now_ms, credentials)
        service.preparer.refuse_ephemerals(OK)
        return
    code = claim_session(session, owner)
    if code != OK:
        request = RefusedRequest(op, code)
    service.propose(None, session_id, cxid, request, now_ms, credentials)


def _create_session(
    service: "Service", owner: i64, session_id: i64, cxid: i64, body: bytes, now_ms: i64
) -> None:  # fmt: skip
    try:
        timeout_ms = Reader(body).int32()
    except DecodeError:
        service.propose(None, session_id, cxid, RefusedRequest(protocol.CREATE_SESSION, MarshallingError.code), now_ms)
        return
    service.tracker.add(session_id, timeout_ms, now_ms).owner = owner
    service.propose(None, session_id, cxid, SessionRequest(protocol.CREATE_SESSION, timeout_ms), now_ms)


def _decode(op: i64, body: bytes, limit_bytes: i64) -> WriteRequest:
    if not is_write(op):
        return RefusedRequest(op, UnimplementedError.code)
    try:
        return decode_write(op, Reader(body, 0, len(body), limit_bytes))
    except (DecodeError, MarshallingError):
        return RefusedRequest(op, MarshallingError.code)


def claim_session(session: Session | None, owner: i64) -> i64:
    """`OK` if a write of `session` may come from `owner`, else the error code; the first who speaks for it has it."""
    if session is None or session.closing:
        return SessionExpiredError.code
    if session.owner == NO_OWNER:
        session.owner = owner
    return OK if session.owner == owner else SessionMovedError.code


def revalidate(service: "Service", owner: i64, session_id: i64) -> bool:
    """Whether a session that a client brought to the learner of `owner` goes on there."""
    session = service.tracker.sessions.get(session_id)
    if session is None or session.is_local or not service.tracker.touch(session, service.now_ms()):
        return False
    session.owner = owner
    return True


def touch_for_learner(service: "Service", session_id: i64) -> None:
    """A learner has heard of a session."""
    session = service.tracker.sessions.get(session_id)
    if session is not None:
        service.tracker.touch(session, service.now_ms())
