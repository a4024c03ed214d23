"""Packets between a leader and its learners: how they are framed, and how they are taken from a stream.

`i32 type | i64 zxid | buffer data | vector of (scheme, id)`, back to back without an outer length (quorum, section 6).

1. No length is believed before it was compared with its limit; what is kept is at most one field and one chunk.
2. Behind a SNAP packet raw bytes follow. The inbox stops there, and hands them out as they are until it is told that
   packets go on.
"""

from typing import Final, final

from librt.strings import BytesWriter, read_i32_be, read_i64_be, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, mypyc_attr

from zkeeper.errors import DecodeError
from zkeeper.wire.client_inflow import Inflow
from zkeeper.wire.jute import write_buffer

REQUEST: Final = 1
PROPOSAL: Final = 2
ACK: Final = 3
COMMIT: Final = 4
PING: Final = 5
REVALIDATE: Final = 6
SYNC: Final = 7
INFORM: Final = 8
COMMIT_AND_ACTIVATE: Final = 9
NEW_LEADER: Final = 10
FOLLOWER_INFO: Final = 11
UP_TO_DATE: Final = 12
DIFF: Final = 13
TRUNC: Final = 14
SNAP: Final = 15
OBSERVER_INFO: Final = 16
LEADER_INFO: Final = 17
ACK_EPOCH: Final = 18
INFORM_AND_ACTIVATE: Final = 19

PACKET_NAMES: Final[dict[int, str]] = {
    REQUEST: "REQUEST",
    PROPOSAL: "PROPOSAL",
    ACK: "ACK",
    COMMIT: "COMMIT",
    PING: "PING",
    REVALIDATE: "REVALIDATE",
    SYNC: "SYNC",
    INFORM: "INFORM",
    COMMIT_AND_ACTIVATE: "COMMITANDACTIVATE",
    NEW_LEADER: "NEWLEADER",
    FOLLOWER_INFO: "FOLLOWERINFO",
    UP_TO_DATE: "UPTODATE",
    DIFF: "DIFF",
    TRUNC: "TRUNC",
    SNAP: "SNAP",
    OBSERVER_INFO: "OBSERVERINFO",
    LEADER_INFO: "LEADERINFO",
    ACK_EPOCH: "ACKEPOCH",
    INFORM_AND_ACTIVATE: "INFORMANDACTIVATE",
}
"""ZooKeeper's names of the types, for people."""

NO_ZXID: Final = -1
"""The zxid of packets that are about none: REQUEST, REVALIDATE, UPTODATE."""
AUTHINFO_FIELDS: Final = 8
"""The ids of one packet may be as long together as so many of the longest fields."""

_HEAD_BYTES: Final = 16
_MIN_ID_BYTES: Final = 8


@final
@mypyc_attr(acyclic=True)
class QuorumPacket:
    """`data` and `authinfo` may be null, which is not the same as empty."""

    def __init__(
        self, packet_type: i64, zxid: i64, data: bytes | None = None,
        authinfo: list[tuple[bytes, bytes]] | None = None,
    ) -> None:  # fmt: skip
        self.packet_type: i64 = packet_type
        self.zxid: i64 = zxid
        self.data = data
        self.authinfo = authinfo

    def name(self) -> str:
        """For people."""
        return PACKET_NAMES.get(int(self.packet_type), f"type {self.packet_type}")


def write_packet(
    out: BytesWriter, packet_type: i64, zxid: i64, data: bytes | None = None,
    authinfo: list[tuple[bytes, bytes]] | None = None,
) -> None:  # fmt: skip
    write_i32_be(out, i32(packet_type))
    write_i64_be(out, zxid)
    write_buffer(out, data)
    write_authinfo(out, authinfo)


def write_authinfo(out: BytesWriter, authinfo: list[tuple[bytes, bytes]] | None) -> None:
    if authinfo is None:
        write_i32_be(out, -1)
        return
    write_i32_be(out, i32(len(authinfo)))
    for scheme, identity in authinfo:
        write_buffer(out, scheme)
        write_buffer(out, identity)


