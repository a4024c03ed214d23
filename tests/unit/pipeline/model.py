"""A small, obvious ZooKeeper: a dictionary of paths, watches in sets, one request after the other."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import raw_wire as raw
from raw_wire import Event, OpResult, Stat

STANDARD, PERSISTENT, RECURSIVE = "standard", "persistent", "recursive"


class Failure(Exception):
    def __init__(self, err: int) -> None:
        super().__init__(err)
        self.err = err


@dataclass(frozen=True)
class Op:
    """A write, or one operation of a multi."""

    type: int
    path: bytes = b""
    data: bytes | None = None
    flags: int = 0
    version: int = -1
    ops: tuple["Op", ...] = ()

    def body(self) -> bytes:
        if self.type == raw.MULTI:
            return raw.multi(*[(op.type, op.body()) for op in self.ops])
        if self.type in (raw.CREATE, raw.CREATE2):
            return raw.create(self.path, self.data, self.flags)
        if self.type == raw.SET_DATA:
            return raw.set_data(self.path, self.data, self.version)
        if self.type == raw.SET_ACL:
            return raw.set_acl(self.path, raw.OPEN, self.version)
        return raw.versioned(self.path, self.version) if self.type != raw.CLOSE_SESSION else b""


@dataclass(frozen=True)
class Node:
    data: bytes | None
    czxid: int
    ctime: int
    mzxid: int
    mtime: int
    pzxid: int
    owner: int = 0
    version: int = 0
    aversion: int = 0
    created: int = 0


@dataclass
class Answer:
    """What a reply says: its error, and its body taken apart."""

    zxid: int
    err: int = 0
    path: bytes | None = None
    stat: Stat | None = None
    results: list[OpResult] | None = None


def parent_of(path: bytes) -> bytes:
    return path[: path.rindex(b"/")] or b"/"


def above(path: bytes) -> list[bytes]:
    """The path itself and its ancestors."""
    return [path] if path == b"/" else [path, *above(parent_of(path))]


@dataclass
class Model:
    tell: Callable[[int, Event], None]
    nodes: dict[bytes, Node] = field(default_factory=dict)
    zxid: int = 0
    watches: dict[str, dict[tuple[int, bytes], set[str]]] = field(default_factory=lambda: {"data": {}, "child": {}})

    def __post_init__(self) -> None:
        for path, created in [(b"/", 0), (b"/zookeeper", 0), (b"/zookeeper/quota", 0), (b"/zookeeper/config", 0)]:
            self.nodes[path] = Node(b"", 0, 0, 0, 0, 0, created=created)

    # What is seen.

    def children(self, path: bytes) -> list[bytes]:
        return sorted(p[p.rindex(b"/") + 1 :] for p in self.nodes if p != b"/" and parent_of(p) == path)

    def stat(self, path: bytes) -> Stat:
        node, count = self.nodes[path], len(self.children(path))
        return Stat(
            node.czxid, node.mzxid, node.ctime, node.mtime, node.version, 2 * node.created - count, node.aversion,
            node.owner, len(node.data or b""), count, node.pzxid,
        )  # fmt: skip

    def owned(self, session: int) -> list[bytes]:
        return sorted(path for path, node in self.nodes.items() if node.owner == session)

    # Writes.

    def write(self, session: int, op: Op, time: int) -> Answer:
        self.zxid += 1
        before = dict(self.nodes)
        events: list[tuple[str, int, bytes]] = []
        try:
            if op.type == raw.MULTI:
                return self._multi(session, op, time, events)
            result = self._change(session, op, time, events)
        except Failure as failure:
            self.nodes, events = before, []
            return Answer(self.zxid, failure.err)
        finally:
            for table, kind, path in events:
                self._fire(table, kind, path)
        return Answer(self.zxid, 0, result.path, result.stat)

    def _multi(self, session: int, op: Op, time: int, events: list[tuple[str, int, bytes]]) -> Answer:
        before, results = dict(self.nodes), []
        for at, one in enumerate(op.ops):
            try:
                results.append(self._change(session, one, time, events))
            except Failure as failure:
                self.nodes = before
                events.clear()
                codes = [0] * at + [failure.err] + [-2] * (len(op.ops) - at - 1)
                return Answer(self.zxid, results=[OpResult(-1, code) for code in codes])
        return Answer(self.zxid, results=results)

    def _change(self, session: int, op: Op, time: int, events: list[tuple[str, int, bytes]]) -> OpResult:
        if op.type in (raw.CREATE, raw.CREATE2):
            return self._create(session, op, time, events)
        if op.type == raw.DELETE:
            self._need(parent_of(op.path))
            self._need(op.path, op.version)
            if self.children(op.path):
                raise Failure(-111)
            self._remove(op.path, events)
            return OpResult(op.type, 0)
        if op.type == raw.CLOSE_SESSION:
            for path in self.owned(session):
                self._remove(path, events)
            return OpResult(op.type, 0)
        if op.type == raw.SET_ACL:
            node = self._need(op.path)
            if op.version not in (-1, node.aversion):
                raise Failure(-103)
            self.nodes[op.path] = replace(node, aversion=node.aversion + 1)
            return OpResult(op.type, 0, stat=self.stat(op.path))
        node = self._need(op.path, op.version)
        if op.type == raw.CHECK:
            return OpResult(op.type, 0)
        self.nodes[op.path] = replace(node, data=op.data, version=node.version + 1, mzxid=self.zxid, mtime=time)
        events.append(("data", raw.DATA_CHANGED, op.path))
        return OpResult(op.type, 0, stat=self.stat(op.path))

    def _create(self, session: int, op: Op, time: int, events: list[tuple[str, int, bytes]]) -> OpResult:
        parent = parent_of(op.path)
        above_it = self._need(parent)
        path = op.path + (b"%010d" % above_it.created if op.flags & 2 else b"")
        if path in self.nodes:
            raise Failure(-110)
        if above_it.owner:
            raise Failure(-108)
        owner = session if op.flags & 1 else 0
        self.nodes[path] = Node(op.data, self.zxid, time, self.zxid, time, self.zxid, owner)
        self.nodes[parent] = replace(above_it, created=above_it.created + 1, pzxid=self.zxid)
        events += [("data", raw.CREATED, path), ("child", raw.CHILDREN_CHANGED, parent)]
        return OpResult(op.type, 0, path, self.stat(path) if op.type == raw.CREATE2 else None)

    def _need(self, path: bytes, version: int = -1) -> Node:
        if path not in self.nodes:
            raise Failure(-101)
        if version not in (-1, self.nodes[path].version):
            raise Failure(-103)
        return self.nodes[path]

    def _remove(self, path: bytes, events: list[tuple[str, int, bytes]]) -> None:
        del self.nodes[path]
        parent = parent_of(path)
        self.nodes[parent] = replace(self.nodes[parent], pzxid=self.zxid)
        events += [("both", raw.DELETED, path), ("child", raw.CHILDREN_CHANGED, parent)]

    # Watches.

    def watch(self, table: str, client: int, path: bytes, mode: str) -> None:
        self.watches[table].setdefault((client, path), set()).add(mode)

    def unwatch(self, client: int, path: bytes) -> bool:
        """Whether there were any."""
        gone = [self.watches[table].pop((client, path), None) for table in ("data", "child")]
        return any(gone)

    def forget(self, client: int) -> None:
        for table in self.watches.values():
            for key in [key for key in table if key[0] == client]:
                del table[key]

    def _fire(self, tables: str, kind: int, path: bytes) -> None:
        told: set[int] = set()
        for table in ("data", "child") if tables == "both" else (tables,):
            told |= self._fired(table, path)
        for client in told:
            self.tell(client, Event(kind, path, self.zxid))

    def _fired(self, table: str, path: bytes) -> set[int]:
        told: set[int] = set()
        for (client, watched), modes in list(self.watches[table].items()):
            if watched == path or (RECURSIVE in modes and watched in above(path)):
                told.add(client)
            if watched == path:
                modes.discard(STANDARD)
                if not modes:
                    del self.watches[table][client, watched]
        return told
