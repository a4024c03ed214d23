"""What the data of packets between a leader and its learners hold (quorum, section 6).

Each `read_` raises `DecodeError` for bytes that cannot be meant; a null where something is needed is one of these.
"""

from typing import Final, final

from librt.strings import BytesWriter, read_i32_be, read_i64_be, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, mypyc_attr

from zkeeper.errors import DecodeError
from zkeeper.wire.quorum_packets import NO_ZXID, REQUEST, write_authinfo

PROTOCOL_VERSION: Final = 0x10000
"""Of leaders and learners since ZooKeeper 3.4."""
OLD_PROTOCOL_VERSION: Final = 1
"""Of those before, which did not tell it."""
EPOCH_NOT_ACCEPTED: Final = -1
"""What ACKEPOCH says in place of the learner's epoch when it had accepted the leader's epoch before."""
REQUEST_HEAD_BYTES: Final = 16

_TOUCHED_BYTES: Final = 12


@final
@mypyc_attr(acyclic=True)
class LearnerInfo:
    """Of FOLLOWERINFO and OBSERVERINFO. `sid` is None when the learner did not tell it, as is `config_version`, the
    version of the configuration that it has committed."""

    def __init__(self, sid: int | None, protocol_version: i64, config_version: int | None) -> None:
        self.sid = sid
        self.protocol_version: i64 = protocol_version
        self.config_version = config_version


def learner_info_bytes(sid: i64, config_version: i64) -> bytes:
    out = BytesWriter()
    write_i64_be(out, sid)
    write_i32_be(out, PROTOCOL_VERSION)
    write_i64_be(out, config_version)
    return out.getvalue()


def read_learner_info(data: bytes | None) -> LearnerInfo:
    """In all its forms: null, 8, 12 and 20 bytes. Later versions may append to it."""
    if data is None:
        return LearnerInfo(None, OLD_PROTOCOL_VERSION, None)
    if len(data) < 8:
        raise DecodeError(f"{len(data)} bytes are no learner's info")
    version: i64 = i64(read_i32_be(data, 8)) if len(data) >= 12 else OLD_PROTOCOL_VERSION
    config_version: int | None = int(read_i64_be(data, 12)) if len(data) >= 20 else None
    return LearnerInfo(int(read_i64_be(data, 0)), version, config_version)


@final
@mypyc_attr(acyclic=True)
class RequestHead:
    """How a forwarded request begins. The client's own bytes begin behind `REQUEST_HEAD_BYTES`."""

    def __init__(self, session_id: i64, cxid: i64, op: i64) -> None:
        self.session_id: i64 = session_id
        self.cxid: i64 = cxid
        self.op: i64 = op


def write_request(
    out: BytesWriter, session_id: i64, cxid: i64, op: i64, body: bytes, authinfo: list[tuple[bytes, bytes]] | None
) -> None:
    """A whole REQUEST packet."""
    write_i32_be(out, REQUEST)
    write_i64_be(out, NO_ZXID)
    write_i32_be(out, i32(REQUEST_HEAD_BYTES + len(body)))
    write_i64_be(out, session_id)
    write_i32_be(out, i32(cxid))
    write_i32_be(out, i32(op))
    out.write(body)
    write_authinfo(out, authinfo)


def read_request_head(data: bytes | None) -> RequestHead:
    if data is None or len(data) < REQUEST_HEAD_BYTES:
        raise DecodeError("a request has no whole head")
    return RequestHead(read_i64_be(data, 0), i64(read_i32_be(data, 8)), i64(read_i32_be(data, 12)))


def touched_bytes(touched: dict[int, int]) -> bytes:
    """Sessions and their timeouts in ms, as the answer to a PING tells that they were active."""
    out = BytesWriter()
    for session_id, timeout_ms in touched.items():
        write_i64_be(out, session_id)
        write_i32_be(out, i32(timeout_ms))
    return out.getvalue()


def read_touched(data: bytes | None) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    if data is None:
        return found
    if len(data) % _TOUCHED_BYTES:
        raise DecodeError(f"{len(data)} bytes are no list of sessions")
    position: i64 = 0
    while position < len(data):
        timeout_ms = int(read_i32_be(data, position + 8))
        if timeout_ms < 0:
            raise DecodeError(f"a session with a timeout of {timeout_ms} ms was touched")
        found.append((int(read_i64_be(data, position)), timeout_ms))
        position += _TOUCHED_BYTES
    return found


def revalidate_bytes(session_id: i64, timeout_ms: i64) -> bytes:
    """A learner's question whether the session is alive."""
    out = BytesWriter()
    write_i64_be(out, session_id)
    write_i32_be(out, i32(timeout_ms))
    return out.getvalue()


def read_revalidate(data: bytes | None) -> tuple[int, int]:
    """Session id and timeout in ms."""
    if data is None or len(data) < 12:
        raise DecodeError("a question for a session is cut off")
    return int(read_i64_be(data, 0)), int(read_i32_be(data, 8))


def revalidated_bytes(session_id: i64, is_valid: bool) -> bytes:
    """The leader's answer."""
    out = BytesWriter()
    write_i64_be(out, session_id)
    out.append(1 if is_valid else 0)
    return out.getvalue()


def read_revalidated(data: bytes | None) -> tuple[int, bool]:
    if data is None or len(data) < 9:
        raise DecodeError("an answer about a session is cut off")
    return int(read_i64_be(data, 0)), data[8] != 0


def int32_bytes(value: i64) -> bytes:
    """Of LEADERINFO, the protocol's version; of ACKEPOCH, the learner's epoch or `EPOCH_NOT_ACCEPTED`."""
    out = BytesWriter()
    write_i32_be(out, i32(value))
    return out.getvalue()


def read_int32(data: bytes | None) -> i64:
    if data is None or len(data) < 4:
        raise DecodeError("a number is cut off")
    return i64(read_i32_be(data, 0))


def activation_bytes(designated_leader: i64, payload: bytes = b"") -> bytes:
    """Of COMMITANDACTIVATE; of INFORMANDACTIVATE with the transaction's `payload`."""
    out = BytesWriter()
    write_i64_be(out, designated_leader)
    out.write(payload)
    return out.getvalue()


def read_activation(data: bytes | None) -> tuple[int, bytes]:
    """The designated leader and the payload, which is empty for COMMITANDACTIVATE."""
    if data is None or len(data) < 8:
        raise DecodeError("an activation names no leader")
    return int(read_i64_be(data, 0)), data[8:]
