"""The life of each session, in lines of the log: for whoever looks for a client that comes and goes.

A server has this only where somebody asked for such lines; without it they cost a comparison.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, final

from mypy_extensions import i64

from zkeeper.database.sessions import Session, shown_session_id

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink


@final
class SessionLines:
    """`write` takes a line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def created(self, link: "ClientLink") -> None:
        self._write(f"session {shown_session_id(link.session_id)} created by {link.peer}, timeout {link.timeout_ms} ms")

    def resumed(self, link: "ClientLink") -> None:
        self._write(f"session {shown_session_id(link.session_id)} resumed by {link.peer}, timeout {link.timeout_ms} ms")

    def closed(self, session_id: i64, link: "ClientLink") -> None:
        self._write(f"session {shown_session_id(session_id)} closed by {link.peer}, timeout {link.timeout_ms} ms")

    def expired(self, session: Session, link: "ClientLink | None") -> None:
        holder = f"held by {link.peer}" if link is not None else "without a connection"
        self._write(f"session {shown_session_id(session.session_id)} expired {holder}, timeout {session.timeout_ms} ms")
