"""The scripted peers speak as captured servers do (quorum, appendices B and C)."""

from raw_jute import i32, i64

from .packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    DIFF,
    FOLLOWER_INFO,
    LEADER_INFO,
    NEW_LEADER,
    PING,
    PROPOSAL,
    REQUEST,
    REVALIDATE,
    SIGNATURE,
    SNAP,
    SYNC,
    UP_TO_DATE,
    Packet,
    PacketReader,
    epoch,
    learner_info,
    read_txn,
    request,
    revalidate,
    revalidated,
    touched,
)

SESSION = 0x010000101E230000


def same(packet: Packet, captured: str) -> None:
    data = bytes.fromhex(captured)
    assert packet.encode() == data
    assert PacketReader().feed(data) == [packet]


def test_a_handshake() -> None:
    same(Packet(FOLLOWER_INFO, 0, learner_info(1)),
         "0000000b 0000000000000000 00000014 0000000000000001 00010000 0000000000000000 ffffffff")  # fmt: skip
    same(Packet(LEADER_INFO, epoch(1), i32(0x10000)), "00000011 0000000100000000 00000004 00010000 ffffffff")
    same(Packet(ACK_EPOCH, 0, i32(0)), "00000012 0000000000000000 00000004 00000000 ffffffff")
    same(Packet(ACK_EPOCH, 0x100000002, i32(-1)), "00000012 0000000100000002 00000004 ffffffff ffffffff")
    same(Packet(DIFF), "0000000d 0000000000000000 ffffffff ffffffff")
    same(Packet(NEW_LEADER, epoch(1), b"ab"), "0000000a 0000000100000000 00000002 6162 ffffffff")
    same(Packet(ACK, epoch(1)), "00000003 0000000100000000 ffffffff ffffffff")
    same(Packet(UP_TO_DATE, -1), "0000000c ffffffffffffffff ffffffff ffffffff")


def test_a_write_and_what_goes_on_meanwhile() -> None:
    body = bytes.fromhex("000000022f78000000027631000000010000001f00000005776f726c6400000006616e796f6e6500000000")
    ids = ((b"ip", b"127.0.0.1"),)
    same(Packet(REQUEST, -1, request(SESSION, 1, 1, body), ids),
         "00000001 ffffffffffffffff 0000003b 010000101e230000 00000001 00000001"
         "00000002 2f78 00000002 7631 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000000"
         "00000001 00000002 6970 00000009 3132372e302e302e31")  # fmt: skip
    same(Packet(REQUEST, -1, request(SESSION, 0, -10, i32(10_000))),
         "00000001 ffffffffffffffff 00000014 010000101e230000 00000000 fffffff6 00002710 ffffffff")  # fmt: skip
    same(Packet(COMMIT, 0x100000002), "00000004 0000000100000002 ffffffff ffffffff")
    same(Packet(PING, 0x100000003, touched({SESSION: 10_000})),
         "00000005 0000000100000003 0000000c 010000101e230000 00002710 ffffffff")  # fmt: skip
    same(Packet(REVALIDATE, -1, revalidate(0x04000016DECD0000)),
         "00000006 ffffffffffffffff 0000000c 04000016decd0000 00002710 ffffffff")  # fmt: skip
    same(Packet(REVALIDATE, -1, revalidated(0x04000016DECD0000, True)),
         "00000006 ffffffffffffffff 00000009 04000016decd0000 01 ffffffff")  # fmt: skip
    same(Packet(SYNC), "00000007 0000000000000000 ffffffff ffffffff")


def test_a_proposal() -> None:
    data = bytes.fromhex(
        "00000002 0000000100000002 00000058 010000101e230000 00000001 0000000100000002 000001a203ce340f 00000001"
        "00000002 2f78 00000002 7631 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00 00000001"
        "00000002 0000000215e237ed ffffffff"
    )
    packet = PacketReader().feed(data)[0]
    assert (packet.kind, packet.zxid) == (PROPOSAL, 0x100000002)
    assert read_txn(packet.data)[:5] == (SESSION, 1, 0x100000002, 0x1A203CE340F, 1)


def test_an_image_is_cut_out_wherever_it_is_torn() -> None:
    stream = Packet(SNAP, 5).encode() + i64(7) + SIGNATURE + Packet(COMMIT, 6).encode()
    for cut in range(len(stream)):
        reader = PacketReader()
        assert reader.feed(stream[:cut]) + reader.feed(stream[cut:]) == [Packet(SNAP, 5), Packet(COMMIT, 6)]
        assert reader.image == i64(7)
