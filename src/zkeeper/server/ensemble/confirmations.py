"""Finds out whether this server leads still, before it answers a sync: what another leader has committed must be seen.

A leader that is cut off learns of its end only when `syncLimit` is over. Java's answers syncs until then from what it
has, and so may show less than another client was told of before (ZOOKEEPER-1675). Here a quorum has to answer a ping
that was sent after the sync had come. Whoever answers it had not left for another leader when the sync came, so no
other leader had a quorum then, nor had committed anything.

1. One round of pings is under way at a time. Syncs that come meanwhile wait for the next one.
2. Learners answer pings in their order, each once; only those of voters count.
3. The leader's own pings, twice a tick, ask those that have joined since the round began. And they ask anew who has to
   answer: once a change of the membership is committed, a quorum of the new one is enough. Another leader would have
   needed it, too, or the votes of a quorum of the old one, which has logged the change.
"""

import asyncio
from collections.abc import Callable, Iterable

from zkeeper.server.ensemble.gathering import Gathering
from zkeeper.server.ensemble.known_learner import KnownLearner


class Confirmations:
    """`ping` pings the voters that follow; what `make_gathering` makes is complete if this server may go on alone.
    `on_confirmed` is told, once for each round, how many more of those who asked are confirmed, the first ones first.
    """

    def __init__(
        self, ping: Callable[[], None], make_gathering: Callable[[], Gathering], on_confirmed: Callable[[int], None]
    ) -> None:  # fmt: skip
        self._ping = ping
        self._make_gathering = make_gathering
        self._on_confirmed = on_confirmed
        self._waiting = 0
        self._under_way = 0
        """For how many the round under way is."""
        self._gathering: Gathering | None = None
        self._is_begin_due = False
        self._asked: dict[KnownLearner, int] = {}
        """By which of its pings a learner confirms."""

    def ask(self) -> None:
        """Confirmed once it is sure that nobody else led when this was called; never, where it is not."""
        self._waiting += 1
        self._begin_soon()

    def _begin_soon(self) -> None:
        if self._gathering is None and not self._is_begin_due:
            self._is_begin_due = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_begin_due = False
        self._under_way, self._waiting = self._waiting, 0
        self._gathering = self._make_gathering()
        self._ping()
        self._maybe_end(self._gathering)

    def pinged(self, learners: Iterable[KnownLearner]) -> None:
        """These learners were pinged (rule 3)."""
        if self._gathering is None:
            return
        for learner in learners:
            if learner.follows and learner.voter is not None:
                self._asked.setdefault(learner, learner.pings)
        self._gathering = self._renewed(self._gathering)
        self._maybe_end(self._gathering)

    def _renewed(self, gathering: Gathering) -> Gathering:
        """Who has answered so far, before those who have to now."""
        renewed = self._make_gathering()
        for sid in gathering.sids():
            renewed.add(sid)
        return renewed

    def answered(self, learner: KnownLearner) -> None:
        """A learner has answered a ping."""
        asked, voter = self._asked.get(learner), learner.voter
        if self._gathering is not None and asked is not None and voter is not None and learner.answered_pings >= asked:
            self._gathering.add(voter)
            self._maybe_end(self._gathering)

    def _maybe_end(self, gathering: Gathering) -> None:
        if self._gathering is None or not gathering.is_complete():
            return
        self._gathering = None
        self._asked.clear()
        self._on_confirmed(self._under_way)
        if self._waiting:
            self._begin_soon()
