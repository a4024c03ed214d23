"""Packets between servers: captured bytes of Java servers, streams cut anywhere, and what a peer may do wrong."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from zkeeper.errors import DecodeError
from zkeeper.wire import quorum_bodies as bodies
from zkeeper.wire import quorum_packets as quorum
from zkeeper.wire.quorum_packets import PacketInbox, QuorumPacket, write_packet

LIMIT_BYTES = 1000
SESSION = 0x010000101E230000
OTHER_SESSION = 0x04000016DECD0000
LOOPBACK = [(b"ip", b"127.0.0.1")]
Shown = tuple[int, int, bytes | None, list[tuple[bytes, bytes]] | None]

# As Java servers of 3.9.5 sent them.
FOLLOWER_INFO = "0000000b 0000000000000000 00000014 0000000000000001 00010000 0000000000000000 ffffffff"
LEADER_INFO = "00000011 0000000100000000 00000004 00010000 ffffffff"
ACK_EPOCH = "00000012 0000000000000000 00000004 00000000 ffffffff"
ACK_EPOCH_AGAIN = "00000012 0000000100000002 00000004 ffffffff ffffffff"
DIFF = "0000000d 0000000000000000 ffffffff ffffffff"
ACK_NEW_LEADER = "00000003 0000000100000000 ffffffff ffffffff"
UP_TO_DATE = "0000000c ffffffffffffffff ffffffff ffffffff"
SNAP = "0000000f 0000000100000000 ffffffff ffffffff"
OPEN_ACL = "00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65"
IDS = "00000001 00000002 6970 00000009 3132372e302e302e31"
CREATE_BODY = f"00000002 2f78 00000002 7631 {OPEN_ACL} 00000000"
REQUEST = f"00000001 ffffffffffffffff 0000003b 010000101e230000 00000001 00000001 {CREATE_BODY} {IDS}"
PAYLOAD = (
    f"010000101e230000 00000001 0000000100000002 000001a203ce340f 00000001 00000002 2f78 00000002 7631 {OPEN_ACL}"
    "00 00000001 00000002 0000000215e237ed"
)
PROPOSAL = f"00000002 0000000100000002 00000058 {PAYLOAD} ffffffff"
ACK = "00000003 0000000100000002 ffffffff ffffffff"
COMMIT = "00000004 0000000100000002 ffffffff ffffffff"
CREATE_SESSION = "00000001 ffffffffffffffff 00000014 010000101e230000 00000000 fffffff6 00002710 ffffffff"
CLOSE_SESSION = f"00000001 ffffffffffffffff 00000010 010000101e230000 00000005 fffffff5 {IDS}"
SYNC_REQUEST = f"00000001 ffffffffffffffff 00000016 010000101e230000 00000002 00000009 00000002 2f78 {IDS}"
SYNC = "00000007 0000000000000000 ffffffff ffffffff"
PING = "00000005 0000000100000003 ffffffff ffffffff"
PONG = "00000005 0000000100000003 0000000c 010000101e230000 00002710 ffffffff"
QUIET_PONG = "00000005 0000000100000003 00000000 ffffffff"
REVALIDATE = "00000006 ffffffffffffffff 0000000c 04000016decd0000 00002710 ffffffff"
REVALIDATED = "00000006 ffffffffffffffff 00000009 04000016decd0000 01 ffffffff"
COMMIT_AND_ACTIVATE = "00000009 0000000100000002 00000008 0000000000000002 ffffffff"

CAPTURED: list[tuple[str, Shown]] = [
    (FOLLOWER_INFO, (quorum.FOLLOWER_INFO, 0, bodies.learner_info_bytes(1, 0), None)),
    (LEADER_INFO, (quorum.LEADER_INFO, 1 << 32, bodies.int32_bytes(bodies.PROTOCOL_VERSION), None)),
    (ACK_EPOCH, (quorum.ACK_EPOCH, 0, bodies.int32_bytes(0), None)),
    (ACK_EPOCH_AGAIN, (quorum.ACK_EPOCH, (1 << 32) + 2, bodies.int32_bytes(bodies.EPOCH_NOT_ACCEPTED), None)),
    (DIFF, (quorum.DIFF, 0, None, None)),
    (ACK_NEW_LEADER, (quorum.ACK, 1 << 32, None, None)),
    (UP_TO_DATE, (quorum.UP_TO_DATE, quorum.NO_ZXID, None, None)),
    (SNAP, (quorum.SNAP, 1 << 32, None, None)),
    (PROPOSAL, (quorum.PROPOSAL, (1 << 32) + 2, bytes.fromhex(PAYLOAD), None)),
    (ACK, (quorum.ACK, (1 << 32) + 2, None, None)),
    (COMMIT, (quorum.COMMIT, (1 << 32) + 2, None, None)),
    (SYNC, (quorum.SYNC, 0, None, None)),
    (PING, (quorum.PING, (1 << 32) + 3, None, None)),
    (PONG, (quorum.PING, (1 << 32) + 3, bodies.touched_bytes({SESSION: 10_000}), None)),
    (QUIET_PONG, (quorum.PING, (1 << 32) + 3, bodies.touched_bytes({}), None)),
    (REVALIDATE, (quorum.REVALIDATE, quorum.NO_ZXID, bodies.revalidate_bytes(OTHER_SESSION, 10_000), None)),
    (REVALIDATED, (quorum.REVALIDATE, quorum.NO_ZXID, bodies.revalidated_bytes(OTHER_SESSION, True), None)),
    (COMMIT_AND_ACTIVATE, (quorum.COMMIT_AND_ACTIVATE, (1 << 32) + 2, bodies.activation_bytes(2), None)),
]
REQUESTS: list[tuple[str, int, int, bytes, list[tuple[bytes, bytes]] | None]] = [
    (REQUEST, 1, 1, bytes.fromhex(CREATE_BODY), LOOPBACK),
    (CREATE_SESSION, 0, -10, bytes.fromhex("00002710"), None),
    (CLOSE_SESSION, 5, -11, b"", LOOPBACK),
    (SYNC_REQUEST, 2, 9, bytes.fromhex("00000002 2f78"), LOOPBACK),
]
STREAM = b"".join(bytes.fromhex(data) for data, _ in CAPTURED if data != SNAP)
STREAM += b"".join(bytes.fromhex(request[0]) for request in REQUESTS)


def shown(packet: QuorumPacket) -> Shown:
    return int(packet.packet_type), int(packet.zxid), packet.data, packet.authinfo


def packet_bytes(one: Shown) -> bytes:
    out = BytesWriter()
    write_packet(out, *one)
    return out.getvalue()


def fed(data: bytes, sizes: tuple[int, ...] = ()) -> list[Shown]:
    """What comes out of `data` cut into pieces of these sizes and the rest."""
    inbox = PacketInbox(LIMIT_BYTES)
    packets: list[QuorumPacket] = []
    for size in sizes:
        packets += inbox.feed(data[:size])
        data = data[size:]
    return [shown(packet) for packet in packets + inbox.feed(data)]


@pytest.mark.parametrize(("captured", "expected"), CAPTURED)
def test_a_captured_packet_is_read_and_written(captured: str, expected: Shown) -> None:
    data = bytes.fromhex(captured)
    assert fed(data) == [expected]
    assert packet_bytes(expected) == data


@pytest.mark.parametrize(("captured", "cxid", "op", "body", "authinfo"), REQUESTS)
def test_a_captured_request_is_read_and_written(
    captured: str, cxid: int, op: int, body: bytes, authinfo: list[tuple[bytes, bytes]] | None
) -> None:
    [(packet_type, zxid, data, ids)] = fed(bytes.fromhex(captured))
    assert (packet_type, zxid, ids) == (quorum.REQUEST, quorum.NO_ZXID, authinfo)
    head = bodies.read_request_head(data)
    assert (head.session_id, head.cxid, head.op) == (SESSION, cxid, op)
    assert data is not None
    assert data[bodies.REQUEST_HEAD_BYTES :] == body
    out = BytesWriter()
    bodies.write_request(out, SESSION, cxid, op, body, authinfo)
    assert out.getvalue() == bytes.fromhex(captured)


def test_captured_bodies_are_read() -> None:
    info = bodies.read_learner_info(bytes.fromhex(FOLLOWER_INFO)[16:36])
    assert (info.sid, info.protocol_version, info.config_version) == (1, 0x10000, 0)
    assert bodies.read_int32(bytes.fromhex("00010000")) == bodies.PROTOCOL_VERSION
    assert bodies.read_int32(bytes.fromhex("ffffffff")) == bodies.EPOCH_NOT_ACCEPTED
    assert bodies.read_touched(bytes.fromhex(PONG)[16:28]) == [(SESSION, 10_000)]
    assert bodies.read_touched(b"") == bodies.read_touched(None) == []
    assert bodies.read_revalidate(bytes.fromhex(REVALIDATE)[16:28]) == (OTHER_SESSION, 10_000)
    assert bodies.read_revalidated(bytes.fromhex(REVALIDATED)[16:25]) == (OTHER_SESSION, True)
    assert bodies.read_revalidated(bytes.fromhex("04000016decd0000 00")) == (OTHER_SESSION, False)
    assert bodies.read_activation(bytes.fromhex("0000000000000002")) == (2, b"")
    payload = bytes.fromhex(PAYLOAD)
    assert bodies.read_activation(bytes.fromhex("0000000000000002") + payload) == (2, payload)
    assert bodies.activation_bytes(2, payload) == bytes.fromhex("0000000000000002") + payload


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, (None, 1, None)),
        (bytes(7) + b"\x05", (5, 1, None)),
        (bytes(7) + b"\x05\0\1\0\0", (5, 0x10000, None)),
        (bytes(7) + b"\x05\0\1\0\0" + bytes(7), (5, 0x10000, None)),
        (bytes(7) + b"\x05\0\1\0\0" + bytes(7) + b"\x09", (5, 0x10000, 9)),
        (bytes(7) + b"\x05\0\1\0\0" + bytes(7) + b"\x09later", (5, 0x10000, 9)),
    ],
)
def test_every_form_of_a_learners_info_is_read(
    data: bytes | None, expected: tuple[int | None, int, int | None]
) -> None:
    info = bodies.read_learner_info(data)
    assert (info.sid, info.protocol_version, info.config_version) == expected


def test_bodies_that_are_cut_off_are_refused() -> None:
    readers = [
        (bodies.read_request_head, 16), (bodies.read_revalidate, 12), (bodies.read_revalidated, 9),
        (bodies.read_int32, 4), (bodies.read_activation, 8),
    ]  # fmt: skip
    for read, size in readers:
        read(bytes(size))
        for data in (None, *[bytes(less) for less in range(size)]):
            with pytest.raises(DecodeError):
                read(data)
    for size in range(8):
        with pytest.raises(DecodeError):
            bodies.read_learner_info(bytes(size))


def test_a_list_of_sessions_is_whole_and_has_timeouts() -> None:
    for size in range(1, 12):
        with pytest.raises(DecodeError):
            bodies.read_touched(bytes(12 + size))
    with pytest.raises(DecodeError):
        bodies.read_touched(struct.pack(">qi", 1, -1))


IDS_STRATEGY = st.none() | st.lists(st.tuples(st.binary(max_size=5), st.binary(max_size=5)), max_size=4)
PACKETS = st.tuples(
    st.integers(-(2**31), 2**31 - 1).filter(lambda number: number != quorum.SNAP),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.binary(max_size=30),
    IDS_STRATEGY,
)


@given(st.lists(PACKETS, max_size=6), st.lists(st.integers(0, 40), max_size=60).map(tuple))
def test_packets_come_back_however_the_stream_is_cut(packets: list[Shown], sizes: tuple[int, ...]) -> None:
    data = b"".join(packet_bytes(one) for one in packets)
    assert fed(data, sizes) == packets
    assert fed(data, (1,) * len(data)) == packets


def test_a_packet_is_given_out_with_its_last_byte() -> None:
    whole = fed(STREAM)
    inbox = PacketInbox(LIMIT_BYTES)
    ends = [len(STREAM[:at]) for at in range(1, len(STREAM) + 1) if inbox.feed(STREAM[at - 1 : at])]
    sizes = [len(packet_bytes(one)) for one in whole]
    assert ends == [sum(sizes[: at + 1]) for at in range(len(sizes))]


def test_raw_bytes_follow_a_snap_until_told_otherwise() -> None:
    before, after = bytes.fromhex(DIFF), bytes.fromhex(COMMIT) + bytes.fromhex(PROPOSAL)
    inbox = PacketInbox(LIMIT_BYTES)
    packets = inbox.feed(before + bytes.fromhex(SNAP) + b"raw")
    assert [packet.packet_type for packet in packets] == [quorum.DIFF, quorum.SNAP]
    assert inbox.is_stopped
    assert inbox.feed(b" bytes") == []
    assert inbox.raw_bytes == 9
    assert inbox.take_rest() == b"raw bytes"
    assert (inbox.take_rest(), inbox.raw_bytes) == (b"", 0)
    assert inbox.feed(b"end" + after[:30]) == []
    rest = inbox.take_rest()[3:]
    assert inbox.feed(after[30:40]) == []
    packets = inbox.go_on(rest)
    assert not inbox.is_stopped
    packets += inbox.feed(after[40:])
    assert [packet.packet_type for packet in packets] == [quorum.COMMIT, quorum.PROPOSAL]


def test_a_second_snap_stops_again() -> None:
    inbox = PacketInbox(LIMIT_BYTES)
    inbox.feed(bytes.fromhex(SNAP))
    assert len(inbox.go_on(bytes.fromhex(SNAP) + b"x")) == 1
    assert inbox.is_stopped
    assert inbox.take_rest() == b"x"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (struct.pack(">iqi", 2, 1, LIMIT_BYTES + 1), "claims 1001 bytes"),
        (struct.pack(">iqi", 2, 1, 2**31 - 1), "claims"),
        (struct.pack(">iqi", 2, 1, -2), "claims -2"),
        (struct.pack(">iqii", 2, 1, -1, -2), "claims -2 ids"),
        (struct.pack(">iqii", 2, 1, -1, 2**31 - 1), "ids"),
        (struct.pack(">iqii", 2, 1, -1, LIMIT_BYTES + 1), "claims 1001 ids"),
        (struct.pack(">iqiii", 2, 1, -1, 1, LIMIT_BYTES + 1), "an id claims 1001"),
        (struct.pack(">iqiii", 2, 1, -1, 1, -1), "an id claims -1"),
        (struct.pack(">iqiiii", 2, 1, -1, 1, 0, LIMIT_BYTES + 1), "an id claims 1001"),
        (struct.pack(">iqiiii", 2, 1, -1, 1, 0, -1), "an id claims -1"),
    ],
)
def test_a_length_that_cannot_be_meant_is_refused_before_its_bytes_come(data: bytes, said: str) -> None:
    with pytest.raises(DecodeError, match=said):
        PacketInbox(LIMIT_BYTES).feed(data)
    with pytest.raises(DecodeError, match=said):
        fed(data, (1,) * len(data))


def test_the_longest_allowed_field_and_ids_are_taken() -> None:
    one = (2, 1, bytes(LIMIT_BYTES), [(bytes(1), bytes(LIMIT_BYTES))] * (quorum.AUTHINFO_FIELDS - 1))
    assert fed(packet_bytes(one)) == [one]


def test_the_ids_of_a_packet_are_bounded_together() -> None:
    one = (2, 1, None, [(bytes(1), bytes(LIMIT_BYTES))] * quorum.AUTHINFO_FIELDS)
    with pytest.raises(DecodeError, match="ids of a packet"):
        fed(packet_bytes(one))


def test_every_truncation_waits_for_more() -> None:
    sizes = [len(packet_bytes(one)) for one in fed(STREAM)]
    for cut in range(len(STREAM)):
        whole = sum(sum(sizes[: at + 1]) <= cut for at in range(len(sizes)))
        assert len(fed(STREAM[:cut])) == whole


READERS = (
    bodies.read_learner_info, bodies.read_request_head, bodies.read_touched, bodies.read_revalidate,
    bodies.read_revalidated, bodies.read_int32, bodies.read_activation,
)  # fmt: skip


def test_a_flipped_bit_is_another_value_or_an_error() -> None:
    chance = random.Random(1)
    for at in range(len(STREAM) * 8):
        flipped = bytearray(STREAM)
        flipped[at // 8] ^= 1 << at % 8
        inbox = PacketInbox(LIMIT_BYTES)
        rest = bytes(flipped)
        try:
            while rest:
                size = chance.randint(1, 400)
                for packet in inbox.feed(rest[:size]):
                    read_all(packet.data)
                rest = rest[size:]
        except DecodeError as error:
            check_reason(error)


def check_reason(error: Exception) -> None:
    assert str(error)


def read_all(data: bytes | None) -> None:
    for read in READERS:
        try:
            read(data)
        except DecodeError as error:
            check_reason(error)


@given(st.binary(max_size=40))
def test_any_bytes_are_values_or_a_decode_error(data: bytes) -> None:
    read_all(data)
    try:
        fed(data)
    except DecodeError as error:
        check_reason(error)


def test_packets_have_the_names_that_people_know() -> None:
    assert QuorumPacket(quorum.NEW_LEADER, 0).name() == "NEWLEADER"
    assert QuorumPacket(77, 0).name() == "type 77"
    assert sorted(quorum.PACKET_NAMES) == list(range(1, 20))
