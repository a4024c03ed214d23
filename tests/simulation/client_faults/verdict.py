"""Whether what one client was told is true: its notes are walked through once and compared with the truth.

1. Requests complete in the order of the calls, and each with an answer of its own: what a read shows is the tree after
   some zxid, no older than what the client had seen, or anybody had been told, before it asked.
2. What was acknowledged is in the logs where the reply says; what is told as not done is not; nothing is there twice.
3. An error has a cause: a connection or a session that was lost meanwhile, a call of `close`, or a tree that refuses
   it. No request outlives the session in which it was asked.
4. States follow each other as they may. LOST has a cause, too, and is told before the server can have ended the
   session.
What watches tell is judged beside it (`WatchJudge`).
"""

from collections import Counter

from zkeeper import Outcome, SessionState
from zkeeper.errors import ClosedError, ConnectionLossError, SessionExpiredError, ZooKeeperError
from zkeeper.testing.simulation.machine import EPOCH_MS

from ..requests import SET_DATA  # noqa: TID252  the package has one name in pytest and another as a program
from .answers import fits, is_refusal
from .notes import Asked, Began, Closing, Ended, Note, Op, Stated, Stopped, Told, Watching
from .player import PROTECTED, ROOT, Player, written
from .truth import Done, Truth
from .violation import Violation
from .watch_verdict import WatchJudge

NEXT = {
    SessionState.CONNECTING: {SessionState.CONNECTED, SessionState.CLOSED},
    SessionState.CONNECTED: {SessionState.SUSPENDED, SessionState.CLOSED},
    SessionState.SUSPENDED: {SessionState.CONNECTED, SessionState.LOST, SessionState.CLOSED},
    SessionState.LOST: {SessionState.CONNECTED, SessionState.CLOSED},
    SessionState.CLOSED: set(),
}
CLOCK_S = 0.002
"""The log's times are whole milliseconds."""


def judge_player(player: Player, truth: Truth, ended_sessions: set[int], tally: "Counter[str]") -> None:
    judge = PlayerJudge(player, truth, ended_sessions, tally)
    for note in player.notes:
        judge.take(note)
    judge.watches.at_the_end()
    judge.at_the_end()


