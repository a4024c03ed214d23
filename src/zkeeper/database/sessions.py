"""Sessions that this server tracks: ids, passwords, deadlines.

1. A deadline is rounded up to a whole tick, so a session expires between its timeout and one tick more after it was
   last heard of, and sessions are looked at once a tick, a bucket at a time.
2. A session that is closing is not touched any more; whatever still arrives for it is dropped.
3. On a learner only local sessions have a deadline. Who was heard of of the others is noted for the leader, which alone
   lets them expire.
"""

from typing import Final, final

from mypy_extensions import i64

_SALT: Final = 0xB3415C00
_LCG_FACTOR: Final = 0x5DEECE66D
_MASK_48: Final = 0xFFFFFFFFFFFF
_FORBIDDEN_ID: Final = -0x8000000000000000
OWN: Final = 0
NO_OWNER: Final = -1
NO_DEADLINE: Final = -1
_UNSIGNED: Final = 0xFFFFFFFFFFFFFFFF


def session_password(session_id: int) -> bytes:
    """The 16 bytes that prove the right to a session; every server derives the same (wire, section 3.3)."""
    state = ((session_id ^ _SALT) ^ _LCG_FACTOR) & _MASK_48
    words: list[bytes] = []
    for _ in range(4):
        state = (state * _LCG_FACTOR + 0xB) & _MASK_48
        words.append(((state >> 16) & 0xFFFFFFFF).to_bytes(4, "little"))
    return b"".join(words)


def first_session_id(server_id: int, now_ms: int, last_zxid: int) -> int:
    """Server id in the top byte, then 40 bits of the clock, then 16 bits to count in; as a signed 64-bit number.

    Each session takes a zxid, so who counts from that of its history does not count again what it has counted before,
    even if its clock was set back and says the same as at an earlier start.
    """
    value = ((server_id & 0xFF) << 56) | ((now_ms & 0xFFFFFFFFFF) << 16) | (last_zxid & 0xFFFF)
    return value - (1 << 64) if value >> 63 else value


def following_session_id(session_id: int) -> int:
    following = session_id + 1
    return following + 1 if following == _FORBIDDEN_ID else following


def shown_session_id(session_id: int) -> str:
    """As people know it: hexadecimal, without a sign."""
    return f"0x{session_id & _UNSIGNED:x}"


@final
class Session:
    """`owner` is through whom the leader hears of it: `OWN` for its own connections, the number of a learner's
    connection, or `NO_OWNER` as long as nobody has spoken for it. `is_local` is one that no other server knows."""

    def __init__(self, session_id: i64, timeout_ms: i64) -> None:
        self.session_id: i64 = session_id
        self.timeout_ms: i64 = timeout_ms
        self.deadline_ms: i64 = NO_DEADLINE
        self.owner: i64 = OWN
        self.is_local = False
        self.closing = False


@final
class SessionTracker:
    """`now_ms` is a monotonic clock throughout."""

    def __init__(self, tick_ms: i64) -> None:
        self._tick_ms: i64 = tick_ms
        self.sessions: dict[int, Session] = {}
        self.buckets: dict[int, set[Session]] = {}
        self.touched: dict[int, int] | None = None

    def note_touched(self) -> None:
        """Rule 3: from now on this is a learner's tracker."""
        self.touched = {}

    def note(self, session_id: int, timeout_ms: int) -> None:
        """A session was heard of that is not this server's, but somebody's who has only this way to the leader."""
        assert self.touched is not None
        self.touched[session_id] = timeout_ms

    def take_touched(self) -> dict[int, int]:
        """The timeouts of the sessions that were heard of since the last call, by id."""
        touched = self.touched
        assert touched is not None
        self.touched = {}
        return touched

    def add(self, session_id: i64, timeout_ms: i64, now_ms: i64, is_local: bool = False) -> Session:
        """One that is known stays as local or global as it was."""
        session = self.sessions.get(session_id)
        if session is None:
            session = Session(session_id, timeout_ms)
            session.is_local = is_local
            self.sessions[session_id] = session
        session.timeout_ms = timeout_ms
        self.touch(session, now_ms)
        return session

    def touch(self, session: Session, now_ms: i64) -> bool:
        """Moves the deadline; False when the session is closing or gone."""
        if session.closing:
            return False
        if self.touched is not None and not session.is_local:
            self.touched[session.session_id] = session.timeout_ms
            return True
        deadline_ms = ((now_ms + session.timeout_ms) // self._tick_ms + 1) * self._tick_ms
        if deadline_ms != session.deadline_ms:
            self._leave_bucket(session)
            session.deadline_ms = deadline_ms
            bucket = self.buckets.get(deadline_ms)
            if bucket is None:
                self.buckets[deadline_ms] = {session}
            else:
                bucket.add(session)
        return True

    def _leave_bucket(self, session: Session) -> None:
        bucket = self.buckets.get(session.deadline_ms)
        if bucket is not None:
            bucket.discard(session)
            if not bucket:
                del self.buckets[session.deadline_ms]

    def upgrade(self, session: Session) -> None:
        """A local session is about to become known to all."""
        session.is_local = False
        if self.touched is not None:
            self._leave_bucket(session)
            session.deadline_ms = NO_DEADLINE

    def close(self, session: Session) -> None:
        """The session is about to end by a transaction."""
        session.closing = True
        self._leave_bucket(session)

    def remove(self, session_id: i64) -> None:
        session = self.sessions.pop(session_id, None)
        if session is not None:
            self.close(session)

    def expired(self, now_ms: i64) -> list[Session]:
        """The sessions whose deadline has passed, oldest first."""
        due: list[Session] = []
        for deadline_ms in sorted(deadline for deadline in self.buckets if deadline <= now_ms):
            due.extend(sorted(self.buckets[deadline_ms], key=_session_id))
        return due


def _session_id(session: Session) -> int:
    return session.session_id
