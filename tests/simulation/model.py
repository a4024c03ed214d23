"""An obvious model of the tree and of the sessions: one transaction after the other, nothing shared, nothing cached.

A state is a dictionary of immutable znodes that is never changed once the next transaction has come, so the states
after all zxids are kept, and every reply can be compared with the state that it claims to show.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple
from zlib import crc32

from .codec import OPEN_PERMISSIONS, Stat
from .requests import (
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_TTL,
    EPHEMERAL,
    ERROR,
    SEQUENTIAL,
    TTL,
    Check,
    CloseSession,
    Create,
    Delete,
    Exists,
    GetChildren,
    GetData,
    GetEphemerals,
    Multi,
    Request,
    SetAcl,
    SetData,
    Sync,
    Write,
)

OK, RUNTIME_INCONSISTENCY, UNIMPLEMENTED = 0, -2, -6
NO_NODE, NO_AUTH, BAD_VERSION, NO_CHILDREN_FOR_EPHEMERALS, NODE_EXISTS, NOT_EMPTY = -101, -102, -103, -108, -110, -111

MAY_WRITE, MAY_CREATE, MAY_DELETE, MAY_ADMIN = 2, 4, 8, 16
CREATED, DELETED, CHANGED, CHILDREN_CHANGED = 1, 2, 3, 4
CONTAINER_OWNER, TTL_OWNER = -(1 << 63), -(1 << 56)

_DIGESTED = struct.Struct(">qqqqqiiiq")


class Node(NamedTuple):
    """A znode; `cversion` and `owner` as they are stored, not as clients see them."""

    data: bytes | None
    permissions: int
    owner: int
    czxid: int
    mzxid: int
    pzxid: int
    ctime: int
    mtime: int
    version: int = 0
    cversion: int = 0
    aversion: int = 0
    children: frozenset[str] = frozenset()

    def stat(self) -> Stat:
        return Stat(
            self.czxid, self.mzxid, self.ctime, self.mtime, self.version, 2 * self.cversion - len(self.children),
            self.aversion, max(self.owner, 0), len(self.data or b""), len(self.children), self.pzxid,
        )  # fmt: skip


Nodes = dict[str, Node]


class Fired(NamedTuple):
    """What a transaction does to the watches at `path` in one of the two tables."""

    is_child_table: bool
    kind: int
    path: str


class Answer(NamedTuple):
    code: int
    value: object = None


class RequestError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def fresh_nodes() -> Nodes:
    node = Node(b"", OPEN_PERMISSIONS, 0, 0, 0, 0, 0, 0)
    return {
        "/": node._replace(children=frozenset({"zookeeper"})),
        "/zookeeper": node._replace(children=frozenset({"quota", "config"})),
        "/zookeeper/quota": node,
        "/zookeeper/config": node._replace(permissions=1, aversion=-1),
    }


def parent_of(path: str) -> str:
    return path[: path.rindex("/")] or "/"


def digest_of(nodes: Nodes) -> int:
    """The digest of the tree, from scratch (semantics, section 16)."""
    total = 0
    for path, node in nodes.items():
        if not path.startswith("/zookeeper/"):
            times = (node.czxid, node.mzxid, node.pzxid, node.ctime, node.mtime)
            rest = _DIGESTED.pack(*times, node.version, node.cversion, node.aversion, node.owner)
            total += crc32(("" if path == "/" else path).encode() + (node.data or b"") + rest)
    return total & 0xFFFFFFFFFFFFFFFF


class Model:
    """The state after `zxid`. `has_extended_types` is the server's setting."""

    def __init__(self, has_extended_types: bool) -> None:
        self.nodes = fresh_nodes()
        self.sessions: dict[int, int] = {}
        self.zxid = 0
        self._has_extended_types = has_extended_types
        self._time_ms = 0
        self._session_id = 0
        self._fired: list[Fired] = []

    # Transactions.

    def open_session(self, session_id: int, timeout_ms: int) -> None:
        self._begin(session_id, 0)
        self.sessions[session_id] = timeout_ms

    def write(self, session_id: int, time_ms: int, request: Write) -> tuple[Answer, list[Fired]]:
        """The next transaction is this request; returns its answer, and the watches it fires in their order."""
        return self._transact(session_id, time_ms, lambda: self._write(request))

    def reap(self, time_ms: int, path: str) -> tuple[Answer, list[Fired]]:
        """The next transaction is the server's own deletion of a container or of a znode with a ttl."""
        return self._transact(0, time_ms, lambda: self._reap(path))

    def _transact(self, session_id: int, time_ms: int, change: Callable[[], object]) -> tuple[Answer, list[Fired]]:
        before = self.nodes
        self._begin(session_id, time_ms)
        try:
            return Answer(OK, change()), self._fired
        except RequestError as error:
            self.nodes = before
            return Answer(error.code), []

    def _begin(self, session_id: int, time_ms: int) -> None:
        self.zxid += 1
        self._session_id, self._time_ms, self._fired = session_id, time_ms, []
        self.nodes = dict(self.nodes)

    def _write(self, request: Request) -> object:
        if isinstance(request, Create):
            return self._create(request)
        if isinstance(request, SetData):
            return self._set_data(request)
        if isinstance(request, SetAcl):
            return self._set_acl(request)
        if isinstance(request, Multi):
            return self._multi(request)
        self._write_without_value(request)
        return None

    def _write_without_value(self, request: Request) -> None:
        if isinstance(request, Delete):
            self._delete(request)
        elif isinstance(request, Check):
            self._check_version(self._need(request.path).version, request.version)
        else:
            assert isinstance(request, CloseSession)
            self._close_session()

    def _create(self, request: Create) -> object:
        if request.flags >= TTL and not self._has_extended_types:
            raise RequestError(UNIMPLEMENTED)
        path, up = request.path, parent_of(request.path)
        parent = self._need(up)
        self._need_permission(parent, MAY_CREATE)
        if request.flags in (SEQUENTIAL, SEQUENTIAL | EPHEMERAL, TTL + 1):
            path = f"{path}{parent.cversion:010d}"
        if path in self.nodes:
            raise RequestError(NODE_EXISTS)
        if parent.owner > 0:
            raise RequestError(NO_CHILDREN_FOR_EPHEMERALS)
        children = parent.children | {path[path.rindex("/") + 1 :]}
        self.nodes[up] = parent._replace(children=children, cversion=parent.cversion + 1, pzxid=self.zxid)
        zxids, times = (self.zxid,) * 3, (self._time_ms,) * 2
        node = self.nodes[path] = Node(request.data, request.permissions, self._owner(request), *zxids, *times)
        self._fired += [Fired(False, CREATED, path), Fired(True, CHILDREN_CHANGED, up)]
        return path if request.form == CREATE else (path, node.stat())

    def _owner(self, request: Create) -> int:
        if request.form == CREATE_CONTAINER:
            return CONTAINER_OWNER
        if request.form == CREATE_TTL:
            return TTL_OWNER + request.ttl_ms
        return self._session_id if request.flags & EPHEMERAL else 0

    def _set_data(self, request: SetData) -> object:
        node = self._need(request.path)
        self._need_permission(node, MAY_WRITE)
        self._check_version(node.version, request.version)
        node = node._replace(data=request.data, mzxid=self.zxid, mtime=self._time_ms, version=node.version + 1)
        self.nodes[request.path] = node
        self._fired.append(Fired(False, CHANGED, request.path))
        return node.stat()

    def _delete(self, request: Delete) -> None:
        self._need_permission(self._need(parent_of(request.path)), MAY_DELETE)
        node = self._need(request.path)
        self._check_version(node.version, request.version)
        self._remove(request.path, node)

    def _reap(self, path: str) -> None:
        node = self._need(path)
        if not node.children and node.owner > 0:
            raise RequestError(BAD_VERSION)
        self._remove(path, node)

    def _remove(self, path: str, node: Node) -> None:
        if node.children:
            raise RequestError(NOT_EMPTY)
        up = parent_of(path)
        parent = self._need(up)
        del self.nodes[path]
        self.nodes[up] = parent._replace(children=parent.children - {path[path.rindex("/") + 1 :]}, pzxid=self.zxid)
        self._fired += [Fired(False, DELETED, path), Fired(True, DELETED, path), Fired(True, CHILDREN_CHANGED, up)]

    def _set_acl(self, request: SetAcl) -> object:
        node = self._need(request.path)
        self._need_permission(node, MAY_ADMIN)
        self._check_version(node.aversion, request.version)
        node = self.nodes[request.path] = node._replace(permissions=request.permissions, aversion=node.aversion + 1)
        return node.stat()

    def _close_session(self) -> None:
        for path in self.ephemerals(self._session_id):
            self._remove(path, self.nodes[path])
        del self.sessions[self._session_id]

    def _multi(self, request: Multi) -> object:
        before = self.nodes
        self.nodes = dict(before)
        results: list[tuple[int, int, object]] = []
        for number, each in enumerate(request.operations):
            try:
                results.append((_result_type(each), OK, self._write(each)))
            except RequestError as error:
                self.nodes, self._fired = before, []
                later = [RUNTIME_INCONSISTENCY] * (len(request.operations) - number - 1)
                return [(ERROR, code, None) for code in [OK] * number + [error.code, *later]]
        return results

    # Checks.

    def _need(self, path: str) -> Node:
        if path not in self.nodes:
            raise RequestError(NO_NODE)
        return self.nodes[path]

    def _need_permission(self, node: Node, permission: int) -> None:
        if not node.permissions & permission:
            raise RequestError(NO_AUTH)

    def _check_version(self, version: int, expected: int) -> None:
        if expected not in (-1, version):
            raise RequestError(BAD_VERSION)

    def ephemerals(self, session_id: int) -> list[str]:
        return ephemerals_of(self.nodes, session_id)


def ephemerals_of(nodes: Nodes, session_id: int) -> list[str]:
    return sorted(path for path, node in nodes.items() if node.owner == session_id)


def _result_type(request: Write) -> int:
    code = request.code()
    return CREATE2 if code in (CREATE_CONTAINER, CREATE_TTL) else code


def read(nodes: Nodes, session_id: int, request: Request) -> Answer:
    """What a read says in the given state."""
    if isinstance(request, Sync):
        return Answer(OK, request.path)
    if isinstance(request, GetEphemerals):
        return Answer(OK, ephemerals_of(nodes, session_id))
    if not isinstance(request, (Exists, GetData, GetChildren)):
        return Answer(OK)
    node = nodes.get(request.path)
    if node is None:
        return Answer(NO_NODE)
    if isinstance(request, Exists):
        return Answer(OK, node.stat())
    shown: object = node.data if isinstance(request, GetData) else sorted(node.children)
    return Answer(OK, (shown, node.stat()))
