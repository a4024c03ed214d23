"""What servers send each other on the election port: an introduction, then notifications in frames.

1. What cannot be meant is no notification: it decodes to None, and costs its sender nothing else.
2. An introduction that cannot be meant raises `DecodeError`: such a connection is closed.
3. No length is believed before it was compared with its limit (quorum, sections 3 and 4.1).
"""

from typing import Final, final

from librt.strings import BytesWriter, write_i32_be, write_i64_be
from mypy_extensions import i32

from zkeeper.errors import DecodeError, EndOfDataError
from zkeeper.wire.addresses import WILDCARDS
from zkeeper.wire.jute import Reader

NOTIFICATION_VERSION: Final = 2
"""The version that is sent: with the text of a configuration."""
MAX_NOTIFICATION_BYTES: Final = 0x80000
MAX_ADDRESSES_BYTES: Final = 2048
MAX_STATE: Final = 3

ONE_ADDRESS: Final = -65536
"""What begins an introduction with one address (since 3.5)."""
MANY_ADDRESSES: Final = -65535
"""What begins one with all addresses of the sender (since 3.6, if `multiAddress.enabled`)."""

_WITHOUT_EPOCH_BYTES: Final = 28
_WITHOUT_VERSION_BYTES: Final = 40


@final
class Notification:
    """The vote of a server, and how it stands to it. `state` is 0 LOOKING, 1 FOLLOWING, 2 LEADING, 3 OBSERVING.

    `version` is that of the encoding, 0 for servers before 3.4.6; `config_text` is the sender's committed
    configuration, empty below version 2.
    """

    def __init__(
        self, state: int, leader: int, zxid: int, round_: int, peer_epoch: int, version: int, config_text: bytes
    ) -> None:
        self.state = state
        self.leader = leader
        self.zxid = zxid
        self.round_ = round_
        self.peer_epoch = peer_epoch
        self.version = version
        self.config_text = config_text


def encode_notification(notification: Notification) -> bytes:
    """The payload of a frame, in the newest version."""
    out = BytesWriter()
    write_i32_be(out, i32(notification.state))
    write_i64_be(out, notification.leader)
    write_i64_be(out, notification.zxid)
    write_i64_be(out, notification.round_)
    write_i64_be(out, notification.peer_epoch)
    write_i32_be(out, NOTIFICATION_VERSION)
    write_i32_be(out, i32(len(notification.config_text)))
    out.write(notification.config_text)
    return out.getvalue()


def decode_notification(payload: bytes) -> Notification | None:
    """Notifications of all versions; None for what is to be ignored. What follows the last field is ignored."""
    try:
        return _read_notification(Reader(payload, 0, -1, len(payload)), len(payload))
    except DecodeError:
        return None


def _read_notification(reader: Reader, size_bytes: int) -> Notification | None:
    state = reader.int32()
    leader, zxid, round_ = reader.int64(), reader.int64(), reader.int64()
    peer_epoch = zxid >> 32 if size_bytes == _WITHOUT_EPOCH_BYTES else reader.int64()
    has_version = size_bytes not in (_WITHOUT_EPOCH_BYTES, _WITHOUT_VERSION_BYTES)
    version = reader.int32() if has_version else 0
    config_text = reader.need_buffer() if version >= NOTIFICATION_VERSION else b""
    if not 0 <= state <= MAX_STATE:
        return None
    return Notification(state, leader, zxid, round_, peer_epoch, version, config_text)


@final
class Introduction:
    """Who opened a connection, and where to call back; no addresses in the form before 3.5. `size_bytes` were read."""

    def __init__(self, sid: int, addresses: list[tuple[str, int]], size_bytes: int) -> None:
        self.sid = sid
        self.addresses = addresses
        self.size_bytes = size_bytes


def encode_introduction(sid: int, addresses: list[tuple[str, int]], is_multi_address: bool) -> bytes:
    """What the opener of a connection sends first: all of `addresses`, or unless `is_multi_address` the first."""
    chosen = addresses if is_multi_address else addresses[:1]
    text = "|".join([_address_text(host, port) for host, port in chosen]).encode()
    out = BytesWriter()
    write_i64_be(out, MANY_ADDRESSES if is_multi_address else ONE_ADDRESS)
    write_i64_be(out, sid)
    write_i32_be(out, i32(len(text)))
    out.write(text)
    return out.getvalue()


def _address_text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def decode_introduction(received: bytes) -> Introduction | None:
    """The introduction at the start of what was received; None while it is not whole. Raises `DecodeError`."""
    reader = Reader(received)
    try:
        return _read_introduction(reader)
    except EndOfDataError:
        return None


def _read_introduction(reader: Reader) -> Introduction:
    first = reader.int64()
    if first >= 0:
        return Introduction(first, [], reader.position)
    if first != ONE_ADDRESS and first != MANY_ADDRESSES:
        raise DecodeError(f"an introduction of unknown version {first}")
    sid = reader.int64()
    size_bytes = reader.int32()
    if not 1 <= size_bytes <= MAX_ADDRESSES_BYTES:
        raise DecodeError(
            f"an introduction claims addresses of {size_bytes} bytes, at most {MAX_ADDRESSES_BYTES} count"
        )
    if reader.remaining() < size_bytes:
        raise EndOfDataError("the addresses are cut off")
    end = reader.position + size_bytes
    addresses = _parse_addresses(reader.data[reader.position : end])
    return Introduction(sid, addresses, end)


def _parse_addresses(raw: bytes) -> list[tuple[str, int]]:
    """Wildcards are left out: nobody can call back there."""
    try:
        parsed = [_parse_address(part) for part in raw.decode("utf-8").split("|")]
    except ValueError:
        raise DecodeError(f"an introduction with the addresses {raw[:64]!r}") from None
    return [(host, port) for host, port in parsed if host not in WILDCARDS]


def _parse_address(text: str) -> tuple[str, int]:
    host, colon, digits = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an address of IPv6 without brackets")
    if not (colon and host and digits.isascii() and digits.isdecimal() and 0 < int(digits) < 0x10000):
        raise ValueError("no address")
    return host, int(digits)


@final
class NotificationInbox:
    """What arrived on a connection, cut anywhere: an introduction or none, then frames."""

    def __init__(self) -> None:
        self._data = b""
        self._position = 0

    def feed(self, data: bytes) -> None:
        self._data = self._data[self._position :] + data
        self._position = 0

    def introduction(self) -> Introduction | None:
        """As `decode_introduction`; once."""
        introduction = decode_introduction(self._data)
        if introduction is not None:
            self._position = introduction.size_bytes
        return introduction

    def take(self) -> bytes | None:
        """The payload of the next frame; None while it is not whole. Raises `DecodeError` for a wrong length."""
        begin = self._position + 4
        if len(self._data) < begin:
            return None
        size_bytes = Reader(self._data, self._position).int32()
        if not 1 <= size_bytes <= MAX_NOTIFICATION_BYTES:
            raise DecodeError(f"a frame claims {size_bytes} bytes, at most {MAX_NOTIFICATION_BYTES} are taken")
        if len(self._data) < begin + size_bytes:
            return None
        self._position = begin + size_bytes
        return self._data[begin : self._position]


def encode_frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload
