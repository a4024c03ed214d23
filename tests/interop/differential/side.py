"""One of the two servers: its connections, and what came back on them as items that can be compared."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from . import codec
from .connection import Closed, Connection, Silent
from .normal import Normaliser
from .steps import Connect, Drop, Raw, Request, Step

BARRIER = Request(codec.PING, -2, b"", "(barrier)")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a connection showed: a reply, an event, a handshake's answer, raw text, a close, or silence.

    `refused` is a server that takes no connections any more; it is never what should be.
    """

    kind: str
    shown: bytes = b""
    raw: bytes = b""
    request: Request | None = None


Trace = dict[int, list[Item]]


class Side:
    """Sends one step at a time to one server and gathers all that it caused, on every connection.

    A step ends with a ping on its own connection: when that is answered, all that the step caused has been queued.
    When pings on the other connections are answered, it has arrived there.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.normaliser = Normaliser()
        self._address = address
        self._connections: dict[int, Connection] = {}

    def send(self, step: Step, zxid: int) -> None:
        """Put a step on the wire; `zxid` is the last one both servers are known to have applied."""
        if isinstance(step, Connect):
            self._open(step, zxid)
        elif isinstance(step, Drop):
            self._connections.pop(step.slot).close()
        elif isinstance(step, Raw):
            self._connections[step.slot].send(step.data)
        else:
            requests = step.requests if step.ends else (*step.requests, BARRIER)
            data = b"".join(codec.framed(request.payload()) for request in requests)
            self._connections[step.slot].send(data, step.cuts)

    def answer(self, step: Step) -> list[Item]:
        """All that the step's own connection shows."""
        if isinstance(step, Drop):
            return []
        if step.slot not in self._connections:
            return [Item("refused")]
        if isinstance(step, Connect):
            return self._handshake(step)
        if isinstance(step, Raw):
            return self._until_closed(step.slot, ())
        if step.ends:
            return self._until_closed(step.slot, step.requests)
        return self._replies(step.slot, (*step.requests, BARRIER))

    def ping_others(self, slot: int | None) -> None:
        ping = codec.framed(BARRIER.payload())
        for other in self._connections.keys() - {slot}:
            self._connections[other].send(ping)

    def answers_of_others(self, slot: int | None) -> Trace:
        return {other: self._replies(other, (BARRIER,)) for other in sorted(self._connections.keys() - {slot})}

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _open(self, step: Connect, zxid: int) -> None:
        try:
            connection = Connection(self._address)
        except OSError:
            return
        self._connections[step.slot] = connection
        connection.send(step.data(self.normaliser.session_ids, zxid))

    def _handshake(self, step: Connect) -> list[Item]:
        connection = self._connections[step.slot]
        if step.handshake is None:
            return self._text(step.slot)
        try:
            frame = connection.frame()
        except (Closed, Silent) as end:
            return [self._end(step.slot, end)]
        answer = Item("handshake", self.normaliser.connect(frame), frame)
        if frame[4:8] == b"\x00\x00\x00\x00":
            return [answer, *self._until_closed(step.slot, ())]
        connection.send(codec.framed(BARRIER.payload()))
        return [answer, *self._replies(step.slot, (*step.early, BARRIER))]

    def _text(self, slot: int) -> list[Item]:
        try:
            data = self._connections[slot].rest()
        except Silent as end:
            return [self._end(slot, end)]
        return [Item("text", data, data), self._end(slot, Closed())]

    def _replies(self, slot: int, requests: Sequence[Request]) -> list[Item]:
        """Frames until each request has its reply."""
        pending, items = deque(requests), list[Item]()
        try:
            while pending:
                items.append(self._item(slot, pending))
        except (Closed, Silent) as end:
            items.append(self._end(slot, end))
        return items

    def _until_closed(self, slot: int, requests: Sequence[Request]) -> list[Item]:
        pending, items = deque(requests), list[Item]()
        try:
            while True:
                items.append(self._item(slot, pending))
        except (Closed, Silent) as end:
            return [*items, self._end(slot, end)]

    def _item(self, slot: int, pending: deque[Request]) -> Item:
        frame = self._connections[slot].frame()
        if codec.is_event(frame):
            return Item("event", frame, frame)
        if not pending or len(frame) < codec.REPLY_HEADER.size:
            return Item("unasked", frame, frame)
        request = pending.popleft()
        return Item("reply", self.normaliser.reply(request.op, frame), frame, request)

    def _end(self, slot: int, end: Closed | Silent) -> Item:
        self._connections.pop(slot).close()
        return Item("closed" if isinstance(end, Closed) else "silent")
