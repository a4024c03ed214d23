"""Transactions come back as they were written; what is cut off or unknown is a `DecodeError`."""

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from txn_strategies import txns

from zkeeper.errors import DecodeError
from zkeeper.wire import protocol
from zkeeper.wire.txns import (
    CheckBody,
    CloseSessionBody,
    CreateBody,
    CreateSessionBody,
    DeleteBody,
    ErrorBody,
    MultiBody,
    SetAclBody,
    SetDataBody,
    Txn,
    decode_txn,
)

LIMIT_BYTES = 2 * 0xFFFFF
VECTORS = Path(__file__).parents[2] / "golden" / "vectors"
TXN_HEADER_BYTES = 32
DIGEST_BYTES = 12


def logged(name: str) -> list[bytes]:
    """The payloads in a log that Java wrote."""
    lines = (VECTORS / f"{name}.hex").read_text().splitlines()
    data = bytes.fromhex("".join(re.sub(".*: ", "", line) for line in lines))
    at, payloads = 16, []
    while at < len(data):
        size = struct.unpack(">i", data[at + 8 : at + 12])[0]
        payloads.append(data[at + 12 : at + 12 + size])
        at += 13 + size
    return payloads


JAVA_PAYLOADS = logged("log.1") + logged("log.c")


def decoded(payload: bytes) -> Txn:
    return decode_txn(payload, LIMIT_BYTES)


@given(txns())
def test_a_transaction_comes_back(txn: Txn) -> None:
    payload = txn.encode()
    again = decoded(payload)
    assert again.encode() == payload
    assert (again.session_id, again.cxid, again.zxid, again.time_ms) == (
        txn.session_id, txn.cxid, txn.zxid, txn.time_ms,
    )  # fmt: skip
    assert (again.txn_type, again.has_digest, again.digest) == (txn.txn_type, txn.has_digest, txn.digest)


def may_be_cut(txn: Txn) -> bool:
    """Whether a part of the body is a body too: an old create, a closeSession without paths."""
    return txn.txn_type in (protocol.CREATE, protocol.CLOSE_SESSION)


@settings(max_examples=60)
@given(txns())
def test_every_truncation_of_the_body_is_a_decode_error(txn: Txn) -> None:
    payload = txn.encode()
    whole = len(payload) - (DIGEST_BYTES if txn.has_digest else 0)
    for size in range(len(payload)):
        if size < whole and not (may_be_cut(txn) and size >= TXN_HEADER_BYTES):
            with pytest.raises(DecodeError):
                decoded(payload[:size])
        elif size >= whole and whole > TXN_HEADER_BYTES:
            assert not decoded(payload[:size]).has_digest


def decodes(payload: bytes) -> bool:
    try:
        decoded(payload)
    except DecodeError:
        return False
    return True


@pytest.mark.parametrize("payload", JAVA_PAYLOADS, ids=[f"zxid-{at + 1:x}" for at in range(len(JAVA_PAYLOADS))])
def test_what_java_logged_is_decoded_and_encoded_to_the_same_bytes(payload: bytes) -> None:
    assert decoded(payload).encode() == payload
    assert not any(decodes(payload[:size]) for size in range(TXN_HEADER_BYTES))


def test_what_java_logged_says_what_the_vectors_tell() -> None:
    bodies = [decoded(payload).body for payload in JAVA_PAYLOADS]
    assert isinstance(bodies[0], CreateSessionBody)
    assert bodies[0].timeout_ms == 10000
    assert isinstance(bodies[1], CreateBody)
    assert (bodies[1].path, bodies[1].data) == (b"/a", b"hello")
    assert (bodies[1].ephemeral, bodies[1].parent_cversion) == (False, 1)
    assert isinstance(bodies[2], SetDataBody)
    assert (bodies[2].data, bodies[2].version) == (b"world", 1)
    assert isinstance(bodies[4], MultiBody)
    assert [type(op.body) for op in bodies[4].ops] == [CreateBody, SetDataBody, CheckBody, DeleteBody]
    assert not bodies[4].failed()
    assert isinstance(bodies[5], MultiBody)
    assert bodies[5].failed()
    assert isinstance(bodies[6], SetAclBody)
    assert bodies[6].acl == ((31, b"world", b"anyone"), (1, b"ip", b"127.0.0.1"))
    assert isinstance(bodies[7], ErrorBody)
    assert bodies[7].code == -110
    assert isinstance(bodies[10], CloseSessionBody)
    assert bodies[10].paths == [b"/a/e"]
    assert isinstance(bodies[15], CreateBody)
    assert (bodies[15].txn_type, bodies[15].ttl_ms) == (protocol.CREATE_TTL, 3_600_000)


