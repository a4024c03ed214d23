"""The names that words give to operations (operations, section 1.9)."""

from typing import Final

from zkeeper.wire import protocol

UNKNOWN: Final = "NA"
_NAMES: Final = {
    protocol.CREATE_SESSION: "SESS",
    protocol.CLOSE_SESSION: "CLOS",
    protocol.PING: "PING",
    protocol.CREATE: "CREA",
    protocol.CREATE2: "CREA",
    protocol.CREATE_TTL: "CREA",
    protocol.CREATE_CONTAINER: "CREA",
    protocol.DELETE: "DELE",
    protocol.DELETE_CONTAINER: "DELE",
    protocol.EXISTS: "EXIS",
    protocol.GET_DATA: "GETD",
    protocol.SET_DATA: "SETD",
    protocol.GET_ACL: "GETA",
    protocol.SET_ACL: "SETA",
    protocol.GET_CHILDREN: "GETC",
    protocol.GET_CHILDREN2: "GETC",
    protocol.GET_ALL_CHILDREN_NUMBER: "GETACN",
    protocol.GET_EPHEMERALS: "GETE",
    protocol.SYNC: "SYNC",
    protocol.CHECK: "CHEC",
    protocol.MULTI: "MULT",
    protocol.MULTI_READ: "MLTR",
    protocol.RECONFIG: "RECO",
    protocol.SET_WATCHES: "SETW",
    protocol.SET_WATCHES2: "STW2",
    protocol.ADD_WATCH: "ADDW",
    protocol.CHECK_WATCHES: "CHKW",
    protocol.REMOVE_WATCHES: "REMW",
    protocol.WHO_AM_I: "HOMI",
}


def op_name(op: int) -> str:
    """`NA` for a connection that has asked for nothing yet, and for what has no name."""
    return _NAMES.get(op, UNKNOWN)
