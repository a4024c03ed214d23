"""How soon a server looks for a leader again when a role is over (quorum, sections 5 and 14).

1. Who has served looks again at once, and so does who has not, for `FREE_ROLES` times in a row. After that elections
   begin farther and farther apart, up to a tick: what is wrong with a configuration stays wrong, and neither the log
   nor the others are to be flooded for it.
2. Observers wait besides, so that what they ask of the voters does not come at once (observer.election.DelayMs).
3. What is wrong is told when the pauses begin, and then less and less often.
"""

import asyncio
import logging
from typing import Final

from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError

FREE_ROLES: Final = 3
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
"""Or a tick, if that is shorter."""

logger = logging.getLogger("zkeeper.quorum")


class Pace:
    """Outlives the roles of its server."""

    def __init__(self, context: EnsembleContext) -> None:
        self._context = context
        self._vain_roles = 0
        self._has_served = False
        self._began_s = 0.0
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """An election begins, or a role that comes without one."""
        self._began_s = self._loop.time()
        self._has_served = False

    def served(self) -> None:
        """The role has come to serve."""
        self._has_served = True

    def role_ended(self, title: str, error: RoleEndedError) -> None:
        """Rule 3. `title` is the role's."""
        self._vain_roles = 0 if self._has_served else self._vain_roles + 1
        count = self._vain_roles
        if count > FREE_ROLES and count & (count - 1) == 0:
            advice = f" ({error.advice})" if error.advice else ""
            logger.warning(
                "this server was %s %d times in a row without coming to serve: %s%s; it tries again less often now",
                title, count, error, advice,
            )  # fmt: skip

    async def wait(self, *, is_observer: bool) -> None:
        """Returns when it is time for the next election."""
        pause_s = self._pause_s() - (self._loop.time() - self._began_s)
        if is_observer:
            pause_s = max(pause_s, self._context.random.random() * self._context.observer_election_s)
        if pause_s > 0:
            await asyncio.sleep(pause_s)

    def _pause_s(self) -> float:
        """Between the beginnings of two elections; a random part of it is left out."""
        excess = self._vain_roles - FREE_ROLES
        if excess <= 0:
            return 0.0
        longest_s = min(self._context.tick_s, LONGEST_PAUSE_S)
        pause_s = min(FIRST_PAUSE_S * (1 << min(excess - 1, 10)), longest_s)
        return pause_s * (1 - self._context.random.random() / 2)
