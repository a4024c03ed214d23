"""What a learner is sent before anything else: the plan and its execution (quorum, section 8)."""

import logging
from typing import Final

from librt.strings import BytesWriter

from zkeeper.database.database import Database
from zkeeper.quorum.committed_log import CommittedLog
from zkeeper.quorum.marks import hit
from zkeeper.quorum.sync_plan import SyncPlan, plan_sync
from zkeeper.server.ensemble.context import EnsembleContext
from zkeeper.server.ensemble.packet_link import PacketLink
from zkeeper.server.ensemble.stage import Stage
from zkeeper.storage.history import DiskHistory, HistoryFound
from zkeeper.storage.image_transfer import send_image
from zkeeper.wire.quorum_packets import COMMIT, PACKET_NAMES, PROPOSAL, SNAP, write_packet

CHUNK_BYTES: Final = 1 << 16
"""Packets are sent in pieces of about this size."""

logger = logging.getLogger("zkeeper.quorum")


def plan_for(context: EnsembleContext, database: Database, history: CommittedLog, peer_zxid: int) -> SyncPlan:
    """The plan for a learner that has everything up to `peer_zxid`, or something else than this server."""
    return plan_sync(peer_zxid, database.last_zxid, history, context.uses_disk_history, context.forces_snapshots)


def open_history(stage: Stage, plan: SyncPlan) -> DiskHistory | None:
    """What `plan` depends on, if it does."""
    if not plan.needs_history():
        return None
    return stage.disk_history(int(plan.peer_zxid), int(plan.history_until))


def describe(plan: SyncPlan) -> str:
    """For people."""
    name = PACKET_NAMES[int(plan.packet_type)]
    behind = " behind the log's" if plan.history_until else ""
    return f"{name} 0x{plan.header_zxid:x} and {len(plan.proposals)} transactions{behind} (row {plan.row})"


async def decide(plan: SyncPlan, history: DiskHistory) -> SyncPlan:
    """Has a plan that depends on the disk's history decided by it."""
    found = await history.survey()
    if isinstance(found, HistoryFound):
        return plan.with_history(found.before, found.after)
    logger.info("a snapshot is sent, not the log: %s", found.reason)
    return plan.without_history()


async def send_plan(link: PacketLink, plan: SyncPlan, database: Database, history: DiskHistory | None) -> None:
    """Sends what `plan` says ahead of what `link` holds back, then that. `history` is there for a plan that uses it."""
    hit(f"sync-plan.{plan.row}.{PACKET_NAMES[int(plan.packet_type)].lower()}")
    sending = _Sending(link)
    if plan.packet_type == SNAP:
        await sending.snapshot(database)
    else:
        write_packet(sending.out, plan.packet_type, plan.header_zxid)
    if plan.history_until and history is not None:
        while batch := await history.next_batch():
            await sending.committed(batch)
    await sending.committed(plan.proposals)
    await sending.flush()
    await link.release()


class _Sending:
    """Packets on their way, in pieces."""

    def __init__(self, link: PacketLink) -> None:
        self.out = BytesWriter()
        self._link = link

    async def snapshot(self, database: Database) -> None:
        write_packet(self.out, SNAP, database.last_zxid)
        await self.flush()
        await send_image(database, self._write)

    async def committed(self, txns: list[tuple[int, bytes]]) -> None:
        for zxid, payload in txns:
            write_packet(self.out, PROPOSAL, zxid, payload)
            write_packet(self.out, COMMIT, zxid)
            if len(self.out) >= CHUNK_BYTES:
                await self.flush()

    async def flush(self) -> None:
        data = self.out.getvalue()
        self.out = BytesWriter()
        await self._write(data)

    async def _write(self, data: bytes) -> None:
        self._link.write_raw(data)
        await self._link.drain()
