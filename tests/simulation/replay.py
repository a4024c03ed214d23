"""Replays transactions of a log in the model, each against the request that it came from.

1. Each transaction is a request that somebody sent, at most once, in the order of its session, or the server's own:
   an expiry, or the reaper's deletion of a container or of a znode with a ttl.
2. A transaction has the type of its request, and fails with the code with which the model fails.
3. Sessions live from their transaction to their transaction.
"""

from collections import defaultdict
from collections.abc import Mapping

from .codec import Cursor
from .history import Violation
from .log_files import Entry
from .model import OK, Answer, Fired, Model
from .raw_client import Sent
from .requests import CLOSE_SESSION, CREATE_SESSION, DELETE_CONTAINER, ERROR, CloseSession, Write

Table = tuple[bool, str]


class Replay:
    """`sent` has the writes by session and xid; it may grow. `opened` and `closed` have the zxids for sessions."""

    def __init__(self, model: Model, sent: Mapping[tuple[int, int], Sent]) -> None:
        self.model = model
        self.opened: dict[int, int] = {}
        self.closed: dict[int, int] = {}
        self.expired: list[Entry] = []
        self.fired: dict[Table, list[tuple[int, int]]] = defaultdict(list)
        """For each watch table and path the zxids and kinds of what fires its watches."""
        self.count_reaped = 0
        self._sent_by_xid = sent
        self._last_xids: dict[int, int] = {}

    def apply(self, entry: Entry) -> tuple[Sent, Answer] | None:
        """The request and what the model answers; None for what no client sent, or what opened its session."""
        self.model.zxid = entry.zxid - 1  # The first of an epoch does not follow the last of the one before.
        if entry.kind == CREATE_SESSION:
            self._open(entry)
            return None
        if entry.session_id == 0:
            self._reap(entry)
            return None
        if entry.session_id not in self.model.sessions:
            raise Violation(f"{entry} belongs to no session that lives")
        if entry.kind == CLOSE_SESSION and entry.cxid == 0:
            self.expired.append(entry)
            self._write(entry, CloseSession())
            return None
        sent = self._sent(entry)
        return sent, self._write(entry, sent.request)

    def _open(self, entry: Entry) -> None:
        if entry.session_id in self.opened:
            raise Violation(f"{entry} opens a session a second time")
        self.opened[entry.session_id] = entry.zxid
        self.model.open_session(entry.session_id, Cursor(entry.body).i32())

    def _reap(self, entry: Entry) -> None:
        self.count_reaped += 1
        if entry.kind == ERROR:
            # What could not be reaped is not in the log, only why.
            self.model.reap(entry.time_ms, "/zookeeper/nothing")
            return
        if entry.kind != DELETE_CONTAINER:
            raise Violation(f"{entry} was asked for by nobody")
        path = Cursor(entry.body).string()
        if path in self.model.nodes and self.model.nodes[path].owner == 0:
            raise Violation(f"{path}, which the server deletes, is an ordinary znode")
        answer, fired = self.model.reap(entry.time_ms, path)
        if answer.code != OK:
            raise Violation(f"{entry} deletes {path}; the model answers {answer.code}")
        self._note_fired(entry.zxid, fired)

    def _sent(self, entry: Entry) -> Sent:
        sent = self._sent_by_xid.get((entry.session_id, entry.cxid))
        if sent is None:
            raise Violation(f"{entry} was asked for by nobody")
        if entry.cxid <= self._last_xids.get(entry.session_id, 0):
            raise Violation(f"{sent} is in the log twice, or after a later one of its session")
        self._last_xids[entry.session_id] = entry.cxid
        return sent

    def _write(self, entry: Entry, request: object) -> Answer:
        assert isinstance(request, Write)
        answer, fired = self.model.write(entry.session_id, entry.time_ms, request)
        code = Cursor(entry.body).i32() if entry.kind == ERROR else OK
        if code != answer.code:
            raise Violation(f"{request} came to {code} at zxid {entry.zxid}; the model says {answer}")
        if entry.kind != ERROR and entry.kind != request.code():
            raise Violation(f"{request} became a transaction of type {entry.kind}")
        if isinstance(request, CloseSession):
            self.closed[entry.session_id] = entry.zxid
        self._note_fired(entry.zxid, fired)
        return answer

    def _note_fired(self, zxid: int, fired: list[Fired]) -> None:
        for each in fired:
            self.fired[each.is_child_table, each.path].append((zxid, each.kind))
