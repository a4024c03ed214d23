"""The audit log: who changed what, one line for each event (semantics, section 19).

1. A line is `key=value` parts between tabs, in a fixed order; what is not known is left out. No value holds a control
   character, so a name that a client chose cannot pass for another part or line.
2. Failures are logged as errors, all else as information. Reads and what the server does of itself are not logged,
   but for the ephemerals that go with a session.
"""

import logging
import re
from typing import Final, cast

from zkeeper.database.acls import Identity
from zkeeper.database.auth import AuthRules
from zkeeper.errors import OK
from zkeeper.pipeline.proposals import Proposal
from zkeeper.pipeline.requests import CreateRequest, MultiRequest, SetAclRequest, WriteRequest
from zkeeper.server.words.texts import hexadecimal
from zkeeper.wire import protocol
from zkeeper.wire.acl import RawAcl
from zkeeper.wire.txns import CreateBody, MultiBody, Txn, TxnBody

SUCCESS: Final = "success"
FAILURE: Final = "failure"
INVOKED: Final = "invoked"
SERVER_START: Final = "serverStart"
SERVER_STOP: Final = "serverStop"
EPHEMERAL_REMOVED: Final = "ephemeralZNodeDeletionOnSessionCloseOrExpire"
MULTI: Final = "multiOperation"
OPERATIONS: Final[dict[int, str]] = {
    protocol.CREATE: "create",
    protocol.CREATE2: "create",
    protocol.CREATE_CONTAINER: "create",
    protocol.CREATE_TTL: "create",
    protocol.DELETE: "delete",
    protocol.SET_DATA: "setData",
    protocol.SET_ACL: "setAcl",
    protocol.RECONFIG: "reconfig",
}
MODES: Final = (
    "persistent", "ephemeral", "persistent_sequential", "ephemeral_sequential", "container", "persistent_with_ttl",
    "persistent_sequential_with_ttl",
)  # fmt: skip
"""By create flags."""
PERMISSION_LETTERS: Final = (
    (protocol.CREATE_CHILD, "c"),
    (protocol.DELETE_CHILD, "d"),
    (protocol.READ, "r"),
    (protocol.WRITE, "w"),
    (protocol.ADMIN, "a"),
)

_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

logger = logging.getLogger("zkeeper.audit")


class AuditLog:
    """`server_user` is the user of the operating system that the server runs as."""

    def __init__(self, auth: AuthRules, server_user: str) -> None:
        self._auth = auth
        self._server_user = server_user

    def server(self, operation: str, result: str) -> None:
        """The server's own start or stop."""
        _log({"user": self._server_user, "operation": operation}, result)

    def applied(self, proposal: Proposal, code: int) -> None:
        """A transaction was applied, with `code` for its result."""
        if proposal.op == protocol.CLOSE_SESSION:
            self._ephemerals_removed(proposal)
        elif proposal.request is not None and proposal.link is not None:
            self._requested(proposal, proposal.request, code)

    def _ephemerals_removed(self, proposal: Proposal) -> None:
        session_id = proposal.txn.session_id
        who = {"session": hexadecimal(session_id), "user": self._server_user, "operation": EPHEMERAL_REMOVED}
        for change in proposal.changes:
            if not change.exists and change.owner == session_id:
                _log({**who, "znode": _text(change.path)}, SUCCESS)

    def _requested(self, proposal: Proposal, request: WriteRequest, code: int) -> None:
        who = self._who(proposal)
        txn = proposal.txn
        if request.op != protocol.MULTI:
            self._operation(who, request, txn.body if code == OK else None)
        elif _has_failed(txn):
            _log({**who, "operation": MULTI}, FAILURE)
        else:
            ops = cast(MultiRequest, request).ops
            for op, done in zip(ops, cast(MultiBody, txn.body).ops, strict=True):
                self._operation(who, op, done.body)

    def _who(self, proposal: Proposal) -> dict[str, str]:
        assert proposal.link is not None
        return {
            "session": hexadecimal(proposal.txn.session_id),
            "user": self._users(proposal.credentials),
            "ip": _text(proposal.link.address),
        }

    def _users(self, credentials: list[Identity]) -> str:
        names = [self._auth.user_name(scheme, identity) for scheme, identity in credentials]
        return _text(b",".join(name for name in names if name))

    def _operation(self, who: dict[str, str], request: WriteRequest, body: TxnBody | None) -> None:
        """`body` is None for one that failed."""
        operation = OPERATIONS.get(request.op)
        if operation is None:
            return
        path = body.path if isinstance(body, CreateBody) else request.path
        what = {
            "operation": operation,
            "znode": _text(path) if path is not None else "",
            "znode_type": _mode(request),
            "acl": _acl_text(request.acl) if isinstance(request, SetAclRequest) else "",
        }
        _log({**who, **what}, SUCCESS if body is not None else FAILURE)


def _has_failed(txn: Txn) -> bool:
    return not isinstance(txn.body, MultiBody) or txn.body.failed()


def _mode(request: WriteRequest) -> str:
    if isinstance(request, CreateRequest) and 0 <= request.flags < len(MODES):
        return MODES[request.flags]
    return ""


def _acl_text(entries: list[RawAcl] | None) -> str:
    return "".join(
        f"{_text(entry.scheme or b'')}:{_text(entry.identity or b'')}:{_letters(entry.permissions)}"
        for entry in entries or ()
    )


def _letters(permissions: int) -> str:
    return "".join(letter for bit, letter in PERMISSION_LETTERS if permissions & bit)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _log(parts: dict[str, str], result: str) -> None:
    shown = {key: _printable(value) for key, value in {**parts, "result": result}.items()}
    line = "\t".join(f"{key}={value}" for key, value in shown.items() if value)
    logger.log(logging.ERROR if result == FAILURE else logging.INFO, "%s", line)


def _printable(value: str) -> str:
    return _CONTROLS.sub("", value)
