"""What the tester adds to the codec of all tests: names, the shape of events, and passwords."""

# ruff: noqa: F405

import struct

from raw_jute import *  # noqa: F403  Its names are this module's, too.

OP_NAMES = {
    CREATE: "create", DELETE: "delete", EXISTS: "exists", GET_DATA: "getData", SET_DATA: "setData", GET_ACL: "getACL",
    SET_ACL: "setACL", GET_CHILDREN: "getChildren", SYNC: "sync", PING: "ping", GET_CHILDREN2: "getChildren2",
    CHECK: "check", MULTI: "multi", CREATE2: "create2", RECONFIG: "reconfig", CHECK_WATCHES: "checkWatches",
    REMOVE_WATCHES: "removeWatches", CREATE_CONTAINER: "createContainer", DELETE_CONTAINER: "deleteContainer",
    CREATE_TTL: "createTTL", MULTI_READ: "multiRead", AUTH: "auth", SET_WATCHES: "setWatches", SASL: "sasl",
    GET_EPHEMERALS: "getEphemerals", GET_ALL_CHILDREN_NUMBER: "getAllChildrenNumber", SET_WATCHES2: "setWatches2",
    ADD_WATCH: "addWatch", WHO_AM_I: "whoAmI", CLOSE_SESSION: "closeSession", CREATE_SESSION: "createSession",
}  # fmt: skip


def op_name(op: int) -> str:
    """The protocol's name of an opcode, or its number."""
    return OP_NAMES.get(op, f"op{op}")


def is_event(frame: bytes) -> bool:
    """Whether a server's frame is a watch event: xid -1, an event type, and a state of 3.

    A request may carry the xid -1, too; the generator does so only where the reply is empty or begins with a zxid of
    epoch 0, which is no event type.
    """
    if len(frame) < 28 or frame[:4] != b"\xff\xff\xff\xff":
        return False
    kind, state = struct.unpack_from(">ii", frame, REPLY_HEADER.size)
    return 1 <= kind <= 4 and bool(state == SYNC_CONNECTED)


def session_password(session_id: int) -> bytes:
    """The password that goes with a session id: four outputs of a 48-bit generator seeded with the id."""
    state = ((session_id ^ 0xB3415C00) ^ 0x5DEECE66D) & (2**48 - 1)
    words = []
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) & (2**48 - 1)
        words.append((state >> 16) & 0xFFFFFFFF)
    return struct.pack("<4I", *words)
