"""What has truly happened: the states after every transaction, made of the server's logs by the simplest of models.

1. Nothing here is the client's or the server's code: the logs are read, decoded and applied by the tests' own. Unlike
   `model.py`, whose znodes these are, it is given the changes and not the requests, and refuses nothing.
2. A state is a dictionary that is never changed; so the states after all zxids are kept.
3. The server is believed. What it may do wrong the crash runs look for.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ..codec import OPEN_PERMISSIONS, Cursor  # noqa: TID252  the package has one name in pytest and another as a program
from ..log_files import Entry  # noqa: TID252
from ..model import CHANGED, CHILDREN_CHANGED, CREATED, DELETED, Node, Nodes, parent_of  # noqa: TID252
from ..requests import (  # noqa: TID252
    CHECK,
    CLOSE_SESSION,
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_SESSION,
    DELETE,
    ERROR,
    MULTI,
    SET_DATA,
)

CREATES = (CREATE, CREATE2, CREATE_CONTAINER)

State = Nodes


class Change(NamedTuple):
    """One change of a znode: of itself, or, with the kind CHILDREN_CHANGED, of its children's names."""

    zxid: int
    kind: int
    path: str


class Done(NamedTuple):
    """A transaction that has done something, and for which session. `data` has what was written, by path."""

    zxid: int
    session_id: int
    cxid: int
    kinds: tuple[int, ...]
    paths: tuple[str, ...]
    data: tuple[bytes, ...]
    time_ms: int


class Truth:
    """`states[z]` is the tree after zxid z."""

    def __init__(self, entries: dict[int, Entry]) -> None:
        root = Node(b"", OPEN_PERMISSIONS, 0, 0, 0, 0, 0, 0, children=frozenset({"zookeeper"}))
        self.states: list[State] = [{"/": root, "/zookeeper": root}]
        self.changes: list[Change] = []
        self.done: list[Done] = []
        self.sessions: dict[int, int] = {}
        """The timeout that was granted to each session, in ms."""
        self.expired_ms: dict[int, int] = {}
        """When sessions were ended by the server, on its clock, and, below, by whomever."""
        self.closed_ms: dict[int, int] = {}
        self._entries = entries
        for zxid in range(1, len(entries) + 1):
            self._apply(entries[zxid])
        self.by_path: dict[str, list[Change]] = defaultdict(list)
        for change in self.changes:
            self.by_path[change.path].append(change)

    @property
    def last_zxid(self) -> int:
        return len(self.states) - 1

    def changes_at(self, zxid: int) -> list[Change]:
        return [change for change in self.changes if change.zxid == zxid]

    def _apply(self, entry: Entry) -> None:
        self._state = dict(self.states[-1])
        self._entry = entry
        cursor = Cursor(entry.body)
        if entry.kind == CREATE_SESSION:
            self.sessions[entry.session_id] = cursor.i32()
        elif entry.kind == CLOSE_SESSION:
            self._close_session(entry)
        elif entry.kind == MULTI:
            self._note([(kind, body) for kind, body in _parts(cursor)])
        elif entry.kind != ERROR:
            self._note([(entry.kind, cursor)])
        self.states.append(self._state)

    def _close_session(self, entry: Entry) -> None:
        self.closed_ms[entry.session_id] = entry.time_ms
        if entry.cxid == 0:
            self.expired_ms[entry.session_id] = entry.time_ms
        for path in sorted(path for path, node in self._state.items() if node.owner == entry.session_id):
            self._delete(path)

    def _note(self, parts: Iterable[tuple[int, Cursor]]) -> None:
        parts = list(parts)
        if any(kind == ERROR for kind, _ in parts):
            return
        done = [self._do(kind, body) for kind, body in parts]
        kinds = tuple(kind for kind, _ in parts)
        entry = self._entry
        paths, data = tuple(path for path, _ in done), tuple(data for _, data in done)
        self.done.append(Done(entry.zxid, entry.session_id, entry.cxid, kinds, paths, data, entry.time_ms))

    def _do(self, kind: int, body: Cursor) -> tuple[str, bytes]:
        path = body.string()
        if kind in CREATES:
            data = body.buffer() or b""
            body.acl()
            self._create(path, data, self._entry.session_id if kind != CREATE_CONTAINER and body.boolean() else 0)
            return path, data
        if kind == SET_DATA:
            data = body.buffer() or b""
            self._set(path, data)
            return path, data
        if kind == DELETE:
            self._delete(path)
        else:
            assert kind == CHECK, f"a transaction of type {kind}"
        return path, b""

    # Changes.

    def _create(self, path: str, data: bytes, owner: int) -> None:
        zxid, time_ms = self._entry.zxid, self._entry.time_ms
        up, name = parent_of(path), _name(path)
        above = self._state[up]
        self._state[up] = above._replace(children=above.children | {name}, cversion=above.cversion + 1, pzxid=zxid)
        self._state[path] = Node(data, OPEN_PERMISSIONS, owner, zxid, zxid, zxid, time_ms, time_ms)
        self._tell(CREATED, path)
        self._tell(CHILDREN_CHANGED, up)

    def _set(self, path: str, data: bytes) -> None:
        node, entry = self._state[path], self._entry
        self._state[path] = node._replace(
            data=data, mzxid=entry.zxid, mtime=entry.time_ms, version=node.version + 1
        )  # fmt: skip
        self._tell(CHANGED, path)

    def _delete(self, path: str) -> None:
        up, name = parent_of(path), _name(path)
        above = self._state[up]
        del self._state[path]
        self._state[up] = above._replace(children=above.children - {name}, pzxid=self._entry.zxid)
        self._tell(DELETED, path)
        self._tell(CHILDREN_CHANGED, up)

    def _tell(self, kind: int, path: str) -> None:
        self.changes.append(Change(self._entry.zxid, kind, path))


def _parts(cursor: Cursor) -> list[tuple[int, Cursor]]:
    return [(cursor.i32(), Cursor(cursor.buffer() or b"")) for _ in range(cursor.i32())]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
