"""Judges a run: replays all that was committed in the model, and compares whatever anybody saw.

1. Each transaction is a request that somebody sent, at most once and in the order of its session, or the servers' own.
2. What a client was told on a connection is what the transactions make it (`connection_judge.py`), and a session never
   goes back, whichever servers it is told by.
3. What servers show, now and then and in the end, is the state of the model at their zxid.
4. Ephemerals and sessions are gone once nobody keeps them.
5. The history is linearizable, and all else that `zkeeper.testing.history` checks.
"""

from collections import Counter, defaultdict
from collections.abc import Container

from zkeeper.testing.history import Undecided, check

from ..codec import Cursor  # noqa: TID252  the package has one name in pytest and another as a program
from ..connection_judge import ConnectionJudge, States  # noqa: TID252
from ..history import Violation  # noqa: TID252
from ..judge import check_photo  # noqa: TID252
from ..log_files import Entry  # noqa: TID252
from ..model import OK, Answer, Model  # noqa: TID252
from ..node import Photo  # noqa: TID252
from ..raw_client import Sent  # noqa: TID252
from ..replay import Replay  # noqa: TID252
from ..requests import (  # noqa: TID252
    CHECK,
    CLOSE_SESSION,
    CONTAINER,
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_SESSION,
    DELETE,
    ERROR,
    MULTI,
    RECONFIG,
    SET_DATA,
    Check,
    CloseSession,
    Create,
    Delete,
    Multi,
    SetData,
    Write,
)
from .clients import Record
from .histories import history_of

CONFIG = "/zookeeper/config"


SESSION_EXPIRED, SESSION_MOVED = -112, -118


class EnsembleReplay(Replay):
    """Also takes what sessions in `others` did, whose requests are not known: what the log says was done.

    Where a session is held by another server, or is over, a leader refuses what still comes of it; the model knows of
    neither, so the refusal is taken from the log. That a session ends is never refused.
    """

    def __init__(self, model: Model, record: Record, others: Container[int]) -> None:
        super().__init__(model, record.sent)
        self.count_refused = 0
        self._others = others
        self._all_sent = record.sent

    def apply(self, entry: Entry) -> tuple[Sent, Answer] | None:
        self.model.zxid = entry.zxid - 1
        if entry.kind == ERROR and (code := Cursor(entry.body).i32()) in (SESSION_EXPIRED, SESSION_MOVED):
            return self._without_effect(entry, code)
        if entry.kind == CLOSE_SESSION and entry.session_id not in self.model.sessions:
            # Expired while its own closing was on the way from the server that held it; ZooKeeper closes it again.
            return self._without_effect(entry, OK)
        if entry.session_id not in self._others or entry.kind == CREATE_SESSION:
            return super().apply(entry)
        if _has_failed(entry) or entry.kind == RECONFIG:
            self._nothing(entry)
        else:
            self._write(entry, _request(entry.kind, Cursor(entry.body)))
        return None

    def _without_effect(self, entry: Entry, code: int) -> tuple[Sent, Answer] | None:
        """What comes from the server that held the session before may come late."""
        self.count_refused += 1
        self._nothing(entry)
        sent = self._all_sent.get((entry.session_id, entry.cxid))
        if sent is None and entry.session_id not in self._others:
            raise Violation(f"{entry} was asked for by nobody")
        if sent is not None and isinstance(sent.request, CloseSession) and code != OK:
            raise Violation(f"{sent} was refused with {code} at zxid {entry.zxid}")
        return None if sent is None else (sent, Answer(code))

    def _nothing(self, entry: Entry) -> None:
        """A transaction that changes nothing."""
        self.model.reap(entry.time_ms, "/zookeeper/nothing")


def _has_failed(entry: Entry) -> bool:
    if entry.kind != MULTI:
        return entry.kind == ERROR
    body = Cursor(entry.body)
    return ERROR in [(body.i32(), body.buffer())[0] for _ in range(body.i32())]


