"""The connections of learners at a leader or an observer master: who listens for them, holds them and ends them."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from zkeeper.server.ensemble.known_learner import KnownLearner
from zkeeper.server.ensemble.learner_handler import LearnerHandler
from zkeeper.server.ensemble.learner_master import LearnerMaster
from zkeeper.server.ensemble.packet_link import PacketLink

MAX_LEARNERS: Final = 1000
"""Connections of learners at once; more are closed."""

logger = logging.getLogger("zkeeper.quorum")


class Learners:
    """Those of `master`. What one may have to be sent behind its history is `max_held_bytes` at most."""

    def __init__(self, master: LearnerMaster, max_held_bytes: int) -> None:
        self._master = master
        self._max_held_bytes = max_held_bytes
        self._servers: list[asyncio.Server] = []
        self._tasks: dict[KnownLearner, asyncio.Task[None]] = {}
        self._next_owner = 1
        self._why_over = ""
        self._loop = asyncio.get_running_loop()

    async def listen(self, places: Sequence[tuple[str, int]]) -> None:
        """On all of `places`, hosts and ports, that can be opened; an empty host is every interface. `OSError` when
        none can."""
        errors = list[OSError]()
        for host, port in places:
            try:
                self._servers.append(await self._loop.create_server(self._accept, host, port))
            except OSError as error:
                errors.append(error)
                logger.warning(
                    "%s: port %d of %s cannot be opened, no learner can connect there: %s; stop what listens there, "
                    "or correct the address of this server in the configuration of all members",
                    self._master.title, port, host or "*", error,
                )  # fmt: skip
        if not self._servers:
            raise errors[0]

    def _accept(self) -> PacketLink:
        link = PacketLink(self._master.context.limit_bytes, self._max_held_bytes)
        link.on_made = partial(self._connection_made, link)
        return link

    def _connection_made(self, link: PacketLink) -> None:
        if self._why_over or len(self._tasks) >= MAX_LEARNERS:
            link.close(self._why_over or f"{MAX_LEARNERS} learners are connected")
            return
        learner = KnownLearner(self._master, link, self._next_owner)
        self._next_owner += 1
        self._tasks[learner] = self._loop.create_task(LearnerHandler(self._master, learner).run())

    def known(self) -> list[KnownLearner]:
        """Of all connections, whatever their stage."""
        return list(self._tasks)

    def are_there(self) -> bool:
        return bool(self._tasks)

    def has_observers(self) -> bool:
        return any(learner.is_observer for learner in self._tasks)

    def replace_by(self, learner: KnownLearner) -> None:
        """Takes the voice from earlier connections of a learner that joins."""
        for other in self._tasks:
            other.is_replaced |= other is not learner and other.sid == learner.sid

    def send(self, for_followers: bytes, for_observers: bytes) -> None:
        """Sends all who have joined what is for their kind."""
        for learner in self._tasks:
            data = for_observers if learner.is_observer else for_followers
            if learner.is_forwarding and data:
                learner.link.write(data)

    def ping(self, last_proposed: int) -> None:
        for learner in list(self._tasks):
            learner.ping(last_proposed)

    def remove(self, learner: KnownLearner) -> None:
        """Its connection is over. Those whose voice it had taken have to join anew, and get theirs back."""
        self._tasks.pop(learner, None)
        for other in self._tasks:
            if other.is_replaced and other.sid == learner.sid:
                other.link.close("a later connection of its number had its voice, and has left: it has to join anew")

    async def close(self, why: str) -> None:
        """Ends all connections, and lets nobody come any more."""
        self._why_over = why
        for server in self._servers:
            server.close()
        for learner, task in list(self._tasks.items()):
            learner.link.close(why)
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
