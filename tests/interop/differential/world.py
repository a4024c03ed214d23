"""What the tester knows of the run so far, learnt from the left server's answers: it makes later requests meet.

Nothing here is trusted for a verdict; it only steers the generator towards nodes, versions and sessions that exist.
"""

from dataclasses import dataclass, field

from . import codec
from .steps import Connect, Request, Step

_MAX_SEQUENTIAL = 60
_HAS_STAT = frozenset({
    codec.EXISTS, codec.GET_DATA, codec.SET_DATA, codec.SET_ACL, codec.GET_ACL, codec.CREATE2, codec.GET_CHILDREN2,
})  # fmt: skip
_CREATES = frozenset({codec.CREATE, codec.CREATE2, codec.CREATE_CONTAINER, codec.CREATE_TTL})


@dataclass(slots=True)
class World:
    """Open connections and the sessions on them, sessions still alive, the last zxid, versions last seen."""

    slots: int
    attached: dict[int, int] = field(default_factory=dict)
    alive: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    zxid: int = 0
    versions: dict[str, tuple[int, int]] = field(default_factory=dict)
    sequential: list[str] = field(default_factory=list)

    def free_slots(self) -> list[int]:
        return [slot for slot in range(self.slots) if slot not in self.attached]

    def connected(self, slot: int, session: int) -> None:
        self.attached[slot] = session
        self.alive.add(session)

    def disconnected(self, slot: int) -> None:
        self.attached.pop(slot, None)

    def allows(self, step: Step) -> bool:
        """Whether a step fits the connections and sessions there are; in a shortened replay some do not."""
        if not isinstance(step, Connect):
            return step.slot in self.attached
        session = None if step.handshake is None else step.handshake.session
        return step.slot not in self.attached and (session is None or session in self.alive | self.closed)

    def session_closed(self, session: int) -> None:
        self.alive.discard(session)
        self.closed.add(session)

    def learn(self, request: Request, frame: bytes) -> None:
        """Take from one reply what later requests can use."""
        _, zxid, error = codec.REPLY_HEADER.unpack_from(frame)
        self.zxid = max(self.zxid, zxid)
        if error or request.path is None:
            return
        if request.op in _HAS_STAT and len(frame) >= 16 + codec.STAT.size:
            stat = codec.STAT.unpack(frame[-codec.STAT.size :])
            self.versions[request.path] = (stat[4], stat[6])
        if request.op in _CREATES:
            self._learn_name(request.path, codec.Cursor(frame, 16).buffer() or b"")
        elif request.op == codec.DELETE and request.path in self.sequential:
            self.sequential.remove(request.path)

    def has_many_names(self) -> bool:
        return len(self.sequential) > _MAX_SEQUENTIAL

    def _learn_name(self, asked: str, given: bytes) -> None:
        name = given.decode("utf-8", "replace")
        if name != asked:
            self.sequential.append(name)
