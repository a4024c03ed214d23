"""What the tester does, as data: a run is a list of steps, and a replay file is that list as JSON.

A session appears in a step only as a symbol (0 is the first session of the run), since its id and its password differ
from server to server; everything else is the very bytes that both servers get.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .codec import buffer, framed, i32, i64, op_name, session_password


@dataclass(frozen=True, slots=True)
class Request:
    """One request frame, with its meaning in words for whoever reads a difference."""

    op: int
    xid: int
    body: bytes
    words: str
    path: str | None = None

    def payload(self) -> bytes:
        return i32(self.xid) + i32(self.op) + self.body

    def __str__(self) -> str:
        return f"xid {self.xid} {op_name(self.op)} {self.words}"


@dataclass(frozen=True, slots=True)
class Burst:
    """Requests sent at once on one connection, in pieces that end at `cuts`.

    `ends`: the last request ends the connection. `settles`: what the burst caused on other connections is awaited at
    once; otherwise it is compared with what comes next on them.
    """

    slot: int
    requests: tuple[Request, ...]
    cuts: tuple[int, ...] = ()
    ends: bool = False
    settles: bool = True


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that are no request (a bad frame, half a header); they must end the connection."""

    slot: int
    data: bytes
    words: str


@dataclass(frozen=True, slots=True)
class Drop:
    """The client closes its connection without a word; the session lives on."""

    slot: int


@dataclass(frozen=True, slots=True)
class Handshake:
    """A connect request with the session as a symbol and the last zxid relative to the server's."""

    session: int | None = None
    session_id: int = 0
    password: str = "right"
    zxid_ahead: int | None = None
    timeout_ms: int = 900_000
    read_only: bytes = b"\x00"
    protocol_version: int = 0
    cut_at: int | None = None

    def payload(self, session_ids: Sequence[int], zxid: int) -> bytes:
        session_id = self.session_id if self.session is None else session_ids[self.session]
        last_seen = 0 if self.zxid_ahead is None else zxid + self.zxid_ahead
        head = i32(self.protocol_version) + i64(last_seen) + i32(self.timeout_ms) + i64(session_id)
        return (head + buffer(self._password(session_id)) + self.read_only)[: self.cut_at]

    def _password(self, session_id: int) -> bytes | None:
        if self.password == "right":
            return session_password(session_id) if session_id else bytes(16)
        return {"null": None, "empty": b"", "short": b"\x01" * 7, "long": b"\x01" * 17}.get(self.password, b"\x01" * 16)


@dataclass(frozen=True, slots=True)
class Connect:
    """A new connection: a handshake with requests right behind it, or raw bytes in the place of both."""

    slot: int
    handshake: Handshake | None
    early: tuple[Request, ...] = ()
    raw: bytes = b""

    def data(self, session_ids: Sequence[int], zxid: int) -> bytes:
        if self.handshake is None:
            return self.raw
        first = framed(self.handshake.payload(session_ids, zxid))
        return first + b"".join(framed(request.payload()) for request in self.early)


Step = Burst | Raw | Drop | Connect


def to_json(step: Step) -> dict[str, Any]:
    """A step as JSON values, for a replay file."""
    plain: dict[str, Any] = {"step": type(step).__name__, "slot": step.slot}
    if isinstance(step, Burst):
        plain |= {"requests": [_request_json(r) for r in step.requests], "cuts": list(step.cuts)}
        plain |= {"ends": step.ends, "settles": step.settles}
    elif isinstance(step, Raw):
        plain |= {"data": step.data.hex(), "words": step.words}
    elif isinstance(step, Connect):
        plain |= {"early": [_request_json(r) for r in step.early], "raw": step.raw.hex(), "handshake": None}
        if step.handshake is not None:
            fields = {name: getattr(step.handshake, name) for name in Handshake.__slots__}
            plain["handshake"] = fields | {"read_only": step.handshake.read_only.hex()}
    return plain


def from_json(plain: dict[str, Any]) -> Step:
    """The step that `to_json` wrote."""
    slot = plain["slot"]
    if plain["step"] == "Burst":
        requests = tuple(map(_request_from_json, plain["requests"]))
        return Burst(slot, requests, tuple(plain["cuts"]), plain["ends"], plain["settles"])
    if plain["step"] == "Raw":
        return Raw(slot, bytes.fromhex(plain["data"]), plain["words"])
    if plain["step"] == "Drop":
        return Drop(slot)
    fields = plain["handshake"]
    if fields is not None:
        fields = fields | {"read_only": bytes.fromhex(fields["read_only"])}
    handshake = None if fields is None else Handshake(**fields)
    return Connect(slot, handshake, tuple(map(_request_from_json, plain["early"])), bytes.fromhex(plain["raw"]))


def _request_json(request: Request) -> list[Any]:
    return [request.op, request.xid, request.body.hex(), request.words, request.path]


def _request_from_json(plain: list[Any]) -> Request:
    op, xid, body, words, path = plain
    return Request(op, xid, bytes.fromhex(body), words, path)


def request_count(step: Step) -> int:
    """How many requests a step counts for: what is sent in it, handshakes and bad frames included."""
    if isinstance(step, Burst):
        return len(step.requests)
    return 1 + len(step.early) if isinstance(step, Connect) else int(isinstance(step, Raw))


def describe(step: Step) -> list[str]:
    """A step in lines to read."""
    if isinstance(step, Burst):
        lines = [f"  {request}\n      {framed(request.payload())[:400].hex()}" for request in step.requests]
        return [f"burst on connection {step.slot}, pieces end at {list(step.cuts)}", *lines]
    if isinstance(step, Raw):
        return [f"raw bytes on connection {step.slot}: {step.words}: {step.data[:200].hex()}"]
    if isinstance(step, Connect):
        what = step.handshake or f"raw bytes {step.raw[:200].hex()}"
        return [f"connection {step.slot} opens: {what}", *(f"  {request}" for request in step.early)]
    return [f"connection {step.slot} is dropped"]
