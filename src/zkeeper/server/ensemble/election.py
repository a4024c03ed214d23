"""Elections of one server: ties the state machine (`quorum.election`) to the election port and to the loop's time.

1. Messages are taken, and those who look for a leader are answered, in every state; only `stop` ends that.
2. A newer membership that is heard of while this server looks for a leader is taken before anything else of that
   message; if it is another one, the election begins anew under it (quorum, section 4.2, step 1).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from zkeeper.errors import StorageError
from zkeeper.quorum.election import (
    MAX_NOTIFICATION_INTERVAL_MS,
    MIN_NOTIFICATION_INTERVAL_MS,
    Decision,
    Elector,
)
from zkeeper.quorum.membership import Membership, MembershipError
from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.verifiers import Oracle
from zkeeper.quorum.votes import Vote
from zkeeper.server.ensemble.peer_connections import PeerConnections, PeerSettings
from zkeeper.server.log_noise import QuietLog
from zkeeper.wire.notifications import Notification, decode_notification, encode_notification

WITH_CONFIGURATION: Final = 2
"""The version from which on notifications have a configuration."""

logger = logging.getLogger("zkeeper.election")


@dataclass(frozen=True, kw_only=True, slots=True)
class ElectionSettings:
    """The intervals are fastleader.minNotificationInterval and fastleader.maxNotificationInterval."""

    peers: PeerSettings
    min_interval_ms: int = MIN_NOTIFICATION_INTERVAL_MS
    max_interval_ms: int = MAX_NOTIFICATION_INTERVAL_MS


class Election:
    """`vote` is for this server itself, with what it has on disk.

    `on_peer_looking` is told the sid and the vote of a voter that looks for a leader while this server leads.
    `on_newer_membership` takes a membership that was committed without this server, and says whether it is another one
    than before; what it raises as `StorageError` ends `look_for_leader`. `stand_again` takes the last zxid, and gives
    that with which the election begins anew under another membership.
    """

    def __init__(
        self, own_sid: int, memberships: Memberships, settings: ElectionSettings, vote: Vote,
        oracle: Oracle | None = None,
    ) -> None:  # fmt: skip
        self.own_sid = own_sid
        self.on_peer_looking: Callable[[int, Vote], None] = lambda sid, vote: None
        self.on_newer_membership: Callable[[Membership], bool] = self._take_membership
        self.stand_again: Callable[[int], Awaitable[int]] = _as_before
        self.connections = PeerConnections(own_sid, memberships, settings.peers, self._receive)
        self._memberships = memberships
        self._elector = Elector(
            own_sid, memberships, vote, logger.info, self._report_looking, oracle,
            settings.min_interval_ms, settings.max_interval_ms,
        )  # fmt: skip
        self._outcome: asyncio.Future[Decision | None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._noise: QuietLog | None = None

    @property
    def state(self) -> int:
        return self._elector.state

    @property
    def vote(self) -> Vote:
        """What others are told while this server has a leader."""
        return self._elector.current

    async def start(self) -> None:
        """Opens the election port. Raises `ElectionPortError`."""
        self._noise = QuietLog("notifications", logger.warning, asyncio.get_running_loop())
        await self.connections.start()

    async def stop(self) -> None:
        """Closes the port and all connections. Whoever looks for a leader is to be cancelled before."""
        self._disarm()
        await self.connections.stop()
        if self._noise is not None:
            self._noise.summarize()

    async def look_for_leader(self, zxid: int, peer_epoch: int) -> Decision:
        """The role of this server and the vote that all agree upon.

        `zxid` is the last one processed (-1 for a server that lost its data), `peer_epoch` the currentEpoch. Raises
        `ElectionPortError` when the port has to move and cannot.
        """
        try:
            while True:
                decision = await self._run(zxid, peer_epoch)
                if decision is not None:
                    return decision
                logger.info("the membership has changed: the election begins anew")
                await self.connections.restart()
                zxid = await self.stand_again(zxid)
        finally:
            self._outcome = None
            self._disarm()

    async def _run(self, zxid: int, peer_epoch: int) -> Decision | None:
        """One election; None when it has to begin anew."""
        outcome: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        self._outcome = outcome
        is_observer = self.own_sid in self._memberships.committed.observers
        self._elector.begin(zxid, peer_epoch, is_observer, self._now_ms())
        self._act()
        try:
            return await outcome
        finally:
            self._elector.pause()

    async def follow_membership(self) -> None:
        """Has the port where the committed membership says. Raises `ElectionPortError`."""
        if self.connections.has_to_move():
            await self.connections.restart()

    def set_role(self, state: int, vote: Vote) -> None:
        """The server has a role that no election gave it, or looks for a leader soon; others are told so."""
        self._elector.set_role(state, vote)

    def update_epoch(self, peer_epoch: int) -> None:
        """The role has reached broadcast in `peer_epoch`."""
        self._elector.update_epoch(peer_epoch)

    # Messages.

    def _receive(self, sid: int, payload: bytes) -> None:
        notification = decode_notification(payload)
        if notification is None:
            self._warn(f"a message of server {sid} is ignored: {len(payload)} bytes that are no notification")
        elif not self._has_changed_membership(sid, notification):
            self._elector.receive(sid, notification, self._now_ms())
            self._act()

    def _has_changed_membership(self, sid: int, notification: Notification) -> bool:
        """Rule 2."""
        outcome = self._outcome
        if outcome is None or outcome.done() or notification.version < WITH_CONFIGURATION:
            return False
        membership = self._newer_membership(sid, notification.config_text)
        if membership is None:
            return False
        logger.info("server %d knows a newer membership, of version %x", sid, membership.version)
        try:
            has_changed = self.on_newer_membership(membership)
        except StorageError as error:
            outcome.set_exception(error)
            return True
        if has_changed:
            outcome.set_result(None)
        return has_changed

    def _newer_membership(self, sid: int, text: bytes) -> Membership | None:
        committed = self._memberships.committed
        if text == committed.text().encode():
            return None
        try:
            membership = Membership.parse(text.decode())
        except (MembershipError, UnicodeDecodeError) as error:
            self._warn(f"the configuration that server {sid} sent is ignored: {error}")
            return None
        return membership if membership.version > committed.version else None

    def _take_membership(self, membership: Membership) -> bool:
        before = self._memberships.committed
        is_taken = self._memberships.is_reconfig_enabled and self._memberships.set_committed(membership)
        return is_taken and not membership.same_as(before)

    def _report_looking(self, sid: int, vote: Vote) -> None:
        self.on_peer_looking(sid, vote)

    def _warn(self, sentence: str) -> None:
        if self._noise is not None:
            self._noise.tell(sentence)

    # What the state machine wants.

    def _act(self) -> None:
        elector = self._elector
        for sid, message in elector.outbox:
            self.connections.send(sid, encode_notification(message))
        elector.outbox.clear()
        if elector.wants_connections:
            elector.wants_connections = False
            self.connections.connect_all()
        self._arm()
        if elector.decision is not None and self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(elector.decision)
            elector.decision = None

    def _arm(self) -> None:
        self._disarm()
        if self._elector.deadline_ms >= 0:
            self._alarm = asyncio.get_running_loop().call_at(self._elector.deadline_ms / 1000, self._expire)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _expire(self) -> None:
        self._alarm = None
        self._elector.expire(self._now_ms(), self.connections.has_delivered())
        self._act()

    def _now_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)


async def _as_before(zxid: int) -> int:
    return zxid
