"""What the leader sends a learner before anything else: the plan and its execution (quorum, section 8)."""

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter

from zkeeper.database.database import Database
from zkeeper.quorum.sync_plan import SyncPlan, plan_sync
from zkeeper.server.ensemble.packet_link import PacketLink
from zkeeper.storage.snapshot_stream import send_image
from zkeeper.wire.quorum_packets import COMMIT, PACKET_NAMES, PROPOSAL, SNAP, write_packet

if TYPE_CHECKING:
    from zkeeper.server.ensemble.leading import Leader

CHUNK_BYTES: Final = 1 << 16
"""Packets are sent in pieces of about this size."""


def plan_for(leader: "Leader", peer_zxid: int) -> SyncPlan:
    """The plan for a learner that has everything up to `peer_zxid`, or something else than this leader."""
    return plan_sync(peer_zxid, leader.database.last_zxid, leader.history, has_history=False)


def describe(plan: SyncPlan) -> str:
    """For people."""
    name = PACKET_NAMES[int(plan.packet_type)]
    return f"{name} 0x{plan.header_zxid:x} and {len(plan.proposals)} transactions (row {plan.row})"


async def send_plan(link: PacketLink, plan: SyncPlan, database: Database) -> None:
    """Sends what `plan` says ahead of what `link` holds back, then that."""
    out = BytesWriter()
    if plan.packet_type == SNAP:
        write_packet(out, SNAP, database.last_zxid)
        link.write_raw(out.getvalue())
        await send_image(database, link.write_raw, link.drain)
        out = BytesWriter()
    else:
        write_packet(out, plan.packet_type, plan.header_zxid)
    for zxid, payload in plan.proposals:
        write_packet(out, PROPOSAL, zxid, payload)
        write_packet(out, COMMIT, zxid)
        if len(out) >= CHUNK_BYTES:
            link.write_raw(out.getvalue())
            out = BytesWriter()
            await link.drain()
    link.write_raw(out.getvalue())
    link.release()