class PlayerJudge:
    def __init__(self, player: Player, truth: Truth, ended_sessions: set[int], tally: "Counter[str]") -> None:
        self._player = player
        self._truth = truth
        self._ended_sessions = ended_sessions
        self._tally = tally
        self.watches = WatchJudge(player.name, truth, tally)
        self._done_by_token = {data: done for done in truth.done for data in done.data if data}
        self._done_by_cxid = {(done.session_id, done.cxid): done for done in truth.done}
        self._sessions: list[int] = []
        self._state: Stated | None = None
        self._state_s = 0.0
        self._seen_zxid = 0
        """The oldest state that fits all that was shown."""
        self._last_ended = 0
        self._lost_connections = 0
        self._lost_sessions = 0
        self._is_closing = False
        self._at_ask: dict[int, tuple[int, int]] = {}
        self._answered_s = 0.0
        """When the newest of the requests that this session has answered was asked."""

    def _fail(self, what: str) -> None:
        raise Violation(f"{self._player.name}: {what}")

    def take(self, note: Note) -> None:
        match note.what:
            case Asked(op):
                self._at_ask[op.number] = (self._lost_connections, self._lost_sessions)
            case Ended(op):
                self._take_end(op)
            case Stated():
                self._take_state(note.at_s, note.what)
            case Told(watch, event, server_zxid):
                self.watches.told(watch, event, server_zxid)
            case Watching(watch):
                self.watches.asked(watch)
            case Began(watch, zxid):
                self.watches.began(watch, zxid)
            case Stopped(watch):
                self.watches.stopped(watch)
            case Closing():
                self._is_closing = True

    # Ends of requests.

    def _take_end(self, op: Op) -> None:
        if op.is_cancelled:
            return  # Nobody knows what became of it, nor whether its watch is set.
        if op.is_ordered and op.cxid:
            if op.number < self._last_ended:
                self._fail(f"{op} was answered after a request that was asked later")
            self._last_ended = op.number
        if op.error is None:
            self._take_success(op)
        else:
            self._take_error(op, op.error)

    def _take_success(self, op: Op) -> None:
        if op.kind == "watch":
            return
        if op.is_ordered and self._lost_sessions > self._at_ask[op.number][1]:
            self._fail(f"{op} was asked in a session that was lost, and done in the next one")
        self._answered_s = max(self._answered_s, op.asked_s)
        done = self._done(op)
        if op.token or op.kind == "delete":
            if done is None:
                raise Violation(f"{self._player.name}: {op} was acknowledged, and is not in the logs")
            self._check_written(op, done)
            zxid = done.zxid
        else:
            zxid = self._find(op)
        self._shown(op, zxid)

    def _check_written(self, op: Op, done: Done) -> None:
        result = op.result[-1] if isinstance(op.result, list) else op.result
        path = getattr(result, "path", None)
        if path is not None and self._player.zk.chroot + path not in done.paths:
            self._fail(f"{op} was told {path}, and made {done.paths}")
        stat = written(op)
        node = self._truth.states[done.zxid].get(done.paths[-1])
        if op.kind != "protected" and stat is not None and (node is None or tuple(stat) != tuple(node.stat())):
            self._fail(f"{op} was told {stat}, and the logs say {node and node.stat()}")
        if done.zxid > op.last_zxid:
            self._fail(f"{op} was done at {done.zxid}, and the client knows of {op.last_zxid}")

    def _find(self, op: Op) -> int:
        """The first zxid, of those that the reply may have had, after which the tree is what the reply shows."""
        first = max(op.floor_zxid, self._seen_zxid if op.is_ordered else 0)
        for zxid in range(first, min(op.last_zxid, self._truth.last_zxid) + 1):
            if fits(op, self._truth.states[zxid]):
                return zxid
        raise Violation(f"{self._player.name}: {op} was told {op.result or op.error!r}, "
                        f"which was not so between {first} and {op.last_zxid}")  # fmt: skip

    def _shown(self, op: Op, zxid: int) -> None:
        if op.is_ordered:
            if zxid < self._seen_zxid:
                self._fail(f"{op} shows zxid {zxid} after {self._seen_zxid}")
            self._seen_zxid = zxid
        self.watches.reply(op, zxid)
        if op.watch is not None:
            self.watches.ended(op, zxid)

    def _take_error(self, op: Op, error: BaseException) -> None:
        if op.watch is not None:
            self.watches.ended(op, None)
        if not isinstance(error, ZooKeeperError):
            raise error
        done = self._done(op)
        if done is not None:
            self._tally["unknown outcomes that were done"] += 1
            if error.outcome is not Outcome.UNKNOWN and op.kind != "protected":
                self._fail(f"{op} was told {error!r} as {error.outcome.name}, and is in the logs at {done.zxid}")
        if op.is_ordered and error.path is not None and error.path != op.path[len(self._player.zk.chroot) :]:
            self._fail(f"{op} was told an error of {error.path}")
        self._check_cause(op, error)

    def _check_cause(self, op: Op, error: ZooKeeperError) -> None:
        connections, sessions = self._at_ask[op.number]
        is_write = bool(op.token) or op.kind == "delete"
        if isinstance(error, ClosedError):
            has_cause = self._is_closing
        elif isinstance(error, ConnectionLossError):
            has_cause = self._lost_connections > connections or self._is_closing
            if is_write and op.is_ordered and error.outcome is not Outcome.UNKNOWN:
                self._fail(f"{op} was lost on its way, and is told as {error.outcome.name}")
        elif isinstance(error, SessionExpiredError):
            has_cause = self._lost_sessions > sessions
        elif error.outcome is Outcome.UNKNOWN:
            has_cause = self._lost_connections > connections
        else:
            has_cause = is_refusal(op)
            self._shown(op, self._find(op))
        if not has_cause:
            self._fail(f"{op} was told {error!r} without a cause")

    def _done(self, op: Op) -> Done | None:
        if op.token:
            return self._done_by_token.get(op.token)
        if op.kind != "delete":
            return None
        found = [self._done_by_cxid.get((session_id, op.cxid)) for session_id in self._sessions]
        return next((done for done in found if done is not None and op.path in done.paths), None)

    # States.

    def _take_state(self, at_s: float, new: Stated) -> None:
        old, self._state = self._state, new
        if old is not None:
            self._tally[f"to {new.state.name}"] += 1
            if new.state not in NEXT[old.state]:
                self._fail(f"{new.state.name} came after {old.state.name}")
            self._check_time(at_s, old, new)
        self._state_s = at_s
        self.watches.state(new.state)
        match new.state:
            case SessionState.CONNECTED:
                self._take_session(new.session_id)
            case SessionState.SUSPENDED:
                self._lost_connections += 1
            case SessionState.LOST:
                self._lost_sessions += 1
                self._check_loss(at_s)

    def _take_session(self, session_id: int) -> None:
        if session_id not in self._truth.sessions:
            self._fail(f"session {session_id:#x} is none of the server's")
        if session_id not in self._sessions:
            if self._sessions and self._lost_sessions == 0:
                self._fail("a new session came without the loss of the old one")
            self._sessions.append(session_id)
            self._answered_s = 0.0

    def _check_time(self, at_s: float, old: Stated, new: Stated) -> None:
        """The session is told lost by its deadline, and before the server can have ended it."""
        if old.state is SessionState.SUSPENDED and at_s - self._state_s > old.timeout_ms / 1000 + CLOCK_S:
            self._fail(f"it was SUSPENDED for {at_s - self._state_s:.3f} s")
        if old.state not in (SessionState.CONNECTED, SessionState.SUSPENDED):
            return
        session_id = self._sessions[-1]
        expired_ms = self._truth.expired_ms.get(session_id)
        if expired_ms is None or session_id in self._ended_sessions:
            return
        if at_s > (expired_ms - EPOCH_MS) / 1000 + CLOCK_S:
            self._fail(f"session {session_id:#x} had ended, and it was told {new.state.name} {at_s:.3f} s later")

    def _check_loss(self, at_s: float) -> None:
        session_id = self._sessions[-1]
        ended_ms = self._truth.closed_ms.get(session_id)
        is_ended = ended_ms is not None and at_s >= (ended_ms - EPOCH_MS) / 1000
        timeout_s = self._truth.sessions[session_id] / 1000
        if not is_ended and at_s < self._answered_s + timeout_s - CLOCK_S:
            self._fail(f"session {session_id:#x} was told lost at {at_s:.3f}, and was not")

    def at_the_end(self) -> None:
        open_ones = [str(op) for op in self._player.ops if not op.is_ended]
        if open_ones:
            self._fail(f"requests never ended: {open_ones}")
        told = [note.what.state for note in self._player.notes if isinstance(note.what, Stated)]
        if self._player.states != told[-len(self._player.states) :] or self._player.states[-1:] != told[-1:]:
            self._fail(f"the iterator of states gave {self._player.states}, and {told} were told")
        self._check_tokens()

    def _check_tokens(self) -> None:
        prefix = f"{self._player.name}-".encode()
        done = [
            (data, self._truth.states[one.zxid][path].czxid if one.kinds == (SET_DATA,) else 0)
            for one in self._truth.done
            for path, data in zip(one.paths, one.data, strict=True)
            if data.startswith(prefix)
        ]
        # A set of one version may be repeated; another znode of that path may have the version, too.
        twice = [what for what, count in Counter(done).items() if count > 1]
        if twice:
            self._fail(f"done twice: {twice}")


