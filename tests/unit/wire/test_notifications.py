"""The election port's messages, against what a Java server sent (quorum, appendix A)."""

import pytest

from zkeeper.errors import DecodeError
from zkeeper.wire.notifications import (
    MAX_ADDRESSES_BYTES,
    MAX_NOTIFICATION_BYTES,
    NotificationInbox,
    decode_introduction,
    decode_notification,
    encode_frame,
    encode_introduction,
    encode_notification,
)

# Server 2 to server 1 of 3.9.5: its introduction, and its first notification as a frame.
INTRODUCTION = bytes.fromhex("ffffffffffff000000000000000000020000000f3132372e302e302e313a3232313232")
FRAME = bytes.fromhex(
    "000000b6000000000000000000000002000000000000000000000000000000010000000000000000000000020000008a"
    "7365727665722e313d3132372e302e302e313a32323133313a32323132313a7061727469636970616e740a7365"
    "727665722e323d3132372e302e302e313a32323133323a32323132323a706172"
    "7469636970616e740a7365727665722e333d3132372e302e302e313a32323133"
    "333a32323132333a7061727469636970616e740a76657273696f6e3d30"
)
PAYLOAD = FRAME[4:]
CONFIG_TEXT = PAYLOAD[44:]
V2_INTRODUCTION = bytes.fromhex("ffffffffffff000100000000000000020000000f3132372e302e302e313a3232313232")


def introduction_of(text: bytes, size_bytes: int | None = None) -> bytes:
    size_bytes = len(text) if size_bytes is None else size_bytes
    return bytes.fromhex("ffffffffffff00000000000000000002") + size_bytes.to_bytes(4, "big", signed=True) + text


def test_a_notification_of_a_java_server_is_read() -> None:
    notification = decode_notification(PAYLOAD)
    assert notification is not None
    fields = (notification.state, notification.leader, notification.zxid, notification.round_, notification.peer_epoch)
    assert fields == (0, 2, 0, 1, 0)
    assert notification.version == 2
    assert notification.config_text == CONFIG_TEXT
    assert CONFIG_TEXT.endswith(b"\nversion=0")


def test_it_is_written_as_java_writes_it() -> None:
    notification = decode_notification(PAYLOAD)
    assert notification is not None
    assert encode_frame(encode_notification(notification)) == FRAME


def test_negative_numbers_of_an_observer() -> None:
    lowest = "8000000000000000"
    payload = bytes.fromhex("00000000" + lowest * 2 + "0000000000000007" + lowest + "00000002" + "00000000")
    notification = decode_notification(payload)
    assert notification is not None
    assert (notification.leader, notification.zxid, notification.peer_epoch) == (-(1 << 63),) * 3
    assert encode_notification(notification) == payload


def test_28_bytes_have_the_epoch_in_the_zxid() -> None:
    payload = bytes.fromhex("00000002" + "0000000000000003" + "0000000500000001" + "0000000000000009")
    notification = decode_notification(payload)
    assert notification is not None
    assert (notification.leader, notification.round_, notification.peer_epoch, notification.version) == (3, 9, 5, 0)
    assert notification.config_text == b""


def test_40_bytes_have_no_version_whatever_the_last_four_are() -> None:
    notification = decode_notification(PAYLOAD[:36] + b"\x00\x00\x00\x02")
    assert notification is not None
    assert (notification.peer_epoch, notification.version, notification.config_text) == (0, 0, b"")


def test_version_1_has_no_configuration() -> None:
    notification = decode_notification(PAYLOAD[:36] + b"\x00\x00\x00\x01" + b"more")
    assert notification is not None
    assert (notification.version, notification.config_text) == (1, b"")


@pytest.mark.parametrize(
    "payload",
    [
        PAYLOAD[:27],
        PAYLOAD[:36],
        PAYLOAD[:39],
        PAYLOAD[:43],
        PAYLOAD[:40] + b"\xff\xff\xff\xff" + CONFIG_TEXT,
        PAYLOAD[:40] + b"\x7f\xff\xff\xff" + CONFIG_TEXT,
        PAYLOAD[:40] + b"\x00\x00\x00\x8b" + CONFIG_TEXT,
        b"\x00\x00\x00\x07" + PAYLOAD[4:],
        b"\xff\xff\xff\xff" + PAYLOAD[4:],
        b"",
    ],
)
def test_what_cannot_be_meant_is_no_notification(payload: bytes) -> None:
    assert decode_notification(payload) is None


