"""Judges a finished run: replays all transactions that lasted in the model and compares whatever anybody saw.

1. Each transaction is a request that somebody sent, or the server's own (`replay.py`).
2. A reply to a write carries the zxid and the answer that the model has for it; none that was acknowledged is missing.
3. A read shows exactly the state after the zxid in its reply; a photograph the state after its own.
4. Zxids never go back on a connection, nor from one server to the next.
5. A watch is told of the first transaction that fires it, before any reply that shows it, and of nothing else.
6. Sessions live from their transaction to their transaction; what expires was silent for its timeout.
"""

from bisect import bisect_right
from collections import defaultdict

from zkeeper.testing.simulation.machine import EPOCH_MS

from .history import Connection, History, Violation
from .log_files import Entry
from .model import NO_NODE, OK, Answer, Model, Nodes, digest_of, read
from .node import Photo
from .raw_client import Event, Reply, Sent
from .replay import Replay, Table
from .requests import Exists, GetChildren, Read


class Judge:
    """`verdict` raises `Violation`, or fills the counters."""

    def __init__(self, history: History, has_extended_types: bool) -> None:
        self.count_expired = 0
        self.count_survived = 0
        """Writes of unknown outcome that had lasted."""
        self._history = history
        self._model = Model(has_extended_types)
        self._states: list[Nodes] = [self._model.nodes]
        self._replay = Replay(self._model, history.sent)
        self._answers: dict[int, tuple[Sent, Answer]] = {}
        self._photos: dict[int, list[Photo]] = defaultdict(list)

    def verdict(self) -> None:
        for photo in self._history.photos:
            self._photos[photo.zxid].append(photo)
        self._check_photos()
        for zxid in range(1, len(self._history.entries) + 1):
            self._apply(self._entry(zxid))
            self._states.append(self._model.nodes)
            self._check_photos()
        self._check_recovered()
        for connection in self._history.connections:
            self._check_connection(connection)
        for entry in self._replay.expired:
            self._check_silence(entry)

    def _entry(self, zxid: int) -> Entry:
        if zxid not in self._history.entries:
            raise Violation(f"zxid {zxid} is missing in the logs")
        return self._history.entries[zxid]

    def _apply(self, entry: Entry) -> None:
        applied = self._replay.apply(entry)
        if applied is not None:
            self._answers[entry.zxid] = applied
            self.count_survived += applied[0].reply is None

    @property
    def count_reaped(self) -> int:
        return self._replay.count_reaped

    # Photographs and recoveries (rules 3 and 4).

    def _check_photos(self) -> None:
        model = self._model
        for photo in self._photos.pop(model.zxid, ()):
            _check_equal("znodes", model.zxid, photo.nodes, model.nodes)
            _check_equal("sessions", model.zxid, photo.sessions, model.sessions)
            if photo.digest != digest_of(model.nodes):
                raise Violation(f"the tree's digest at zxid {photo.zxid} is not that of its znodes")
            if photo.digest_mismatches:
                raise Violation(f"{photo.digest_mismatches} digests did not match before zxid {photo.zxid}")

    def _check_recovered(self) -> None:
        if self._photos:
            raise Violation(f"servers were at {sorted(self._photos)}, which the logs do not reach")
        history = self._history
        for connection in history.connections:
            later = [z for number, z in zip(history.instances, history.recovered_zxids, strict=True)
                     if number > connection.instance]  # fmt: skip
            if any(zxid < connection.client.last_zxid for zxid in later):
                raise Violation(f"a client had seen zxid {connection.client.last_zxid}; recovered were {later}")

    # Connections (rules 2 to 5).

    def _check_connection(self, connection: Connection) -> None:
        self._check_session(connection)
        watches: dict[Table, tuple[int, int] | None] = {}
        last_zxid = 0
        for frame in connection.client.frames:
            if isinstance(frame, Event):
                self._check_event(frame, watches)
                continue
            if frame.zxid < last_zxid:
                raise Violation(f"zxid {frame.zxid} came after {last_zxid}, in the reply to {frame.sent}")
            last_zxid = frame.zxid
            self._check_reply(frame)
            for table, fire in watches.items():
                if fire is not None and fire[0] <= frame.zxid:
                    raise Violation(f"{frame.sent} was shown zxid {frame.zxid}; the watch {table} was not told")
            self._note_watch(frame, watches)

    def _check_reply(self, reply: Reply) -> None:
        sent = reply.sent
        if not sent.request.is_write:
            if not 0 <= reply.zxid < len(self._states):
                raise Violation(f"the reply to {sent} shows zxid {reply.zxid}, which did not last")
            expected = read(self._states[reply.zxid], sent.session_id, sent.request)
        else:
            known = self._answers.get(reply.zxid)
            if known is None or known[0] is not sent:
                raise Violation(f"{sent} was acknowledged at zxid {reply.zxid}; there is {known}")
            expected = known[1]
        if (reply.code, reply.value) != expected:
            raise Violation(f"{sent} got {reply.code}, {reply.value} at zxid {reply.zxid}; the model says {expected}")

    def _note_watch(self, reply: Reply, watches: dict[Table, tuple[int, int] | None]) -> None:
        request = reply.sent.request
        if not isinstance(request, Read) or not request.is_watching:
            return
        if reply.code == OK or (reply.code == NO_NODE and isinstance(request, Exists)):
            table = (isinstance(request, GetChildren), request.path)
            if watches.get(table) is None:
                watches[table] = self._first_fired(table, reply.zxid)

    def _first_fired(self, table: Table, zxid: int) -> tuple[int, int] | None:
        fired = self._replay.fired[table]
        at = bisect_right(fired, (zxid, 1 << 31))
        return fired[at] if at < len(fired) else None

    def _check_event(self, event: Event, watches: dict[Table, tuple[int, int] | None]) -> None:
        expected = [table for table in ((False, event.path), (True, event.path))
                    if watches.get(table) == (event.zxid, event.kind)]  # fmt: skip
        if not expected:
            raise Violation(f"{event} was told to a connection that did not wait for it; it has {watches}")
        for table in expected:
            del watches[table]

    # Sessions (rule 6).

    def _check_session(self, connection: Connection) -> None:
        session_id = connection.client.session.session_id or connection.resumed.session_id
        opened = connection.client.opened
        if opened.done() and opened.exception() is None and session_id not in self._replay.opened:
            raise Violation(f"session 0x{session_id:x} was given out, but did not last")
        is_last = connection.instance == self._history.instances[-1]
        if connection.is_expired and is_last and session_id not in self._replay.closed:
            raise Violation(f"session 0x{session_id:x} was said to be expired, and lives")

    def _check_silence(self, entry: Entry) -> None:
        self.count_expired += 1
        expired_ms = entry.time_ms - EPOCH_MS
        for connection in self._history.connections:
            session = connection.client.session
            if session.session_id != entry.session_id:
                continue
            heard_ms = [frame.sent.sent_s * 1000 for frame in connection.client.frames
                        if isinstance(frame, Reply) and frame.zxid < entry.zxid]  # fmt: skip
            if heard_ms and expired_ms + 1 < max(heard_ms) + session.timeout_ms:
                silent_ms = expired_ms - max(heard_ms)
                raise Violation(f"session 0x{entry.session_id:x} expired {silent_ms:.0f} ms after it spoke")


def _check_equal(what: str, zxid: int, found: dict[str, object] | object, expected: object) -> None:
    if found == expected:
        return
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    keys = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    details = "; ".join(f"{key}: {found.get(key)} instead of {expected.get(key)}" for key in keys[:3])
    raise Violation(f"{what} at zxid {zxid} are wrong: {details}")
