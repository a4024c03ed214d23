"""Any transaction, for hypothesis."""

from hypothesis import strategies as st

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
    SubTxn,
    Txn,
    TxnBody,
)

I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
PATHS = st.binary(max_size=12)
DATA = st.none() | st.binary(max_size=12)
ACLS = st.lists(st.tuples(I32, st.binary(max_size=6), st.binary(max_size=6)), max_size=3).map(tuple)
CREATES = (protocol.CREATE, protocol.CREATE2, protocol.CREATE_CONTAINER, protocol.CREATE_TTL)


def _create(txn_type: int) -> st.SearchStrategy[TxnBody]:
    ephemeral = st.booleans() if txn_type in (protocol.CREATE, protocol.CREATE2) else st.just(False)
    ttl_ms = I64 if txn_type == protocol.CREATE_TTL else st.just(0)
    return st.builds(CreateBody, st.just(txn_type), PATHS, DATA, ACLS, ephemeral, I32, ttl_ms)


IN_MULTI: dict[int, st.SearchStrategy[TxnBody]] = {
    **{txn_type: _create(txn_type) for txn_type in CREATES},
    protocol.DELETE: st.builds(DeleteBody, PATHS),
    protocol.SET_DATA: st.builds(SetDataBody, PATHS, DATA, I32),
    protocol.CHECK: st.builds(CheckBody, PATHS, I32),
    protocol.ERROR: st.builds(ErrorBody, I32),
}
SUB_TXNS = st.sampled_from(sorted(IN_MULTI)).flatmap(
    lambda txn_type: st.builds(SubTxn, st.just(txn_type), IN_MULTI[txn_type])
)
BODIES: dict[int, st.SearchStrategy[TxnBody]] = {
    **{txn_type: body for txn_type, body in IN_MULTI.items() if txn_type != protocol.CHECK},
    protocol.DELETE_CONTAINER: st.builds(DeleteBody, PATHS),
    protocol.RECONFIG: st.builds(SetDataBody, PATHS, DATA, I32),
    protocol.SET_ACL: st.builds(SetAclBody, PATHS, ACLS, I32),
    protocol.MULTI: st.builds(MultiBody, st.lists(SUB_TXNS, max_size=4)),
    protocol.CREATE_SESSION: st.builds(CreateSessionBody, I32),
    protocol.CLOSE_SESSION: st.builds(CloseSessionBody, st.none() | st.lists(PATHS.filter(bool), max_size=3)),
}


@st.composite
def txns(draw: st.DrawFn) -> Txn:
    txn_type = draw(st.sampled_from(sorted(BODIES)))
    has_digest = draw(st.booleans())
    return Txn(
        draw(I64), draw(I32), draw(I64), draw(I64), txn_type, draw(BODIES[txn_type]),
        has_digest, draw(I64) if has_digest else 0,
    )  # fmt: skip
