"""How a learner comes to its leader's state: connects, promises the epoch, takes over its history (quorum, 7.2).

1. A promise is durable before the leader hears of it.
2. NEWLEADER is acknowledged when all that was committed before it is durable here, and after that the epoch: log or
   snapshot, then currentEpoch, then the ACK.
3. What is proposed and not yet committed when the leader says UPTODATE is logged and acknowledged from then on.
4. A state that came only in part is never used: the caller has the old one loaded from the disk again.
"""

import asyncio
import logging
from collections import deque
from typing import Final

from zkeeper.database.database import Database
from zkeeper.errors import DecodeError
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.members import Member
from zkeeper.quorum.membership import Membership, MembershipError
from zkeeper.server.ensemble.context import EnsembleContext, RoleEndedError
from zkeeper.server.ensemble.packet_link import LinkClosedError, PacketLink
from zkeeper.server.ensemble.stage import Stage
from zkeeper.storage.image_transfer import receive_image
from zkeeper.storage.log_writer import TxnLog
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
from zkeeper.wire.txns import Txn, decode_txn
from zkeeper.wire.zxids import epoch_begin, epoch_of, follows

CONNECT_TRIES: Final = 5
RETRY_S: Final = 0.1
MAX_PROPOSED: Final = 100_000
"""Proposals of one synchronisation that may wait for their commits."""

logger = logging.getLogger("zkeeper.quorum")


class Proposed:
    """A transaction that the leader has sent, and this server has not applied yet."""

    __slots__ = ("payload", "txn")

    def __init__(self, txn: Txn, payload: bytes) -> None:
        self.txn = txn
        self.payload = payload


