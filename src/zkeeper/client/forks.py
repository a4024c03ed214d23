"""What a fork leaves of sessions: in the child they are copies whose connection belongs to the parent.

Each is told in the child, before anything else runs there: it refuses everything, and touches neither its loop nor its
socket, for both are shared with the parent.
"""

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    def note_fork(self) -> None:
        """Called in the child."""


_begun: "WeakSet[Forked]" = WeakSet()


def remember(session: Forked) -> None:
    """It has begun something that a fork does not share out."""
    _begun.add(session)


def _note_fork() -> None:
    for session in list(_begun):
        session.note_fork()
    _begun.clear()


os.register_at_fork(after_in_child=_note_fork)