def test_44_and_45_bytes_with_nothing_and_one_byte_of_text() -> None:
    empty = decode_notification(PAYLOAD[:40] + b"\x00\x00\x00\x00")
    one = decode_notification(PAYLOAD[:40] + b"\x00\x00\x00\x01x")
    assert empty is not None
    assert one is not None
    assert (empty.config_text, one.config_text) == (b"", b"x")


def test_an_introduction_of_a_java_server_is_read_and_written() -> None:
    introduction = decode_introduction(INTRODUCTION + FRAME)
    assert introduction is not None
    assert (introduction.sid, introduction.addresses) == (2, [("127.0.0.1", 22122)])
    assert introduction.size_bytes == len(INTRODUCTION)
    assert encode_introduction(2, [("127.0.0.1", 22122), ("10.0.0.1", 1)], False) == INTRODUCTION


def test_the_introduction_with_all_addresses() -> None:
    introduction = decode_introduction(V2_INTRODUCTION)
    assert introduction is not None
    assert introduction.addresses == [("127.0.0.1", 22122)]
    assert encode_introduction(2, [("127.0.0.1", 22122)], True) == V2_INTRODUCTION
    several = [("a.example", 1), ("fe80::1", 65535)]
    encoded = encode_introduction(7, several, True)
    assert encoded.endswith(b"a.example:1|[fe80::1]:65535")
    decoded = decode_introduction(encoded)
    assert decoded is not None
    assert (decoded.sid, decoded.addresses) == (7, several)


def test_the_introduction_before_3_5_is_the_sid() -> None:
    introduction = decode_introduction(bytes.fromhex("0000000000000005") + FRAME)
    assert introduction is not None
    assert (introduction.sid, introduction.addresses, introduction.size_bytes) == (5, [], 8)


def test_an_introduction_cut_anywhere_is_not_whole() -> None:
    for end in range(len(INTRODUCTION)):
        assert decode_introduction(INTRODUCTION[:end]) is None


def test_wildcards_are_left_out() -> None:
    text = b"0.0.0.0:1|[::]:2|h:3"
    introduction = decode_introduction(introduction_of(text))
    assert introduction is not None
    assert introduction.addresses == [("h", 3)]


@pytest.mark.parametrize(
    "received",
    [
        bytes.fromhex("fffffffffffefffe0000000000000002"),
        introduction_of(b"", 0),
        introduction_of(b"", -1),
        introduction_of(b"h:1", MAX_ADDRESSES_BYTES + 1),
        introduction_of(b"h"),
        introduction_of(b":1"),
        introduction_of(b"h:"),
        introduction_of(b"h:0"),
        introduction_of(b"h:65536"),
        introduction_of(b"h:1|"),
        introduction_of(b"fe80::1:2"),
        introduction_of("h:\u0661".encode()),
        introduction_of(b"\xff:1"),
    ],
)
def test_an_introduction_that_cannot_be_meant_is_an_error(received: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_introduction(received)


def test_the_longest_addresses_are_taken() -> None:
    text = b"h" * (MAX_ADDRESSES_BYTES - 2) + b":1"
    assert decode_introduction(introduction_of(text)) is not None


def test_an_inbox_takes_what_arrives_cut_anywhere() -> None:
    arrived = INTRODUCTION + FRAME + FRAME
    for size_bytes in range(1, len(arrived)):
        inbox, found = NotificationInbox(), []
        introduction = None
        for at in range(0, len(arrived), size_bytes):
            inbox.feed(arrived[at : at + size_bytes])
            introduction = introduction or inbox.introduction()
            while introduction and (payload := inbox.take()) is not None:
                found.append(payload)
        assert found == [PAYLOAD, PAYLOAD]


@pytest.mark.parametrize("size_bytes", [0, -1, MAX_NOTIFICATION_BYTES + 1])
def test_a_frame_of_wrong_length_is_an_error(size_bytes: int) -> None:
    inbox = NotificationInbox()
    inbox.feed(size_bytes.to_bytes(4, "big", signed=True))
    with pytest.raises(DecodeError):
        inbox.take()


def test_the_longest_frame_is_taken() -> None:
    inbox = NotificationInbox()
    inbox.feed(MAX_NOTIFICATION_BYTES.to_bytes(4, "big") + bytes(MAX_NOTIFICATION_BYTES))
    assert inbox.take() == bytes(MAX_NOTIFICATION_BYTES)
    assert inbox.take() is None