def _request(kind: int, body: Cursor) -> Write:
    if kind == MULTI:
        parts = [(body.i32(), Cursor(body.buffer() or b"")) for _ in range(body.i32())]
        return Multi(tuple(_request(*part) for part in parts))
    if kind in (CREATE, CREATE2):
        path, data = body.string(), body.buffer()
        body.acl()
        return Create(path, data, int(body.boolean()), form=kind)
    if kind == CREATE_CONTAINER:
        path, data = body.string(), body.buffer()
        return Create(path, data, CONTAINER, form=kind)
    if kind == SET_DATA:
        return SetData(body.string(), body.buffer())
    if kind in (DELETE, CHECK):
        return (Delete if kind == DELETE else Check)(body.string())
    return CloseSession()


class EnsembleJudge:
    """`others` are the sessions of clients that do not note what they ask."""

    def __init__(self, truth: list[Entry], record: Record, others: Container[int], is_ensemble: bool) -> None:
        self._truth = truth
        self._record = record
        self._is_ensemble = is_ensemble
        self._model = Model(has_extended_types=False)
        self._states = States(self._model.nodes)
        self._replay = EnsembleReplay(self._model, record, others)
        self._answers: dict[int, tuple[Sent, Answer]] = {}
        self._photos: dict[int, list[Photo]] = defaultdict(list)

    def verdict(self, photos: list[Photo], tally: Counter[str]) -> None:
        """Raises `Violation` or `HistoryViolation`."""
        for photo in photos:
            self._photos[photo.zxid].append(photo)
        for entry in self._truth:
            self._check_photos(entry.zxid)
            self._apply(entry)
        self._check_photos(1 << 63)
        for connections in self._record.connections.values():
            self._check_connections([one.client for one in connections])
        self._check_history(tally)
        self._count(tally)

    def _apply(self, entry: Entry) -> None:
        applied = self._replay.apply(entry)
        if applied is not None:
            self._answers[entry.zxid] = applied
        self._states.add(entry.zxid, self._model.nodes)

    def _check_photos(self, before_zxid: int) -> None:
        """Those of the state before the transaction with that zxid; some servers have begun an epoch already."""
        for zxid in [zxid for zxid in self._photos if zxid < before_zxid]:
            if zxid != self._model.zxid and zxid & 0xFFFFFFFF:
                raise Violation(f"a server was at {zxid:#x}, which was never committed")
            for photo in self._photos.pop(zxid):
                # Each server makes this znode itself, from its configuration.
                photo.nodes[CONFIG] = self._model.nodes[CONFIG]
                check_photo(photo, self._model)

    def _check_connections(self, clients: list) -> None:
        judge = ConnectionJudge(self._states, self._answers, self._replay.fired)
        last: dict[int, int] = {}
        for client in clients:
            session_id = client.session.session_id
            if session_id and session_id not in self._replay.opened:
                raise Violation(f"session {session_id:#x} was given out, but did not last")
            last[session_id] = judge.check(client, last.get(session_id, 0))

    def _check_history(self, tally: Counter[str]) -> None:
        history = history_of(self._record)
        committed = {entry.zxid for entry in self._truth}
        try:
            tally += check(history, committed=committed, plain_reads=not self._is_ensemble)
        except Undecided:
            tally["histories undecided"] += 1

    def _count(self, tally: Counter[str]) -> None:
        sent = self._record.sent.values()
        connections = [one for found in self._record.connections.values() for one in found]
        tally["runs"] += 1
        tally["txns"] += len(self._truth)
        tally["connections"] += len(connections)
        tally["sessions resumed"] += sum(1 for one in connections if one.resumed.session_id and not one.is_expired)
        tally["sessions expired"] += len(self._replay.expired)
        tally["writes acknowledged"] += sum(1 for one in sent if one.reply is not None)
        tally["writes unknown"] += sum(1 for one in sent if one.reply is None)
        tally["writes unknown that lasted"] += sum(1 for one, _ in self._answers.values() if one.reply is None)
        tally["writes of moved or ended sessions refused"] += self._replay.count_refused
        tally["znodes reaped"] += self._replay.count_reaped
