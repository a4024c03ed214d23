"""Packets between a leader and its learners and the transactions in them, by `struct` alone (quorum, section 6).

It shares nothing with `zkeeper.wire`; `test_roles_packets.py` holds it against the specification's captures.
"""

from collections.abc import Iterable
from typing import NamedTuple

from raw_jute import (
    CLOSE_SESSION,
    CREATE,
    CREATE_SESSION,
    ERROR,
    SET_DATA,
    Cursor,
    acl,
    boolean,
    buffer,
    i32,
    i64,
    text,
)
from raw_jute import DecodeError as ShortError
from raw_jute import texts as text_list

REQUEST, PROPOSAL, ACK, COMMIT, PING, REVALIDATE, SYNC, INFORM, COMMIT_AND_ACTIVATE, NEW_LEADER = range(1, 11)
FOLLOWER_INFO, UP_TO_DATE, DIFF, TRUNC, SNAP, OBSERVER_INFO, LEADER_INFO, ACK_EPOCH, INFORM_AND_ACTIVATE = range(11, 20)
NAMES = {
    number: name
    for name, number in list(globals().items())
    if isinstance(number, int) and name.isupper() and 0 < number < 20 and name not in ("CREATE", "SET_DATA")
}
PROTOCOL_VERSION = 0x10000
NO_ZXID = -1
OPEN = [(31, "world", "anyone")]
TIME_MS = 1_704_067_200_000
SIGNATURE = b"\0\0\0\x0aBenWasHere"


class Packet(NamedTuple):
    kind: int
    zxid: int = 0
    data: bytes | None = None
    authinfo: tuple[tuple[bytes, bytes], ...] | None = None

    def __repr__(self) -> str:
        size = "null" if self.data is None else f"{len(self.data)} bytes"
        return f"<{NAMES.get(self.kind, self.kind)} 0x{self.zxid:x} {size}>"

    @property
    def body(self) -> bytes:
        assert self.data is not None, f"{self} has no data"
        return self.data

    def encode(self) -> bytes:
        ids = i32(-1) if self.authinfo is None else i32(len(self.authinfo))
        ids += b"".join(text(scheme) + text(ident) for scheme, ident in self.authinfo or ())
        return i32(self.kind) + i64(self.zxid) + buffer(self.data) + ids


def epoch(number: int) -> int:
    """The zxid before an epoch's first transaction."""
    return number << 32


class PacketReader:
    """Packets out of bytes cut anywhere; behind a SNAP the raw bytes up to the signature are `image`."""

    def __init__(self) -> None:
        self.image: bytes | None = None
        self._rest = b""
        self._is_raw = False

    def feed(self, data: bytes) -> list[Packet]:
        self._rest += data
        found: list[Packet] = []
        while (packet := self._next()) is not None:
            found.append(packet)
        return found

    def _next(self) -> Packet | None:
        if self._is_raw and not self._end_image():
            return None
        cursor = Cursor(self._rest)
        try:
            kind, zxid, data = cursor.i32(), cursor.i64(), cursor.buffer()
            ids = cursor.vector(lambda: (cursor.buffer() or b"", cursor.buffer() or b""))
        except ShortError:
            return None
        self._rest = cursor.rest()
        self._is_raw = kind == SNAP
        return Packet(kind, zxid, data, None if ids is None else tuple(ids))

    def _end_image(self) -> bool:
        end = self._rest.find(SIGNATURE)
        if end < 0:
            return False
        self.image, self._rest = self._rest[:end], self._rest[end + len(SIGNATURE) :]
        self._is_raw = False
        return True


# Bodies.


def learner_info(sid: int, config_version: int = 0, protocol: int = PROTOCOL_VERSION) -> bytes:
    return i64(sid) + i32(protocol) + i64(config_version)


def request(session_id: int, cxid: int, op: int, body: bytes = b"") -> bytes:
    return i64(session_id) + i32(cxid) + i32(op) + body


def touched(sessions: dict[int, int]) -> bytes:
    return b"".join(i64(session_id) + i32(timeout_ms) for session_id, timeout_ms in sessions.items())


def revalidate(session_id: int, timeout_ms: int = 10_000) -> bytes:
    return i64(session_id) + i32(timeout_ms)


def revalidated(session_id: int, is_valid: bool) -> bytes:
    return i64(session_id) + boolean(is_valid)


# Transactions; none of them has a digest.


class TxnHead(NamedTuple):
    session_id: int
    cxid: int
    zxid: int
    time_ms: int
    kind: int
    body: bytes


def read_txn(payload: bytes | None) -> TxnHead:
    cursor = Cursor(payload or b"")
    return TxnHead(cursor.i64(), cursor.i32(), cursor.i64(), cursor.i64(), cursor.i32(), cursor.rest())


def txn(zxid: int, kind: int, body: bytes, session_id: int = 0x1234, cxid: int = 1) -> bytes:
    return i64(session_id) + i32(cxid) + i64(zxid) + i64(TIME_MS) + i32(kind) + body


def create_txn(zxid: int, path: str, data: bytes = b"", session_id: int = 0x1234, *, ephemeral: bool = False,
               cxid: int = 1) -> bytes:  # fmt: skip
    body = text(path) + buffer(data) + acl(OPEN) + boolean(ephemeral) + i32(-1)
    return txn(zxid, CREATE, body, session_id, cxid)


def set_data_txn(zxid: int, path: str, data: bytes, version: int, session_id: int = 0x1234, cxid: int = 1) -> bytes:
    return txn(zxid, SET_DATA, text(path) + buffer(data) + i32(version), session_id, cxid)


def create_session_txn(zxid: int, session_id: int, timeout_ms: int = 10_000) -> bytes:
    return txn(zxid, CREATE_SESSION, i32(timeout_ms), session_id, 0)


def close_session_txn(zxid: int, session_id: int, paths: Iterable[str] = ()) -> bytes:
    return txn(zxid, CLOSE_SESSION, text_list(paths), session_id, 0)


def error_txn(zxid: int, code: int, session_id: int = 0x1234, cxid: int = 1) -> bytes:
    return txn(zxid, ERROR, i32(code), session_id, cxid)


# Images, as they follow a SNAP packet.

STAT_BYTES = 60


def digest(value: int) -> bytes:
    """As it ends a transaction."""
    return (2).to_bytes(4) + (value & 0xFFFFFFFFFFFFFFFF).to_bytes(8)


def image(nodes: dict[str, bytes], zxid: int, sessions: dict[int, int] | None = None) -> bytes:
    """The znodes beside the root, all of them persistent and made at `zxid`; the signature is not part of it."""
    sessions = sessions or {}
    out = i32(len(sessions)) + touched(sessions)
    out += i32(1) + i64(1) + acl(OPEN)
    nodes = {"": b"", "/zookeeper": b"", "/zookeeper/config": b"", "/zookeeper/quota": b"", **nodes}
    for path, data in nodes.items():
        made_at = 0 if path.startswith("/zookeeper") else zxid
        out += _node(path, data, made_at, sum(1 for other in nodes if other and other.rsplit("/", 1)[0] == path))
    return out + text("/")


def _node(path: str, data: bytes, zxid: int, cversion: int) -> bytes:
    stat = i64(zxid) + i64(zxid) + i64(TIME_MS) + i64(TIME_MS) + i32(0) + i32(cversion) + i32(0) + i64(0) + i64(zxid)
    assert len(stat) == STAT_BYTES
    return text(path) + buffer(data) + i64(1) + stat
