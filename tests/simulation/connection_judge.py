"""Judges what one connection was told, by the states after all transactions that lasted.

1. A reply to a write carries the zxid and the answer that the model has for it; none that was acknowledged is missing.
2. A read shows exactly the state after the zxid in its reply.
3. Zxids never go back.
4. A watch is told of the first transaction that fires it, before any reply that shows it, and of nothing else.
"""

from bisect import bisect_right
from collections.abc import Mapping

from .history import Violation
from .model import NO_NODE, OK, Answer, Nodes, read
from .raw_client import Event, RawClient, Reply, Sent
from .replay import Table
from .requests import Exists, GetChildren, Read

COUNTER_MASK = 0xFFFFFFFF


class States:
    """The znodes after each transaction. An epoch begins at a zxid of its own, where nothing has changed yet."""

    def __init__(self, first: Nodes) -> None:
        self._zxids = [0]
        self._nodes = [first]

    def add(self, zxid: int, nodes: Nodes) -> None:
        self._zxids.append(zxid)
        self._nodes.append(nodes)

    def at(self, zxid: int) -> Nodes | None:
        """None where no transaction with that zxid has lasted."""
        at = bisect_right(self._zxids, zxid) - 1
        is_there = at >= 0 and (self._zxids[at] == zxid or zxid & COUNTER_MASK == 0)
        return self._nodes[at] if is_there else None


class ConnectionJudge:
    """`answers` has, by zxid, the request and the model's answer; `fired` the zxids and kinds of what fires watches."""

    def __init__(
        self, states: States, answers: Mapping[int, tuple[Sent, Answer]], fired: Mapping[Table, list[tuple[int, int]]]
    ) -> None:
        self._states = states
        self._answers = answers
        self._fired = fired

    def check(self, client: RawClient, last_zxid: int = 0) -> int:
        """Raises `Violation`. `last_zxid` is what the session had seen before; returns what it has seen then."""
        watches: dict[Table, tuple[int, int] | None] = {}
        for frame in client.frames:
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
        return last_zxid

    def _check_reply(self, reply: Reply) -> None:
        sent = reply.sent
        if not sent.request.is_write:
            state = self._states.at(reply.zxid)
            if state is None:
                raise Violation(f"the reply to {sent} shows zxid {reply.zxid}, which did not last")
            expected = read(state, sent.session_id, sent.request)
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
        fired = self._fired.get(table, [])
        at = bisect_right(fired, (zxid, 1 << 31))
        return fired[at] if at < len(fired) else None

    def _check_event(self, event: Event, watches: dict[Table, tuple[int, int] | None]) -> None:
        expected = [table for table in ((False, event.path), (True, event.path))
                    if watches.get(table) == (event.zxid, event.kind)]  # fmt: skip
        if not expected:
            raise Violation(f"{event} was told to a connection that did not wait for it; it has {watches}")
        for table in expected:
            del watches[table]