@final
class PacketInbox:
    """Packets out of a stream that is cut anywhere. `limit_bytes` is the longest field that is believed."""

    def __init__(self, limit_bytes: i64) -> None:
        self.is_stopped = False
        self._limit_bytes: i64 = limit_bytes
        self._inflow = Inflow()
        self._raw: list[bytes] = []
        self.raw_bytes: i64 = 0
        # A packet whose ids are still to come: it is kept, and each id is taken when it is whole.
        self._incomplete: QuorumPacket | None = None
        self._ids: list[tuple[bytes, bytes]] = []
        self._ids_left: i64 = 0
        self._ids_bytes: i64 = 0

    def feed(self, data: bytes) -> list[QuorumPacket]:
        """Takes what arrived and gives out the packets that are whole now, the last of which may be a SNAP (rule 2).

        Raises `DecodeError` for what cannot be meant; the stream then makes no sense any more.
        """
        packets: list[QuorumPacket] = []
        if self.is_stopped:
            self._keep_raw(data)
            return packets
        data = self._inflow.add(data)
        if data:
            self._take_packets(data, packets)
        return packets

    def _take_packets(self, data: bytes, packets: list[QuorumPacket]) -> None:
        size: i64 = len(data)
        position: i64 = 0
        end: i64 = 0
        while not self.is_stopped:
            if self._incomplete is not None:
                end = self._id_end(data, position)
                if end > size:
                    break
                self._take_id(data, position, end, packets)
            else:
                end = self._packet_end(data, position)
                if end > size:
                    break
                self._take_packet(data, position, end, packets)
            position = end
        rest = data[position:] if position else data
        if self.is_stopped:
            self._keep_raw(rest)
        else:
            self._inflow.keep(rest, end - position)

    def _packet_end(self, data: bytes, position: i64) -> i64:
        """Where the packet's count of ids ends; what lies behind the data is how far it has to be there, at least."""
        data_start = position + _HEAD_BYTES
        if len(data) < data_start:
            return data_start
        length = i64(read_i32_be(data, data_start - 4))
        if length < -1 or length > self._limit_bytes:
            raise DecodeError(f"a packet claims {length} bytes of data; at most {self._limit_bytes} are allowed")
        return data_start + max(length, 0) + 4

    def _take_packet(self, data: bytes, position: i64, end: i64, packets: list[QuorumPacket]) -> None:
        packet = QuorumPacket(i64(read_i32_be(data, position)), read_i64_be(data, position + 4))
        if read_i32_be(data, position + 12) >= 0:
            packet.data = data[position + _HEAD_BYTES : end - 4]
        count = i64(read_i32_be(data, end - 4))
        if count == -1:
            self._complete(packet, packets)
            return
        if count < 0 or count * _MIN_ID_BYTES > AUTHINFO_FIELDS * self._limit_bytes:
            raise DecodeError(f"a packet claims {count} ids")
        packet.authinfo = self._ids = []
        if count == 0:
            self._complete(packet, packets)
        else:
            self._incomplete = packet
            self._ids_left = count
            self._ids_bytes = 0

    def _id_end(self, data: bytes, position: i64) -> i64:
        """As `_packet_end`, for scheme and id."""
        end = position
        for _ in range(2):
            if len(data) < end + 4:
                return end + 4
            length = i64(read_i32_be(data, end))
            if length < 0 or length > self._limit_bytes:
                raise DecodeError(f"an id claims {length} bytes; at most {self._limit_bytes} are allowed")
            end += 4 + length
        if self._ids_bytes + end - position > AUTHINFO_FIELDS * self._limit_bytes:
            raise DecodeError(f"the ids of a packet are longer than {AUTHINFO_FIELDS * self._limit_bytes} bytes")
        return end

    def _take_id(self, data: bytes, position: i64, end: i64, packets: list[QuorumPacket]) -> None:
        scheme_end = position + 4 + i64(read_i32_be(data, position))
        self._ids.append((data[position + 4 : scheme_end], data[scheme_end + 4 : end]))
        self._ids_bytes += end - position
        self._ids_left -= 1
        packet = self._incomplete
        if self._ids_left == 0 and packet is not None:
            self._incomplete = None
            self._ids = []
            self._complete(packet, packets)

    def _complete(self, packet: QuorumPacket, packets: list[QuorumPacket]) -> None:
        packets.append(packet)
        self.is_stopped = packet.packet_type == SNAP

    # Raw bytes.

    def _keep_raw(self, data: bytes) -> None:
        if data:
            self._raw.append(data)
            self.raw_bytes += len(data)

    def take_rest(self) -> bytes:
        """The raw bytes that have come so far behind a SNAP packet; more may come. How many there may be, `raw_bytes`,
        is for the reader of the connection to bound."""
        assert self.is_stopped, "raw bytes follow a SNAP packet only"
        data = self._raw[0] if len(self._raw) == 1 else b"".join(self._raw)
        self._raw.clear()
        self.raw_bytes = 0
        return data

    def go_on(self, rest: bytes) -> list[QuorumPacket]:
        """Ends the raw bytes: `rest`, of what was taken, and what has come since are packets again."""
        data = rest + self.take_rest()
        self.is_stopped = False
        return self.feed(data)
