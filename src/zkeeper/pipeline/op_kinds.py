"""What kind of request an opcode is, for the parts of the request road that treat kinds apart."""

from mypy_extensions import i64

from zkeeper.wire import protocol


def is_write(op: i64) -> bool:
    """Whether clients may ask for `op` and it becomes a transaction."""
    return (
        op == protocol.SET_DATA
        or op == protocol.CREATE
        or op == protocol.DELETE
        or op == protocol.SET_ACL
        or (op >= protocol.MULTI and op <= protocol.RECONFIG)
        or op == protocol.CREATE_CONTAINER
        or op == protocol.CREATE_TTL
        or op == protocol.CLOSE_SESSION
    )


def needs_quorum(op: i64) -> bool:
    """Whether a server that serves reads only refuses `op` (semantics, section 13). The sessions that it has are local
    ones, whose end needs nobody else."""
    return op == protocol.SYNC or (is_write(op) and op != protocol.CLOSE_SESSION)
