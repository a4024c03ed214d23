"""What a master, a leader or an observer master, knows of one learner, tells it and hears from it once it follows.

1. Each connection has a number of its own, by which a leader knows where a session is.
2. A learner that was not heard of for `syncLimit` ticks does not count as one that follows; one that leaves a proposal
   unacknowledged for so long is disconnected.
3. An observer has no voice, whatever the configuration says of its sid.
4. Two connections of one sid are served alike, as in Java, and told of: perhaps two servers have the same number. Only
   the one that has joined last has a voice: what still comes on the other is of a log that may be cut back since. When
   the one with the voice leaves, the other one is left, too, and joins anew.
"""

import asyncio
import logging
from typing import Final

from zkeeper.errors import DecodeError
from zkeeper.pipeline.proposals import Proposal
from zkeeper.server.ensemble.learner_master import LearnerMaster
from zkeeper.server.ensemble.packet_flow import Packets
from zkeeper.server.ensemble.packet_link import PacketLink
from zkeeper.wire.quorum_bodies import read_touched
from zkeeper.wire.quorum_packets import (
    ACK,
    COMMIT,
    INFORM,
    PING,
    PROPOSAL,
    REQUEST,
    REVALIDATE,
    SYNC,
    QuorumPacket,
)
from zkeeper.wire.zxids import counter_of

_SAME_SID_ADVICE: Final = (
    "compare the files myid of the servers there: each member needs a number of its own. If there is one such server "
    "only, it came back before its old connection was noticed as lost, and nothing is wrong"
)

logger = logging.getLogger("zkeeper.quorum")


class PeerError(Exception):
    """The peer broke the protocol; the message says how."""


class KnownLearner:
    """`owner` is the number of the connection (rule 1); `sid` is known after the learner's first packet."""

    def __init__(self, master: LearnerMaster, link: PacketLink, owner: int) -> None:
        self.link = link
        self.owner = owner
        self.sid: int | None = None
        self.is_observer = False
        self.is_replaced = False
        """Another connection of its sid has joined since."""
        self.is_forwarding = False
        self.is_synced = False
        self.follows = False
        self.pings = 0
        """Since it follows: before that learners do not answer them."""
        self.answered_pings = 0
        self.config_version: int | None = None
        self.acked_zxid = 0
        self._awaited_zxid = 0
        self._awaited_since_s = 0.0
        self._master = master
        self._deadline_tick = master.tick + master.context.init_limit + master.context.sync_limit
        self._loop = asyncio.get_running_loop()

    @property
    def voter(self) -> int | None:
        """As whom it counts; None for one that has no voice (rules 3 and 4), and as long as it is not known."""
        return None if self.is_observer or self.is_replaced else self.sid

    def name(self) -> str:
        who = "a learner" if self.sid is None else f"{'observer' if self.is_observer else 'follower'} {self.sid}"
        return f"{who} at {self.link.peer}"

    def who(self) -> tuple[str, str]:
        """The master and the learner, for lines of the log."""
        return self._master.title, self.name()

    def begin(self) -> None:
        """From now on it follows, and says what it wants in any order."""
        self.follows = True
        self.pings = 0
        self._heard()
        self.link.limit_silence(self._master.context.sync_s)
        logger.info("%s: %s follows", *self.who())
        self._look_for_namesakes()
        self.link.serve(self._take)

    def _look_for_namesakes(self) -> None:
        """Rule 4."""
        for other in self._master.learners():
            if other is not self and other.sid == self.sid and other.follows and not other.link.is_closed():
                logger.warning(
                    "%s: server %s follows twice, from %s and from %s: %s",
                    self._master.title, self.sid, other.link.peer, self.link.peer, _SAME_SID_ADVICE,
                )  # fmt: skip

    # What it says.

    def _take(self, packets: Packets) -> None:
        self._heard()
        acked_zxid = 0
        try:
            for packet in packets:
                if packet.packet_type == ACK:
                    acked_zxid = int(packet.zxid)
                    self._check_ack(acked_zxid)
                else:
                    self._other(packet)
        except (DecodeError, PeerError) as error:
            self.link.close(str(error))
            return
        if acked_zxid and counter_of(acked_zxid):
            self.acked_zxid = max(self.acked_zxid, acked_zxid)
            if self.voter is not None:
                self._master.acked(self.voter, acked_zxid)

    def _check_ack(self, zxid: int) -> None:
        if zxid > self._master.last_proposed():
            raise PeerError(f"it acknowledges 0x{zxid:x}, and 0x{self._master.last_proposed():x} was proposed last")

    def _other(self, packet: QuorumPacket) -> None:
        kind = packet.packet_type
        if kind == REQUEST:
            self._master.request(self, packet)
        elif kind == PING:
            self.answered_pings += 1
            self._master.answered_ping(self, read_touched(packet.data))
        elif kind == REVALIDATE:
            self._master.revalidate(self, packet)
        else:
            logger.warning("%s: %s sent %s, which is ignored", *self.who(), packet.name())

    # What it is told.

    def answer_sync(self) -> None:
        self.link.send(SYNC, 0)

    def send_outstanding(self, proposals: list[Proposal], sent_zxid: int, committed_zxid: int) -> None:
        """Sends what of the leader's queue came behind `sent_zxid`. What is committed the learner does not acknowledge
        one by one."""
        self.acked_zxid = committed_zxid
        for proposal in proposals:
            zxid = int(proposal.txn.zxid)
            if zxid <= sent_zxid:
                continue
            if self.is_observer:
                if zxid <= committed_zxid:
                    self.link.send(INFORM, zxid, proposal.payload)
                continue
            self.link.send(PROPOSAL, zxid, proposal.payload)
            if zxid <= committed_zxid:
                self.link.send(COMMIT, zxid)

    # Liveness.

    def _heard(self) -> None:
        self._deadline_tick = self._master.tick + self._master.context.sync_limit

    def is_alive(self) -> bool:
        return self._master.tick <= self._deadline_tick

    def ping(self, last_proposed: int) -> None:
        """Tells the learner that this server lives and asks for the same, and leaves one that does not acknowledge
        (rule 2). Before UPTODATE learners do not answer."""
        if not self.is_synced:
            return
        if self._is_stuck(last_proposed):
            self.link.close(f"it has not acknowledged 0x{self._awaited_zxid:x} within syncLimit")
            return
        self.pings += 1
        self.link.send(PING, last_proposed)

    def _is_stuck(self, last_proposed: int) -> bool:
        """Takes the latest proposal now and then, and sees how long its acknowledgement takes."""
        if self.is_observer:
            return False
        if self.acked_zxid >= self._awaited_zxid:
            self._awaited_zxid, self._awaited_since_s = last_proposed, self._loop.time()
        waits_s = self._loop.time() - self._awaited_since_s
        return self.acked_zxid < self._awaited_zxid and waits_s > self._master.context.sync_s
