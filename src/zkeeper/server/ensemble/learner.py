"""How a learner comes to its master's state: connects, promises the epoch, takes over its history (quorum, 7.2).

The master is the leader; for an observer it may be a follower in the leader's place, which says the same.

1. A promise is durable before the leader hears of it.
2. NEWLEADER is acknowledged when all that was committed before it is durable here, and after that the epoch: log or
   snapshot, then currentEpoch, then the ACK.
3. What is proposed and not yet committed when the leader says UPTODATE is logged and acknowledged from then on.
4. A state that came only in part is never used, and one that the disk does not have yet is not kept: the caller has the
   old one loaded from the disk again. What was added to the old one is in the log, however this ends.
5. What the leader sends goes on where this server stands; a hole ends the role.
6. Transactions that are here and not in what takes their place are told of with a warning. A few at the end of the log
   that were never committed are none of these (TRUNC).
"""

import asyncio
import logging
from collections import deque
from typing import Final

from zkeeper.database.database import Database
from zkeeper.errors import DecodeError
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.marks import hit
from zkeeper.quorum.membership import Membership, MembershipError
from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError
from zkeeper.server.ensemble.dialing import dial
from zkeeper.server.ensemble.masters import Master
from zkeeper.server.ensemble.packet_link import LinkClosedError, PacketLink
from zkeeper.server.ensemble.replacing import what_is_lost
from zkeeper.server.ensemble.stage import Stage
from zkeeper.storage.image_transfer import receive_image
from zkeeper.storage.log_writer import TxnLog
from zkeeper.wire.protocol import RECONFIG
from zkeeper.wire.quorum_bodies import (
    EPOCH_NOT_ACCEPTED,
    int32_bytes,
    learner_info_bytes,
    read_activation,
)
from zkeeper.wire.quorum_packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    COMMIT_AND_ACTIVATE,
    DIFF,
    FOLLOWER_INFO,
    INFORM,
    INFORM_AND_ACTIVATE,
    LEADER_INFO,
    NEW_LEADER,
    OBSERVER_INFO,
    PROPOSAL,
    SNAP,
    TRUNC,
    UP_TO_DATE,
    QuorumPacket,
)
from zkeeper.wire.txns import SetDataBody, Txn, decode_txn
from zkeeper.wire.zxids import epoch_begin, epoch_of, follows

CONNECT_TRIES: Final = 9
"""Of which the last five are as far apart as Java's."""
FIRST_PAUSE_S: Final = 0.008
MAX_PROPOSED_BYTES: Final = 1 << 28
"""What proposals of one synchronisation may have in memory, while they wait for their commits."""
PROPOSED_BYTES: Final = 200
"""What a proposal takes beside its payload."""
LOG_PIECE_BYTES: Final = 1 << 22
"""After so much of a history has come the log is synced, so that it does not gather in memory."""

_EPOCH_AHEAD_ADVICE: Final = (
    "compare acceptedEpoch and currentEpoch in version-2 with those of the other members. If this version-2 is another "
    "ensemble's, stop this server, move version-2 away, keep myid, and start it: it gets everything from the leader. "
    "If it belongs here, restart the leader while this server runs: the next epoch will be a later one"
)

_LOSS_ADVICE: Final = (
    "If nobody has restored an older state, a member was perhaps started on the data of another ensemble: compare the "
    "znodes of the leader with what you expect before anything else is written"
)

logger = logging.getLogger("zkeeper.quorum")


def proposed_membership(txn: Txn) -> Membership:
    """What a reconfig proposes. Raises `MembershipError`."""
    assert isinstance(txn.body, SetDataBody)
    return Membership.decode(txn.body.data)


class Proposed:
    """A transaction that the leader has sent, and this server has not applied yet."""

    __slots__ = ("payload", "txn")

    def __init__(self, txn: Txn, payload: bytes) -> None:
        self.txn = txn
        self.payload = payload


