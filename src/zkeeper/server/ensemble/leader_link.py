"""What a learner asks its leader for, for its own clients and for the observers that it serves (quorum, 10 and 14).

1. A leader answers syncs, and questions for sessions, in the order in which they were asked on one connection. So who
   has asked is remembered in that order, and is who an answer is for.
"""

from collections import deque
from typing import TYPE_CHECKING

from zkeeper.database.acls import Identity
from zkeeper.server.ensemble.packet_link import PacketLink
from zkeeper.wire.protocol import SYNC
from zkeeper.wire.quorum_bodies import read_request_head, read_revalidate, revalidate_bytes, write_request
from zkeeper.wire.quorum_packets import NO_ZXID, REQUEST, REVALIDATE, QuorumPacket, write_packet

if TYPE_CHECKING:
    from zkeeper.server.ensemble.known_learner import KnownLearner


class LeaderLink:
    """The `Uplink` of a learner's service. Of those who have asked, None is this server itself."""

    def __init__(self, link: PacketLink) -> None:
        self._link = link
        self._syncs: deque[KnownLearner | None] = deque()
        self._questions: deque[tuple[KnownLearner | None, int]] = deque()

    # For its own clients.

    def request(self, session_id: int, cxid: int, op: int, body: bytes, credentials: list[Identity] | None) -> None:
        if op == SYNC:
            self._syncs.append(None)
        write_request(self._link.out(), session_id, cxid, op, body, credentials)

    def revalidate(self, session_id: int, timeout_ms: int) -> None:
        self._questions.append((None, timeout_ms))
        self._link.send(REVALIDATE, NO_ZXID, revalidate_bytes(session_id, timeout_ms))

    # For observers.

    def forward_request(self, observer: "KnownLearner", packet: QuorumPacket) -> None:
        """As it came. `DecodeError` for one that a leader would not understand."""
        if read_request_head(packet.data).op == SYNC:
            self._syncs.append(observer)
        write_packet(self._link.out(), REQUEST, packet.zxid, packet.data, packet.authinfo)

    def forward_question(self, observer: "KnownLearner", packet: QuorumPacket) -> None:
        """The same for a REVALIDATE."""
        self._questions.append((observer, read_revalidate(packet.data)[1]))
        self._link.send(REVALIDATE, packet.zxid, packet.data)

    # Answers.

    def take_sync(self) -> "KnownLearner | None":
        """Who has asked for the sync that the leader has answered now."""
        return self._syncs.popleft() if self._syncs else None

    def take_question(self) -> "tuple[KnownLearner | None, int]":
        """Who has asked for the session that the leader has answered for now, and the timeout in ms that was told."""
        return self._questions.popleft() if self._questions else (None, 0)
