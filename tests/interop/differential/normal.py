"""A reply as bytes that two servers must share: times, session ids and unspecified orders taken out, all else kept.

1. A time becomes "set" (or stays 0); a time that is not now, or an mtime apart from ctime on a node never written
   since its creation, stays visible as such.
2. A session id becomes the session's symbol; a password becomes "right" when it is the one that goes with the id.
3. Children, ephemerals and credentials are sorted, for Java lists them in the order of a hash set; so are neighbouring
   digest entries of one ACL with equal permissions, for ``auth`` expands to the credentials in such an order.
What can not be read as the record that the request calls for is left as it is.
"""

import itertools
import time
from collections.abc import Callable

from . import codec
from .codec import Cursor, DecodeError

_STAT_BYTES = codec.STAT.size
_HEADER_BYTES = codec.REPLY_HEADER.size
ENDS_WITH_STAT = frozenset({
    codec.EXISTS, codec.GET_DATA, codec.SET_DATA, codec.GET_ACL, codec.SET_ACL, codec.GET_CHILDREN2, codec.CREATE2,
    codec.CREATE_CONTAINER, codec.CREATE_TTL,
})  # fmt: skip
_SYMBOLS_FROM = 0x5E55_0000_0000_0000
_TIME_SET, _TIME_WRONG, _TIME_APART = 1, 2, 3
_CLOCK_TOLERANCE_MS = 600_000


class Normaliser:
    """What one server's replies are compared as. It learns the server's session ids as sessions are created."""

    def __init__(self) -> None:
        self.session_ids: list[int] = []
        self._symbols: dict[int, int] = {}

    def reply(self, op: int, frame: bytes) -> bytes:
        """The comparable form of a reply to a request of type `op`."""
        if frame[12:16] != b"\x00\x00\x00\x00":
            return frame
        try:
            return frame[:_HEADER_BYTES] + self._body(op, frame[_HEADER_BYTES:])
        except DecodeError:
            return frame

    def connect(self, frame: bytes) -> bytes:
        """The comparable form of the answer to a connect request; a session not seen before gets the next symbol."""
        try:
            cursor = Cursor(frame)
            head = cursor.take(8)
            session_id = cursor.i64()
            password = cursor.buffer()
        except DecodeError:
            return frame
        rest = frame[cursor.position :]
        if session_id and session_id not in self._symbols:
            self._symbols[session_id] = len(self.session_ids)
            self.session_ids.append(session_id)
        right = bool(session_id) and password == codec.session_password(session_id)
        return head + codec.i64(self._owner(session_id)) + codec.buffer(b"right" if right else password) + rest

    def symbol(self, session_id: int) -> int | None:
        """The symbol of one of this server's sessions."""
        return self._symbols.get(session_id)

    def _owner(self, session_id: int) -> int:
        symbol = self._symbols.get(session_id)
        return session_id if symbol is None else _SYMBOLS_FROM + symbol

    def _body(self, op: int, body: bytes) -> bytes:
        if op in (codec.MULTI, codec.MULTI_READ):
            return self._results(Cursor(body))
        if op == codec.GET_CHILDREN or op == codec.GET_EPHEMERALS:
            return _whole(_sorted_texts, body)
        if op == codec.WHO_AM_I:
            return _whole(_sorted_credentials, body)
        if op not in ENDS_WITH_STAT or len(body) < _STAT_BYTES:
            return body
        head, stat = body[:-_STAT_BYTES], self._stat(body[-_STAT_BYTES:])
        if op == codec.GET_CHILDREN2:
            head = _whole(_sorted_texts, head)
        elif op == codec.GET_ACL:
            head = _whole(_sorted_acl, head)
        return head + stat

    def _stat(self, packed: bytes) -> bytes:
        czxid, mzxid, ctime, mtime, *versions, owner, length, children, pzxid = codec.STAT.unpack(packed)
        apart = mzxid == czxid and mtime != ctime
        mtime = _TIME_APART if apart else _time(mtime)
        owner = self._owner(owner)
        return codec.STAT.pack(czxid, mzxid, _time(ctime), mtime, *versions, owner, length, children, pzxid)

    def _results(self, cursor: Cursor) -> bytes:
        done = b""
        while not cursor.at_end():
            header = cursor.take(9)
            done += header + self._result(int.from_bytes(header[:4], "big", signed=True), header[4] != 0, cursor)
        return done

    def _result(self, op: int, last: bool, cursor: Cursor) -> bytes:
        if last or op in (codec.DELETE, codec.CHECK):
            return b""
        if op == -1:
            return cursor.take(4)
        if op == codec.GET_CHILDREN:
            return _sorted_texts(cursor)
        value = b"" if op == codec.SET_DATA else codec.buffer(cursor.buffer())
        return value if op == codec.CREATE else value + self._stat(cursor.take(_STAT_BYTES))


def _time(moment_ms: int) -> int:
    if moment_ms == 0:
        return 0
    return _TIME_SET if abs(time.time() * 1000 - moment_ms) < _CLOCK_TOLERANCE_MS else _TIME_WRONG


def _whole(part: Callable[[Cursor], bytes], body: bytes) -> bytes:
    """A part's comparable form, and whatever comes behind it as it is."""
    cursor = Cursor(body)
    return part(cursor) + body[cursor.position :]


def _sorted_texts(cursor: Cursor) -> bytes:
    names: list[codec.Text] | None = cursor.vector(cursor.buffer)
    return codec.texts(names and sorted(names, key=codec.text))


def _sorted_credentials(cursor: Cursor) -> bytes:
    pairs = cursor.vector(lambda: codec.buffer(cursor.buffer()) + codec.buffer(cursor.buffer()))
    return codec.vector(pairs and sorted(pairs))


def _sorted_acl(cursor: Cursor) -> bytes:
    entries: list[codec.AclEntry] | None = cursor.vector(lambda: (cursor.i32(), cursor.buffer(), cursor.buffer()))
    return codec.acl(entries and _sorted_digests(entries))


def _sorted_digests(entries: list[codec.AclEntry]) -> list[codec.AclEntry]:
    runs = itertools.groupby(entries, key=lambda entry: entry[:2])
    return [
        entry for (_, scheme), run in runs for entry in (sorted(run, key=_encoded_id) if scheme == b"digest" else run)
    ]


def _encoded_id(entry: codec.AclEntry) -> bytes:
    return codec.text(entry[2])