class Learner:
    """`database` is this server's until `synchronize` has succeeded; then it may be another one."""

    def __init__(
        self, context: EnsembleContext, stage: Stage, database: Database, history: CommittedLog, master: Master
    ) -> None:  # fmt: skip
        self.context = context
        self.database = database
        self.history = history
        self.epoch = -1
        self.proposed: deque[Proposed] = deque()
        self.committed: deque[int] = deque()
        self.is_database_whole = True
        self._stage = stage
        self.master = master
        self._link: PacketLink | None = None
        self._log: TxnLog | None = None
        self._unsynced_bytes = 0
        self._has_snapshot_to_write = False
        self._last_proposed: int | None = None
        self._proposed_bytes = 0
        self._is_acknowledged = False
        self._new_membership: Membership | None = None

    @property
    def link(self) -> PacketLink:
        assert self._link is not None, "the learner is not connected"
        return self._link

    def last_zxid(self) -> int:
        """Of what the leader has sent so far, and of what was here before."""
        last_zxid = int(self.database.last_zxid)
        return last_zxid if self._last_proposed is None else max(self._last_proposed, last_zxid)

    async def synchronize(self) -> None:
        """Returns when the leader says UPTODATE. Raises `RoleEndedError` when it does not come to that."""
        try:
            self._link = await self._connect()
            await self._converse()
        except (LinkClosedError, DecodeError, MembershipError, RoleEndedError) as error:
            raise RoleEndedError(f"{self.master.title}: {error}", self._advice_on(error)) from error
        finally:
            await self._close_log()

    def _advice_on(self, error: Exception) -> str:
        """Who never said its epoch is perhaps no leader, but another port."""
        if isinstance(error, RoleEndedError) and error.advice:
            return error.advice
        return "" if self.epoch >= 0 else self.master.advice

    async def _converse(self) -> None:
        link = self.link
        try:
            link.limit_silence(self.context.init_s)
            await self._promise()
            await self._take_header(await link.receive())
            await self._take_history()
        except BaseException:
            link.close("this server does not follow")
            raise

    async def _close_log(self) -> None:
        """Rule 4: memory is not ahead of the log when this is over (ZOOKEEPER-4882)."""
        if self._log is not None:
            if self._log.failed is None:
                await self._log.sync()
            await self._log.close()

    # Connecting.

    async def _connect(self) -> PacketLink:
        """All addresses of the master are tried at once, several times (quorum, section 6).

        A leader that was just elected opens its port in these milliseconds, so the first pauses are short.
        """
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        deadline_s = loop.time() + self.context.connect_s
        tries = 0
        while True:
            tries += 1
            try:
                return await dial(self._make_link, self.master.addresses, max(0.0, deadline_s - loop.time()))
            except OSError as error:
                if tries == CONNECT_TRIES or loop.time() + pause_s > deadline_s:
                    raise RoleEndedError(f"it cannot be reached: {error}") from error
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self.context.connect_retry_s)

    def _make_link(self) -> PacketLink:
        return PacketLink(self.context.limit_bytes)

    # The epoch.

    async def _promise(self) -> None:
        epochs, link = self.context.epochs, self.link
        kind = OBSERVER_INFO if self.context.is_observer else FOLLOWER_INFO
        info = learner_info_bytes(self.context.sid, self.context.memberships.committed.version)
        link.send(kind, epoch_begin(epochs.accepted), info)
        packet = await link.receive()
        if packet.packet_type != LEADER_INFO:
            raise RoleEndedError(f"{packet.name()} came instead of LEADERINFO")
        self.epoch = int(epoch_of(packet.zxid))
        if self.epoch < epochs.accepted:
            raise RoleEndedError(
                f"it is in epoch {self.epoch}, and epoch {epochs.accepted} was accepted", _EPOCH_AHEAD_ADVICE
            )
        logger.info(
            "following: %s at %s is in epoch %d; this server's history is of epoch %d, up to zxid 0x%x",
            self.master.title, link.peer, self.epoch, epochs.current, self.database.last_zxid,
        )  # fmt: skip
        told = EPOCH_NOT_ACCEPTED
        if self.epoch > epochs.accepted:
            told = epochs.current
            await epochs.accept(self.epoch)
        link.send(ACK_EPOCH, self._announced_zxid(), int32_bytes(told))

    def _announced_zxid(self) -> int:
        return 0 if self.context.needs_everything else int(self.database.last_zxid)

    # The history.

    async def _take_header(self, packet: QuorumPacket) -> None:
        logger.info("following: %s sends %s 0x%x", self.master.title, packet.name(), packet.zxid)
        if packet.packet_type == SNAP:
            await self._receive_snapshot(int(packet.zxid))
        elif packet.packet_type == DIFF and self.context.needs_everything:
            # What comes is for an empty database, and takes the place of what the disk has.
            hit("learner.asks-for-everything")
            self._warn_of_loss("all that the leader has, from its beginning", "which this server has asked for")
            self._begin_anew(self._stage.empty_database())
        elif packet.packet_type == DIFF:
            self._begin_log()
        elif packet.packet_type == TRUNC and not self.context.needs_everything:
            await self._truncate(int(packet.zxid))
            self._begin_log()
        else:
            raise RoleEndedError(f"{packet.name()} came instead of DIFF, TRUNC or SNAP")

    def _begin_log(self) -> None:
        if self.context.is_logging:
            self._log = self._stage.begin_log(self.database)

    def _begin_anew(self, database: Database) -> None:
        """Goes on with another state than that of the disk."""
        self.is_database_whole = False
        self.database = database
        self.history.clear()
        self._has_snapshot_to_write = True

    async def _truncate(self, zxid: int) -> None:
        self.is_database_whole = False
        self.history.clear()
        database = await self._stage.truncate(zxid, self.history)
        self.is_database_whole = True
        if database is None:
            hit("learner.cannot-cut-back")
            self.context.needs_everything = True
            raise RoleEndedError(f"what this server has cannot be cut back to 0x{zxid:x}, so it asks for everything")
        self.database = database

    async def _receive_snapshot(self, zxid: int) -> None:
        link = self.link
        database, rest = await receive_image(
            self._stage.empty_database, zxid, link.receive_raw, self.context.limit_bytes
        )
        link.end_raw(rest)
        loss = what_is_lost(self.database, database, zxid)
        if loss or self.context.needs_everything:
            reason = loss or "which this server has asked for"
            self._warn_of_loss(f"the leader's state at zxid 0x{zxid:x}", reason)
        self._begin_anew(database)

    def _warn_of_loss(self, replacement: str, reason: str) -> None:
        """Rule 6."""
        logger.warning(
            "following: %s replaces the history of this server, of epoch %d, up to zxid 0x%x, by %s, %s: transactions "
            "that are here only are dropped. %s",
            self.master.title, self.context.epochs.current, self.database.last_zxid, replacement, reason, _LOSS_ADVICE,
        )  # fmt: skip

    async def _take_history(self) -> None:
        while True:
            packet = await self.link.receive()
            kind = packet.packet_type
            if kind == PROPOSAL:
                self._propose(int(packet.zxid), packet.data)
            elif kind == COMMIT:
                self._commit(int(packet.zxid))
            elif kind == INFORM:
                self._propose(int(packet.zxid), packet.data)
                self._commit(int(packet.zxid))
            elif kind == COMMIT_AND_ACTIVATE:
                self._commit_and_activate(int(packet.zxid), read_activation(packet.data)[0])
            elif kind == INFORM_AND_ACTIVATE:
                designated, payload = read_activation(packet.data)
                self._propose(int(packet.zxid), payload)
                self._commit_and_activate(int(packet.zxid), designated)
            elif kind == NEW_LEADER:
                await self._new_leader(packet)
            elif kind == UP_TO_DATE:
                if not self._is_acknowledged:
                    raise RoleEndedError("UPTODATE came before NEWLEADER")
                self._take_new_membership()
                return
            if self._unsynced_bytes >= LOG_PIECE_BYTES and self._log is not None:
                await self._log.sync()
                self._unsynced_bytes = 0

    def _propose(self, zxid: int, payload: bytes | None) -> None:
        if payload is None:
            raise DecodeError(f"proposal 0x{zxid:x} has no transaction")
        self._check_place(zxid)
        self._proposed_bytes += len(payload) + PROPOSED_BYTES
        if self._proposed_bytes > MAX_PROPOSED_BYTES:
            raise RoleEndedError(f"more than {MAX_PROPOSED_BYTES} bytes of proposals wait for their commits")
        txn = decode_txn(payload, self.context.limit_bytes, self._stage.is_digest_enabled)
        if txn.zxid != zxid:
            raise DecodeError(f"proposal 0x{zxid:x} has a transaction 0x{txn.zxid:x}")
        if txn.txn_type == RECONFIG:
            self.context.memberships.set_last_seen(proposed_membership(txn))
        self._last_proposed = zxid
        self.proposed.append(Proposed(txn, payload))

    def _check_place(self, zxid: int) -> None:
        """Rule 5. The first ones may be part of a snapshot that was sent, or here already."""
        last_zxid = self._last_proposed
        if last_zxid is None:
            last_zxid = int(self.database.last_zxid)
            if zxid <= last_zxid:
                return
        if not follows(zxid, last_zxid):
            hit("learner.hole")
            raise RoleEndedError(f"proposal 0x{zxid:x} comes after 0x{last_zxid:x}: there is a hole between")

    def _commit(self, zxid: int) -> None:
        """Before NEWLEADER a commit is taken at once; what comes later waits for the service."""
        if self._is_acknowledged:
            self.committed.append(zxid)
            return
        if not self.proposed or self.proposed[0].txn.zxid != zxid:
            hit("learner.wrong-commit")
            raise RoleEndedError(f"the commit of 0x{zxid:x} came, and it is not the next proposal")
        self._apply(self.proposed.popleft())

    def _commit_and_activate(self, zxid: int, designated: int) -> None:
        """The commit of a change of the membership, which may take this server elsewhere."""
        found = [one.txn for one in self.proposed if one.txn.zxid == zxid]
        if not found or found[0].txn_type != RECONFIG:
            raise RoleEndedError(f"0x{zxid:x} is activated, and is no change of the membership that was proposed")
        self._activate(proposed_membership(found[0]), designated, zxid)
        self._commit(zxid)

    def _activate(self, membership: Membership, designated: int | None, zxid: int) -> None:
        if self._stage.activate(membership, designated, zxid):
            raise RoleEndedError(f"by the membership of version {membership.version:x} it or the leader is another one")

    def _take_new_membership(self) -> None:
        """The membership in NEWLEADER is committed, unless it came as a proposal, too: then that waits for its commit.
        (Leaders in Java send to who comes late what is only proposed.)"""
        new = self._new_membership
        if new is not None and all(one.txn.zxid != new.version for one in self.proposed):
            self._activate(new, None, 0)
        self._stage.show_membership(self.database)

    def _apply(self, proposed: Proposed) -> None:
        zxid = int(proposed.txn.zxid)
        self._proposed_bytes -= len(proposed.payload) + PROPOSED_BYTES
        if zxid <= self.database.last_zxid:
            hit("learner.sent-again")
            return  # The leader may send again what is here already.
        if self._log is not None:
            self._log.append(zxid, proposed.payload)
            self._unsynced_bytes += len(proposed.payload)
        self.database.apply(proposed.txn)
        self.history.add(zxid, proposed.payload)

    async def _new_leader(self, packet: QuorumPacket) -> None:
        if packet.zxid != epoch_begin(self.epoch):
            raise RoleEndedError(f"NEWLEADER 0x{packet.zxid:x} is not of epoch {self.epoch}")
        if packet.data:
            self._new_membership = Membership.decode(packet.data)
            self.context.memberships.set_last_seen(self._new_membership)
        await self._make_durable()
        self.is_database_whole = True
        self.context.needs_everything = False
        self._is_acknowledged = True
        self.link.limit_silence(self.context.sync_s)
        self.link.send(ACK, packet.zxid)

    async def _make_durable(self) -> None:
        """Rule 2. What a server without a log has not received as a snapshot is not durable, nor is it said to be."""
        is_durable = self._has_snapshot_to_write or self.context.is_logging
        if self._has_snapshot_to_write:
            await self._stage.keep_received(self.database)
            self._has_snapshot_to_write = False
            self._begin_log()
        if self._log is not None:
            await self._log.sync()
        await self._stage.memberships_settled()
        if is_durable:
            await self.context.epochs.set_current(self.epoch)