class Learner:
    """`database` is this server's until `synchronize` has succeeded; then it may be another one."""

    def __init__(
        self, context: EnsembleContext, stage: Stage, database: Database, history: CommittedLog, leader: Member
    ) -> None:  # fmt: skip
        self.context = context
        self.database = database
        self.history = history
        self.epoch = -1
        self.proposed: deque[Proposed] = deque()
        self.committed: deque[int] = deque()
        self.is_database_whole = True
        self._stage = stage
        self._leader = leader
        self._link: PacketLink | None = None
        self._log: TxnLog | None = None
        self._has_snapshot_to_write = False
        self._last_proposed = 0
        self._is_acknowledged = False
        self._new_membership: Membership | None = None

    @property
    def link(self) -> PacketLink:
        assert self._link is not None, "the learner is not connected"
        return self._link

    @property
    def leader_sid(self) -> int:
        return self._leader.sid

    def last_zxid(self) -> int:
        """Of what the leader has sent so far, and of what was here before."""
        return max(self._last_proposed, int(self.database.last_zxid))

    async def synchronize(self) -> None:
        """Returns when the leader says UPTODATE. Raises `RoleEndedError` when it does not come to that."""
        try:
            async with asyncio.timeout(self.context.init_s):
                self._link = await self._connect()
            self.link.limit_silence(self.context.init_s)
            await self._promise()
            await self._take_header(await self.link.receive())
            await self._take_history()
        except TimeoutError as error:
            raise RoleEndedError(f"leader {self._leader.sid} does not answer within initLimit") from error
        except (LinkClosedError, DecodeError, MembershipError) as error:
            raise RoleEndedError(f"leader {self._leader.sid}: {error}") from error
        finally:
            if self._log is not None:
                await self._log.close()

    # Connecting.

    async def _connect(self) -> PacketLink:
        wait_s = self.context.tick_s * self.context.connect_limit
        deadline_s = asyncio.get_running_loop().time() + wait_s
        for attempt in range(CONNECT_TRIES):
            for address in self._leader.addresses:
                try:
                    return await self._open(address.host, address.quorum_port)
                except OSError as error:
                    reason = error
            if attempt + 1 == CONNECT_TRIES or asyncio.get_running_loop().time() + RETRY_S > deadline_s:
                break
            await asyncio.sleep(RETRY_S)
        raise RoleEndedError(f"leader {self._leader.sid} cannot be reached: {reason}")

    async def _open(self, host: str, port: int) -> PacketLink:
        def make() -> PacketLink:
            return PacketLink(self.context.limit_bytes)

        _, link = await asyncio.get_running_loop().create_connection(make, host, port)
        return link

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
            raise RoleEndedError(f"it leads in epoch {self.epoch}, and epoch {epochs.accepted} was accepted")
        logger.info(
            "following: leader %d at %s leads in epoch %d; this server's history is of epoch %d, up to zxid 0x%x",
            self._leader.sid, link.peer, self.epoch, epochs.current, self.database.last_zxid,
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
        logger.info("following: leader %d sends %s 0x%x", self._leader.sid, packet.name(), packet.zxid)
        if self.context.needs_everything and packet.packet_type != SNAP:
            # Whatever comes is for an empty database, and takes the place of what the disk has.
            self.is_database_whole = False
            self.database = self._stage.empty_database()
            self.history.clear()
            self._has_snapshot_to_write = True
        elif packet.packet_type == DIFF:
            self._begin_log()
        elif packet.packet_type == TRUNC:
            await self._truncate(int(packet.zxid))
            self._begin_log()
        elif packet.packet_type == SNAP:
            await self._receive_snapshot(int(packet.zxid))
        else:
            raise RoleEndedError(f"{packet.name()} came instead of DIFF, TRUNC or SNAP")

    def _begin_log(self) -> None:
        self._log = self._stage.begin_log(self.database)

    async def _truncate(self, zxid: int) -> None:
        self.is_database_whole = False
        self.history.clear()
        database = await self._stage.truncate(zxid, self.history)
        if database is None:
            self.context.needs_everything = True
            raise RoleEndedError(f"what this server has cannot be cut back to 0x{zxid:x}; it asks for everything")
        self.database = database
        self.is_database_whole = True

    async def _receive_snapshot(self, zxid: int) -> None:
        self.is_database_whole = False
        link = self.link
        database, rest = await receive_image(
            self._stage.empty_database, zxid, link.receive_raw, self.context.limit_bytes
        )
        link.end_raw(rest)
        self.database = database
        self.history.clear()
        self._has_snapshot_to_write = True

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
                self._commit(int(packet.zxid))
            elif kind == INFORM_AND_ACTIVATE:
                self._propose(int(packet.zxid), read_activation(packet.data)[1])
                self._commit(int(packet.zxid))
            elif kind == NEW_LEADER:
                await self._new_leader(packet)
            elif kind == UP_TO_DATE:
                return

    def _propose(self, zxid: int, payload: bytes | None) -> None:
        if payload is None:
            raise DecodeError(f"proposal 0x{zxid:x} has no transaction")
        if self._last_proposed and not follows(zxid, self._last_proposed):
            raise RoleEndedError(f"proposal 0x{zxid:x} comes after 0x{self._last_proposed:x}: there is a hole between")
        if len(self.proposed) >= MAX_PROPOSED:
            raise RoleEndedError(f"{MAX_PROPOSED} proposals wait for their commits")
        txn = decode_txn(payload, self.context.limit_bytes, self._stage.is_digest_enabled)
        if txn.zxid != zxid:
            raise DecodeError(f"proposal 0x{zxid:x} has a transaction 0x{txn.zxid:x}")
        self._last_proposed = zxid
        self.proposed.append(Proposed(txn, payload))

    def _commit(self, zxid: int) -> None:
        """Before NEWLEADER a commit is taken at once; what comes later waits for the service."""
        if self._is_acknowledged:
            self.committed.append(zxid)
            return
        if not self.proposed or self.proposed[0].txn.zxid != zxid:
            raise RoleEndedError(f"the commit of 0x{zxid:x} came, and it is not the next proposal")
        self._apply(self.proposed.popleft())

    def _apply(self, proposed: Proposed) -> None:
        zxid = int(proposed.txn.zxid)
        if zxid <= self.database.last_zxid:
            return  # The leader may send again what is here already.
        if self._log is not None:
            self._log.append(zxid, proposed.payload)
        self.database.apply(proposed.txn)
        self.history.add(zxid, proposed.payload)

    async def _new_leader(self, packet: QuorumPacket) -> None:
        if packet.zxid != epoch_begin(self.epoch):
            raise RoleEndedError(f"NEWLEADER 0x{packet.zxid:x} is not of epoch {self.epoch}")
        if packet.data:
            self._new_membership = Membership.parse(packet.data.decode())
            self.context.memberships.set_last_seen(self._new_membership)
        if self._has_snapshot_to_write:
            await self._stage.keep_received(self.database)
            self._has_snapshot_to_write = False
            self._begin_log()
        assert self._log is not None
        await self._log.sync()
        await self.context.epochs.set_current(self.epoch)
        self.is_database_whole = True
        self.context.needs_everything = False
        self._is_acknowledged = True
        self.link.limit_silence(self.context.sync_s)
        self.link.send(ACK, packet.zxid)
