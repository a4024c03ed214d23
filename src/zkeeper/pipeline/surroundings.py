"""What is around a service: clocks, the log for people, and whoever else is asked or told by it.

A service has all of it from its beginning; what depends on the role of the server (its log, the leader of a learner)
comes later.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, final

from zkeeper.pipeline.session_lines import SessionLines
from zkeeper.pipeline.stats import ServiceStats

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink
    from zkeeper.pipeline.proposals import Proposal

Tell = Callable[[str], None]


class WordAnswers(Protocol):
    """The four-letter words."""

    def knows(self, word: bytes) -> bool: ...

    def answer(self, word: bytes, argument: bytes, link: "ClientLink") -> bytes: ...


class Audit(Protocol):
    """The audit log."""

    def applied(self, proposal: "Proposal", code: int) -> None: ...


@final
class Surroundings:
    """`wall_ms` is the wall clock, `now_ms` a monotonic one; `tell` takes sentences for the server's log.

    `tell_refused`, `tell_expired`, `tell_over_limit` and `tell_reconfig` take those of which a storm of clients causes
    many; they are `tell` where they are not given. `later` calls what it is given after others have had their turn;
    without it nothing is sliced. `on_broken` hears of what failed and was not thought of. `admit_connection` is asked
    with the id of the session that a client wants back, 0 for a new one.
    """

    def __init__(
        self, wall_ms: Callable[[], int], now_ms: Callable[[], int], tell: Tell, *, tell_refused: Tell | None = None,
        tell_expired: Tell | None = None, tell_over_limit: Tell | None = None, tell_reconfig: Tell | None = None,
        later: Callable[[Callable[[], None]], object] | None = None,
        on_broken: Callable[[Exception], None] | None = None, admit_connection: Callable[[int], bool] | None = None,
        audit: Audit | None = None, session_lines: SessionLines | None = None, stats: ServiceStats | None = None,
    ) -> None:  # fmt: skip
        self.wall_ms = wall_ms
        self.now_ms = now_ms
        self.tell = tell
        self.tell_refused = tell if tell_refused is None else tell_refused
        self.tell_expired = tell if tell_expired is None else tell_expired
        self.tell_over_limit = tell if tell_over_limit is None else tell_over_limit
        self.tell_reconfig = tell if tell_reconfig is None else tell_reconfig
        self.later = later
        self.on_broken = on_broken
        self.admit_connection = admit_connection
        self.audit = audit
        self.session_lines = session_lines
        self.stats = ServiceStats() if stats is None else stats