def judge_sessions(truth: Truth, all_notes: list[list[Note]]) -> None:
    """Every session was some client's, and all are over."""
    known = {note.what.session_id for notes in all_notes for note in notes if isinstance(note.what, Stated)}
    left = set(truth.sessions) - set(truth.closed_ms)
    if left & known:
        raise Violation(f"sessions are left: {left & known}")
    owners = {node.owner for node in truth.states[-1].values() if node.owner}
    if owners - (set(truth.sessions) - set(truth.closed_ms)):
        raise Violation(f"ephemerals outlived their sessions {owners}")


def judge_orphans(truth: Truth, player: Player, settled_zxid: int) -> None:
    """Of a protected creation there is one znode if it was acknowledged and none if it was given up.

    Closing the client stops what undoes it.
    """
    state = truth.states[settled_zxid]
    for op in player.ops:
        if op.kind != "protected":
            continue
        there = [
            path for path, node in state.items() if path.startswith(f"{ROOT}{PROTECTED}/") and node.data == op.token
        ]
        has_it = op.error is None and not op.is_cancelled
        if (
            len(there) > 1
            or (there and not has_it and not player.was_closed_early)
            or (has_it and not op.owner and not there)
        ):
            raise Violation(f"{op} ended with {op.error or op.result!r}, and {there} are there")
