"""The bodies of replies to writes.

They show the database as the write left it, so they are written before the next transaction is applied.
"""

from typing import TYPE_CHECKING, cast

from librt.strings import BytesWriter, write_i32_be
from mypy_extensions import i32, i64

from zkeeper.database.database import Database
from zkeeper.wire import protocol
from zkeeper.wire.jute import write_bool, write_buffer
from zkeeper.wire.txns import CreateBody, SetDataBody

if TYPE_CHECKING:
    from zkeeper.pipeline.proposals import Proposal


def write_result(proposal: "Proposal", database: Database, out: BytesWriter) -> None:
    """The body of the reply to a write that succeeded."""
    op = proposal.op
    if op == protocol.SET_DATA or op == protocol.SET_ACL:
        _write_touched(database, out)
    elif op == protocol.MULTI:
        _write_results(database, out)
    elif op == protocol.RECONFIG:
        write_buffer(out, cast(SetDataBody, proposal.txn.body).data)
        _write_touched(database, out)
    elif op != protocol.DELETE and op != protocol.CLOSE_SESSION:
        write_buffer(out, cast(CreateBody, proposal.txn.body).path)
        if op != protocol.CREATE:
            _write_touched(database, out)


def _write_touched(database: Database, out: BytesWriter) -> None:
    node = database.tree.touched
    assert node is not None
    database.write_stat(out, node)


def _write_results(database: Database, out: BytesWriter) -> None:
    for result in database.results:
        op = _result_type(result.txn_type)
        write_i32_be(out, i32(op))
        write_bool(out, False)
        write_i32_be(out, i32(result.code))
        if op == protocol.ERROR:
            write_i32_be(out, i32(result.code))
        if op == protocol.CREATE or op == protocol.CREATE2:
            write_buffer(out, result.path)
        if result.stat is not None and (op == protocol.CREATE2 or op == protocol.SET_DATA):
            out.write(result.stat)
    write_i32_be(out, -1)
    write_bool(out, True)
    write_i32_be(out, -1)


def _result_type(txn_type: i64) -> i64:
    if txn_type == protocol.CREATE_CONTAINER or txn_type == protocol.CREATE_TTL:
        return protocol.CREATE2
    return txn_type
