"""Judges a finished run: replays all transactions that lasted in the model and compares whatever anybody saw.

1. Each transaction is a request that somebody sent, or the server's own (`replay.py`).
2. Replies and events are what the transactions make them (`connection_judge.py`).
3. A photograph shows the state after its zxid.
4. Zxids never go back from one server to the next.
5. Sessions live from their transaction to their transaction; what expires was silent for its timeout.
"""

from collections import defaultdict

from zkeeper.testing.simulation.machine import EPOCH_MS

from .connection_judge import ConnectionJudge, States
from .history import Connection, History, Violation
from .log_files import Entry
from .model import Answer, Model, digest_of
from .node import Photo
from .raw_client import Reply, Sent
from .replay import Replay


class Judge:
    """`verdict` raises `Violation`, or fills the counters."""

    def __init__(self, history: History, has_extended_types: bool) -> None:
        self.count_expired = 0
        self.count_survived = 0
        """Writes of unknown outcome that had lasted."""
        self._history = history
        self._model = Model(has_extended_types)
        self._states = States(self._model.nodes)
        self._replay = Replay(self._model, history.sent)
        self._answers: dict[int, tuple[Sent, Answer]] = {}
        self._connections = ConnectionJudge(self._states, self._answers, self._replay.fired)
        self._photos: dict[int, list[Photo]] = defaultdict(list)

    def verdict(self) -> None:
        for photo in self._history.photos:
            self._photos[photo.zxid].append(photo)
        self._check_photos()
        for zxid in range(1, len(self._history.entries) + 1):
            self._apply(self._entry(zxid))
            self._states.add(zxid, self._model.nodes)
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
        for photo in self._photos.pop(self._model.zxid, ()):
            check_photo(photo, self._model)

    def _check_recovered(self) -> None:
        if self._photos:
            raise Violation(f"servers were at {sorted(self._photos)}, which the logs do not reach")
        history = self._history
        for connection in history.connections:
            later = [z for number, z in zip(history.instances, history.recovered_zxids, strict=True)
                     if number > connection.instance]  # fmt: skip
            if any(zxid < connection.client.last_zxid for zxid in later):
                raise Violation(f"a client had seen zxid {connection.client.last_zxid}; recovered were {later}")

    # Connections (rules 2 and 5).

    def _check_connection(self, connection: Connection) -> None:
        self._check_session(connection)
        self._connections.check(connection.client)

    # Sessions (rule 5).

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


def check_photo(photo: Photo, model: Model) -> None:
    """Whether a server's state is that of the model. Raises `Violation`."""
    _check_equal("znodes", photo.zxid, photo.nodes, model.nodes)
    _check_equal("sessions", photo.zxid, photo.sessions, model.sessions)
    if photo.digest != digest_of(model.nodes):
        raise Violation(f"the tree's digest at zxid {photo.zxid} is not that of its znodes")
    if photo.digest_mismatches:
        raise Violation(f"{photo.digest_mismatches} digests did not match before zxid {photo.zxid}")


def _check_equal(what: str, zxid: int, found: dict[str, object] | object, expected: object) -> None:
    if found == expected:
        return
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    keys = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    details = "; ".join(f"{key}: {found.get(key)} instead of {expected.get(key)}" for key in keys[:3])
    raise Violation(f"{what} at zxid {zxid} are wrong: {details}")
