"""The syncs at a leader that are not answered yet, of learners and of its own clients, in their order.

1. A sync is answered behind the commit of what was proposed before it came, once it is confirmed that this server led
   when it came (`Confirmations`).
2. Nothing that was proposed behind it is committed before it is answered: a session's answers keep their order, and a
   learner takes SYNC for the end of what was before.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from zkeeper.quorum.acks import NO_LIMIT
from zkeeper.server.ensemble.confirmations import Confirmations
from zkeeper.server.ensemble.gathering import Gathering


class Sync(NamedTuple):
    """What was proposed before it, up to `zxid`, is to be committed before `answer` is called."""

    zxid: int
    answer: Callable[[], None]


class Syncs:
    """`on_confirmed` is called when some were confirmed: they may be due, and more may be committed. `ping` and
    `make_gathering` are those of `Confirmations`."""

    def __init__(
        self, ping: Callable[[], None], make_gathering: Callable[[], Gathering], on_confirmed: Callable[[], None]
    ) -> None:  # fmt: skip
        self.confirmations = Confirmations(ping, make_gathering, self._confirm)
        self._on_confirmed = on_confirmed
        self._unconfirmed: deque[Sync] = deque()
        self._confirmed: deque[Sync] = deque()

    def __len__(self) -> int:
        return len(self._unconfirmed) + len(self._confirmed)

    def add(self, zxid: int, answer: Callable[[], None]) -> None:
        self._unconfirmed.append(Sync(zxid, answer))
        self.confirmations.ask()

    def _confirm(self, count: int) -> None:
        for _ in range(count):
            self._confirmed.append(self._unconfirmed.popleft())
        self._on_confirmed()

    def limit(self) -> int:
        """Up to which zxid may be committed now (rule 2)."""
        return self._unconfirmed[0].zxid if self._unconfirmed else NO_LIMIT

    def take(self, committed_zxid: int) -> Sync | None:
        """The next one that is to be answered, if everything up to `committed_zxid` is committed."""
        is_due = self._confirmed and self._confirmed[0].zxid <= committed_zxid
        return self._confirmed.popleft() if is_due else None
