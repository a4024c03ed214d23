"""How a leader and a quorum come to an epoch and to one history, as the leader sees it (quorum, section 7.3).

1. An epoch is used once: it is greater than any that a quorum has accepted, and durable here before anybody hears of
   it.
2. A learner that has more than this server is refused; without a quorum of others this server does not lead, unless
   nobody came for half a tick and an oracle lets it go on alone.
3. Of two that lead alone, one after the other, neither knows what the other has accepted. One takes odd epochs, one
   even ones.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from zkeeper.quorum.marks import hit
from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError
from zkeeper.server.ensemble.gathering import Gathering
from zkeeper.server.ensemble.stage import Stage
from zkeeper.storage.epochs import MAX_EPOCH
from zkeeper.wire.zxids import epoch_begin

logger = logging.getLogger("zkeeper.quorum")


class Discovery:
    """`last_zxid` is the end of the leader's history. While it waits it calls `look_around` twice a tick, which may
    raise `RoleEndedError`; `is_alone` says whether no voter is with the leader."""

    def __init__(
        self, context: EnsembleContext, stage: Stage, last_zxid: int, look_around: Callable[[], None],
        is_alone: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.epoch = -1
        self._context = context
        self._stage = stage
        self._look_around = look_around
        self._is_alone = is_alone
        self._summary = (context.epochs.current, last_zxid)
        self._highest_accepted = max(context.epochs.accepted, context.promised_elsewhere)
        committed = [context.memberships.committed.verifier]
        self._connected = Gathering(committed, context.sid)
        self._accepted = Gathering(committed, context.sid)
        self._followed = Gathering(context.memberships.verifiers(), context.sid)
        self._has_epoch = asyncio.Event()
        self._serves = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    # For the leader.

    async def run(self) -> None:
        """Returns when a quorum has taken over the history. Raises `RoleEndedError` when that lasts too long."""
        await self._wait_for(self._connected, "no quorum has connected")
        self.epoch = self._next_epoch()
        await self._context.epochs.accept(self.epoch)
        await self._number_membership()
        logger.info("leading in epoch %d: heard of servers %s", self.epoch, sorted(self._connected.sids()))
        self._has_epoch.set()
        await self._wait_for(self._accepted, "no quorum has accepted the epoch")
        await self._context.epochs.set_current(self.epoch)
        await self._wait_for(self._followed, "no quorum has taken over the history")

    def _next_epoch(self) -> int:
        """Rules 1 and 3."""
        epoch = self._highest_accepted + 1
        voters = self._context.memberships.committed.participants
        is_alone = len(voters) > 1 and self._connected.sids() & voters == {self._context.sid}
        return epoch + (epoch + sorted(voters).index(self._context.sid)) % 2 if is_alone else epoch

    async def _number_membership(self) -> None:
        """Before anybody hears of the epoch, and so of the membership in NEWLEADER (quorum, section 7.3, step 4)."""
        self._context.memberships.renumber(epoch_begin(self.epoch))
        await self._stage.memberships_settled()
        self._followed = Gathering(self._context.memberships.verifiers(), self._context.sid)

    async def _wait_for(self, gathering: Gathering, otherwise: str) -> None:
        """Within initLimit. Learners that wait for others meanwhile hear of this server."""
        deadline_s = self._loop.time() + self._context.init_s
        while not gathering.is_complete():
            left_s = deadline_s - self._loop.time()
            if left_s <= 0:
                reason = f"{otherwise} within initLimit ({self._context.init_s:g} s), only {sorted(gathering.sids())}"
                raise RoleEndedError(reason)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, self._context.tick_s / 2)):
                    await gathering.wait()
            self._look_around()
            if self._context.oracle is not None and self._is_alone():
                gathering.ask(self._context.oracle)

    def has_epoch(self) -> bool:
        """Whether learners are told the epoch already."""
        return self._has_epoch.is_set()

    def followers(self) -> list[int]:
        """Who has taken over the history, with the leader."""
        return sorted(self._followed.sids())

    def serves(self) -> None:
        """The leader does, from now on."""
        self._serves.set()

    # For the handlers of learners; `voter` is None for an observer.

    async def agree_on_epoch(self, voter: int | None, accepted_epoch: int) -> int:
        """As `LearnerMaster.agree_on_epoch`."""
        if not self._has_epoch.is_set() and self.epoch < 0:
            if not accepted_epoch < MAX_EPOCH:
                raise RoleEndedError(f"it has accepted epoch {accepted_epoch}: there is none after it")
            self._highest_accepted = max(self._highest_accepted, accepted_epoch)
            if voter is not None:
                self._connected.add(voter)
        await self._has_epoch.wait()
        return self.epoch

    async def epoch_accepted(self, voter: int | None, current_epoch: int, last_zxid: int) -> None:
        """As `LearnerMaster.epoch_accepted`; returns when a quorum has accepted the epoch."""
        if not self._accepted.is_complete():
            if (current_epoch, last_zxid) > self._summary:
                hit("leader.learner-is-ahead")
                raise RoleEndedError(
                    f"it is at epoch {current_epoch}, zxid 0x{last_zxid:x}, this leader only at "
                    f"epoch {self._summary[0]}, zxid 0x{self._summary[1]:x}"
                )
            if voter is not None and current_epoch >= 0 and last_zxid >= 0:
                self._accepted.add(voter)
        await self._accepted.wait()

    async def followed_by(self, voter: int | None) -> None:
        """As `LearnerMaster.followed_by`; returns when the leader serves."""
        if voter is not None:
            self._followed.add(voter)
        await self._serves.wait()
