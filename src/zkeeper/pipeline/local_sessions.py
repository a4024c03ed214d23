"""Sessions that this server alone knows (semantics, section 11; quorum, section 10.4).

1. A local session begins and ends without a transaction. It expires here, and is gone with the role of this server.
2. What it writes goes the way of all writes. Only an ephemeral needs a session that every server knows: where upgrading
   is on, a createSession goes ahead of it, and the session is a global one from then on.
3. A leader takes writes of sessions that it does not know, unless their ids are its own: it would know those.
"""

from typing import TYPE_CHECKING, final

from mypy_extensions import i64

from zkeeper.database.sessions import Session
from zkeeper.errors import OK, EphemeralOnLocalSessionError
from zkeeper.pipeline.creates import is_ephemeral
from zkeeper.pipeline.requests import CreateRequest, MultiRequest, SessionRequest, WriteRequest
from zkeeper.wire import protocol

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink
    from zkeeper.pipeline.service import Service


@final
class LocalSessions:
    """`server_id` is in the top byte of the ids that this server gives out."""

    def __init__(self, service: "Service", server_id: i64, is_upgrading: bool) -> None:
        self._service = service
        self._server_id: i64 = server_id & 0xFF
        self._is_upgrading = is_upgrading

    def count(self) -> int:
        return sum([session.is_local for session in self._service.tracker.sessions.values()])

    def before_write(self, session: Session, request: WriteRequest, now_ms: i64) -> i64:
        """Upgrades a session for a request that needs it (rule 2); else the code with which ephemerals are refused."""
        if not _has_ephemeral(request):
            return OK
        if not self._is_upgrading:
            return EphemeralOnLocalSessionError.code
        self._upgrade(session, now_ms)
        return OK

    def _upgrade(self, session: Session, now_ms: i64) -> None:
        service = self._service
        service.tracker.upgrade(session)
        if service.forwarder is not None:
            service.forwarder.upgrade_session(session)
        else:
            request = SessionRequest(protocol.CREATE_SESSION, session.timeout_ms)
            service.propose(None, session.session_id, 0, request, now_ms)

    def may_be_elsewhere(self, session_id: i64) -> bool:
        """Whether another server may know a session that this one does not (rule 3)."""
        return ((session_id >> 56) & 0xFF) != self._server_id

    def end(self, session: Session) -> None:
        """The session has expired."""
        self._service.tracker.remove(session.session_id)
        holder = self._service.links.get(session.session_id)
        if holder is not None:
            holder.close_silently()

    def closed(self, link: "ClientLink") -> None:
        """The client of `link` has closed its session."""
        self._service.tracker.remove(link.session_id)
        if self._service.session_lines is not None:
            self._service.session_lines.closed(link.session_id, link)


def _has_ephemeral(request: WriteRequest) -> bool:
    if isinstance(request, MultiRequest):
        return any(_has_ephemeral(one) for one in request.ops)
    return isinstance(request, CreateRequest) and is_ephemeral(request)
