"""Transactions on their way to being applied, and where they go meanwhile."""

from typing import TYPE_CHECKING, Final, Protocol, final

from mypy_extensions import i64, mypyc_attr

from zkeeper.database.acls import Identity
from zkeeper.database.foreseen import Pending
from zkeeper.errors import OK
from zkeeper.pipeline.requests import WriteRequest
from zkeeper.wire.txns import Txn

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink

NOBODY: Final[list[Identity]] = []


class TxnSink(Protocol):
    """Where transactions go to become durable; `Service.committed` is called in return."""

    def append(self, zxid: int, payload: bytes) -> bool:
        """True for the first of a batch."""
        ...


class History(Protocol):
    """Where committed transactions are kept for learners that lack them."""

    def add(self, zxid: int, payload: bytes) -> None: ...


@mypyc_attr(acyclic=True)
@final
class Proposal:
    """A transaction on its way, with what is pending for it; `link` is None for those that the server itself made.

    A failure is told to the client as `refusal`, if that is not `OK`.

    `request` and the `credentials` that it came with are there when an audit log wants them, the `payload` where the
    server is one of an ensemble.
    """

    def __init__(
        self, txn: Txn, size_bytes: i64, changes: list[Pending], op: i64, link: "ClientLink | None", received_ms: i64
    ) -> None:  # fmt: skip
        self.txn = txn
        self.size_bytes: i64 = size_bytes
        self.changes = changes
        self.op: i64 = op
        self.link = link
        self.received_ms: i64 = received_ms
        self.request: WriteRequest | None = None
        self.credentials: list[Identity] = NOBODY
        self.payload: bytes | None = None
        self.refusal: i64 = OK