HEADER = struct.Struct(">qiqqi")
STRING = b"\0\0\0\2/a"


def payload_of(txn_type: int, body: bytes) -> bytes:
    return HEADER.pack(7, 1, 5, 1000, txn_type) + body


@pytest.mark.parametrize("txn_type", [0, 3, 4, 6, 8, 9, 11, 12, 17, 18, 22, 99, 100, -2, -10_000, 2**31 - 1])
def test_an_unknown_type_is_refused(txn_type: int) -> None:
    with pytest.raises(DecodeError, match="type"):
        decoded(payload_of(txn_type, STRING + bytes(40)))


def test_a_check_outside_a_multi_is_refused() -> None:
    with pytest.raises(DecodeError, match="check"):
        decoded(payload_of(protocol.CHECK, STRING + bytes(4)))


@pytest.mark.parametrize("txn_type", [protocol.MULTI, protocol.CREATE_SESSION, protocol.CLOSE_SESSION])
def test_what_cannot_be_inside_a_multi_is_refused(txn_type: int) -> None:
    body = struct.pack(">iii", 1, txn_type, 4) + bytes(4)
    with pytest.raises(DecodeError, match="inside a multi"):
        decoded(payload_of(protocol.MULTI, body))


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_a_create_without_parent_cversion_is_an_old_one(cut: int) -> None:
    body = STRING + b"\xff\xff\xff\xff" + b"\0\0\0\0" + b"\1" + bytes(cut)
    txn = decoded(payload_of(protocol.CREATE, body))
    assert isinstance(txn.body, CreateBody)
    assert (txn.body.parent_cversion, txn.body.ephemeral, txn.body.data) == (-1, True, None)
    with pytest.raises(DecodeError):
        decoded(payload_of(protocol.CREATE2, body))


def test_a_close_session_without_a_body_lists_nothing() -> None:
    txn = decoded(payload_of(protocol.CLOSE_SESSION, b""))
    assert isinstance(txn.body, CloseSessionBody)
    assert txn.body.paths is None
    assert txn.encode() == payload_of(protocol.CLOSE_SESSION, b"")


def test_a_digest_right_behind_a_close_session_is_no_list() -> None:
    """As it is logged while closeSessionTxn.enabled is false."""
    payload = payload_of(protocol.CLOSE_SESSION, struct.pack(">iq", 2, 1371985504))
    txn = decoded(payload)
    assert isinstance(txn.body, CloseSessionBody)
    assert (txn.body.paths, txn.has_digest, txn.digest) == (None, True, 1371985504)
    assert txn.encode() == payload


def test_a_digest_of_another_version_and_one_that_is_not_wanted_are_left_alone() -> None:
    body = STRING + struct.pack(">iq", 2, 77)
    assert decoded(payload_of(protocol.DELETE, body)).digest == 77
    assert not decode_txn(payload_of(protocol.DELETE, body), LIMIT_BYTES, with_digest=False).has_digest
    assert not decoded(payload_of(protocol.DELETE, STRING + struct.pack(">iq", 1, 77))).has_digest


def test_a_field_over_the_limit_is_refused() -> None:
    with pytest.raises(DecodeError, match="allowed"):
        decode_txn(payload_of(protocol.DELETE, struct.pack(">i", 11) + bytes(11)), 10)
