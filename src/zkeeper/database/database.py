"""The replicated state of one server: tree and sessions, and how each transaction changes them.

1. `apply` is the only way to change the state, live, on replay and on every replica; but for `/zookeeper/config`, which
   a member of an ensemble sets to what it knows before it serves.
2. `last_zxid` moves when a transaction was applied completely; the parts of a multi are never seen apart.
3. The digest that a transaction carries is compared with the tree's after it, unless a snapshot's digest is awaited;
   a difference is counted and told, and service goes on (storage, section 7).
4. An image without a digest may hold parts of transactions to come, up to one that nobody tells. While agreement is
   awaited, the first digest that the tree agrees with shows that it is mended; a difference before means nothing.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, cast, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from zkeeper.database import paths
from zkeeper.database.foreseen import Pending
from zkeeper.database.tree import DataTree
from zkeeper.database.watches import WatchManager
from zkeeper.database.znode import CONTAINER_OWNER, TTL_OWNER, OwnerRules, ZNode
from zkeeper.errors import OK, RuntimeInconsistencyError
from zkeeper.wire import protocol
from zkeeper.wire.txns import (
    DIGEST_VERSION,
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

MAX_FORESEEN: Final = 4
"""Of a transaction that changes more znodes, what was foreseen is not searched."""
DIGEST_INTERVAL: Final = 128
DIGEST_HISTORY: Final = 1024
CONFIG_VERSION: Final = -1
"""Of the data of `/zookeeper/config`, whenever it tells a membership."""


class DatabaseOptions:
    """Settings that decide how state is read and checked."""

    def __init__(self, extended_types: bool = False, emulate_353_ttl: bool = False, with_digest: bool = True) -> None:
        self.extended_types = extended_types
        self.emulate_353_ttl = emulate_353_ttl
        self.with_digest = with_digest


@final
class OpResult:
    """What one operation of a multi came to. `stat` is the packed Stat where the reply has one."""

    def __init__(self, txn_type: i64, code: i64, path: bytes | None, stat: bytes | None) -> None:
        self.txn_type: i64 = txn_type
        self.code: i64 = code
        self.path = path
        self.stat = stat


@final
class Database:
    """`tell` takes sentences for the server's log, `on_mismatch` is called for each digest that differs; `sessions`
    maps a session id to its timeout in ms."""

    def __init__(
        self, options: DatabaseOptions | None = None, tell: Callable[[str], None] | None = None,
        on_mismatch: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        options = options if options is not None else DatabaseOptions()
        self.options = options
        self.tree = DataTree(OwnerRules(options.extended_types, options.emulate_353_ttl), options.with_digest)
        self.tree.plant_reserved()
        self.watches = WatchManager()
        self.sessions: dict[int, int] = {}
        self.last_zxid: i64 = 0
        self.digest_mismatches: i64 = 0
        self.digest_history: deque[tuple[int, int]] = deque(maxlen=DIGEST_HISTORY)
        self.results: list[OpResult] = []
        self._tell = tell
        self._on_mismatch = on_mismatch
        self.awaits_agreement = False
        self._awaited_zxid: i64 = 0
        self._awaited_digest: i64 = 0

    def apply(self, txn: Txn, wants_results: bool = False, foreseen: list[Pending] | None = None) -> i64:
        """Applies `txn` and returns its error code, `OK` for success. `foreseen` is what it will change, if known.

        `tree.touched` is then the znode whose Stat a reply shows; for a multi with `wants_results`, `results` holds
        what each operation came to. Both are valid until the next call.
        """
        self.tree.touched = None
        self.tree.foreseen = foreseen if foreseen is not None and len(foreseen) <= MAX_FORESEEN else None
        if txn.txn_type == protocol.MULTI:
            code = self._apply_multi(txn, cast(MultiBody, txn.body), wants_results)
        else:
            code = self._apply_body(txn, txn.txn_type, txn.body)
        if txn.zxid > self.last_zxid:
            self.last_zxid = txn.zxid
        if self.tree.with_digest:
            self._check_digest(txn)
        return code

    def _apply_body(self, txn: Txn, txn_type: i64, body: TxnBody) -> i64:
        if txn_type == protocol.SET_DATA or txn_type == protocol.RECONFIG:
            return self._apply_set_data(txn, cast(SetDataBody, body))
        if txn_type == protocol.DELETE or txn_type == protocol.DELETE_CONTAINER:
            return self._apply_delete(txn, cast(DeleteBody, body).path)
        if txn_type == protocol.ERROR:
            return cast(ErrorBody, body).code
        if txn_type == protocol.SET_ACL:
            set_acl = cast(SetAclBody, body)
            return self.tree.set_acl(set_acl.path, set_acl.acl, set_acl.version)
        if txn_type == protocol.CREATE_SESSION:
            self.sessions[txn.session_id] = cast(CreateSessionBody, body).timeout_ms
            return OK
        if txn_type == protocol.CLOSE_SESSION:
            return self._apply_close_session(txn, cast(CloseSessionBody, body))
        if txn_type == protocol.CHECK:
            return OK
        return self._apply_create(txn, txn_type, cast(CreateBody, body))

    def _apply_create(self, txn: Txn, txn_type: i64, body: CreateBody) -> i64:
        tree = self.tree
        owner = self._owner(txn, txn_type, body)
        code = tree.create(body.path, body.data, body.acl, owner, body.parent_cversion, txn.zxid, txn.time_ms)
        node = tree.touched
        if code == OK and node is not None and not self.watches.idle():
            parent_path = paths.parent(body.path)
            parent = tree.lookup(parent_path)
            assert parent is not None
            self.watches.created(body.path, parent_path, txn.zxid, node.acl, parent.acl)
        return code

    def _owner(self, txn: Txn, txn_type: i64, body: CreateBody) -> i64:
        if txn_type == protocol.CREATE_CONTAINER:
            return CONTAINER_OWNER
        if txn_type == protocol.CREATE_TTL:
            if 0 < body.ttl_ms <= protocol.MAX_TTL_MS:
                return TTL_OWNER + body.ttl_ms
            self._say(
                f"transaction 0x{txn.zxid:x} creates {body.path!r} with the impossible ttl {body.ttl_ms}; "
                "it becomes a plain persistent znode"
            )
            return 0
        return txn.session_id if body.ephemeral else 0

    def _apply_delete(self, txn: Txn, path: bytes) -> i64:
        tree = self.tree
        if self.watches.idle():
            return tree.delete(path, txn.zxid)
        node = tree.lookup(path)
        code = tree.delete(path, txn.zxid)
        if code == OK and node is not None:
            parent_path = paths.parent(path)
            parent = tree.lookup(parent_path)
            assert parent is not None
            self.watches.deleted(path, parent_path, txn.zxid, node.acl, parent.acl)
        return code

    def _apply_set_data(self, txn: Txn, body: SetDataBody) -> i64:
        code = self.tree.set_data(body.path, body.data, body.version, txn.zxid, txn.time_ms)
        node = self.tree.touched
        if node is not None:
            self.watches.data_changed(body.path, txn.zxid, node.acl)
        return code

    def _apply_close_session(self, txn: Txn, body: CloseSessionBody) -> i64:
        self.sessions.pop(txn.session_id, None)
        if body.paths is not None:
            for path in body.paths:
                self._apply_delete(txn, path)
        for path in self.tree.owners.ephemerals_of(txn.session_id):
            self._apply_delete(txn, path)
        return OK

    def _apply_multi(self, txn: Txn, multi: MultiBody, wants_results: bool) -> i64:
        self.results = []
        if multi.failed():
            self._report_failed(multi)
            return OK
        code: i64 = OK
        for op in multi.ops:
            self.tree.touched = None
            op_code = self._apply_body(txn, op.txn_type, op.body)
            if code == OK:
                code = op_code
            if wants_results:
                self.results.append(self._result(op, op_code))
        return code

    def _report_failed(self, multi: MultiBody) -> None:
        failed = False
        for op in multi.ops:
            code: i64 = RuntimeInconsistencyError.code if failed else OK
            if op.txn_type == protocol.ERROR and not failed:
                failed = True
                code = cast(ErrorBody, op.body).code
            self.results.append(OpResult(protocol.ERROR, code, None, None))

    def _result(self, op: SubTxn, code: i64) -> OpResult:
        if code != OK:
            return OpResult(protocol.ERROR, code, None, None)
        path: bytes | None = None
        if isinstance(op.body, CreateBody):
            path = op.body.path
        stat: bytes | None = None
        node = self.tree.touched
        if node is not None:
            out = BytesWriter()
            self.write_stat(out, node)
            stat = out.getvalue()
        return OpResult(op.txn_type, code, path, stat)

    def show_membership(self, text: bytes, version: i64, time_ms: i64) -> None:
        """Has `/zookeeper/config` tell who belongs to the ensemble, where no transaction has. It is not part of the
        digest, and nobody is notified."""
        self.tree.set_data(paths.CONFIG, text, CONFIG_VERSION, version, time_ms)

    def write_stat(self, out: BytesWriter, node: ZNode) -> None:
        node.write_stat(out, self.tree.owner_rules.ephemeral_owner(node.owner))

    # Digest.

    def await_digest(self, zxid: i64, version: i64, digest: i64) -> None:
        """A snapshot says that the tree's digest after `zxid`, at or past `last_zxid`, is `digest`."""
        if zxid <= 0 or zxid < self.last_zxid or version != DIGEST_VERSION or not self.tree.with_digest:
            return
        self._awaited_zxid = zxid
        self._awaited_digest = digest
        self._meet_awaited()

    def awaits_digest(self) -> bool:
        return self._awaited_zxid != 0

    def forget_awaited_digest(self) -> None:
        """When the log ended before the zxid at which a snapshot's digest was to be compared."""
        self._awaited_zxid = 0

    def await_agreement(self) -> None:
        """This is an image without a digest (rule 4)."""
        self.awaits_agreement = self.tree.with_digest

    def demand_agreement(self) -> None:
        """All that the image may hold parts of was applied: from now on a difference is one."""
        self.awaits_agreement = False

    def _meet_awaited(self) -> None:
        if self.last_zxid == self._awaited_zxid:
            self._compare(self._awaited_zxid, self._awaited_digest, "the snapshot")
            self._awaited_zxid = 0

    def _check_digest(self, txn: Txn) -> None:
        if self._awaited_zxid:
            self._meet_awaited()
            return
        if self.awaits_agreement:
            self.awaits_agreement = not txn.has_digest or self.tree.digest != txn.digest
            return
        if txn.has_digest:
            self._compare(txn.zxid, txn.digest, "the transaction")
        if txn.zxid % DIGEST_INTERVAL == 0:
            self.digest_history.append((txn.zxid, self.tree.digest))

    def _compare(self, zxid: i64, expected: i64, source: str) -> None:
        if self.tree.digest == expected:
            return
        self.digest_mismatches += 1
        if self.digest_mismatches == 1:
            self._say(
                f"digest mismatch at zxid 0x{zxid:x}: {source} expects {expected}, the tree has {self.tree.digest}; "
                "this replica may differ from others, compare it with a backup"
            )
        if self._on_mismatch is not None:
            self._on_mismatch()

    def _say(self, sentence: str) -> None:
        if self._tell is not None:
            self._tell(sentence)
